// SPDX-License-Identifier: GPL-2.0-only
/* What the flavors promise, checked at each step of the life of an object. */
#include "heap.h"

#define HDR		8	/* in front of what an allocation returns */
#define EDGE		64	/* of a large object only the ends are looked at */
#define REST_NS		(3 * HZ * NSEC_PER_MSEC)

/* Kept in slab_meta.owner of an object that was handed out once. */
struct object {
	unsigned long known;
	enum { LIVE = 1, FREED, RAW_FREED } state;
	unsigned int flags;
	unsigned long size;
	unsigned long freed_at;		/* sim.seq when the free began */
	bool rcu;			/* freed by *_free_rcu() */
	u8 pattern;
};

_Static_assert(sizeof(struct object) <= sizeof(((struct slab_meta *)0)->owner),
	       "no room for the state of an object");

static struct object *object_of(void *ptr)
{
	return (struct object *)slab_meta((char *)ptr - HDR)->owner;
}

/* ---- payload: freed objects stay as they were left ---- */

static u8 next_pattern(void)
{
	static u8 pattern;

	/* Neither the zeroes of a fresh object nor poison. */
	pattern = pattern % 63 + 1;
	return pattern;
}

static void check_bytes(const char *what, const u8 *bytes, size_t n, u8 expect)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (bytes[i] != expect)
			shim_fail("%s: byte %zu is %#x, not %#x", what, i, bytes[i],
				  expect);
}

static void check_area(const char *what, const void *area, size_t size, u8 expect)
{
	size_t edge = min_t(size_t, size, EDGE);

	check_bytes(what, area, edge, expect);
	check_bytes(what, (const u8 *)area + size - edge, edge, expect);
}

static void fill_area(void *area, size_t size, u8 pattern)
{
	size_t edge = min_t(size_t, size, EDGE);

	memset(area, pattern, edge);
	memset((char *)area + size - edge, pattern, edge);
}

/* A per-CPU object is a slot with a pointer to one area per CPU. */
static void check_payload(const char *what, const struct object *object, void *ptr,
			  u8 expect)
{
	int cpu;

	if (!(object->flags & BPF_MA_PERCPU)) {
		check_area(what, ptr, object->size, expect);
		return;
	}
	for_each_possible_cpu(cpu)
		check_area(what, per_cpu_ptr(*(void **)ptr, cpu), object->size, expect);
}

static void fill_payload(const struct object *object, void *ptr)
{
	int cpu;

	if (!(object->flags & BPF_MA_PERCPU)) {
		fill_area(ptr, object->size, object->pattern);
		return;
	}
	for_each_possible_cpu(cpu)
		fill_area(per_cpu_ptr(*(void **)ptr, cpu), object->size,
			  object->pattern);
}

/* ---- allocations ---- */

static bool waits_for_rcu(const struct object *object)
{
	return object->rcu || object->flags & (BPF_MA_REUSE_AFTER_RCU_GP |
					       BPF_MA_FREE_AFTER_RCU_GP);
}

static void check_reuse(struct heap *heap, struct object *object, void *ptr)
{
	heap->reused++;
	if (object->state != FREED)
		shim_fail("object handed out that was not freed");
	if (object->flags != heap->flags)
		shim_fail("object handed out by an allocator that it is not from");
	if (object->flags & BPF_MA_FREE_AFTER_RCU_GP)
		shim_fail("object handed out again under free-after-rcu-gp");
	if (waits_for_rcu(object) && rcu_oldest_reader() < object->freed_at)
		shim_fail("object handed out again under an older RCU reader");
	check_payload("payload of a reused object", object, ptr, object->pattern);
}

static void *handed_out(struct heap *heap, size_t size, void *ptr)
{
	struct object *object;

	if ((uintptr_t)ptr % 8)
		shim_fail("object is not aligned");
	object = object_of(ptr);
	if (object->known) {
		check_reuse(heap, object, ptr);
	} else {
		*object = (struct object){
			.known = 1, .flags = heap->flags, .size = size };
		check_payload("fresh object", object, ptr, 0);
	}
	object->state = LIVE;
	object->size = size;
	object->pattern = next_pattern();
	fill_payload(object, ptr);
	heap->live++;
	return ptr;
}

