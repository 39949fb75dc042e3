// SPDX-License-Identifier: GPL-2.0-only
/*
 * The hash map: semantics of a BPF_MAP_TYPE_HASH with BPF_F_NO_PREALLOC, u32
 * keys, elements from one of the flavors of enum bpf_ma_flavor.
 *
 * Locking
 *   A bucket's chain is changed under its raw spinlock with interrupts off.
 *   Nothing is allocated, freed or waited for under it.  A program may
 *   interrupt a lock holder on its own CPU (NMI, or a program attached to
 *   something that runs under the lock): bucket_lock() finds that out and
 *   lets the inner one fail with -EBUSY, where it would spin forever.
 *
 * Lookups
 *   They take no lock.  A flavor that reuses at once may move the element
 *   under a reader to any place of any chain.  Two rules keep the walk right:
 *   - a chain ends in the number of its bucket, and a reader that arrives at
 *     another number starts again;
 *   - an element is only ever inserted at the head, so that a reader that is
 *     carried along within its chain sees elements twice but misses none.
 *     Replacing in place would put it behind elements it has not seen.
 *   elem_publish() writes the key last: who finds the key finds its value.
 *
 * Life cycle
 *   bpf_ma_destroy() takes the map out of the table.  Programs that got it
 *   before may go on, under RCU or RCU tasks trace.  When both have seen a
 *   grace period the map goes to reap(), which owns it alone: no program can
 *   reach it and no further call_rcu() can come from it.
 */
#include <linux/jhash.h>
#include <linux/mutex.h>
#include <linux/random.h>
#include <linux/rcupdate_trace.h>
#include <linux/rculist_nulls.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "compat.h"
#include "map.h"

#define POISON_KEY	0xdeadbeefU
#define POISON_VALUE	0xdead4eadULL

const char * const bpf_ma_flavor_names[BPF_MA_FLAVORS] = {
	[BPF_MA_NORMAL]		= "normal",
	[BPF_MA_REUSE]		= "reuse-after-rcu-gp",
	[BPF_MA_FREE]		= "free-after-rcu-gp",
	[BPF_MA_FREE_RCU]	= "free-rcu",
	[BPF_MA_CALL_RCU]	= "call-rcu-free",
	[BPF_MA_NONE]		= "none",
	[BPF_MA_RING]		= "ring",
};

/*
 * maps_lock: writers of the table, the list of maps that exist, and the sums
 * over maps with elements from kmalloc() that are gone.
 */
static DEFINE_MUTEX(maps_lock);
static struct bpf_ma_map __rcu *maps[BPF_MA_MAPS_MAX];
static LIST_HEAD(all_maps);
static u64 past_kmallocs;
static u64 past_kfrees;

static void reap(struct work_struct *work);
static LLIST_HEAD(dead_maps);
static DECLARE_WORK(reap_work, reap);

/* Of each CPU, in maps of @BPF_MA_RING that are made from now on. */
unsigned int bpf_ma_ring_objects = 4096;

/* ---- elements: fill, allocate, free ---- */

/* All but the key, which makes the element findable: see elem_publish(). */
static __always_inline void elem_init(struct bpf_ma_map *map, struct bpf_ma_elem *e,
				      u32 hash, const void *value)
{
	u32 size = map->value_size;

	e->map = map;
	e->hash = hash;
	if (likely(size == sizeof(u64))) {
		memcpy(e->value, value, sizeof(u64));
	} else {
		e->value[(size - 1) / sizeof(u64)] = 0;
		memcpy(e->value, value, size);
	}
}

/*
 * Key last, and only once nothing can fail any more: where elements are reused
 * at once a reader may already be on @e, left over from its previous life, and
 * takes it for published as soon as it has the key that the reader looks for.
 * Caller holds the bucket's lock.
 */
static __always_inline void elem_publish(struct bpf_ma_bucket *b, struct bpf_ma_elem *e,
					 u32 key)
{
	/* pairs with find_rcu() */
	smp_store_release(&e->key, key);
	hlist_nulls_add_head_rcu(&e->node, &b->head);
}

