/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A hash map for BPF programs whose elements come from a chosen flavor of the
 * allocator; see map.c for locking and life cycle.
 */
#ifndef _BPF_MA_MAP_H
#define _BPF_MA_MAP_H

#include <linux/atomic.h>
#include <linux/cache.h>
#include <linux/list.h>
#include <linux/list_nulls.h>
#include <linux/llist.h>
#include <linux/lockdep.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "bpf_mem_alloc.h"

#define BPF_MA_MAPS_MAX		1024	/* IDs are 0 to BPF_MA_MAPS_MAX - 1 */
#define BPF_MA_VALUE_SIZE_MAX	2048
#define BPF_MA_ENTRIES_MAX	1048576
#define BPF_MA_LOCK_GROUPS	8
#define BPF_MA_RING_MAX		1048576	/* objects of a CPU */

/**
 * enum bpf_ma_flavor - where elements come from and how they are freed
 * @BPF_MA_NORMAL: allocator without flags
 * @BPF_MA_REUSE: allocator with BPF_MA_REUSE_AFTER_RCU_GP
 * @BPF_MA_FREE: allocator with BPF_MA_FREE_AFTER_RCU_GP
 * @BPF_MA_FREE_RCU: allocator without flags, bpf_mem_cache_free_rcu()
 * @BPF_MA_CALL_RCU: baseline, allocator without flags and one call_rcu() for
 *	each free, whose callback frees to the allocator
 * @BPF_MA_NONE: baseline, kmalloc() and one call_rcu() for each free
 * @BPF_MA_RING: floor, no allocator: a fixed ring of elements on each CPU, where
 *	an element waits for as many other frees as the ring holds, and for
 *	no grace period
 * @BPF_MA_FLAVORS: number of flavors
 *
 * From @BPF_MA_CALL_RCU on, not for NMIs: call_rcu() does not allow every
 * context.  From @BPF_MA_NONE on, elements are from kmalloc().
 */
enum bpf_ma_flavor {
	BPF_MA_NORMAL,
	BPF_MA_REUSE,
	BPF_MA_FREE,
	BPF_MA_FREE_RCU,
	BPF_MA_CALL_RCU,
	BPF_MA_NONE,
	BPF_MA_RING,
	BPF_MA_FLAVORS,
};

/**
 * struct bpf_ma_elem - one key and its value
 * @node: link in the bucket
 * @rcu: for the baselines' call_rcu()
 * @spilt: link in the map's list of elements that found no ring
 * @map: the map, for the baselines' callbacks; void, so that a program that
 *	reads it gets a number and no pointer that the verifier would take
 *	for a map
 * @hash: hash of @key; tells programs the bucket, the map itself does not read it
 * @key: key
 * @value: value_size bytes, padded with zeros to a multiple of 8
 */
struct bpf_ma_elem {
	struct hlist_nulls_node node;
	union {
		struct rcu_head rcu;
		struct llist_node spilt;
	};
	void *map;
	u32 hash;
	u32 key;
	u64 value[];
};

struct bpf_ma_bucket {
	struct hlist_nulls_head head;
	raw_spinlock_t lock;
};

/**
 * struct bpf_ma_ring - the free elements of @BPF_MA_RING on one CPU
 * @slots: @mask + 1 of them, a power of two
 * @mask: of an index that goes on for ever
 * @oldest: index of the element that was freed first
 * @end: index behind the one that was freed last
 * @busy: the CPU is in here; set and cleared with interrupts off, so that only
 *	what interrupts nevertheless finds it set
 */
struct bpf_ma_ring {
	struct bpf_ma_elem **slots;
	u32 mask;
	u32 oldest;
	u32 end;
	bool busy;
};

