/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory allocator for BPF programs: any context may allocate and free.
 *
 * The names and signatures are the kernel's own, so that existing callers
 * compile unchanged; what is added are the flavors (enum bpf_mem_alloc_flags)
 * and the statistics.
 *
 * See memalloc.c for the life cycle of an object in each flavor.
 */
#ifndef _BPF_MEM_ALLOC_FLAVORED_H
#define _BPF_MEM_ALLOC_FLAVORED_H

#include <linux/compiler_types.h>
#include <linux/types.h>

struct bpf_ma_pool;
struct bpf_mem_cache;
struct obj_cgroup;

/**
 * enum bpf_mem_alloc_flags - what bpf_mem_alloc_init() is asked for
 * @BPF_MA_PERCPU: objects are per-CPU; an allocation returns the address of
 *	a slot that holds the __percpu pointer. Bit 0, so that the ``true`` and
 *	``false`` of callers that pass ``bool percpu`` keep their meaning.
 * @BPF_MA_REUSE_AFTER_RCU_GP: a freed object is handed out again only after an
 *	RCU grace period that began after the free, and goes back to slab
 *	only after a further RCU-tasks-trace grace period, during which it can
 *	still be handed out.
 * @BPF_MA_FREE_AFTER_RCU_GP: a freed object is never handed out again; it goes
 *	back to slab after an RCU grace period. Sleepable programs must hold
 *	bpf_rcu_read_lock() around such objects.
 *
 * The two flavors exclude each other. With neither, a freed object may be
 * handed out at once.
 */
enum bpf_mem_alloc_flags {
	BPF_MA_PERCPU			= 1U << 0,
	BPF_MA_REUSE_AFTER_RCU_GP	= 1U << 1,
	BPF_MA_FREE_AFTER_RCU_GP	= 1U << 2,
};

/**
 * struct bpf_mem_alloc - handle of an allocator, embedded in its user
 * @pool: everything that outlives the handle while a destroy is under way
 * @caches: first of the allocator's per-CPU caches, one per size class
 * @flags: enum bpf_mem_alloc_flags, at hand for every allocation and free
 *
 * A zeroed handle is not initialized; bpf_mem_alloc_destroy() ignores it.
 */
struct bpf_mem_alloc {
	struct bpf_ma_pool *pool;
	struct bpf_mem_cache __percpu *caches;
	unsigned int flags;
};

/**
 * struct bpf_mem_alloc_stats - a snapshot of one allocator
 * @id: number of the allocator, unique since boot or insmod
 * @flags: enum bpf_mem_alloc_flags
 * @size: bytes a caller may use of an object, 0 with size classes
 * @slab_taken: objects taken from slab
 * @slab_returned: objects given back to slab
 * @free: objects that an allocation may take now, on all CPUs and in the depots
 * @wait_rcu: freed objects that wait for an RCU grace period
 * @wait_trace: surplus objects that wait for an RCU-tasks-trace grace period
 * @dead: objects past their grace periods, on lists of what is to go back to slab
 * @slab_bytes: bytes of all objects that are out of slab, in use or not
 * @peak_bytes: highest value that @slab_bytes reached, seen when refilling
 * @batches: batches of freed objects that were closed with a cookie
 * @refills: runs of the refill, each one self-interrupt
 * @depot_gets: batches that a CPU took from a depot
 * @depot_puts: batches that a CPU gave to a depot
 * @robbed: objects taken back while they waited for a tasks-trace grace period
 * @failures: slab allocations that failed
 * @nested: allocations and frees that found this CPU's lists busy
 *
 * The counts are read without stopping the allocator: each is exact at some
 * moment during the call, their sum need not be.
 */
struct bpf_mem_alloc_stats {
	u64 id;
	u32 flags;
	u32 size;
	u64 slab_taken;
	u64 slab_returned;
	u64 free;
	u64 wait_rcu;
	u64 wait_trace;
	u64 dead;
	u64 slab_bytes;
	u64 peak_bytes;
	u64 batches;
	u64 refills;
	u64 depot_gets;
	u64 depot_puts;
	u64 robbed;
	u64 failures;
	u64 nested;
};

/**
 * struct bpf_mem_alloc_totals - sums over all allocators, destroyed ones included
 * @allocators: allocators that exist; a destroyed one counts until its last
 *	object has gone back to slab
 * @slab_taken: objects taken from slab
 * @slab_returned: objects given back to slab
 * @gp_normal: RCU grace periods asked for
 * @gp_expedited: expedited RCU grace periods waited for
 * @gp_trace: RCU-tasks-trace grace periods waited for
 */
struct bpf_mem_alloc_totals {
	u64 allocators;
	u64 slab_taken;
	u64 slab_returned;
	u64 gp_normal;
	u64 gp_expedited;
	u64 gp_trace;
};

int bpf_mem_alloc_init(struct bpf_mem_alloc *ma, int size, unsigned int flags);
int bpf_mem_alloc_percpu_init(struct bpf_mem_alloc *ma, struct obj_cgroup *objcg);
int bpf_mem_alloc_percpu_unit_init(struct bpf_mem_alloc *ma, int size);
void bpf_mem_alloc_destroy(struct bpf_mem_alloc *ma);
void bpf_mem_alloc_set_dtor(struct bpf_mem_alloc *ma,
			    void (*dtor)(void *obj, void *ctx),
			    void (*dtor_ctx_free)(void *ctx), void *ctx);
int bpf_mem_alloc_check_size(bool percpu, size_t size);

/* kmalloc/kfree equivalent, for allocators with size classes */
void *bpf_mem_alloc(struct bpf_mem_alloc *ma, size_t size);
void bpf_mem_free(struct bpf_mem_alloc *ma, void *ptr);
void bpf_mem_free_rcu(struct bpf_mem_alloc *ma, void *ptr);

/* kmem_cache_alloc/free equivalent, for allocators of one size */
void *bpf_mem_cache_alloc(struct bpf_mem_alloc *ma);
void *bpf_mem_cache_alloc_flags(struct bpf_mem_alloc *ma, gfp_t flags);
void bpf_mem_cache_free(struct bpf_mem_alloc *ma, void *ptr);
void bpf_mem_cache_free_rcu(struct bpf_mem_alloc *ma, void *ptr);
void bpf_mem_cache_raw_free(void *ptr);

/* Statistics; process context */
void bpf_mem_alloc_read_stats(struct bpf_mem_alloc *ma,
			      struct bpf_mem_alloc_stats *stats);
void bpf_mem_alloc_for_each(void (*fn)(const struct bpf_mem_alloc_stats *stats,
				       void *arg), void *arg);
void bpf_mem_alloc_read_totals(struct bpf_mem_alloc_totals *totals);

#endif /* _BPF_MEM_ALLOC_FLAVORED_H */