static u32 elem_size(u32 value_size)
{
	return sizeof(struct bpf_ma_elem) + round_up(value_size, sizeof(u64));
}

static void elem_poison(void *obj, void *ctx)
{
	struct bpf_ma_elem *e = obj;

	e->key = POISON_KEY;
	e->value[0] = POISON_VALUE;
}

static noinline struct bpf_ma_elem *none_alloc(struct bpf_ma_map *map)
{
	gfp_t gfp = GFP_NOWAIT | __GFP_NOWARN | __GFP_ZERO;
	struct mem_cgroup *memcg, *old;
	struct bpf_ma_elem *e;

	if (map->objcg)
		gfp |= __GFP_ACCOUNT;
	memcg = bpf_ma_objcg_memcg(map->objcg);
	old = set_active_memcg(memcg);
	e = kmalloc(elem_size(map->value_size), gfp);
	set_active_memcg(old);
	mem_cgroup_put(memcg);
	if (e)
		this_cpu_inc(map->cpu->kmallocs);
	return e;
}

static void none_free(struct bpf_ma_map *map, struct bpf_ma_elem *e)
{
	if (map->poison)
		elem_poison(e, NULL);
	this_cpu_inc(map->cpu->kfrees);
	kfree(e);
}

static void none_free_rcu(struct rcu_head *rcu)
{
	struct bpf_ma_elem *e = container_of(rcu, struct bpf_ma_elem, rcu);

	none_free(e->map, e);
}

static void call_rcu_free_rcu(struct rcu_head *rcu)
{
	struct bpf_ma_elem *e = container_of(rcu, struct bpf_ma_elem, rcu);
	struct bpf_ma_map *map = e->map;

	bpf_mem_cache_free(&map->ma, e);
}

/*
 * Rings: no allocator, but the least that one costs whose objects wait their turn.
 * They are filled when the map is made and emptied when it goes.  Whoever comes in
 * between another's two steps (a program that is attached to one, there are no
 * NMIs here) gets nothing, and leaves what it frees to the end of the map; and so
 * does who frees more on a CPU than were taken there.
 */
#define ring_fn __aligned(256)	/* no page ends within, see bpf_ma_within_page */

static __always_inline bool ring_enter(struct bpf_ma_map *map, struct bpf_ma_ring **ring,
				       unsigned long *irqflags)
{
	local_irq_save(*irqflags);
	*ring = &this_cpu_ptr(map->cpu)->ring;
	if (unlikely(READ_ONCE((*ring)->busy))) {
		local_irq_restore(*irqflags);
		return false;
	}
	WRITE_ONCE((*ring)->busy, true);
	barrier();	/* what interrupts sees that before it sees changes */
	return true;
}

static __always_inline void ring_leave(struct bpf_ma_ring *ring, unsigned long irqflags)
{
	barrier();	/* and no longer than them */
	WRITE_ONCE(ring->busy, false);
	local_irq_restore(irqflags);
}

static noinline ring_fn struct bpf_ma_elem *ring_alloc(struct bpf_ma_map *map)
{
	struct bpf_ma_elem *e = NULL;
	struct bpf_ma_ring *ring;
	unsigned long irqflags;

	if (unlikely(!ring_enter(map, &ring, &irqflags)))
		return NULL;
	if (likely(ring->oldest != ring->end))
		e = ring->slots[ring->oldest++ & ring->mask];
	ring_leave(ring, irqflags);
	return e;
}

static noinline ring_fn void ring_free(struct bpf_ma_map *map, struct bpf_ma_elem *e)
{
	struct bpf_ma_ring *ring;
	unsigned long irqflags;
	bool full;

	if (unlikely(!ring_enter(map, &ring, &irqflags)))
		goto spill;
	full = ring->end - ring->oldest > ring->mask;
	if (likely(!full))
		ring->slots[ring->end++ & ring->mask] = e;
	ring_leave(ring, irqflags);
	if (likely(!full))
		return;
spill:
	llist_add(&e->spilt, &map->spilt);
}

