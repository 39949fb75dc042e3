// SPDX-License-Identifier: GPL-2.0-only
/*
 * The allocators of the stress. An arena is an allocator with slots that hold
 * its live objects. Any context may replace what is in a slot, readers look at
 * objects that they found there, and arenas come and go meanwhile.
 *
 * Each object carries a stamp in its first and in its last word: which arena
 * and slot it was handed out for, its size, and a number that never comes
 * again. Whoever finds another stamp than it should knows what went wrong:
 *
 *	owner, on a free	the object was handed out twice
 *	RCU reader		it was reused within a read-side section
 *	any reader		no stamp at all: it went back to slab
 *
 * The allocator's destructor overwrites the stamp, so that the last one shows
 * at once. An arena is freed when its allocator is done with it, which is after
 * the grace periods of all that may have seen it.
 */
#include <linux/atomic.h>
#include <linux/delay.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/rcupdate_trace.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/smp.h>

#include "stress.h"
#include "test.h"

#define SLOTS		64
#define POISON		(~0ULL)
#define WORDS_MAX	1023	/* of an object: what the stamp has room for */

enum kind {
	FIXED,
	CLASSES,
	PERCPU,
	PERCPU_CLASSES,
};

/* Per flavor one of each kind; PERCPU and PERCPU_CLASSES take turns. */
#define NR_ARENAS	(3 * MA_NR_FLAVORS)

static const unsigned int percpu_sizes[] = { 16, 64, 192, 256 };

/**
 * struct arena - an allocator and its live objects
 * @ma: the allocator
 * @flavor: how it frees
 * @kind: what it allocates
 * @index: in arenas
 * @size: bytes of an object; 0: each is of a size of its own
 * @emptied: slots that were emptied, at the end
 * @slots: objects, exchanged atomically
 */
struct arena {
	struct bpf_mem_alloc ma;
	const struct ma_flavor *flavor;
	enum kind kind;
	unsigned int index;
	unsigned int size;
	atomic_t emptied;
	void *slots[SLOTS];
};

static struct arena __rcu *arenas[NR_ARENAS];
static atomic64_t last_number;

/* ---- stamps: number << 24 | words << 14 | arena << 8 | slot ---- */

static u64 stamp_new(const struct arena *a, unsigned int slot, unsigned int size)
{
	return atomic64_inc_return(&last_number) << 24 | size / sizeof(u64) << 14 |
	       a->index << 8 | slot;
}

static unsigned int stamp_words(u64 stamp)
{
	return stamp >> 14 & WORDS_MAX;
}

/* One of this arena's, for whichever slot. */
static bool stamp_is_good(const struct arena *a, u64 stamp)
{
	unsigned int words = stamp_words(stamp);

	return (stamp >> 8 & 63) == a->index && (stamp & 255) < SLOTS && words &&
	       (!a->size || words == a->size / sizeof(u64));
}

static bool is_percpu(const struct arena *a)
{
	return a->kind >= PERCPU;
}

/* An object's memory, or that part of it which belongs to @cpu. */
static u64 *part(const struct arena *a, void *obj, int cpu)
{
	return is_percpu(a) ? per_cpu_ptr(*(void __percpu **)obj, cpu) : obj;
}

static u64 read_stamp(const struct arena *a, void *obj)
{
	return READ_ONCE(*part(a, obj, cpumask_first(cpu_possible_mask)));
}

static void write_stamp(const struct arena *a, void *obj, unsigned int words, u64 stamp)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		u64 *mem = part(a, obj, cpu);

		WRITE_ONCE(mem[0], stamp);
		WRITE_ONCE(mem[words - 1], stamp);
		if (!is_percpu(a))
			break;
	}
}

/* Everywhere in the object; @stamp is a good one. */
static bool has_stamp(const struct arena *a, void *obj, u64 stamp)
{
	unsigned int last = stamp_words(stamp) - 1;
	int cpu;

	for_each_possible_cpu(cpu) {
		const u64 *mem = part(a, obj, cpu);

		if (READ_ONCE(mem[0]) != stamp || READ_ONCE(mem[last]) != stamp)
			return false;
		if (!is_percpu(a))
			break;
	}
	return true;
}

/* Good stamps where @stamp was, be they others by now and of different frees. */
static bool has_good_stamps(const struct arena *a, void *obj, u64 stamp)
{
	unsigned int last = stamp_words(stamp) - 1;
	int cpu;

	for_each_possible_cpu(cpu) {
		const u64 *mem = part(a, obj, cpu);

		if (!stamp_is_good(a, READ_ONCE(mem[0])) ||
		    !stamp_is_good(a, READ_ONCE(mem[last])))
			return false;
		if (!is_percpu(a))
			break;
	}
	return true;
}

/* ---- allocate and free ---- */

