// SPDX-License-Identifier: GPL-2.0-only
/*
 * The slab of the shim: malloc() with a header that is checked, counters,
 * failures on demand, and a quarantine in which freed memory stays poisoned for
 * a while.
 */
#include <stdlib.h>

#include "../shim.h"
#include "fail.h"

#ifdef SHIM_ASAN
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, n)		((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n)	((void)(p), (void)(n))
#endif

#define MAGIC_LIVE	0x51ab51abu
#define MAGIC_FREE	0xdeadf4eeu
#define POISON_FREE	0x6b
#define POISON_FRESH	0x5a	/* of memory that nobody asked to be zeroed */
#define QUARANTINE	256

struct slab_state slab;

static struct slab_meta *quarantine[QUARANTINE];
static unsigned int quarantine_next;

struct slab_meta *slab_meta(const void *ptr)
{
	return (struct slab_meta *)((char *)ptr - sizeof(struct slab_meta));
}

static void *meta_to_ptr(struct slab_meta *meta)
{
	return (char *)meta + sizeof(*meta);
}

static bool call_fails(void)
{
	long call = __atomic_add_fetch(&slab.calls, 1, __ATOMIC_RELAXED);

	if ((call >= slab.fail_from && call <= slab.fail_to) || shim_alloc_fails()) {
		__atomic_add_fetch(&slab.failed, 1, __ATOMIC_RELAXED);
		return true;
	}
	return false;
}

static void *allocate(size_t size, gfp_t gfp, int node)
{
	struct slab_meta *meta;
	void *ptr;

	shim_check_alloc(gfp);
	if (call_fails())
		return NULL;
	meta = aligned_alloc(64, (sizeof(*meta) + size + 63) / 64 * 64);
	if (!meta)
		shim_fail("the host is out of memory");
	*meta = (struct slab_meta){
		.magic = MAGIC_LIVE, .gfp = gfp, .size = size, .node = node,
	};
	if (gfp & __GFP_ACCOUNT)
		meta->memcg = *shim_active_memcg();
	if (meta->memcg)
		__atomic_add_fetch(&meta->memcg->charged, size, __ATOMIC_RELAXED);
	ptr = meta_to_ptr(meta);
	memset(ptr, gfp & __GFP_ZERO ? 0 : POISON_FRESH, size);
	__atomic_add_fetch(&slab.live, 1, __ATOMIC_RELAXED);
	return ptr;
}

void *kmalloc_node(size_t size, gfp_t gfp, int node)
{
	void *ptr;

	shim_slab_enter();
	ptr = allocate(size, gfp, node);
	shim_slab_leave();
	return ptr;
}

void *kzalloc(size_t size, gfp_t gfp)
{
	return kmalloc_node(size, gfp | __GFP_ZERO, NUMA_NO_NODE);
}

static void quarantine_leave(struct slab_meta *meta)
{
	const u8 *byte = meta_to_ptr(meta);
	size_t i;

	ASAN_UNPOISON_MEMORY_REGION(byte, meta->size);
	for (i = 0; i < meta->size; i++)
		if (byte[i] != POISON_FREE)
			shim_fail("slab: memory of %zu bytes written at %zu after kfree()",
				  meta->size, i);
	if (meta->magic != MAGIC_FREE)
		shim_fail("slab: header written after kfree()");
	free(meta);
}

/* Threads leave it to the sanitizer, which has a quarantine of its own. */
static void quarantine_enter(struct slab_meta *meta)
{
	struct slab_meta **slot = &quarantine[quarantine_next++ % QUARANTINE];

	memset(meta_to_ptr(meta), POISON_FREE, meta->size);
	ASAN_POISON_MEMORY_REGION(meta_to_ptr(meta), meta->size);
	if (*slot)
		quarantine_leave(*slot);
	*slot = meta;
}

void slab_flush(void)
{
	unsigned int i;

	for (i = 0; i < QUARANTINE; i++) {
		if (quarantine[i])
			quarantine_leave(quarantine[i]);
		quarantine[i] = NULL;
	}
}

static void release(const void *ptr)
{
	struct slab_meta *meta = slab_meta(ptr);

	if (meta->magic != MAGIC_LIVE)
		shim_fail("slab: kfree() of what is %s",
			  meta->magic == MAGIC_FREE ? "free already" : "no allocation");
	shim_check_kfree(meta, ptr);
	if (meta->memcg)
		__atomic_sub_fetch(&meta->memcg->charged, meta->size, __ATOMIC_RELAXED);
	meta->magic = MAGIC_FREE;
	__atomic_sub_fetch(&slab.live, 1, __ATOMIC_RELAXED);
	if (shim_single_threaded)
		quarantine_enter(meta);
	else
		free(meta);
}

void kfree(const void *ptr)
{
	if (!ptr)
		return;
	shim_slab_enter();
	release(ptr);
	shim_slab_leave();
}