static int ring_fill(struct bpf_ma_map *map, int cpu, u32 objects)
{
	gfp_t gfp = GFP_KERNEL_ACCOUNT | __GFP_RETRY_MAYFAIL | __GFP_NOWARN;
	struct bpf_ma_map_cpu *c = per_cpu_ptr(map->cpu, cpu);
	struct bpf_ma_ring *ring = &c->ring;
	u32 nr = roundup_pow_of_two(objects);
	struct bpf_ma_elem *e;

	ring->slots = kvmalloc_array(nr, sizeof(*ring->slots), gfp);
	if (!ring->slots)
		return -ENOMEM;
	ring->mask = nr - 1;
	while (ring->end < objects) {
		e = kmalloc_node(elem_size(map->value_size), gfp | __GFP_ZERO, cpu_to_node(cpu));
		if (!e)
			return -ENOMEM;
		c->kmallocs++;
		ring->slots[ring->end++] = e;
		cond_resched();
	}
	return 0;
}

/* The map has no elements and no users any more, or never had them. */
static void rings_empty(struct bpf_ma_map *map)
{
	struct bpf_ma_elem *e, *next;
	int cpu;

	for_each_possible_cpu(cpu) {
		struct bpf_ma_ring *ring = &per_cpu_ptr(map->cpu, cpu)->ring;

		while (ring->oldest != ring->end) {
			none_free(map, ring->slots[ring->oldest++ & ring->mask]);
			cond_resched();
		}
		kvfree(ring->slots);
		ring->slots = NULL;
	}
	llist_for_each_entry_safe(e, next, llist_del_all(&map->spilt), spilt)
		none_free(map, e);
}

static int rings_fill(struct bpf_ma_map *map)
{
	u32 objects = READ_ONCE(bpf_ma_ring_objects);
	int cpu, err;

	for_each_possible_cpu(cpu) {
		err = ring_fill(map, cpu, objects);
		if (err)
			return err;	/* map_free() has what came of it */
	}
	return 0;
}

/* What is from kmalloc() is all that is in the way of who has an allocator. */
static __always_inline struct bpf_ma_elem *elem_alloc(struct bpf_ma_map *map)
{
	if (unlikely(map->flavor >= BPF_MA_NONE))
		return map->flavor == BPF_MA_RING ? ring_alloc(map) : none_alloc(map);
	return bpf_mem_cache_alloc(&map->ma);
}

/* Free an element that no reader can have: never published, or a dead map's. */
static void elem_free_unseen(struct bpf_ma_map *map, struct bpf_ma_elem *e)
{
	if (map->flavor == BPF_MA_RING)
		ring_free(map, e);
	else if (map->flavor == BPF_MA_NONE)
		none_free(map, e);
	else
		bpf_mem_cache_free(&map->ma, e);
}

/* Free an element that was just unlinked. */
static __always_inline void elem_free(struct bpf_ma_map *map, struct bpf_ma_elem *e)
{
	switch (map->flavor) {
	case BPF_MA_FREE_RCU:
		bpf_mem_cache_free_rcu(&map->ma, e);
		break;
	case BPF_MA_CALL_RCU:
		call_rcu(&e->rcu, call_rcu_free_rcu);
		break;
	case BPF_MA_NONE ... BPF_MA_RING:
		if (map->flavor == BPF_MA_RING)
			ring_free(map, e);
		else
			call_rcu(&e->rcu, none_free_rcu);
		break;
	default:
		bpf_mem_cache_free(&map->ma, e);
	}
}

/* ---- buckets ---- */

static __always_inline u32 map_hash(const struct bpf_ma_map *map, u32 key)
{
	return jhash_1word(key, map->seed);
}