int heap_init(struct heap *heap, int size, unsigned int flags)
{
	*heap = (struct heap){ .flags = flags, .size = size };
	return bpf_mem_alloc_init(&heap->ma, size, flags);
}

void *heap_alloc(struct heap *heap, size_t size)
{
	const struct sim_cpu *cpu = sim_this_cpu();
	bool plain = !cpu->irqs_off && !cpu->nmi && !sim.cfg.rt;
	unsigned long nmis = sim.nmis;
	struct ctx *ctx = sim.current;
	void *ptr;

	ctx->fast_path = true;
	if (heap->size) {
		size = heap->size;
		ptr = bpf_mem_cache_alloc(&heap->ma);
	} else {
		ptr = bpf_mem_alloc(&heap->ma, size);
	}
	ctx->fast_path = false;
	sim_log(ptr ? "alloc %#lx" : "alloc: none", (unsigned long)ptr);
	if (ptr)
		return handed_out(heap, size, ptr);
	heap->refused++;
	/* An NMI in between may have taken all there is without an interrupt. */
	if (plain && nmis == sim.nmis && !slab.failed)
		shim_fail("no object for a task with interrupts on, and slab never failed");
	return NULL;
}

void *heap_alloc_flags(struct heap *heap, gfp_t gfp)
{
	void *ptr = bpf_mem_cache_alloc_flags(&heap->ma, gfp);

	sim_log(ptr ? "alloc_flags %#lx" : "alloc_flags: none", (unsigned long)ptr);
	return ptr ? handed_out(heap, heap->size, ptr) : NULL;
}

/* ---- frees ---- */

static struct object *let_go(struct heap *heap, void *ptr)
{
	struct object *object = object_of(ptr);

	if (object->state != LIVE)
		shim_fail("the test frees an object twice");
	check_payload("payload of a live object", object, ptr, object->pattern);
	object->state = FREED;
	object->freed_at = ++sim.seq;
	object->rcu = false;
	heap->live--;
	return object;
}

void heap_free(struct heap *heap, void *ptr)
{
	struct ctx *ctx = sim.current;

	let_go(heap, ptr);
	sim_log("free %#lx", (unsigned long)ptr);
	ctx->fast_path = true;
	if (heap->size)
		bpf_mem_cache_free(&heap->ma, ptr);
	else
		bpf_mem_free(&heap->ma, ptr);
	ctx->fast_path = false;
}

void heap_free_rcu(struct heap *heap, void *ptr)
{
	struct ctx *ctx = sim.current;

	let_go(heap, ptr)->rcu = true;
	sim_log("free_rcu %#lx", (unsigned long)ptr);
	ctx->fast_path = true;
	if (heap->size)
		bpf_mem_cache_free_rcu(&heap->ma, ptr);
	else
		bpf_mem_free_rcu(&heap->ma, ptr);
	ctx->fast_path = false;
}

/* The allocator may be destroyed, and @heap gone. */
void heap_raw_free(struct heap *heap, void *ptr)
{
	struct object *object = object_of(ptr);

	if (object->state != LIVE)
		shim_fail("the test frees an object twice");
	object->state = RAW_FREED;
	if (heap)
		heap->live--;
	sim_log("raw_free %#lx", (unsigned long)ptr);
	bpf_mem_cache_raw_free(ptr);
}

void heap_check_kfree(struct slab_meta *meta, const void *ptr)
{
	const struct object *object = (const struct object *)meta->owner;

	sim_log("to slab: %#lx", (unsigned long)ptr + HDR);
	if (object->state == LIVE)
		shim_fail("live object given to slab");
	if (object->state == RAW_FREED)
		return;
	if (rcu_oldest_reader() < object->freed_at)
		shim_fail("object given to slab under an older RCU reader");
	if (!(object->flags & BPF_MA_FREE_AFTER_RCU_GP) &&
	    rcu_oldest_trace_reader() < object->freed_at)
		shim_fail("object given to slab under an older tasks-trace reader");
	if (!(object->flags & BPF_MA_PERCPU))
		check_area("payload of an object that goes to slab",
			   (const char *)ptr + HDR, object->size, object->pattern);
}