static unsigned int size_for(const struct arena *a, u32 *rnd)
{
	u32 n = ma_random(rnd);

	switch (a->kind) {
	case CLASSES:
		/* Small ones more often. */
		return 8 + 8 * (n % 511 >> (n >> 16) % 8);
	case PERCPU_CLASSES:
		return percpu_sizes[n % ARRAY_SIZE(percpu_sizes)];
	default:
		return a->size;
	}
}

static void *take(struct arena *a, unsigned int size)
{
	return a->size ? bpf_mem_cache_alloc(&a->ma) : bpf_mem_alloc(&a->ma, size);
}

static void give(struct arena *a, void *obj)
{
	if (a->size)
		ma_free(a->flavor, &a->ma, obj);
	else if (a->flavor->free_rcu)
		bpf_mem_free_rcu(&a->ma, obj);
	else
		bpf_mem_free(&a->ma, obj);
}

/* Puts @obj, or nothing, into the slot, and frees what was there. */
static void exchange(struct arena *a, unsigned int slot, void *obj)
{
	u64 stamp;

	obj = xchg(&a->slots[slot], obj);
	if (!obj)
		return;
	stamp = read_stamp(a, obj);
	if (!stamp_is_good(a, stamp) || (stamp & 255) != slot || !has_stamp(a, obj, stamp))
		stress_count(STRESS_HANDED_OUT_TWICE);
	stress_count(STRESS_FREED);
	give(a, obj);
}

void arenas_use(enum stress_counter context, u32 *rnd)
{
	unsigned int slot = ma_random(rnd) % SLOTS;
	void *obj = NULL;
	struct arena *a;

	rcu_read_lock();
	a = rcu_dereference(arenas[ma_random(rnd) % NR_ARENAS]);
	if (a) {
		if (ma_random(rnd) % 4) {
			unsigned int size = size_for(a, rnd);

			obj = take(a, size);
			if (obj)
				write_stamp(a, obj, size / sizeof(u64),
					    stamp_new(a, slot, size));
			else
				stress_count(STRESS_NO_OBJECT);
		}
		exchange(a, slot, obj);
		stress_count(context);
	}
	rcu_read_unlock();
}

/* ---- readers ---- */

static struct arena *look_up(u32 *rnd, unsigned int *slot, void **obj)
{
	struct arena *a = rcu_dereference(arenas[ma_random(rnd) % NR_ARENAS]);

	*slot = ma_random(rnd) % SLOTS;
	/* pairs with xchg() in exchange(): the object has its stamp */
	*obj = a ? smp_load_acquire(&a->slots[*slot]) : NULL;
	return *obj ? a : NULL;
}

static void hold(u32 *rnd)
{
	unsigned int n = ma_random(rnd) % 64 ? 1 : 20;

	while (n--)
		udelay(ma_random(rnd) % 1000);
}

void arenas_hold_rcu(u32 *rnd)
{
	unsigned int slot;
	struct arena *a;
	bool same;
	void *obj;
	u64 stamp;

	rcu_read_lock();
	a = look_up(rnd, &slot, &obj);
	if (!a)
		goto unlock;
	stamp = read_stamp(a, obj);
	if (!stamp_is_good(a, stamp)) {
		stress_count(STRESS_WENT_TO_SLAB);
		goto unlock;
	}
	same = (stamp & 255) == slot && has_stamp(a, obj, stamp);
	hold(rnd);
	same &= has_stamp(a, obj, stamp);
	stress_count(STRESS_HELD);
	if (!has_good_stamps(a, obj, stamp))
		stress_count(STRESS_WENT_TO_SLAB);
	else if (!same && a->flavor == &ma_flavors[MA_NORMAL])
		stress_count(STRESS_NORMAL_REUSED);
	else if (!same)
		stress_count(STRESS_REUSED);
unlock:
	rcu_read_unlock();
}

void arenas_hold_trace(u32 *rnd)
{
	unsigned int slot;
	struct arena *a;
	void *obj;
	u64 stamp;

	rcu_read_lock_trace();
	rcu_read_lock();
	a = look_up(rnd, &slot, &obj);
	stamp = a ? read_stamp(a, obj) : 0;
	rcu_read_unlock();
	/* Objects of this flavor are the RCU readers' alone. */
	if (a && a->flavor != &ma_flavors[MA_FREE_AFTER] && stamp_is_good(a, stamp)) {
		/* Mostly as long as an object is in use, or until it would be given back. */
		msleep(1 + ma_random(rnd) % (ma_random(rnd) % 4 ? 100 : 1000));
		stress_count(STRESS_SLEPT_WITH);
		if (!has_good_stamps(a, obj, stamp))
			stress_count(STRESS_WENT_TO_SLAB_ASLEEP);
		else if (read_stamp(a, obj) != stamp)
			stress_count(STRESS_REUSED_ASLEEP);
	}
	rcu_read_unlock_trace();
}

/* ---- life cycle ---- */