/*
 * Lock bucket @idx, interrupts off from here to bucket_unlock().  False where
 * waiting could be for ever:
 * - This CPU is in the bucket's group already and was interrupted there; it may
 *   hold the very lock that the caller wants.  All buckets of a group count
 *   together, which costs a failure now and then and saves a counter per bucket
 *   and CPU.
 * - The caller is an NMI, and another CPU has the lock: its holder may have been
 *   interrupted by an NMI, too, that wants a lock of this CPU's.
 */
static __always_inline bool bucket_lock(struct bpf_ma_map *map, u32 idx,
					unsigned long *irqflags)
{
	struct bpf_ma_bucket *b = &map->buckets[idx];
	u32 group = idx % BPF_MA_LOCK_GROUPS;

	local_irq_save(*irqflags);
	if (unlikely(__this_cpu_inc_return(map->cpu->held[group]) != 1))
		goto leave;
	if (likely(!in_nmi()))
		raw_spin_lock(&b->lock);
	else if (!raw_spin_trylock(&b->lock))
		goto leave;
	return true;

leave:
	__this_cpu_dec(map->cpu->held[group]);
	local_irq_restore(*irqflags);
	return false;
}

static __always_inline void bucket_unlock(struct bpf_ma_map *map, u32 idx,
					  unsigned long irqflags)
{
	raw_spin_unlock(&map->buckets[idx].lock);
	__this_cpu_dec(map->cpu->held[idx % BPF_MA_LOCK_GROUPS]);
	local_irq_restore(irqflags);
}

/* Caller holds the bucket's lock. */
static __always_inline struct bpf_ma_elem *find_locked(struct bpf_ma_bucket *b, u32 key)
{
	struct hlist_nulls_node *n;
	struct bpf_ma_elem *e;

	hlist_nulls_for_each_entry(e, n, &b->head, node)
		if (e->key == key)
			return e;
	return NULL;
}

/*
 * Caller is in an RCU read-side section: without one, an element of a flavor
 * that gives memory back after an RCU grace period could go away underfoot.
 */
static __always_inline struct bpf_ma_elem *find_rcu(struct bpf_ma_map *map, u32 idx, u32 key)
{
	struct bpf_ma_bucket *b = &map->buckets[idx];
	struct hlist_nulls_node *n;
	struct bpf_ma_elem *e;

	do {
		hlist_nulls_for_each_entry_rcu(e, n, &b->head, node) {
			/* pairs with elem_publish() */
			if (smp_load_acquire(&e->key) == key)
				return e;
		}
	} while (unlikely(get_nulls_value(n) != idx));
	return NULL;
}

/*
 * call_rcu() and kmalloc() are no more NMI-safe than they were when the
 * kernel's hash map used them: refuse rather than deadlock.
 */
static __always_inline bool context_forbids(const struct bpf_ma_map *map)
{
	return unlikely(map->flavor >= BPF_MA_CALL_RCU) && in_nmi();
}

/**
 * bpf_ma_lookup() - find a key
 * @map: map
 * @key: key
 *
 * Context: any, within an RCU read-side section, which is also how long the
 * result may be used.
 *
 * Return: the element, or NULL.
 */
struct bpf_ma_elem *bpf_ma_lookup(struct bpf_ma_map *map, u32 key)
{
	return find_rcu(map, map_hash(map, key) & map->mask, key);
}

/**
 * bpf_ma_update() - set a key's value
 * @map: map
 * @key: key
 * @value: value_size bytes
 * @flags: BPF_ANY, BPF_NOEXIST or BPF_EXIST
 *
 * An existing element is replaced by a new one and freed, never overwritten.
 *
 * Context: any in which the map's flavor can free; the caller keeps the map
 * alive by RCU or RCU tasks trace and cannot migrate.
 *
 * Return: 0; -EINVAL for unknown flags, -EEXIST and -ENOENT where @flags asked
 * for the opposite, -E2BIG when the map is full, -ENOMEM, -EBUSY when this CPU
 * was interrupted with a bucket locked or an NMI found it locked, -EOPNOTSUPP
 * from NMI with a flavor that cannot.
 */