/* ---- the allocator as a whole ---- */

void heap_destroy(struct heap *heap)
{
	sim_log("destroy, %lu live", heap->live);
	bpf_mem_alloc_destroy(&heap->ma);
}

struct bpf_mem_alloc_stats heap_stats(struct heap *heap)
{
	struct bpf_mem_alloc_stats stats;

	bpf_mem_alloc_read_stats(&heap->ma, &stats);
	return stats;
}

struct bpf_mem_alloc_totals heap_totals(void)
{
	struct bpf_mem_alloc_totals totals;

	bpf_mem_alloc_read_totals(&totals);
	return totals;
}

/* The low watermark, and the reserve for nested allocations. */
static u64 class_rest(size_t unit_size, bool percpu)
{
	u64 low = percpu ? 1 : unit_size <= 256 ? 32 :
		  max(32 * 256 / unit_size, (size_t)1);

	return low + min(low / 4 + 1, (u64)8);
}

u64 heap_rest(const struct heap *heap, int cpus)
{
	static const u16 classes[] = {
		16, 32, 64, 96, 128, 192, 256, 512, 1024, 2048, 4096,
	};
	bool percpu = heap->flags & BPF_MA_PERCPU;
	u64 rest = 0;
	size_t i;

	if (heap->size)
		return cpus * class_rest(heap->size + HDR, percpu);
	for (i = 0; i < ARRAY_SIZE(classes); i++)
		rest += cpus * class_rest(classes[i], percpu);
	return rest;
}

long heap_overhead(struct heap *heap)
{
	struct bpf_mem_alloc_stats stats = heap_stats(heap);
	long objects = stats.slab_taken - stats.slab_returned;

	/* A per-CPU object is a slot and the areas. */
	return slab.live - (heap->flags & BPF_MA_PERCPU ? 2 : 1) * objects;
}

void heap_idle(void)
{
	sim_sleep(REST_NS);
}

/* Drained to the low watermarks, and asks for nothing from then on. */
void heap_check_at_rest(struct heap *heap)
{
	struct bpf_mem_alloc_stats stats;
	unsigned long gps, items;

	heap_idle();
	stats = heap_stats(heap);
	if (stats.wait_rcu || stats.wait_trace || stats.dead)
		shim_fail("after 3 s %llu objects wait for RCU, %llu for trace, %llu are dead",
			  stats.wait_rcu, stats.wait_trace, stats.dead);
	if (stats.free > heap_rest(heap, shim_nr_cpus))
		shim_fail("after 3 s %llu objects are free, %llu are enough",
			  stats.free, heap_rest(heap, shim_nr_cpus));
	if (stats.slab_taken - stats.slab_returned != stats.free + heap->live)
		shim_fail("%llu objects are out of slab, %llu free, %ld live",
			  stats.slab_taken - stats.slab_returned, stats.free, heap->live);
	/* The allocator and its caches. */
	if (heap_totals().allocators == 1 && heap_overhead(heap) > 2)
		shim_fail("%ld magazines are out of slab", heap_overhead(heap) - 2);

	gps = rcu_gps_asked_for();
	items = work_items_run();
	sim_sleep(20 * HZ * NSEC_PER_MSEC);
	if (rcu_gps_asked_for() != gps || work_items_run() != items || work_is_pending())
		shim_fail("an allocator at rest asks for grace periods or work");
}

void heap_check_all_gone(void)
{
	struct bpf_mem_alloc_totals totals;

	heap_idle();
	totals = heap_totals();
	if (totals.allocators)
		shim_fail("%llu allocators are left after 3 s, %llu objects of theirs",
			  totals.allocators, totals.slab_taken - totals.slab_returned);
	if (totals.slab_taken != totals.slab_returned)
		shim_fail("%llu objects taken from slab, %llu returned",
			  totals.slab_taken, totals.slab_returned);
	slab_flush();
	if (slab.live)
		shim_fail("%ld allocations are left", slab.live);
	if (work_is_pending() || !rcu_is_idle())
		shim_fail("work or a grace period is asked for, and no allocator is left");
}