/**
 * struct bpf_ma_map_cpu - what a map keeps for each CPU
 * @held: per group of buckets, how deep this CPU is in critical sections;
 *	changed by this CPU only, with interrupts off
 * @kmallocs: elements from kmalloc() on this CPU, or in its ring at first
 * @kfrees: elements to kfree() on this CPU
 * @ring: of @BPF_MA_RING
 */
struct bpf_ma_map_cpu {
	int held[BPF_MA_LOCK_GROUPS];
	u64 kmallocs;
	u64 kfrees;
	struct bpf_ma_ring ring;
};

/**
 * struct bpf_ma_map - a hash map
 * @buckets: @mask + 1 of them
 * @mask: number of buckets, a power of two, minus one
 * @seed: random start of the hash
 * @value_size: bytes of a value
 * @max_entries: highest @count
 * @flavor: enum bpf_ma_flavor
 * @id: index in the table of maps
 * @cpu: per-CPU part
 * @ma: allocator of the elements, unused from @BPF_MA_NONE on
 * @poison: elements are overwritten just before they go back to slab
 * @objcg: memory cgroup that @BPF_MA_NONE charges, NULL for the root
 * @lock_class: lockdep class of this map's bucket locks: a program that a
 *	lock holder of one map runs may well take the lock of another map
 * @rcu: for the grace periods before the map is taken apart
 * @dead: link in the list of maps to take apart
 * @all: link in the list of maps that exist, under maps_lock
 * @spilt: elements of @BPF_MA_RING that no ring could take: until the map goes
 * @count: elements; in a cache line of its own, the rest is read-only once
 *	the map is published
 */
struct bpf_ma_map {
	struct bpf_ma_bucket *buckets;
	u32 mask;
	u32 seed;
	u32 value_size;
	u32 max_entries;
	u32 flavor;
	u32 id;
	struct bpf_ma_map_cpu __percpu *cpu;
	struct bpf_mem_alloc ma;
	bool poison;
	struct obj_cgroup *objcg;
	struct lock_class_key lock_class;
	struct rcu_head rcu;
	struct llist_node dead;
	struct list_head all;
	struct llist_head spilt;
	atomic_t count ____cacheline_aligned_in_smp;
};

/**
 * struct bpf_ma_totals - sums since insmod over the module's maps and allocators
 * @maps_live: maps that exist, those included that are being taken apart
 * @ma: sums over all allocators, the kmalloc() and kfree() of the maps of
 *	flavors from @BPF_MA_NONE on added
 */
struct bpf_ma_totals {
	u64 maps_live;
	struct bpf_mem_alloc_totals ma;
};

extern unsigned int bpf_ma_ring_objects;
extern const char * const bpf_ma_flavor_names[BPF_MA_FLAVORS];

/* Maps, by ID; process context */
int bpf_ma_create(u32 id, u32 flavor, u32 value_size, u32 max_entries, bool poison);
int bpf_ma_destroy(u32 id);
void bpf_ma_for_each(void (*fn)(struct bpf_ma_map *map, void *arg), void *arg);
void bpf_ma_read_totals(struct bpf_ma_totals *totals);
void bpf_ma_destroy_all(void);

/* Elements; any context, see each function */
struct bpf_ma_map *bpf_ma_get(u32 id);
/*
 * An emulator looks each jump to another page up. What the benchmark measures must
 * not depend on where the linker happens to put a page's end, so these have it at
 * no place within.
 */
#define bpf_ma_within_page __aligned(2048)

struct bpf_ma_elem *bpf_ma_lookup(struct bpf_ma_map *map, u32 key) bpf_ma_within_page;
int bpf_ma_update(struct bpf_ma_map *map, u32 key, const void *value,
		  u64 flags) bpf_ma_within_page;
int bpf_ma_delete(struct bpf_ma_map *map, u32 key) bpf_ma_within_page;
int bpf_ma_first_key(struct bpf_ma_map *map, u32 *key);
int bpf_ma_next_key(struct bpf_ma_map *map, u32 *key);

#endif /* _BPF_MA_MAP_H */