int bpf_ma_update(struct bpf_ma_map *map, u32 key, const void *value, u64 flags)
{
	u32 hash = map_hash(map, key);
	u32 idx = hash & map->mask;
	struct bpf_ma_bucket *b = &map->buckets[idx];
	struct bpf_ma_elem *new, *old;
	unsigned long irqflags;
	int err;

	if (unlikely(flags > BPF_EXIST))
		return -EINVAL;
	if (context_forbids(map))
		return -EOPNOTSUPP;

	new = elem_alloc(map);
	if (unlikely(!new))
		return -ENOMEM;
	elem_init(map, new, hash, value);

	err = -EBUSY;
	if (unlikely(!bucket_lock(map, idx, &irqflags)))
		goto free_new;

	old = find_locked(b, key);
	if (old) {
		err = -EEXIST;
		if (unlikely(flags == BPF_NOEXIST))
			goto unlock;
	} else {
		err = -ENOENT;
		if (unlikely(flags == BPF_EXIST))
			goto unlock;
		/* One step, lest two inserts in different buckets share the last place. */
		err = -E2BIG;
		if (unlikely(!atomic_add_unless(&map->count, 1, map->max_entries)))
			goto unlock;
	}

	/*
	 * New before old: a reader that starts finds one of them.  One that is
	 * between the head and the old element may find none.
	 */
	elem_publish(b, new, key);
	if (old)
		hlist_nulls_del_rcu(&old->node);
	bucket_unlock(map, idx, irqflags);

	if (old)
		elem_free(map, old);
	return 0;

unlock:
	bucket_unlock(map, idx, irqflags);
free_new:
	elem_free_unseen(map, new);
	return err;
}

/**
 * bpf_ma_delete() - remove a key
 * @map: map
 * @key: key
 *
 * Context: as bpf_ma_update().
 *
 * Return: 0, -ENOENT when there is no such key, -EBUSY and -EOPNOTSUPP as
 * bpf_ma_update().
 */
int bpf_ma_delete(struct bpf_ma_map *map, u32 key)
{
	u32 idx = map_hash(map, key) & map->mask;
	struct bpf_ma_bucket *b = &map->buckets[idx];
	unsigned long irqflags;
	struct bpf_ma_elem *e;

	if (context_forbids(map))
		return -EOPNOTSUPP;
	if (unlikely(!bucket_lock(map, idx, &irqflags)))
		return -EBUSY;
	e = find_locked(b, key);
	if (likely(e))
		hlist_nulls_del_rcu(&e->node);
	bucket_unlock(map, idx, irqflags);

	if (unlikely(!e))
		return -ENOENT;
	atomic_dec(&map->count);
	elem_free(map, e);
	return 0;
}

/* Key of the first element at or after bucket @idx; under RCU. */
static int first_key_from(struct bpf_ma_map *map, u32 idx, u32 *key)
{
	struct hlist_nulls_node *n;

	for (; idx <= map->mask; idx++) {
		n = rcu_dereference_raw(hlist_nulls_first_rcu(&map->buckets[idx].head));
		if (is_a_nulls(n))
			continue;
		*key = READ_ONCE(hlist_nulls_entry(n, struct bpf_ma_elem, node)->key);
		return 0;
	}
	return -ENOENT;
}

/**
 * bpf_ma_first_key() - start an iteration
 * @map: map
 * @key: where the key goes
 *
 * Context: any; the caller keeps the map alive.
 *
 * Return: 0, or -ENOENT when the map is empty.
 */
int bpf_ma_first_key(struct bpf_ma_map *map, u32 *key)
{
	int err;

	rcu_read_lock();
	err = first_key_from(map, 0, key);
	rcu_read_unlock();
	return err;
}

/**
 * bpf_ma_next_key() - continue an iteration
 * @map: map
 * @key: a key; replaced by its successor, or by the first key if it is not in
 *	the map (any more)
 *
 * Keys that stay in the map during a whole iteration are seen at least once
 * unless it starts again; in a flavor that reuses at once, an element that is
 * reused at the wrong moment may carry the iteration to another bucket.
 *
 * Context: any; the caller keeps the map alive.
 *
 * Return: 0, or -ENOENT when @key was the last.
 */
