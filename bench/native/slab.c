// SPDX-License-Identifier: GPL-2.0-only
/*
 * kmalloc() as far as caches see it: the kernel's sizes and alignment, no header at
 * the object, and objects that come from one page after the other, in any order
 * within a page.  Each CPU takes from a page of its own, as it does from SLUB: with
 * objects of two CPUs in one page, what is prefetched for one is taken from the other.
 * What was freed goes back to the list of its page, or the order would get worse from
 * row to row.
 */
#include <stdlib.h>

#include "threads.h"

#define SPAN		(64UL << 10)
#define PAGE		(4UL << 10)
#define SMALL		512UL	/* these have pages, others share a span */
#define BIG		(16UL << 10)

struct free_obj {
	struct free_obj *next;
};

struct page {
	struct list_head partial;	/* empty: it is full, or somebody's */
	struct free_obj *free;
	bool taken_from;		/* it is one of the class's current */
};

/* SPAN bytes that are aligned to that many; the first PAGE is this. */
struct span {
	struct size_class *class;	/* NULL: one large allocation */
	struct page pages[SPAN / PAGE];
};

static struct size_class {
	size_t size;
	raw_spinlock_t lock;
	struct list_head partial;
	struct page *current[SHIM_CPUS_MAX + 1];	/* the last of who is no CPU */
} ____cacheline_aligned classes[] = {
	{ 8 }, { 16 }, { 32 }, { 64 }, { 96 }, { 128 }, { 192 }, { 256 }, { 512 },
	{ 1024 }, { 2048 }, { 4096 }, { 8192 }, { BIG },
};

static struct span *span_new(size_t size)
{
	struct span *span = aligned_alloc(SPAN, (size + SPAN - 1) / SPAN * SPAN);

	if (!span)
		shim_fail("the host is out of memory");
	return span;
}

/* Puts the objects of @size in @mem on the list of @page, shuffled. */
static void page_fill(struct page *page, char *mem, size_t bytes, size_t size)
{
	static unsigned int seed = 1;
	unsigned short order[PAGE / 8];
	unsigned int i, k, n = bytes / size;

	for (i = 0; i < n; i++) {
		seed = seed * 1103515245 + 12345;
		k = (seed >> 8) % (i + 1);
		order[i] = order[k];
		order[k] = i;
	}
	page->free = NULL;
	page->taken_from = false;
	for (i = 0; i < n; i++) {
		struct free_obj *obj = (void *)(mem + order[i] * size);

		obj->next = page->free;
		page->free = obj;
	}
}

static void class_grow(struct size_class *class)
{
	size_t at, bytes = class->size <= SMALL ? PAGE : SPAN - PAGE;
	struct span *span = span_new(SPAN);
	struct page *page = span->pages;

	span->class = class;
	for (at = PAGE; at + bytes <= SPAN; at += bytes, page++) {
		page_fill(page, (char *)span + at, bytes, class->size);
		list_add_tail(&page->partial, &class->partial);
	}
}

static struct page *class_next_page(struct size_class *class)
{
	struct page *page;

	if (!class->partial.next)
		INIT_LIST_HEAD(&class->partial);
	if (list_empty(&class->partial))
		class_grow(class);
	page = list_entry(class->partial.next, struct page, partial);
	list_del_init(&page->partial);
	page->taken_from = true;
	return page;
}

static void *class_take(struct size_class *class)
{
	int cpu = shim_this_cpu();
	struct page **current = &class->current[cpu < 0 ? SHIM_CPUS_MAX : cpu];
	struct free_obj *obj;

	if (!*current || !(*current)->free) {
		if (*current)
			(*current)->taken_from = false;
		*current = class_next_page(class);
	}
	obj = (*current)->free;
	(*current)->free = obj->next;
	return obj;
}

void *kmalloc_node(size_t size, gfp_t gfp, int node)
{
	struct size_class *class = classes;
	unsigned long flags;
	void *obj;

	if (size > BIG) {
		struct span *span = span_new(PAGE + size);

		span->class = NULL;
		obj = (char *)span + PAGE;
	} else {
		while (class->size < size)
			class++;
		raw_spin_lock_irqsave(&class->lock, flags);
		obj = class_take(class);
		raw_spin_unlock_irqrestore(&class->lock, flags);
	}
	if (gfp & __GFP_ZERO)
		memset(obj, 0, size);
	return obj;
}

void *kzalloc(size_t size, gfp_t gfp)
{
	return kmalloc_node(size, gfp | __GFP_ZERO, NUMA_NO_NODE);
}

static void class_give(struct size_class *class, struct page *page, struct free_obj *obj)
{
	if (!page->taken_from && list_empty(&page->partial))
		list_add_tail(&page->partial, &class->partial);
	obj->next = page->free;
	page->free = obj;
}

void kfree(const void *ptr)
{
	unsigned long at = (unsigned long)ptr & (SPAN - 1);
	struct span *span = (void *)((unsigned long)ptr - at);
	struct size_class *class;
	unsigned long flags;

	if (!ptr)
		return;
	class = span->class;
	if (!class) {
		free(span);
		return;
	}
	raw_spin_lock_irqsave(&class->lock, flags);
	class_give(class, &span->pages[class->size <= SMALL ? at / PAGE - 1 : 0],
		   (void *)ptr);
	raw_spin_unlock_irqrestore(&class->lock, flags);
}

struct mem_cgroup **shim_active_memcg(void)
{
	static __thread struct mem_cgroup *active;

	return &active;
}