/* The destructor: @obj goes back to slab. It is all zeros if nobody ever had it. */
static void poison(void *obj, void *ctx)
{
	struct arena *a = ctx;
	u64 stamp = read_stamp(a, obj);
	bool good = stamp_is_good(a, stamp);

	if (stamp && !good)
		stress_count(STRESS_RETURNED_GARBAGE);
	write_stamp(a, obj, good ? stamp_words(stamp) : 1, POISON);
	stress_count(STRESS_OBJECTS);
}

/* After the last destructor. */
static void arena_end(void *ctx)
{
	stress_add(STRESS_UNFINISHED, -1);
	kfree(ctx);
}

static int init_percpu_classes(struct arena *a)
{
	int i, err = bpf_mem_alloc_percpu_init(&a->ma, NULL);

	for (i = 0; !err && i < ARRAY_SIZE(percpu_sizes); i++)
		err = bpf_mem_alloc_percpu_unit_init(&a->ma, percpu_sizes[i]);
	return err;
}

static int init_allocator(struct arena *a, u32 *rnd)
{
	unsigned int flags = a->flavor->flags;

	switch (a->kind) {
	case PERCPU_CLASSES:
		return init_percpu_classes(a);
	case PERCPU:
		a->size = 8 + 8 * (ma_random(rnd) % 32);
		flags |= BPF_MA_PERCPU;
		break;
	case CLASSES:
		a->size = 0;
		break;
	case FIXED:
		a->size = 8 + 8 * (ma_random(rnd) % (ma_random(rnd) % 4 ? 64 : WORDS_MAX));
		break;
	}
	return bpf_mem_alloc_init(&a->ma, a->size, flags);
}

static enum kind kind_of(unsigned int index, const struct ma_flavor *flavor, u32 *rnd)
{
	enum kind kind = index / MA_NR_FLAVORS;

	/* The size classes of per-CPU objects know no flavor. */
	if (kind == PERCPU && !flavor->flags && ma_random(rnd) % 2)
		kind = PERCPU_CLASSES;
	return kind;
}

/* Some of the slots, in the way that may sleep; nobody else is there yet. */
static void fill(struct arena *a)
{
	unsigned int slot;

	for (slot = 0; a->size && slot < SLOTS; slot += 2) {
		void *obj = bpf_mem_cache_alloc_flags(&a->ma, GFP_KERNEL);

		if (!obj)
			continue;
		write_stamp(a, obj, a->size / sizeof(u64), stamp_new(a, slot, a->size));
		a->slots[slot] = obj;
	}
}

static void create(unsigned int index, u32 *rnd)
{
	struct arena *a = kzalloc(sizeof(*a), GFP_KERNEL);

	if (!a)
		goto failed;
	a->index = index;
	a->flavor = &ma_flavors[index % MA_NR_FLAVORS];
	a->kind = kind_of(index, a->flavor, rnd);
	if (init_allocator(a, rnd)) {
		kfree(a);
		goto failed;
	}
	stress_count(STRESS_UNFINISHED);
	stress_count(STRESS_CREATED_FIXED + a->kind);
	bpf_mem_alloc_set_dtor(&a->ma, poison, arena_end, a);
	fill(a);
	rcu_assign_pointer(arenas[index], a);
	return;
failed:
	stress_count(STRESS_NOT_CREATED);
}

/* On one CPU or on all of them at once, in interrupts. */
static void empty(void *arg)
{
	struct arena *a = arg;
	int slot;

	while ((slot = atomic_inc_return(&a->emptied) - 1) < SLOTS)
		exchange(a, slot, NULL);
}

static void destroy(struct arena *a, u32 *rnd)
{
	struct bpf_mem_alloc_stats stats;

	RCU_INIT_POINTER(arenas[a->index], NULL);
	synchronize_rcu();
	bpf_mem_alloc_read_stats(&a->ma, &stats);
	stress_add(STRESS_NESTED, stats.nested);
	if (ma_random(rnd) % 2)
		on_each_cpu(empty, a, 1);
	else
		empty(a);
	/* Left alone it gives back what it has; or else that is in its way. */
	if (!(ma_random(rnd) % 4))
		msleep(ma_random(rnd) % 300);
	bpf_mem_alloc_destroy(&a->ma);
	stress_count(STRESS_DESTROYED);
}

void arenas_come_or_go(unsigned int half, u32 *rnd)
{
	unsigned int index = ma_random(rnd) % (NR_ARENAS / 2) * 2 + half;
	struct arena *a = rcu_dereference_protected(arenas[index], true);

	/* They are there more often than not. */
	if (!a)
		create(index, rnd);
	else if (!(ma_random(rnd) % 4))
		destroy(a, rnd);
}

void arenas_destroy_all(u32 *rnd)
{
	struct arena *a;
	int i;

	for (i = 0; i < NR_ARENAS; i++) {
		a = rcu_dereference_protected(arenas[i], true);
		if (a)
			destroy(a, rnd);
	}
}