int bpf_ma_next_key(struct bpf_ma_map *map, u32 *key)
{
	u32 idx = map_hash(map, *key) & map->mask;
	struct hlist_nulls_node *n;
	struct bpf_ma_elem *e;
	int err = 0;

	rcu_read_lock();
	e = find_rcu(map, idx, *key);
	if (!e) {
		err = first_key_from(map, 0, key);
		goto unlock;
	}
	n = rcu_dereference_raw(hlist_nulls_next_rcu(&e->node));
	if (is_a_nulls(n))
		err = first_key_from(map, idx + 1, key);
	else
		*key = READ_ONCE(hlist_nulls_entry(n, struct bpf_ma_elem, node)->key);
unlock:
	rcu_read_unlock();
	return err;
}

/* ---- maps ---- */

/**
 * bpf_ma_get() - the map of an ID
 * @id: ID
 *
 * Context: any, within a read-side section of RCU or RCU tasks trace, which is
 * also how long the result may be used.
 *
 * Return: the map, or NULL.
 */
struct bpf_ma_map *bpf_ma_get(u32 id)
{
	if (unlikely(id >= BPF_MA_MAPS_MAX))
		return NULL;
	return rcu_dereference_check(maps[id], rcu_read_lock_trace_held());
}

static void map_kmem_counts(const struct bpf_ma_map *map, u64 *kmallocs, u64 *kfrees)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		const struct bpf_ma_map_cpu *c = per_cpu_ptr(map->cpu, cpu);

		*kmallocs += READ_ONCE(c->kmallocs);
		*kfrees += READ_ONCE(c->kfrees);
	}
}

/* Caller holds maps_lock. */
static void map_forget(struct bpf_ma_map *map)
{
	u64 kmallocs = 0, kfrees = 0;

	lockdep_assert_held(&maps_lock);
	map_kmem_counts(map, &kmallocs, &kfrees);
	WARN(kmallocs != kfrees, "map %u: %llu elements from kmalloc, %llu to kfree\n",
	     map->id, kmallocs, kfrees);
	past_kmallocs += kmallocs;
	past_kfrees += kfrees;
	list_del(&map->all);
}

/* Free what map_new() made; the map has no elements. */
static void map_free(struct bpf_ma_map *map)
{
	bpf_mem_alloc_destroy(&map->ma);
	if (map->cpu)
		rings_empty(map);
	if (map->objcg)
		obj_cgroup_put(map->objcg);
	kvfree(map->buckets);
	free_percpu(map->cpu);
	lockdep_unregister_key(&map->lock_class);
	kfree(map);
}

static void map_free_elems(struct bpf_ma_map *map)
{
	struct hlist_nulls_node *n, *next;
	u32 idx;

	for (idx = 0; idx <= map->mask; idx++) {
		migrate_disable();
		for (n = map->buckets[idx].head.first; !is_a_nulls(n); n = next) {
			next = n->next;
			elem_free_unseen(map, hlist_nulls_entry(n, struct bpf_ma_elem, node));
		}
		migrate_enable();
		cond_resched();
	}
	if (map->flavor == BPF_MA_RING)
		rings_empty(map);
}

/*
 * Take dead maps apart.  Each one's callbacks were queued before the end of
 * the grace periods it waited for, so one barrier here covers them all.
 */
static void reap(struct work_struct *work)
{
	struct llist_node *dead = llist_del_all(&dead_maps);
	struct bpf_ma_map *map, *next;
	bool callbacks = false;

	llist_for_each_entry(map, dead, dead) {
		map_free_elems(map);
		callbacks |= map->flavor >= BPF_MA_CALL_RCU;
	}
	if (callbacks)
		rcu_barrier();
	llist_for_each_entry_safe(map, next, dead, dead) {
		mutex_lock(&maps_lock);
		map_forget(map);
		mutex_unlock(&maps_lock);
		map_free(map);
	}
}

static void map_unreachable(struct rcu_head *rcu)
{
	struct bpf_ma_map *map = container_of(rcu, struct bpf_ma_map, rcu);

	if (llist_add(&map->dead, &dead_maps))
		queue_work(system_dfl_wq, &reap_work);
}

/* Caller holds maps_lock. */
static void map_unpublish(struct bpf_ma_map *map)
{
	lockdep_assert_held(&maps_lock);
	RCU_INIT_POINTER(maps[map->id], NULL);
	call_rcu_tasks_trace(&map->rcu, map_unreachable);
}

static unsigned int flavor_flags(u32 flavor)
{
	switch (flavor) {
	case BPF_MA_REUSE:
		return BPF_MA_REUSE_AFTER_RCU_GP;
	case BPF_MA_FREE:
		return BPF_MA_FREE_AFTER_RCU_GP;
	default:
		return 0;
	}
}

static int map_init_elems(struct bpf_ma_map *map)
{
	int err;

	if (map->flavor == BPF_MA_NONE) {
		map->objcg = bpf_ma_current_objcg();
		return 0;
	}
	if (map->flavor == BPF_MA_RING)
		return rings_fill(map);
	err = bpf_mem_alloc_init(&map->ma, elem_size(map->value_size),
				 flavor_flags(map->flavor));
	if (!err && map->poison)
		bpf_mem_alloc_set_dtor(&map->ma, elem_poison, NULL, NULL);
	return err;
}

static int map_init_buckets(struct bpf_ma_map *map)
{
	u32 nr = roundup_pow_of_two(map->max_entries);
	u32 idx;

	/* The largest part: the caller is to see -ENOMEM and not the OOM killer. */
	map->buckets = kvmalloc_array(nr, sizeof(*map->buckets),
				      GFP_KERNEL_ACCOUNT | __GFP_RETRY_MAYFAIL | __GFP_NOWARN);
	if (!map->buckets)
		return -ENOMEM;
	map->mask = nr - 1;
	for (idx = 0; idx < nr; idx++) {
		struct bpf_ma_bucket *b = &map->buckets[idx];

		INIT_HLIST_NULLS_HEAD(&b->head, idx);
		raw_spin_lock_init(&b->lock);
		lockdep_set_class(&b->lock, &map->lock_class);
		cond_resched();
	}
	return 0;
}

static struct bpf_ma_map *map_new(u32 id, u32 flavor, u32 value_size, u32 max_entries,
				  bool poison)
{
	struct bpf_ma_map *map;
	int err = -ENOMEM;

	map = kzalloc(sizeof(*map), GFP_KERNEL_ACCOUNT);
	if (!map)
		return ERR_PTR(-ENOMEM);
	lockdep_register_key(&map->lock_class);
	map->id = id;
	map->flavor = flavor;
	map->value_size = value_size;
	map->max_entries = max_entries;
	map->poison = poison;
	map->seed = get_random_u32();
	map->cpu = alloc_percpu_gfp(struct bpf_ma_map_cpu, GFP_KERNEL_ACCOUNT);
	if (!map->cpu)
		goto free;
	err = map_init_buckets(map);
	if (err)
		goto free;
	err = map_init_elems(map);
	if (err)
		goto free;
	return map;

free:
	map_free(map);
	return ERR_PTR(err);
}

/**
 * bpf_ma_create() - make a map and enter it in the table
 * @id: ID, below BPF_MA_MAPS_MAX
 * @flavor: enum bpf_ma_flavor
 * @value_size: 1 to BPF_MA_VALUE_SIZE_MAX
 * @max_entries: 1 to BPF_MA_ENTRIES_MAX
 * @poison: overwrite key and value just before an element goes back to slab
 *
 * The caller's memory cgroup is charged for the map and for all its elements.
 *
 * Context: process; may sleep.
 *
 * Return: 0; -EINVAL when an argument is out of range, -EEXIST when the ID is
 * in use, -ENOMEM.
 */
int bpf_ma_create(u32 id, u32 flavor, u32 value_size, u32 max_entries, bool poison)
{
	struct bpf_ma_map *map;
	int err = 0;

	if (id >= BPF_MA_MAPS_MAX || flavor >= BPF_MA_FLAVORS ||
	    value_size < 1 || value_size > BPF_MA_VALUE_SIZE_MAX ||
	    max_entries < 1 || max_entries > BPF_MA_ENTRIES_MAX)
		return -EINVAL;

	map = map_new(id, flavor, value_size, max_entries, poison);
	if (IS_ERR(map))
		return PTR_ERR(map);

	mutex_lock(&maps_lock);
	if (rcu_access_pointer(maps[id])) {
		err = -EEXIST;
	} else {
		list_add_tail(&map->all, &all_maps);
		rcu_assign_pointer(maps[id], map);
	}
	mutex_unlock(&maps_lock);

	if (err)
		map_free(map);
	return err;
}

/**
 * bpf_ma_destroy() - take a map out of the table
 * @id: ID
 *
 * The ID is free again at once; the map goes when no program can use it.
 *
 * Context: process; may sleep.
 *
 * Return: 0, or -ENOENT when there is no such map.
 */
int bpf_ma_destroy(u32 id)
{
	struct bpf_ma_map *map = NULL;

	mutex_lock(&maps_lock);
	if (id < BPF_MA_MAPS_MAX)
		map = rcu_dereference_protected(maps[id], lockdep_is_held(&maps_lock));
	if (map)
		map_unpublish(map);
	mutex_unlock(&maps_lock);
	return map ? 0 : -ENOENT;
}

/**
 * bpf_ma_for_each() - visit the maps of the table in the order of their IDs
 * @fn: called with maps_lock held; must not create or destroy maps
 * @arg: passed to @fn
 *
 * Context: process; may sleep.
 */
void bpf_ma_for_each(void (*fn)(struct bpf_ma_map *map, void *arg), void *arg)
{
	struct bpf_ma_map *map;
	u32 id;

	mutex_lock(&maps_lock);
	for (id = 0; id < BPF_MA_MAPS_MAX; id++) {
		map = rcu_dereference_protected(maps[id], lockdep_is_held(&maps_lock));
		if (map)
			fn(map, arg);
	}
	mutex_unlock(&maps_lock);
}

/**
 * bpf_ma_read_totals() - sums over all maps and allocators since insmod
 * @totals: where they go
 *
 * Context: process; may sleep.
 */
void bpf_ma_read_totals(struct bpf_ma_totals *totals)
{
	struct bpf_ma_map *map;

	bpf_mem_alloc_read_totals(&totals->ma);
	totals->maps_live = 0;
	mutex_lock(&maps_lock);
	totals->ma.slab_taken += past_kmallocs;
	totals->ma.slab_returned += past_kfrees;
	list_for_each_entry(map, &all_maps, all) {
		totals->maps_live++;
		map_kmem_counts(map, &totals->ma.slab_taken, &totals->ma.slab_returned);
	}
	mutex_unlock(&maps_lock);
}

/**
 * bpf_ma_destroy_all() - destroy every map and wait until all of them are gone
 *
 * On return no callback or work of a map is pending or running; allocators may
 * still have work of their own.  No map may be created any more.
 *
 * Context: process; may sleep.
 */
void bpf_ma_destroy_all(void)
{
	struct bpf_ma_map *map;
	u32 id;

	mutex_lock(&maps_lock);
	for (id = 0; id < BPF_MA_MAPS_MAX; id++) {
		map = rcu_dereference_protected(maps[id], lockdep_is_held(&maps_lock));
		if (map)
			map_unpublish(map);
	}
	mutex_unlock(&maps_lock);

	/* In the order in which a map passes through them. */
	rcu_barrier_tasks_trace();
	rcu_barrier();
	flush_work(&reap_work);
}
