// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory allocator for BPF programs: any context may allocate and free.
 *
 * BPF programs run where calling slab is not safe: in NMI handlers, inside
 * slab itself, with locks held.  So a program only ever touches lists of this
 * CPU, and an irq_work that runs a moment later does what needs locks.
 *
 * An object is in one of these states:
 *
 *	live	 handed out; its header names the depot it came from
 *	free	 an allocation may take it: on the free list of a CPU, in its
 *		 reserve, or in a batch in the depot
 *	waiting	 freed, in a batch of a CPU that waits for an RCU grace period
 *	surplus	 free, but handed over to an RCU-tasks-trace grace period that
 *		 ends in slab; an allocation may still rob it back
 *	dead	 past all its grace periods, about to go back to slab
 *
 * and the flavors differ in the path that a free takes through them:
 *
 *	normal			live -> free -> surplus -> dead
 *	normal, *_free_rcu()	live -> waiting -> free -> surplus -> dead
 *	REUSE_AFTER_RCU_GP	live -> waiting -> free -> surplus -> dead
 *	FREE_AFTER_RCU_GP	live -> waiting -> dead
 *
 * The parts, and the rules that each keeps:
 *
 * Cache (struct bpf_mem_cache), one per CPU and size class.  Its lists are
 * touched only by its own CPU, with interrupts off, by an owner that says so in
 * @active.  Who finds an owner there has interrupted it (an NMI, or a program
 * attached to what the owner calls): it takes from @reserve and frees to the @side
 * lists, both of which are lock-free.  The two magazines at hand, one that
 * allocations empty and one that frees fill, are used with interrupts on, with
 * preemption off and a mark in @active.  Who finds the mark and no owner becomes
 * the owner, but leaves these two alone: there is a low watermark of objects beside
 * them, or a refill to come.  Nothing here takes a lock, queues work or allocates.
 *
 * Batch (struct bpf_ma_batch): freed objects and one cookie, which says when a
 * full RCU grace period has passed since the youngest of them was freed.
 *
 * Magazine (struct bpf_ma_mag): pointers to the objects of a batch.  It goes where
 * they go: allocations empty it, frees fill it again.  Where there is none, objects
 * are linked by their headers, as are those of a normal allocator.
 *
 * Depot (struct bpf_ma_depot), one per allocator and size class: whole batches
 * that one CPU has too many of, for itself later or another, and empty magazines, under a
 * raw spinlock that is taken from irq_work or later and once per batch or magazine,
 * never once per object.
 *
 * Grace-period engine: when freed memory piles up it waits for one expedited
 * grace period at a time on behalf of every allocator.
 *
 * Tracer: waits for one RCU-tasks-trace grace period at a time, likewise.
 *
 * Keeper: one work item for all allocators that are awake.  It empties the
 * caches of CPUs that fell idle, gives back what the depots did not need, and
 * takes destroyed allocators apart.  An allocator whose CPUs hold no more than
 * their low watermarks falls asleep and costs nothing.
 *
 * Per-CPU magazines, a loaded one among them, and a depot of full ones are those
 * of Bonwick and Adams, "Magazines and Vmem" (USENIX 2001); so is giving back what
 * a depot did not need since the last look.
 */
#include <linux/bitmap.h>
#include <linux/bpf_mem_alloc.h>
#include <linux/cpu.h>
#include <linux/irq_work.h>
#include <linux/list.h>
#include <linux/llist.h>
#include <linux/memcontrol.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/processor.h>
#include <linux/rcupdate.h>
#include <linux/rcupdate_trace.h>
#include <linux/rcupdate_wait.h>
#include <linux/sched.h>
#include <linux/sched/clock.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#define BPF_MA_SIZE_MAX		4096
#define BPF_MA_NR_CLASSES	11
#define BPF_MA_RING		4	/* batches that wait in one cache */
#define BPF_MA_DEPOT_BATCHES	16
#define BPF_MA_DEPOT_GET	4	/* batches' worth that a CPU takes at once */
#define BPF_MA_LOOKS		8	/* harvests that find objects idle before they go */
#define BPF_MA_WALK_MAX		1024	/* loose objects that are walked at once */
#define BPF_MA_RESERVE		8	/* objects for nested allocations */
#define BPF_MA_MAG_MAX		254	/* pointers in a magazine: 2 KiB in all */
#define BPF_MA_MAG_STOCK	4	/* empty magazines that a cache gets at once */
#define BPF_MA_FREE_ATOMIC	128	/* objects to slab in one irq_work */
#define BPF_MA_KEEPER_PERIOD	msecs_to_jiffies(100)
#define BPF_MA_REFILL_NS	(10 * NSEC_PER_MSEC)	/* for which a task spins */
#define BPF_MA_REST_PARTS	5	/* the shortest rest is that part of a full one */
#define BPF_MA_RESTS_OF_FEW	2	/* full ones, where few bytes wait */
#define BPF_MA_GP_LATE_NS	(300 * NSEC_PER_USEC)	/* three times what is usual */
#define BPF_MA_AT_MAGS		0x10000	/* in @active: the fast path is at the magazines */
/* Flavors whose every free waits for a grace period. */
#define BPF_MA_WAITS		(BPF_MA_REUSE_AFTER_RCU_GP | BPF_MA_FREE_AFTER_RCU_GP)

static const u16 class_sizes[BPF_MA_NR_CLASSES] = {
	16, 32, 64, 96, 128, 192, 256, 512, 1024, 2048, 4096,
};

/*
 * Bytes of freed objects that wait in one cache and ask for an expedited grace period.
 * Fewer ask for one after some rests, if they are half of that at least; others wait for
 * whatever grace period comes.
 */
static unsigned int expedite_bytes = 112 * 1024;
module_param(expedite_bytes, uint, 0644);
MODULE_PARM_DESC(expedite_bytes, "bytes waiting on one CPU that ask for an expedited grace period, as do half of them after two rests");

/*
 * Rest between the end of an expedited grace period and the next request.  Where n times
 * expedite_bytes wait it is an n-th of that.
 */
static unsigned int expedite_rest_us = 500;
module_param(expedite_rest_us, uint, 0644);
MODULE_PARM_DESC(expedite_rest_us, "microseconds between two expedited grace periods, less if much waits");

/*
 * The header in front of every object: the link while the object is on a
 * list, the way home while it is live.  Readers may still look at a freed
 * object, so nothing but this header is ever written.
 */
struct bpf_ma_obj {
	union {
		struct llist_node node;
		struct bpf_ma_obj *next;
		struct bpf_ma_depot *depot;
	};
};

#define BPF_MA_HDR	sizeof(struct bpf_ma_obj)

/*
 * Pointers to freed objects, a batch of them.  What waits for a grace period has
 * left the CPU's caches when it is reused; in a magazine nobody touches it from the
 * free to the next allocation, while a link in its header would have to be read
 * there.  So the header stays what it was while the object was live.
 */
struct bpf_ma_mag {
	struct bpf_ma_mag *next;
	unsigned int count;
	struct bpf_ma_obj *slots[];
};

/* What slab gives for a per-CPU object; callers get the address of @pptr. */
struct bpf_ma_percpu_obj {
	struct bpf_ma_obj hdr;
	void __percpu *pptr;
};

/*
 * Objects: loose ones, linked by their headers, and magazines.  @count is that of
 * all.  A magazine may be empty, on its way to slab.  @tail and @last are stale
 * where @head and @mags are NULL.
 */
struct bpf_ma_list {
	struct bpf_ma_obj *head;
	unsigned int count;
	struct bpf_ma_obj *tail;
	struct bpf_ma_mag *mags;
	struct bpf_ma_mag *last;
};

struct bpf_ma_batch {
	struct bpf_ma_list list;
	struct rcu_gp_seq cookie;
};

/* Free objects in the depot, and the cache that had too many, whose CPU used them last. */
struct bpf_ma_stock {
	struct bpf_ma_list list;
	const struct bpf_mem_cache *from;
};

/**
 * struct bpf_mem_cache - the objects of one size class on one CPU
 * @active: who uses it: depth of owners, see cache_enter(), and BPF_MA_AT_MAGS
 * @low: refill when fewer objects than this are free, and somebody allocates
 * @high: give surplus to the depot when more than this are free
 * @full: objects in the open batch with which it is closed, and in a magazine
 * @reuses: what waited becomes free, else dead
 * @room: slots of @filling that are free, 0 without one
 * @left: objects in @loaded, 0 without one
 * @filling: magazine that frees fill from its end; goes to the open batch before that
 *	is closed, or to the next if its fast path was interrupted
 * @loaded: magazine that allocations empty
 * @depot: where batches go and come from
 * @free: objects that an allocation may take, once @loaded is empty or out of reach
 * @open: freed objects of the batch that has no cookie yet
 * @ring: closed batches; oldest at @first, @nr of them, cookies in order of age
 * @spare: free objects that were left over, on their way to the depot
 * @dead: objects past their grace period, to slab a few at a time
 * @empty: magazines for frees to fill, @nr_empty of them
 * @nr_empty: magazines in @empty
 * @wants: when the last batch was full, there was none for the next
 * @asks: an allocation found no more than @low since @work looked last; set by whoever
 *	allocates here, nested or not, cleared by @work with xchg()
 * @first: index of the oldest batch in @ring
 * @nr: batches in @ring
 * @looks: harvests in a row that found more free objects than a few batches
 * @idle: the fewest that one of these found: nobody needed as many
 * @kept: objects that would be free if since the last batch came into @ring nobody had
 *	allocated or freed any to be reused at once
 * @allocates: before that more had been allocated than freed so, or an allocation has
 *	found no more than @low since
 * @events: batches closed or harvested, refills, and cuts of @free; tells the keeper that
 *	this CPU looks after itself
 * @side: objects freed by nested callers, to become free
 * @side_wait: objects freed by nested callers, to become waiting
 * @reserve: objects for nested allocations; a nested taker only clears a
 *	slot, by xchg(), the owner only fills empty ones
 * @work: refills, gives surplus away, collects the side lists
 * @working: @work runs and will look at what nested callers leave; set and
 *	cleared by @work
 * @seen: the keeper's note of what it saw here last; written by the keeper
 * @seen_events: likewise, of @events
 * @stat: counters, written by the owner
 *
 * All but @asks, @side, @side_wait, @reserve, @work, @working, @seen and @seen_events
 * belong to the owner: this CPU, with interrupts off, having raised the depth in @active
 * from 0.  @room, @left, @filling, @loaded and these magazines' slots do if there is no
 * mark in @active; else they are those of this CPU's fast path, which the owner has
 * interrupted.  The keeper and the statistics read the counts from afar, as hints.
 * What most allocations and frees touch is in the first 64 bytes.
 */
struct bpf_mem_cache {
	unsigned int active;
	u16 low, high, full;
	bool reuses;
	unsigned int room;
	unsigned int left;
	struct bpf_ma_mag *filling;
	struct bpf_ma_mag *loaded;
	struct bpf_ma_depot *depot;
	struct bpf_ma_list free;
	struct bpf_ma_list open;
	unsigned int first, nr;
	unsigned int looks, idle, kept;
	bool allocates;
	unsigned int events;
	struct bpf_ma_batch ring[BPF_MA_RING];
	struct bpf_ma_list spare;
	struct bpf_ma_list dead;
	struct bpf_ma_list empty;
	unsigned int nr_empty;
	bool wants;
	bool asks;
	struct llist_head side;
	struct llist_head side_wait;
	struct bpf_ma_obj *reserve[BPF_MA_RESERVE];
	struct irq_work work;
	bool working;
	unsigned long seen;
	unsigned int seen_events;
	struct {
		unsigned long batches;
		unsigned long refills;
		unsigned long nested;
	} stat;
} ____cacheline_aligned;

/* Somebody who waits for an RCU-tasks-trace grace period; a worker calls @done then. */
struct bpf_ma_traced {
	struct llist_node node;
	void (*done)(struct bpf_ma_traced *traced);
};

/**
 * struct bpf_ma_depot - what the CPUs share of one size class of an allocator
 * @pool: the allocator
 * @index: which size class this is
 * @unit_size: bytes asked of slab, or of the per-CPU allocator
 * @obj_bytes: bytes that an object takes in all, on every CPU it is on
 * @ready: the class is set up; set with release semantics after its caches
 * @lock: protects the fields below up to @empty
 * @batches: free batches, the youngest last, @nr of them
 * @nr: batches in @batches
 * @count: objects in @batches
 * @idle: lowest @count since the keeper looked last: nobody needed these
 * @surplus: objects for the next tasks-trace grace period
 * @tracing: objects that wait for the tasks-trace grace period of @traced
 * @in_flight: @traced waits
 * @dead: objects that nobody can see any more
 * @empty: magazines of CPUs that allocate, for CPUs that free
 * @lacks: one of these got none since the last refill.  Written by irq_works, without
 *	@lock: a request that is lost is made again
 * @traced: for the next tasks-trace grace period
 * @taken: objects that came from slab
 * @returned: objects that went back to slab
 * @mags: magazines that are out of slab
 * @peak: highest taken - returned that a refill saw
 * @gets: times that a CPU took from @batches, under @lock
 * @puts: batches put on @batches, under @lock
 * @robbed: objects taken from @surplus and @tracing, under @lock
 * @failures: slab allocations that failed
 */
struct bpf_ma_depot {
	struct bpf_ma_pool *pool;
	unsigned int index;
	unsigned int unit_size;
	unsigned int obj_bytes;
	bool ready;

	/* Apart from what every free of an object reads. */
	raw_spinlock_t lock ____cacheline_aligned;
	struct bpf_ma_stock batches[BPF_MA_DEPOT_BATCHES];
	unsigned int nr;
	unsigned int count;
	unsigned int idle;
	struct bpf_ma_list surplus;
	struct bpf_ma_list tracing;
	bool in_flight;
	struct bpf_ma_list dead;
	struct bpf_ma_list empty;
	bool lacks;

	struct bpf_ma_traced traced;
	atomic_long_t taken;
	atomic_long_t returned;
	atomic_long_t mags;
	unsigned long peak;
	unsigned long gets, puts, robbed;
	atomic_long_t failures;
};

/**
 * struct bpf_ma_pool - an allocator, from init until its last object is home
 * @caches: per CPU, an array of @nr_classes caches
 * @nr_classes: 1, or BPF_MA_NR_CLASSES
 * @flags: enum bpf_mem_alloc_flags
 * @size: bytes that a caller may use of an object, 0 with size classes
 * @objcg: who is charged for objects, NULL for nobody
 * @dtor: called with the caller's address of each object that goes to slab
 * @dtor_ctx_free: called once with @dtor_ctx, after the last @dtor
 * @dtor_ctx: second argument of @dtor
 * @awake: the keeper visits.  Set by whoever finds it clear, cleared by the
 *	keeper; see keeper_visit() for why no object is forgotten.
 * @drowsy: @awake was cleared, and @cookie tells when it is safe to leave;
 *	keeper only
 * @cookie: see @drowsy
 * @traced: for the last tasks-trace grace period
 * @id: number of the allocator in the statistics
 * @registry: link in the list of all allocators, under registry_lock
 * @visits: link in the keeper's list, keeper only
 * @woken: link in keeper.woken, owned by who set @awake
 * @ended: link in keeper.destroyed, then in keeper.finished
 * @depots: one per size class
 */
struct bpf_ma_pool {
	struct bpf_mem_cache __percpu *caches;
	unsigned int nr_classes;
	unsigned int flags;
	unsigned int size;
	struct obj_cgroup *objcg;
	void (*dtor)(void *obj, void *ctx);
	void (*dtor_ctx_free)(void *ctx);
	void *dtor_ctx;
	bool awake;

	bool drowsy;
	struct rcu_gp_seq cookie;
	struct bpf_ma_traced traced;
	u64 id;
	struct list_head registry;
	struct list_head visits;
	struct llist_node woken;
	struct llist_node ended;
	struct bpf_ma_depot depots[];
};

/**
 * struct bpf_ma_engine - expedited grace periods, one at a time for everybody
 * @busy: a grace period was asked for and has not ended.  Set by xchg() from
 *	irq_work; cleared by the worker with release semantics after @rests_since, for
 *	who loads it with acquire semantics before.
 * @asked_at: local_clock() when the last one was asked for; written by who set
 *	@busy
 * @rests_since: local_clock() at the end of the last one and an eighth of what it took
 *	later; written by the worker
 * @work: waits for the grace period
 */
struct bpf_ma_engine {
	unsigned int busy;
	u64 asked_at;
	u64 rests_since;
	struct work_struct work;
};

static void engine_fn(struct work_struct *work);

static struct bpf_ma_engine engine = {
	.work = __WORK_INITIALIZER(engine.work, engine_fn),
};

/**
 * struct bpf_ma_tracer - RCU-tasks-trace grace periods, one at a time for everybody
 * @asked: those who wait for the next one
 * @work: waits for it; queued by whoever finds @asked empty
 */
struct bpf_ma_tracer {
	struct llist_head asked;
	struct work_struct work;
};

static void tracer_fn(struct work_struct *work);

static struct bpf_ma_tracer tracer = {
	.work = __WORK_INITIALIZER(tracer.work, tracer_fn),
};

/**
 * struct bpf_ma_keeper - what is done for allocators behind their users' backs
 * @work: the one work item
 * @woken: allocators that became awake
 * @destroyed: allocators that were destroyed by their users
 * @finished: destroyed allocators whose last grace period is over
 * @visits: allocators to visit; the worker's own, like the fields below
 * @zombies: finished allocators some of whose objects are still live
 * @next_visit: jiffies of the next round
 * @cookie: for the grace period that the keeper asked for last
 */
struct bpf_ma_keeper {
	struct delayed_work work;
	struct llist_head woken;
	struct llist_head destroyed;
	struct llist_head finished;
	struct list_head visits;
	struct list_head zombies;
	unsigned long next_visit;
	struct rcu_gp_seq cookie;
};

static void keeper_fn(struct work_struct *work);

static struct bpf_ma_keeper keeper = {
	.work = __DELAYED_WORK_INITIALIZER(keeper.work, keeper_fn, 0),
	.visits = LIST_HEAD_INIT(keeper.visits),
	.zombies = LIST_HEAD_INIT(keeper.zombies),
	.next_visit = INITIAL_JIFFIES,
};

static DEFINE_MUTEX(registry_lock);
static LIST_HEAD(registry);
static u64 registry_next_id;

static struct {
	atomic_long_t taken, returned;	/* of allocators that are gone */
	atomic_long_t gp_normal, gp_expedited, gp_trace;
} totals;

/*
 * A count or pointer of a list that another CPU owns, read without stopping it:
 * a hint, outdated when it arrives.
 */
#define peek(x) data_race(x)

/* ---- lists of objects ---- */

/* As a loose one. */
static __always_inline void list_push(struct bpf_ma_list *list,
				      struct bpf_ma_obj *obj)
{
	if (!list->head)
		list->tail = obj;
	obj->next = list->head;
	list->head = obj;
	list->count++;
}

/* Of the loose ones. */
static __always_inline struct bpf_ma_obj *list_pop(struct bpf_ma_list *list)
{
	struct bpf_ma_obj *obj = list->head;

	if (likely(obj)) {
		list->head = obj->next;
		list->count--;
	}
	return obj;
}

static notrace void list_push_mag(struct bpf_ma_list *list, struct bpf_ma_mag *mag)
{
	if (!list->mags)
		list->last = mag;
	mag->next = list->mags;
	list->mags = mag;
	list->count += mag->count;
}

static notrace struct bpf_ma_mag *list_pop_mag(struct bpf_ma_list *list)
{
	struct bpf_ma_mag *mag = list->mags;

	if (mag) {
		list->mags = mag->next;
		list->count -= mag->count;
	}
	return mag;
}

/* Nothing to give back, no empty magazine either. */
static bool list_is_bare(const struct bpf_ma_list *list)
{
	return !list->head && !list->mags;
}

/* Empties @list and returns what it held. */
static __always_inline struct bpf_ma_list list_take(struct bpf_ma_list *list)
{
	struct bpf_ma_list all = *list;

	list->head = NULL;
	list->mags = NULL;
	list->count = 0;
	return all;
}

/* Moves all of @from in front of what @to holds. */
static notrace void list_splice_front(struct bpf_ma_list *to,
				      struct bpf_ma_list *from)
{
	if (from->head) {
		from->tail->next = to->head;
		if (!to->head)
			to->tail = from->tail;
		to->head = from->head;
	}
	if (from->mags) {
		from->last->next = to->mags;
		if (!to->mags)
			to->last = from->last;
		to->mags = from->mags;
	}
	to->count += from->count;
	list_take(from);
}

/* Moves all of @from behind what @to holds. */
static notrace void list_splice_back(struct bpf_ma_list *to,
				     struct bpf_ma_list *from)
{
	struct bpf_ma_list front = list_take(to);

	list_splice_front(from, &front);
	*to = list_take(from);
}

/* Moves the objects of @mag to its front, where @gap slots are not in use. */
static notrace void mag_close_gap(struct bpf_ma_mag *mag, unsigned int gap)
{
	if (gap)
		memmove(mag->slots, mag->slots + gap, mag->count * sizeof(mag->slots[0]));
}

/* Makes the objects of @mag loose ones of @list; touches them. */
static notrace void list_pour(struct bpf_ma_list *list, struct bpf_ma_mag *mag)
{
	while (mag->count)
		list_push(list, mag->slots[--mag->count]);
}

/*
 * Takes up to @n objects off the front of @list: loose ones, then magazines that
 * need not be split.  Walks the loose ones, so their number, and not that of all, is
 * bounded for who has interrupts off.
 */
static notrace struct bpf_ma_list list_cut(struct bpf_ma_list *list,
					   unsigned int n)
{
	struct bpf_ma_list front = {};
	struct bpf_ma_obj *obj;
	unsigned int loose;

	if (n >= list->count)
		return list_take(list);
	loose = min_t(unsigned int, n, BPF_MA_WALK_MAX);
	for (obj = list->head; obj && front.count < loose; obj = obj->next) {
		front.tail = obj;
		front.count++;
	}
	if (front.count) {
		front.head = list->head;
		front.tail->next = NULL;
		list->head = obj;
		list->count -= front.count;
	}
	while (list->mags && front.count + list->mags->count <= n)
		list_push_mag(&front, list_pop_mag(list));
	return front;
}

/* ---- invariants, checked in debug builds ---- */

#ifdef CONFIG_PROVE_LOCKING
/* The count and the ends say what a walk finds. */
static bool list_is_sound(const struct bpf_ma_list *list)
{
	const struct bpf_ma_mag *mag, *last_mag = NULL;
	const struct bpf_ma_obj *obj, *last = NULL;
	unsigned int n = 0;

	for (obj = list->head; obj && n <= list->count; obj = obj->next) {
		last = obj;
		n++;
	}
	for (mag = list->mags; mag && n <= list->count; mag = mag->next) {
		last_mag = mag;
		n += mag->count;
	}
	return n == list->count && (!last || last == list->tail) &&
	       (!last_mag || last_mag == list->last);
}

static unsigned int list_count_mags(const struct bpf_ma_list *list)
{
	const struct bpf_ma_mag *mag;
	unsigned int n = 0;

	for (mag = list->mags; mag; mag = mag->next)
		n++;
	return n;
}

/*
 * Owner: what waits is in those places of the ring that are in use, the magazines
 * at hand are what the fast path takes them for, and those to be filled are counted.
 */
static void cache_check(const struct bpf_mem_cache *c)
{
	unsigned int i, used;

	WARN_ON_ONCE(!list_is_sound(&c->free) || !list_is_sound(&c->open));
	WARN_ON_ONCE(!list_is_sound(&c->spare) || !list_is_sound(&c->dead));
	WARN_ON_ONCE(!list_is_sound(&c->empty) || c->empty.count);
	WARN_ON_ONCE(list_count_mags(&c->empty) != c->nr_empty);
	WARN_ON_ONCE(c->room && (!c->filling || c->room >= c->full));
	WARN_ON_ONCE(c->left && (!c->loaded || c->left > c->full));
	WARN_ON_ONCE(c->nr > BPF_MA_RING);
	for (i = 0; i < BPF_MA_RING; i++) {
		used = (i + BPF_MA_RING - c->first) % BPF_MA_RING < c->nr;
		WARN_ON_ONCE(used != !!c->ring[i].list.count);
		WARN_ON_ONCE(!list_is_sound(&c->ring[i].list));
	}
}

/*
 * Lock held: @count is the sum of the batches, none of which is empty; and
 * nothing waits for a grace period that nobody asked for.
 */
static void depot_check(const struct bpf_ma_depot *d)
{
	unsigned int i, count = 0;

	for (i = 0; i < d->nr; i++) {
		WARN_ON_ONCE(!d->batches[i].list.count ||
			     !list_is_sound(&d->batches[i].list));
		count += d->batches[i].list.count;
	}
	WARN_ON_ONCE(count != d->count || d->idle > d->count);
	WARN_ON_ONCE(!list_is_sound(&d->surplus) || !list_is_sound(&d->dead));
	WARN_ON_ONCE(!list_is_sound(&d->tracing) || (d->tracing.count && !d->in_flight));
	WARN_ON_ONCE(!list_is_sound(&d->empty) || d->empty.count);
}
#else
static void cache_check(const struct bpf_mem_cache *c) { }
static void depot_check(const struct bpf_ma_depot *d) { }
#endif

/* ---- slab: the only places where memory comes from and goes to ---- */

static void *obj_to_ptr(struct bpf_ma_obj *obj)
{
	return (void *)obj + BPF_MA_HDR;
}

static __always_inline struct bpf_ma_obj *ptr_to_obj(void *ptr)
{
	return ptr - BPF_MA_HDR;
}

static struct obj_cgroup *current_objcg(void)
{
#ifdef CONFIG_MEMCG
	return memcg_bpf_enabled() ? get_obj_cgroup_from_current() : NULL;
#else
	return NULL;
#endif
}

struct charge {
	struct mem_cgroup *memcg, *old_memcg;
};

/* What is allocated with the flags returned is charged to whom @pool charges. */
static gfp_t charge_begin(struct charge *charge, const struct bpf_ma_pool *pool,
			  gfp_t gfp)
{
	charge->memcg = pool->objcg ? get_mem_cgroup_from_objcg(pool->objcg) : NULL;
	charge->old_memcg = set_active_memcg(charge->memcg);
	return gfp | __GFP_NOWARN | (pool->objcg ? __GFP_ACCOUNT : 0);
}

static void charge_end(struct charge *charge)
{
	set_active_memcg(charge->old_memcg);
	mem_cgroup_put(charge->memcg);
}

static struct bpf_ma_obj *percpu_obj_alloc(struct bpf_ma_depot *d, int node,
					   gfp_t gfp)
{
	struct bpf_ma_percpu_obj *obj;

	obj = kmalloc_node(sizeof(*obj), gfp, node);
	if (!obj)
		return NULL;
	obj->pptr = __alloc_percpu_gfp(d->unit_size, 8, gfp);
	if (!obj->pptr) {
		kfree(obj);
		return NULL;
	}
	return &obj->hdr;
}

static bool depot_is_percpu(const struct bpf_ma_depot *d)
{
	return d->pool->flags & BPF_MA_PERCPU;
}

static bool depot_waits(const struct bpf_ma_depot *d)
{
	return d->pool->flags & BPF_MA_WAITS;
}

/*
 * slab_take - take up to @n objects from slab
 * @gfp: GFP_KERNEL or GFP_NOWAIT; charged to the allocator's memory cgroup
 *
 * Every object starts zeroed: special fields of a map value are valid from
 * the first moment on.
 */
static struct bpf_ma_list slab_take(struct bpf_ma_depot *d, unsigned int n,
				    int node, gfp_t gfp)
{
	struct bpf_ma_list list = {};
	struct charge charge;
	long out;

	gfp = charge_begin(&charge, d->pool, gfp);
	while (list.count < n) {
		struct bpf_ma_obj *obj;

		if (depot_is_percpu(d))
			obj = percpu_obj_alloc(d, node, gfp);
		else
			obj = kmalloc_node(d->unit_size, gfp | __GFP_ZERO, node);
		if (!obj) {
			atomic_long_inc(&d->failures);
			break;
		}
		list_push(&list, obj);
	}
	charge_end(&charge);

	out = atomic_long_add_return(list.count, &d->taken) -
	      atomic_long_read(&d->returned);
	/* A lost update costs the statistics one peak, and nothing else. */
	if (out > (long)READ_ONCE(d->peak))
		WRITE_ONCE(d->peak, out);
	return list;
}

static void obj_to_slab(struct bpf_ma_depot *d, struct bpf_ma_obj *obj)
{
	struct bpf_ma_pool *pool = d->pool;

	if (pool->dtor)
		pool->dtor(obj_to_ptr(obj), pool->dtor_ctx);
	if (depot_is_percpu(d))
		free_percpu(container_of(obj, struct bpf_ma_percpu_obj, hdr)->pptr);
	kfree(obj);
}

/* An empty magazine for up to @size objects, or NULL. */
static struct bpf_ma_mag *slab_take_mag(struct bpf_ma_depot *d, unsigned int size)
{
	struct bpf_ma_mag *mag;
	struct charge charge;
	gfp_t gfp;

	gfp = charge_begin(&charge, d->pool, GFP_NOWAIT);
	mag = kmalloc_node(struct_size(mag, slots, size), gfp, NUMA_NO_NODE);
	charge_end(&charge);
	if (!mag)
		return NULL;
	mag->count = 0;
	atomic_long_inc(&d->mags);
	return mag;
}

static void mag_to_slab(struct bpf_ma_depot *d, struct bpf_ma_mag *mag)
{
	while (mag->count)
		obj_to_slab(d, mag->slots[--mag->count]);
	kfree(mag);
	atomic_long_dec(&d->mags);
}

/* Objects, and the magazines that they are in. */
static void slab_return(struct bpf_ma_depot *d, struct bpf_ma_list *list)
{
	unsigned int count = list->count;
	struct bpf_ma_mag *mag;
	struct bpf_ma_obj *obj;

	while ((obj = list_pop(list)))
		obj_to_slab(d, obj);
	while ((mag = list_pop_mag(list)))
		mag_to_slab(d, mag);
	/* Whoever sees the sum complete may free the pool: this is the last use. */
	smp_mb__before_atomic();
	atomic_long_add(count, &d->returned);
}

/* Process context, any length. */
static void slab_return_all(struct bpf_ma_depot *d, struct bpf_ma_list *list)
{
	while (!list_is_bare(list)) {
		struct bpf_ma_list some = list_cut(list, BPF_MA_MAG_MAX);

		slab_return(d, &some);
		cond_resched();
	}
}

/* ---- waking the keeper ---- */

static void keeper_kick(unsigned long delay)
{
	/*
	 * A destroyed allocator is not left to wait for the next round; waking
	 * one up must not put the round off.
	 */
	if (delay)
		queue_delayed_work(system_dfl_wq, &keeper.work, delay);
	else
		mod_delayed_work(system_dfl_wq, &keeper.work, 0);
}

/* Puts the allocator on the keeper's list.  From irq_work or later. */
static void pool_wake(struct bpf_ma_pool *pool)
{
	if (READ_ONCE(pool->awake) || xchg(&pool->awake, true))
		return;
	llist_add(&pool->woken, &keeper.woken);
	keeper_kick(BPF_MA_KEEPER_PERIOD);
}

/* ---- RCU-tasks-trace grace periods ---- */

static void tracer_fn(struct work_struct *work)
{
	/* Whoever asks from here on waits for the next one. */
	struct llist_node *asked = llist_del_all(&tracer.asked);
	struct bpf_ma_traced *traced, *next;

	/* Not as a task that is stuck, however long a sleepable program sleeps. */
	wait_rcu_gp_state(TASK_IDLE, call_rcu_tasks_trace);
	atomic_long_inc(&totals.gp_trace);
	/* In the order in which they asked, see keeper_retire(). */
	llist_for_each_entry_safe(traced, next, llist_reverse_order(asked), node)
		traced->done(traced);
}

/*
 * An RCU-tasks-trace grace period covers an RCU one, which is needed too: an object of a
 * normal allocator that becomes surplus has seen neither.  A worker waits for it, as
 * call_rcu_tasks_trace() may let a quarter of a second pass first, for others to join.
 */
static void call_after_trace_gp(struct bpf_ma_traced *traced,
				void (*done)(struct bpf_ma_traced *traced))
{
	traced->done = done;
	if (llist_add(&traced->node, &tracer.asked))
		queue_work(system_dfl_wq, &tracer.work);
}

/* ---- depot ---- */

static __always_inline bool depot_is_ready(const struct bpf_ma_depot *d)
{
	/* Pairs with depot_init(): the caches of the class are there. */
	return smp_load_acquire(&d->ready);
}

/*
 * Lock held, and there are batches: the youngest that came from @c, or else of all.
 * What another CPU wrote last has to leave its hardware caches, line by line.
 */
static struct bpf_ma_stock *depot_nearest(struct bpf_ma_depot *d,
					  const struct bpf_mem_cache *c)
{
	unsigned int i;

	for (i = d->nr; i--;)
		if (d->batches[i].from == c)
			return &d->batches[i];
	return &d->batches[d->nr - 1];
}

/* Lock held: forgets @stock, which is in use elsewhere or empty. */
static void depot_drop(struct bpf_ma_depot *d, struct bpf_ma_stock *stock)
{
	struct bpf_ma_stock *next = stock + 1;

	memmove(stock, next, (d->batches + d->nr - next) * sizeof(*stock));
	d->nr--;
}

/* Gives the depot a batch of free objects that are too many for @c. */
static void depot_put(struct bpf_ma_depot *d, const struct bpf_mem_cache *c,
		      struct bpf_ma_list *list)
{
	struct bpf_ma_stock *stock;
	unsigned long flags;

	if (!list->count)
		return;
	raw_spin_lock_irqsave(&d->lock, flags);
	d->count += list->count;
	d->puts++;
	if (d->nr == BPF_MA_DEPOT_BATCHES) {
		stock = depot_nearest(d, c);
		list_splice_back(list, &stock->list);
		depot_drop(d, stock);
	}
	d->batches[d->nr++] = (struct bpf_ma_stock) { list_take(list), c };
	raw_spin_unlock_irqrestore(&d->lock, flags);
}

/* Lock held: takes up to @want objects from @stock. */
static struct bpf_ma_list depot_cut(struct bpf_ma_depot *d, struct bpf_ma_stock *stock,
				    unsigned int want)
{
	struct bpf_ma_list list = list_cut(&stock->list, want);

	if (!stock->list.count)
		depot_drop(d, stock);
	d->count -= list.count;
	d->idle = min(d->idle, d->count);
	return list;
}

/*
 * Adds @list to @to: the depot's @dead, for objects that nobody can see any more and
 * magazines that the keeper is to give to slab, or its @empty.
 */
static void depot_add(struct bpf_ma_depot *d, struct bpf_ma_list *to,
		      struct bpf_ma_list *list)
{
	unsigned long flags;

	if (list_is_bare(list))
		return;
	raw_spin_lock_irqsave(&d->lock, flags);
	list_splice_front(to, list);
	raw_spin_unlock_irqrestore(&d->lock, flags);
}

/*
 * An empty magazine that another CPU has no use for, or NULL.  Where one CPU allocates
 * what another has freed they all come back this way, and new ones come with a refill.
 */
static struct bpf_ma_mag *depot_get_empty(struct bpf_ma_depot *d)
{
	struct bpf_ma_mag *mag;
	unsigned long flags;

	raw_spin_lock_irqsave(&d->lock, flags);
	mag = list_pop_mag(&d->empty);
	raw_spin_unlock_irqrestore(&d->lock, flags);
	return mag;
}

/*
 * Takes up to @want free objects for @c, or else robs them of those on their way to
 * slab.  Those are past their RCU grace period, and being handed out is no worse
 * for a sleepable reader than what it may see anyway.
 */
static struct bpf_ma_list depot_get(struct bpf_ma_depot *d,
				    const struct bpf_mem_cache *c, unsigned int want)
{
	struct bpf_ma_list list;
	unsigned long flags;

	raw_spin_lock_irqsave(&d->lock, flags);
	if (d->nr) {
		list = depot_cut(d, depot_nearest(d, c), want);
		d->gets++;
	} else {
		list = list_cut(d->surplus.count ? &d->surplus : &d->tracing, want);
		d->robbed += list.count;
	}
	raw_spin_unlock_irqrestore(&d->lock, flags);
	return list;
}

/* A hint, without the lock: depot_get() would find something. */
static bool depot_has_free(const struct bpf_ma_depot *d)
{
	return peek(d->count) || peek(d->surplus.count) || peek(d->tracing.count);
}

static void depot_trace_done(struct bpf_ma_traced *traced)
{
	struct bpf_ma_depot *d = container_of(traced, struct bpf_ma_depot, traced);
	struct bpf_ma_list dead;
	unsigned long flags;

	raw_spin_lock_irqsave(&d->lock, flags);
	dead = list_take(&d->tracing);
	d->in_flight = false;
	raw_spin_unlock_irqrestore(&d->lock, flags);
	slab_return_all(d, &dead);
}

/*
 * depot_trim - give back what nobody needed since the last call
 *
 * Keeper only.  The lowest fill of the depot in between is what the CPUs did
 * without; as many go, the oldest batches first.
 */
static void depot_trim(struct bpf_ma_depot *d)
{
	unsigned int i, idle;
	unsigned long flags;
	bool start;

	raw_spin_lock_irqsave(&d->lock, flags);
	depot_check(d);
	idle = d->idle;
	for (i = 0; i < d->nr && d->batches[i].list.count <= idle; i++) {
		idle -= d->batches[i].list.count;
		d->count -= d->batches[i].list.count;
		list_splice_front(&d->surplus, &d->batches[i].list);
	}
	d->nr -= i;
	memmove(d->batches, d->batches + i, d->nr * sizeof(d->batches[0]));
	d->idle = d->count;
	start = d->surplus.count && !d->in_flight;
	if (start) {
		d->in_flight = true;
		list_splice_front(&d->tracing, &d->surplus);
	}
	raw_spin_unlock_irqrestore(&d->lock, flags);

	if (start)
		call_after_trace_gp(&d->traced, depot_trace_done);
}

/* Process context: gives what is dead back to slab, and magazines that are not in use. */
static void depot_bury(struct bpf_ma_depot *d)
{
	struct bpf_ma_list dead;
	unsigned long flags;

	raw_spin_lock_irqsave(&d->lock, flags);
	dead = list_take(&d->dead);
	list_splice_front(&dead, &d->empty);
	raw_spin_unlock_irqrestore(&d->lock, flags);
	slab_return_all(d, &dead);
}

static bool depot_is_quiet(struct bpf_ma_depot *d)
{
	unsigned long flags;
	bool quiet;

	raw_spin_lock_irqsave(&d->lock, flags);
	quiet = !d->count && !d->surplus.count && !d->in_flight &&
		list_is_bare(&d->dead) && list_is_bare(&d->empty);
	raw_spin_unlock_irqrestore(&d->lock, flags);
	return quiet;
}

/* ---- expedited grace periods ---- */

static void engine_fn(struct work_struct *work)
{
	u64 start = local_clock(), end;

	synchronize_rcu_expedited();
	atomic_long_inc(&totals.gp_expedited);
	end = local_clock();
	/* CPUs that are slow to report are not to be interrupted all the time. */
	WRITE_ONCE(engine.rests_since,
		   end + ((s64)(end - start) > 0 ? (end - start) / 8 : 0));
	/* Pairs with the acquire in engine_is_ready(): who sees this sees the rest. */
	smp_store_release(&engine.busy, 0);
}

/*
 * Whether asking now would start a grace period, as @bytes wait on this CPU.  Usually
 * that is when there are expedite_bytes, so what waits is the same at any rate of frees.
 * Where these come during the rest it is the shorter the more there are, down to a part
 * of it: as bytes that wait are those freed between two grace periods, both they and the
 * number of grace periods then grow with the square root of the rate, as long as the
 * rest is most of that time.  And where they come slowly half as many will do, which
 * bounds the time for which anything waits.  Any context.
 */
static bool notrace engine_is_ready(u64 bytes)
{
	u64 rest = READ_ONCE(expedite_rest_us), least = READ_ONCE(expedite_bytes);
	s64 rested;

	if (!bytes || bytes < least / 2)
		return false;
	/* Pairs with the release in engine_fn(): its end is that of the last one. */
	if (smp_load_acquire(&engine.busy))
		return false;
	/* As good as microseconds. */
	rested = (s64)(local_clock() - READ_ONCE(engine.rests_since)) >> 10;
	if (rested < (s64)(rest / BPF_MA_REST_PARTS))
		return false;
	if (bytes < least)
		return rested >= (s64)(BPF_MA_RESTS_OF_FEW * rest);
	return bytes * rested >= least * rest;
}

/*
 * From irq_work or later.  A worker of high priority, for what is freed until it
 * runs is memory that waits.
 */
static void engine_request(u64 bytes)
{
	if (!engine_is_ready(bytes) || xchg(&engine.busy, 1))
		return;
	WRITE_ONCE(engine.asked_at, local_clock());
	queue_work(system_highpri_wq, &engine.work);
}

/*
 * Somebody waits for a grace period longer than usual.  Any context.  For a moment it
 * may be the time of the one before that is read, which does no harm.
 */
static notrace bool engine_is_late(void)
{
	return READ_ONCE(engine.busy) &&
	       (s64)(local_clock() - READ_ONCE(engine.asked_at)) >= BPF_MA_GP_LATE_NS;
}

/*
 * With interrupts off: batches wait on this CPU while a grace period is late.  RCU's
 * threads may be queued behind the task that was interrupted, which nobody would ask
 * before the next tick to give way; so ask it, as RCU itself does with a CPU whose
 * quiescent state it waits for.  On PREEMPT_RT it was the thread of irq_work that
 * was interrupted, if anybody, and has made way by itself.
 */
static void engine_give_way(void)
{
	if (engine_is_late())
		set_need_resched_current();
}

/*
 * Any context, once per batch: in a virtual machine with more CPUs than its host has,
 * a grace period that is late needs a CPU that may be queued behind this one.  This
 * is the hint that hosts look for; without a host it is a few cycles.
 */
static notrace void engine_let_cpus_run(void)
{
	if (engine_is_late())
		cpu_relax();
}

/* ---- cache: the fast path, this CPU only ---- */

/*
 * Whether the caller became the owner of the cache's lists.  It may go on
 * either way, and calls cache_exit() at the end.  A plain counter will do, even
 * where it is loaded and stored: whoever comes in between leaves it as it was.
 */
static __always_inline bool cache_is_owner(const struct bpf_mem_cache *c)
{
	return (u16)c->active == 1;
}

/* Owner: the magazines at hand are not those of a fast path that was interrupted. */
static __always_inline bool cache_has_mags(const struct bpf_mem_cache *c)
{
	return !(c->active & BPF_MA_AT_MAGS);
}

static __always_inline bool cache_enter(struct bpf_mem_cache *c)
{
	c->active++;
	barrier();
	return cache_is_owner(c);
}

static __always_inline void cache_exit(struct bpf_mem_cache *c)
{
	barrier();
	c->active--;
}

/*
 * Preemption off: the fast path's way to the magazines at hand, unless it has
 * interrupted somebody who is in the cache.  Interrupts stay on, as turning them off and
 * on again costs more than what is done meanwhile.
 */
static __always_inline bool cache_enter_mags(struct bpf_mem_cache *c)
{
	if (unlikely(READ_ONCE(c->active)))
		return false;
	/* Whoever came in between has left it at 0, as it was. */
	WRITE_ONCE(c->active, BPF_MA_AT_MAGS);
	barrier(); /* who interrupts sees that before it sees changes */
	return true;
}

static __always_inline void cache_exit_mags(struct bpf_mem_cache *c)
{
	barrier(); /* and no longer than them */
	WRITE_ONCE(c->active, 0);
}

/* In the fast path, or the owner that has the magazines: whether there was room. */
static __always_inline bool cache_put_to_mag(struct bpf_mem_cache *c,
					     struct bpf_ma_obj *obj)
{
	if (unlikely(!c->room))
		return false;
	c->filling->slots[--c->room] = obj;
	return true;
}

/* Likewise, whether there was one. */
static __always_inline bool cache_take_from_mag(struct bpf_mem_cache *c,
						struct bpf_ma_obj **obj)
{
	if (unlikely(!c->left))
		return false;
	*obj = c->loaded->slots[--c->left];
	return true;
}

static __always_inline unsigned int cache_newest(const struct bpf_mem_cache *c)
{
	return (c->first + c->nr - 1) % BPF_MA_RING;
}

/* Objects in a refill. */
static __always_inline unsigned int cache_batch(const struct bpf_mem_cache *c)
{
	return c->high - c->low;
}

/* Between the watermarks: as many as are kept, or aimed at, without knowing more. */
static __always_inline unsigned int cache_middle(const struct bpf_mem_cache *c)
{
	return (c->low + c->high) / 2;
}

/* Owner, or a hint from afar: what allocations may take. */
static __always_inline unsigned int cache_free_count(const struct bpf_mem_cache *c)
{
	return peek(c->free.count) + peek(c->left);
}

/* Owner, or a hint from afar. */
static __always_inline unsigned int cache_waiting(const struct bpf_mem_cache *c)
{
	unsigned int i, n = peek(c->filling) ? c->full - peek(c->room) : 0;

	n += peek(c->open.count);
	for (i = 0; i < BPF_MA_RING; i++)
		n += peek(c->ring[i].list.count);
	return n;
}

static notrace bool cache_has_ready(struct bpf_mem_cache *c)
{
	return c->nr && poll_state_synchronize_rcu_full(&c->ring[c->first].cookie);
}

/* Owner: makes what is in @mag loose and keeps it for frees to fill. */
static notrace void cache_pour(struct bpf_mem_cache *c, struct bpf_ma_mag *mag)
{
	list_pour(&c->free, mag);
	list_push_mag(&c->empty, mag);
	c->nr_empty++;
}

/*
 * Owner: takes in objects that are free.  They go behind what is left, as objects that
 * lie side by side stay so when they are reused in the order in which they were freed;
 * each turn would tear them apart elsewhere, until every object is on another page than
 * the one before.
 */
static notrace void cache_gain(struct bpf_mem_cache *c, struct bpf_ma_list *list)
{
	c->kept += list->count;
	list_splice_back(&c->free, list);
}

/* Owner: spares objects that were free. */
static notrace void cache_spare(struct bpf_mem_cache *c, struct bpf_ma_list *list)
{
	c->kept -= list->count;
	list_splice_front(&c->spare, list);
}

/*
 * Owner: keeps @keep free objects, as loose ones, and spares the rest.  Pours
 * magazines out until that many are loose; mostly it is one that holds more.
 */
static notrace void cache_cut_free(struct bpf_mem_cache *c, unsigned int keep)
{
	unsigned int poured = 0;
	struct bpf_ma_list kept;

	while (poured < keep && c->free.mags) {
		struct bpf_ma_mag *mag = list_pop_mag(&c->free);

		poured += mag->count;
		cache_pour(c, mag);
	}
	if (c->free.count <= keep)
		return;
	kept = list_cut(&c->free, keep);
	cache_spare(c, &c->free);
	c->free = kept;
	c->events++;
}

/* Owner: the batches whose grace period is over, oldest first. */
static notrace struct bpf_ma_list cache_take_ready(struct bpf_mem_cache *c)
{
	struct bpf_ma_list ready = {};

	while (cache_has_ready(c)) {
		list_splice_back(&ready, &c->ring[c->first].list);
		c->first = (c->first + 1) % BPF_MA_RING;
		c->nr--;
		c->events++;
	}
	return ready;
}

/*
 * Owner, where nobody allocates: keeps what lies between the watermarks, for who may
 * begin to, and spares all else.
 */
static notrace void cache_spare_all(struct bpf_mem_cache *c, struct bpf_ma_list *ready)
{
	if (c->free.count >= c->low && c->free.count <= c->high) {
		list_splice_back(&c->spare, ready);
	} else {
		cache_gain(c, ready);
		cache_cut_free(c, cache_middle(c));
	}
}

/*
 * Owner, where somebody allocates: spares the fewest objects that were left over time and
 * again.  What is left once may be needed when the next grace period takes longer, and
 * may be another CPU's or slab's by then.
 */
static notrace void cache_spare_idle(struct bpf_mem_cache *c)
{
	unsigned int left = cache_free_count(c);
	struct bpf_ma_list idle;

	if (left <= BPF_MA_DEPOT_GET * cache_batch(c)) {
		c->looks = 0;
		return;
	}
	c->idle = c->looks++ ? min(c->idle, left) : left;
	if (c->looks < BPF_MA_LOOKS)
		return;
	c->looks = 0;
	idle = list_cut(&c->free, c->idle);
	cache_spare(c, &idle);
}

/* Owner: takes in what is ready. */
static notrace void cache_harvest(struct bpf_mem_cache *c)
{
	struct bpf_ma_list ready = cache_take_ready(c);

	if (!ready.count)
		return;
	if (!c->reuses) {
		list_splice_front(&c->dead, &ready);
	} else if (!c->allocates) {
		cache_spare_all(c, &ready);
	} else {
		cache_spare_idle(c);
		cache_gain(c, &ready);
	}
}

static notrace u64 cache_waiting_bytes(const struct bpf_mem_cache *c)
{
	return (u64)cache_waiting(c) * c->depot->obj_bytes;
}

/* Owner: puts the magazine that frees fill into the open batch, if it has it. */
static notrace void cache_stop_filling(struct bpf_mem_cache *c)
{
	struct bpf_ma_mag *mag = c->filling;

	if (!mag || !cache_has_mags(c))
		return;
	mag->count = c->full - c->room;
	mag_close_gap(mag, c->room);
	list_push_mag(&c->open, mag);
	c->filling = NULL;
	c->room = 0;
}

/* Owner: whether @obj found a magazine with room, the one at hand or the next. */
static notrace bool cache_fill(struct bpf_mem_cache *c, struct bpf_ma_obj *obj)
{
	if (!cache_has_mags(c))
		return false;
	if (!c->filling && c->empty.mags) {
		c->filling = list_pop_mag(&c->empty);
		c->nr_empty--;
		c->room = c->full;
	}
	return cache_put_to_mag(c, obj);
}

/* Owner: gives up the magazine that allocations empty, if it has it. */
static notrace void cache_unload(struct bpf_mem_cache *c)
{
	struct bpf_ma_mag *mag = c->loaded;

	if (!mag || !cache_has_mags(c))
		return;
	mag->count = c->left;
	c->loaded = NULL;
	c->left = 0;
	cache_pour(c, mag);
}

/* Owner: finds out whether somebody allocates here, once per grace period or so. */
static notrace void cache_look_who_allocates(struct bpf_mem_cache *c)
{
	c->allocates = (int)(cache_free_count(c) - c->kept) < 0;
	c->kept = cache_free_count(c);
}

/*
 * Closes the open batch, with the magazine that frees were filling only if that was
 * put there: its objects are reusable once the grace period of the cookie is over.
 * The cookie is taken after the last of them was freed, with the full barrier that
 * taking one implies, so the grace period begins after each of the frees.  Batches
 * with the same cookie are one, and since only a few grace periods can be outstanding
 * at a time the ring seldom fills; when it does, the youngest batch takes the newer
 * cookie.
 */
static notrace void cache_close(struct bpf_mem_cache *c)
{
	struct bpf_ma_batch *b = &c->ring[cache_newest(c)];
	struct rcu_gp_seq cookie;

	get_state_synchronize_rcu_full(&cookie);
	if (!c->nr || (c->nr < BPF_MA_RING &&
		       !same_state_synchronize_rcu_full(&cookie, &b->cookie))) {
		c->nr++;
		b = &c->ring[cache_newest(c)];
		cache_look_who_allocates(c);
	}
	list_splice_back(&b->list, &c->open);
	b->cookie = cookie;
	c->events++;
	c->stat.batches++;
}

/* The open batch is full; returns whether the irq_work has something to do. */
static notrace bool cache_batch_full(struct bpf_mem_cache *c)
{
	cache_close(c);
	engine_let_cpus_run();
	cache_harvest(c);
	c->wants = !c->nr_empty;
	return c->spare.count || c->dead.count || c->wants ||
	       engine_is_ready(cache_waiting_bytes(c));
}

/*
 * The caller has interrupted the owner; returns whether to raise the irq_work.
 * Not if it is the irq_work that was interrupted: a program attached to what
 * that one calls would have it run again and again.
 */
static notrace bool cache_nested(struct bpf_mem_cache *c)
{
	c->stat.nested++;
	return !READ_ONCE(c->working);
}

/* The end of a section that began with local_irq_save() and cache_enter(). */
static __always_inline void cache_leave(struct bpf_mem_cache *c, bool raise,
					unsigned long flags)
{
	cache_exit(c);
	if (raise)
		irq_work_queue(&c->work);
	local_irq_restore(flags);
}

static noinline notrace void cache_free_nested(struct bpf_mem_cache *c,
					       struct bpf_ma_obj *obj, bool rcu,
					       unsigned long flags)
{
	llist_add(&obj->node, rcu ? &c->side_wait : &c->side);
	cache_leave(c, cache_nested(c), flags);
}

/*
 * Owner: the magazine has no room, most probably.  Without an empty one @obj becomes a
 * loose one; the irq_work brings some when a batch is full, so who frees little does
 * without.
 */
static noinline notrace void cache_free_waiting(struct bpf_mem_cache *c,
						struct bpf_ma_obj *obj,
						unsigned long flags)
{
	bool raise = !READ_ONCE(c->depot->pool->awake);

	if (!c->room)
		cache_stop_filling(c);
	if (c->open.count >= c->full)
		raise |= cache_batch_full(c);
	if (!cache_fill(c, obj))
		list_push(&c->open, obj);
	cache_leave(c, raise, flags);
}

/* Owner: there are more free objects than the keeper, or the cache, may ignore. */
static noinline notrace void cache_freed_now(struct bpf_mem_cache *c,
					     unsigned long flags)
{
	bool raise = c->free.count > c->high || !READ_ONCE(c->depot->pool->awake);

	cache_leave(c, raise, flags);
}

/*
 * Whether @obj found a magazine.  Who found one leaves on a way of its own, and need not
 * look again which way it came.
 */
static __always_inline bool cache_free_fast(struct bpf_mem_alloc *ma, unsigned int class,
					    struct bpf_ma_obj *obj)
{
	struct bpf_mem_cache *c;

	preempt_disable_notrace();
	c = this_cpu_ptr(ma->caches) + class;
	if (likely(cache_enter_mags(c))) {
		if (likely(cache_put_to_mag(c, obj))) {
			cache_exit_mags(c);
			preempt_enable_notrace();
			return true;
		}
		cache_exit_mags(c);
	}
	preempt_enable_notrace();
	return false;
}

/*
 * The cache is looked up only after interrupts, or preemption, are off: a caller that may
 * migrate stays with that of the CPU that it is on.  What is not common is left to
 * functions that are called last, so that this needs no stack frame.
 */
static __always_inline void cache_free(struct bpf_mem_alloc *ma,
				       unsigned int class,
				       struct bpf_ma_obj *obj, bool rcu)
{
	struct bpf_mem_cache *c;
	unsigned long flags;

	rcu |= ma->flags & BPF_MA_WAITS;
	if (rcu && likely(cache_free_fast(ma, class, obj)))
		return;
	local_irq_save(flags);
	c = this_cpu_ptr(ma->caches) + class;
	if (unlikely(!cache_enter(c))) {
		cache_free_nested(c, obj, rcu, flags);
	} else if (rcu) {
		cache_free_waiting(c, obj, flags);
	} else {
		list_push(&c->free, obj);
		if (unlikely(c->free.count == c->low + 1 || c->free.count > c->high))
			cache_freed_now(c, flags);
		else
			cache_leave(c, false, flags);
	}
}

/*
 * An allocation found too little: takes in what is at hand, and returns whether that was
 * not enough.
 */
static notrace bool cache_is_low(struct bpf_mem_cache *c)
{
	WRITE_ONCE(c->asks, true);
	c->allocates = true;
	cache_harvest(c);
	cache_gain(c, &c->spare);
	return c->free.count <= c->low;
}

/*
 * Owner: starts on the next magazine.  Nobody looks at the low watermark before it
 * is empty, so that many objects have to be left then: a refill takes its time.  They
 * are those that come last, for the order of reuse to stay that of the frees.
 */
static notrace void cache_load(struct bpf_mem_cache *c)
{
	struct bpf_ma_mag *mag = list_pop_mag(&c->free);
	unsigned int i, keep = 0;

	cache_unload(c);
	if (c->free.count < c->low)
		keep = min(c->low - c->free.count, mag->count - 1);
	for (i = 0; i < keep; i++)
		list_push(&c->free, mag->slots[i]);
	mag->count -= keep;
	mag_close_gap(mag, keep);
	c->loaded = mag;
	c->left = mag->count;
}

/* Owner: takes one of the free objects, where it is; NULL without any. */
static notrace struct bpf_ma_obj *cache_pick(struct bpf_mem_cache *c)
{
	struct bpf_ma_mag *mag = c->free.mags;
	struct bpf_ma_obj *obj;

	if (c->free.head || !mag)
		return list_pop(&c->free);
	obj = mag->slots[--mag->count];
	c->free.count--;
	if (!mag->count)
		cache_pour(c, list_pop_mag(&c->free));
	return obj;
}

/* Owner: how many times cache_pop() finds something. */
static notrace unsigned int cache_in_reach(const struct bpf_mem_cache *c)
{
	return c->free.count + (cache_has_mags(c) ? c->left : 0);
}

/* Owner: a free object, or NULL. */
static notrace struct bpf_ma_obj *cache_pop(struct bpf_mem_cache *c)
{
	struct bpf_ma_obj *obj;

	if (!cache_has_mags(c))
		return cache_pick(c);
	if (!c->left && !c->free.head && c->free.mags)
		cache_load(c);
	return cache_take_from_mag(c, &obj) ? obj : list_pop(&c->free);
}

static notrace struct bpf_ma_obj *cache_take_reserve(struct bpf_mem_cache *c)
{
	struct bpf_ma_obj *obj;
	unsigned int i;

	for (i = 0; i < BPF_MA_RESERVE; i++) {
		if (!READ_ONCE(c->reserve[i]))
			continue;
		obj = xchg(&c->reserve[i], NULL);
		if (obj)
			return obj;
	}
	return NULL;
}

/*
 * After cache_enter(), of the owner or not.  The refill is raised before interrupts
 * are on again: a task that preempts this one must not find the list empty and the
 * refill pending elsewhere.
 */
static notrace struct bpf_ma_obj *cache_alloc_last(struct bpf_mem_cache *c,
						   unsigned long flags)
{
	struct bpf_ma_obj *obj = NULL;
	bool raise;

	if (cache_is_owner(c)) {
		raise = cache_in_reach(c) <= c->low && cache_is_low(c);
		obj = cache_pop(c);
	} else {
		WRITE_ONCE(c->asks, true);
		raise = cache_nested(c);
	}
	if (!obj)
		obj = cache_take_reserve(c);
	if (obj)
		obj->depot = c->depot;
	cache_leave(c, raise, flags);
	return obj;
}

/*
 * Whether the refill of @c is still to come, and who found nothing waits for it: a task
 * that the refill can interrupt.  Not one of real-time priority, its own or that of
 * somebody who waits for a lock that it holds; slab, and so the refill, may wait for
 * this lock, too.
 */
static notrace bool cache_waits_for_refill(struct bpf_mem_cache *c)
{
	return irq_work_is_busy(&c->work) && preemptible() && !softirq_count() &&
	       READ_ONCE(current->prio) >= MAX_RT_PRIO;
}

/*
 * Who finds nothing tries again.  With interrupts on, the refill that the failure
 * raised has mostly run by now: an NMI may have taken the last object, or a burst all
 * of them.  But its interrupt may take its time, and on PREEMPT_RT it is a thread that
 * sleeps where a lock of slab is taken; so a task spins for a while until a try
 * comes after the refill.
 */
static noinline notrace void *cache_alloc_slow(struct bpf_mem_alloc *ma,
					       unsigned int class,
					       struct bpf_mem_cache *c,
					       unsigned long flags, bool may_spin)
{
	struct bpf_ma_obj *obj = cache_alloc_last(c, flags);
	struct bpf_mem_cache *tried;
	bool again;
	u64 since;

	if (likely(obj) || irqs_disabled())
		return obj ? obj_to_ptr(obj) : NULL;
	since = local_clock();
	do {
		tried = c;
		again = may_spin && cache_waits_for_refill(c);
		if (again)
			cpu_relax();
		local_irq_save(flags);
		c = this_cpu_ptr(ma->caches) + class;
		cache_enter(c);
		obj = cache_alloc_last(c, flags);
	} while (!obj && (again || c != tried) &&
		 local_clock() - since < BPF_MA_REFILL_NS);
	return obj ? obj_to_ptr(obj) : NULL;
}

/*
 * Whether to try cache_alloc_fast(): where whatever is freed waits and is reused then, as
 * most of it is in magazines; elsewhere if there is one.  That look is a hint, of whatever
 * CPU.
 */
static __always_inline bool cache_expects_mag(const struct bpf_mem_alloc *ma,
					      unsigned int class)
{
	return ma->flags & BPF_MA_REUSE_AFTER_RCU_GP ||
	       peek((raw_cpu_ptr(ma->caches) + class)->left);
}

/* Whether there was an object in a magazine; as cache_free_fast(). */
static __always_inline bool cache_alloc_fast(struct bpf_mem_alloc *ma, unsigned int class,
					     struct bpf_ma_obj **obj)
{
	struct bpf_mem_cache *c;

	preempt_disable_notrace();
	c = this_cpu_ptr(ma->caches) + class;
	if (likely(cache_enter_mags(c))) {
		if (likely(cache_take_from_mag(c, obj))) {
			cache_exit_mags(c);
			preempt_enable_notrace();
			return true;
		}
		cache_exit_mags(c);
	}
	preempt_enable_notrace();
	return false;
}

static __always_inline void *cache_alloc(struct bpf_mem_alloc *ma,
					 unsigned int class, bool may_spin)
{
	struct bpf_ma_obj *obj;
	struct bpf_mem_cache *c;
	unsigned long flags;

	if (cache_expects_mag(ma, class) && likely(cache_alloc_fast(ma, class, &obj)))
		return obj_to_ptr(obj);
	local_irq_save(flags);
	c = this_cpu_ptr(ma->caches) + class;
	if (unlikely(!cache_enter(c) || c->free.count <= c->low || !c->free.head))
		return cache_alloc_slow(ma, class, c, flags, may_spin);
	obj = list_pop(&c->free);
	obj->depot = c->depot;
	cache_leave(c, false, flags);
	return obj_to_ptr(obj);
}

/* ---- cache: irq_work and keeper ---- */

/*
 * Makes this CPU the owner, where nothing can have been interrupted that
 * already is: irq_work, a function call from another CPU, or set-up.
 */
static unsigned long cache_lock(struct bpf_mem_cache *c)
{
	unsigned long flags;

	local_irq_save(flags);
	WARN_ON_ONCE(!cache_enter(c));
	return flags;
}

static void cache_unlock(struct bpf_mem_cache *c, unsigned long flags)
{
	cache_check(c);
	cache_exit(c);
	local_irq_restore(flags);
}

/* Owner: takes in what nested callers freed. */
static notrace void cache_collect_side(struct bpf_mem_cache *c)
{
	struct llist_node *pos, *next;

	llist_for_each_safe(pos, next, llist_del_all(&c->side))
		list_push(&c->free, container_of(pos, struct bpf_ma_obj, node));
	llist_for_each_safe(pos, next, llist_del_all(&c->side_wait))
		list_push(&c->open, container_of(pos, struct bpf_ma_obj, node));
	if (c->open.count >= c->full)
		cache_close(c);
}

/*
 * Owner: restores the objects that nested allocations took, as long as that
 * leaves enough for others.  Returns whether the reserve is full.
 */
static notrace bool cache_fill_reserve(struct bpf_mem_cache *c)
{
	unsigned int i, n = min_t(unsigned int, c->low / 4 + 1, BPF_MA_RESERVE);

	for (i = 0; i < n; i++) {
		if (READ_ONCE(c->reserve[i]))
			continue;
		if (cache_in_reach(c) <= c->low)
			return false;
		WRITE_ONCE(c->reserve[i], cache_pop(c));
		c->kept--;
	}
	return true;
}

/* At least a batch of free objects, if there is memory. */
static struct bpf_ma_list depot_or_slab_get(const struct bpf_mem_cache *c)
{
	struct bpf_ma_depot *d = c->depot;
	struct bpf_ma_list list = {}, more;
	unsigned int batch = cache_batch(c);

	do {
		more = depot_get(d, c, BPF_MA_DEPOT_GET * batch);
		list_splice_front(&list, &more);
	} while (list.count < batch && depot_has_free(d));

	if (list.count < batch) {
		more = slab_take(d, batch - list.count, NUMA_NO_NODE, GFP_NOWAIT);
		list_splice_front(&list, &more);
	}
	return list;
}

/* On a CPU that allocates: takes the magazines that frees lacked. */
static void depot_stock_empty(struct bpf_ma_depot *d, unsigned int size)
{
	struct bpf_ma_list empty = {};
	struct bpf_ma_mag *mag;
	unsigned int i;

	if (!READ_ONCE(d->lacks))
		return;
	WRITE_ONCE(d->lacks, false);
	for (i = 0; i < BPF_MA_MAG_STOCK; i++) {
		mag = slab_take_mag(d, size);
		if (!mag)
			break;
		list_push_mag(&empty, mag);
	}
	depot_add(d, &d->empty, &empty);
}

/* Returns whether there was something. */
static bool cache_refill(struct bpf_mem_cache *c)
{
	struct bpf_ma_list list = depot_or_slab_get(c);
	bool some = list.count;
	unsigned long flags;

	flags = cache_lock(c);
	cache_gain(c, &list);
	cache_fill_reserve(c);
	c->events++;
	c->stat.refills++;
	cache_unlock(c, flags);
	depot_stock_empty(c->depot, c->full);
	return some;
}

/*
 * Of slab where there was a refill ever, which asked slab before: what slab gives is
 * charged in advance, 64 pages at a time on each CPU that asks.  A CPU that only frees is
 * not to be one of them for the sake of a few magazines, and gets those of
 * depot_stock_empty().
 */
static void cache_get_mags(struct bpf_mem_cache *c)
{
	struct bpf_ma_mag *mag;
	unsigned long flags;
	unsigned int i;

	for (i = 0; i < BPF_MA_MAG_STOCK; i++) {
		mag = depot_get_empty(c->depot);
		if (!mag && peek(c->stat.refills))
			mag = slab_take_mag(c->depot, c->full);
		if (!mag) {
			WRITE_ONCE(c->depot->lacks, true);
			return;
		}
		flags = cache_lock(c);
		cache_pour(c, mag);
		cache_unlock(c, flags);
	}
}

/* Owner: moves empty magazines that are too many, as on a CPU that frees little. */
static notrace void cache_cut_empty(struct bpf_mem_cache *c, struct bpf_ma_list *to)
{
	for (; c->nr_empty > 2 * BPF_MA_MAG_STOCK; c->nr_empty--)
		list_push_mag(to, list_pop_mag(&c->empty));
}

/*
 * The last look: who is nested from here on raises the irq_work again.  Returns whether
 * those who did not found too little.
 */
static bool cache_stop_working(struct bpf_mem_cache *c)
{
	unsigned long flags = cache_lock(c);
	bool low;

	WRITE_ONCE(c->working, false);
	barrier(); /* against nested callers on this CPU */
	cache_collect_side(c);
	if (c->nr)
		engine_give_way();
	low = !cache_fill_reserve(c) && READ_ONCE(c->asks);
	cache_unlock(c, flags);
	return low;
}

/*
 * Gives @dead to slab.  On PREEMPT_RT that may sleep time and again, and the task that
 * allocates goes on meanwhile; so look after it in between.
 */
static void cache_bury(struct bpf_mem_cache *c, struct bpf_ma_list *dead)
{
	bool refills = true;

	while (!list_is_bare(dead)) {
		struct bpf_ma_list some = list_cut(dead, c->full);

		if (refills && peek(c->allocates) && cache_free_count(c) < cache_middle(c))
			refills = cache_refill(c);
		slab_return(c->depot, &some);
	}
}

static void cache_work_fn(struct irq_work *work)
{
	struct bpf_mem_cache *c = container_of(work, struct bpf_mem_cache, work);
	struct bpf_ma_list spare, dead, empty = {};
	unsigned long flags;
	bool low, wants;
	u64 waiting;

	flags = cache_lock(c);
	WRITE_ONCE(c->working, true);
	cache_collect_side(c);
	cache_harvest(c);
	if (!depot_waits(c->depot) && c->free.count > c->high)
		cache_cut_free(c, cache_middle(c));
	spare = list_take(&c->spare);
	/* More would be a long time in hard interrupt context. */
	dead = list_cut(&c->dead, BPF_MA_FREE_ATOMIC);
	cache_cut_empty(c, &empty);
	wants = c->wants && !c->nr_empty;
	low = xchg(&c->asks, false);
	low &= !cache_fill_reserve(c) || c->free.count < c->low;
	waiting = cache_waiting_bytes(c);
	cache_unlock(c, flags);

	engine_request(waiting);
	depot_put(c->depot, c, &spare);
	depot_add(c->depot, &c->depot->empty, &empty);
	if (low)
		cache_refill(c);
	if (wants)
		cache_get_mags(c);
	cache_bury(c, &dead);
	/* Once: slab may have nothing, and whoever is nested in asking it may ask again. */
	if (cache_stop_working(c) && !low)
		irq_work_queue(&c->work);
	/* After what it leaves behind, see keeper_settle(). */
	pool_wake(c->depot->pool);
}

/*
 * Brings a cache of this CPU, or of one that is offline, to its low watermark
 * and closes its open batch.  Runs with interrupts off, also on PREEMPT_RT, so
 * nothing goes to slab from here.
 */
static void cache_flush(struct bpf_mem_cache *c)
{
	struct bpf_ma_list spare, dead;
	unsigned long flags;

	flags = cache_lock(c);
	cache_collect_side(c);
	cache_harvest(c);
	cache_unload(c);
	cache_cut_free(c, c->low);
	spare = list_take(&c->spare);
	cache_stop_filling(c);
	if (c->open.count)
		cache_close(c);
	dead = list_take(&c->dead);
	list_splice_front(&dead, &c->empty);
	c->nr_empty = 0;
	c->wants = false;
	cache_unlock(c, flags);

	depot_put(c->depot, c, &spare);
	depot_add(c->depot, &c->depot->dead, &dead);
}

/*
 * Has what is ready taken in on this CPU, which is in use.  What is dead already, and
 * waits for irq_works that are few here, goes to the keeper, as in cache_flush().
 */
static void cache_remind(struct bpf_mem_cache *c)
{
	struct bpf_ma_list dead;
	unsigned long flags;

	flags = cache_lock(c);
	dead = list_take(&c->dead);
	cache_unlock(c, flags);

	depot_add(c->depot, &c->depot->dead, &dead);
	irq_work_queue(&c->work);
}

/* ---- keeper ---- */

static unsigned long cache_signature(const struct bpf_mem_cache *c)
{
	return peek((unsigned long)c->free.head +
		    3 * (unsigned long)c->open.head + 5 * c->left + 7 * c->room +
		    c->events);
}

/* From afar: more that is free, or empty magazines, than a cache at rest keeps. */
static bool cache_has_excess(const struct bpf_mem_cache *c)
{
	return peek(c->spare.count) || peek(c->free.count) > c->low || peek(c->free.mags) ||
	       peek(c->loaded) || peek(c->nr_empty);
}

/*
 * From afar: nothing here that the keeper would have to move.  Looks at the
 * lists in the order in which objects pass through them, so as not to miss
 * what moves on meanwhile.
 */
static bool cache_is_quiet(const struct bpf_mem_cache *c)
{
	if (!llist_empty(&c->side) || !llist_empty(&c->side_wait))
		return false;
	smp_rmb(); /* the side lists before the batches */
	if (cache_waiting(c))
		return false;
	smp_rmb(); /* the batches before the lists that they end up on */
	return !peek(c->dead.count) && !cache_has_excess(c);
}

/* What the keeper has a CPU do for an allocator, by size class. */
struct keeper_call {
	struct bpf_ma_pool *pool;
	int cpu;
	DECLARE_BITMAP(flush, BPF_MA_NR_CLASSES);
	DECLARE_BITMAP(remind, BPF_MA_NR_CLASSES);
};

/* From afar: what a CPU that is idle has to give away or to close, but for what is ready. */
static bool cache_has_to_flush(const struct bpf_mem_cache *c)
{
	return peek(c->open.count) || peek(c->filling) || cache_has_excess(c);
}

/*
 * A CPU that uses a cache looks after it, one that does not is looked after.  Who uses it
 * so little that no batch becomes full and nothing runs low is reminded of what is ready,
 * or dead.
 */
static void keeper_look(struct keeper_call *call, struct bpf_mem_cache *c, bool gp_done)
{
	unsigned long seen = c->seen;
	unsigned int events = c->seen_events;
	bool ready = (gp_done && peek(c->nr)) || peek(c->dead.count);

	c->seen = cache_signature(c);
	c->seen_events = peek(c->events);
	if (!llist_empty(&c->side) || !llist_empty(&c->side_wait) ||
	    (seen == c->seen && (ready || cache_has_to_flush(c))))
		__set_bit(c->depot->index, call->flush);
	else if (events == c->seen_events && ready)
		__set_bit(c->depot->index, call->remind);
}

static void keeper_call_fn(void *arg)
{
	struct keeper_call *call = arg;
	struct bpf_mem_cache *caches = per_cpu_ptr(call->pool->caches, call->cpu);
	unsigned int i;

	for_each_set_bit(i, call->flush, call->pool->nr_classes)
		cache_flush(caches + i);
	for_each_set_bit(i, call->remind, call->pool->nr_classes)
		cache_remind(caches + i);
}

/* cpus_read_lock() held: an offline CPU stays offline, and nobody is there. */
static void keeper_call_cpu(struct keeper_call *call)
{
	unsigned long flags;

	if (cpu_online(call->cpu)) {
		smp_call_function_single(call->cpu, keeper_call_fn, call, 1);
		return;
	}
	/* Not in use any more, as the next look will see. */
	bitmap_zero(call->remind, BPF_MA_NR_CLASSES);
	local_irq_save(flags);
	keeper_call_fn(call);
	local_irq_restore(flags);
}

static bool pool_is_quiet(struct bpf_ma_pool *pool)
{
	unsigned int i;
	int cpu;

	for (i = 0; i < pool->nr_classes; i++) {
		if (!depot_is_ready(&pool->depots[i]))
			continue;
		for_each_possible_cpu(cpu)
			if (!cache_is_quiet(per_cpu_ptr(pool->caches, cpu) + i))
				return false;
		if (!depot_is_quiet(&pool->depots[i]))
			return false;
	}
	return true;
}

/*
 * Leaves @pool when it is quiet.  Whoever leaves something behind for the
 * keeper does so with preemption off, which is an RCU read-side section, and
 * reads @awake in that section or after it.  So @awake is cleared first; after
 * a grace period all sections that may have found it set are over and visible,
 * and all others find it clear and wake the allocator up.  What is quiet then
 * stays so without the keeper: the fast path, which does not read @awake, needs a
 * magazine that is there, and who put it there has.
 */
static void keeper_settle(struct bpf_ma_pool *pool)
{
	/* Before looking: a look that began earlier proves nothing. */
	bool gp_over = pool->drowsy &&
		       poll_state_synchronize_rcu_full(&pool->cookie);

	if (!pool_is_quiet(pool)) {
		/* If somebody was faster, keeper_adopt_woken() will do it. */
		if (pool->drowsy && !xchg(&pool->awake, true))
			pool->drowsy = false;
	} else if (!pool->drowsy) {
		pool->drowsy = true;
		/* Pairs with xchg() in pool_wake(), which reuses @woken. */
		smp_store_release(&pool->awake, false);
		start_poll_synchronize_rcu_full(&pool->cookie);
		atomic_long_inc(&totals.gp_normal);
	} else if (gp_over) {
		pool->drowsy = false;
		list_del_init(&pool->visits);
	}
}

static void keeper_trim(struct bpf_ma_depot *d)
{
	depot_trim(d);
	depot_bury(d);
}

/* One round for one allocator; returns whether objects wait for a grace period. */
static bool keeper_visit(struct bpf_ma_pool *pool, bool gp_done)
{
	bool waiting = false;
	unsigned int i;
	int cpu;

	for_each_possible_cpu(cpu) {
		struct keeper_call call = { .pool = pool, .cpu = cpu };

		for (i = 0; i < pool->nr_classes; i++) {
			struct bpf_mem_cache *c = per_cpu_ptr(pool->caches, cpu) + i;

			if (!depot_is_ready(&pool->depots[i]))
				continue;
			keeper_look(&call, c, gp_done);
			waiting |= cache_waiting(c) > 0;
		}
		if (!bitmap_empty(call.flush, BPF_MA_NR_CLASSES) ||
		    !bitmap_empty(call.remind, BPF_MA_NR_CLASSES))
			keeper_call_cpu(&call);
	}
	for (i = 0; i < pool->nr_classes; i++)
		if (depot_is_ready(&pool->depots[i]))
			keeper_trim(&pool->depots[i]);
	keeper_settle(pool);
	return waiting;
}

static void keeper_round(void)
{
	bool gp_done = poll_state_synchronize_rcu_full(&keeper.cookie);
	struct bpf_ma_pool *pool, *next;
	bool waiting = false;

	cpus_read_lock();
	list_for_each_entry_safe(pool, next, &keeper.visits, visits)
		waiting |= keeper_visit(pool, gp_done);
	cpus_read_unlock();
	if (waiting && gp_done) {
		start_poll_synchronize_rcu_full(&keeper.cookie);
		atomic_long_inc(&totals.gp_normal);
	}
}

static void keeper_adopt_woken(void)
{
	struct bpf_ma_pool *pool, *next;

	llist_for_each_entry_safe(pool, next, llist_del_all(&keeper.woken), woken) {
		pool->drowsy = false;
		if (list_empty(&pool->visits))
			list_add_tail(&pool->visits, &keeper.visits);
	}
}

/* Moves everything that one CPU holds to @all, whatever state it is in. */
static void cache_dismantle(struct bpf_mem_cache *c, struct bpf_ma_list *all)
{
	struct bpf_ma_obj *obj;
	unsigned int i;

	/*
	 * On PREEMPT_RT a sync also waits for a grace period, once for each of
	 * these.  pool_release() comes after one for all of them.
	 */
	if (irq_work_is_busy(&c->work))
		irq_work_sync(&c->work);
	smp_rmb(); /* its end before what it left behind */
	cache_collect_side(c);
	cache_stop_filling(c);
	cache_unload(c);
	list_splice_front(all, &c->free);
	list_splice_front(all, &c->open);
	list_splice_front(all, &c->spare);
	list_splice_front(all, &c->dead);
	list_splice_front(all, &c->empty);
	for (i = 0; i < BPF_MA_RING; i++)
		list_splice_front(all, &c->ring[i].list);
	c->nr = 0;
	while ((obj = cache_take_reserve(c)))
		list_push(all, obj);
}

static void depot_dismantle(struct bpf_ma_depot *d)
{
	struct bpf_ma_list all = {};
	unsigned long flags;
	int cpu;

	for_each_possible_cpu(cpu)
		cache_dismantle(per_cpu_ptr(d->pool->caches, cpu) + d->index, &all);

	raw_spin_lock_irqsave(&d->lock, flags);
	while (d->nr)
		list_splice_front(&all, &d->batches[--d->nr].list);
	d->count = 0;
	list_splice_front(&all, &d->surplus);
	list_splice_front(&d->dead, &all);
	raw_spin_unlock_irqrestore(&d->lock, flags);
}

static void pool_trace_done(struct bpf_ma_traced *traced)
{
	llist_add(&container_of(traced, struct bpf_ma_pool, traced)->ended,
		  &keeper.finished);
	keeper_kick(0);
}

/*
 * With cpus_read_lock() held, so that the answer stays true.
 * On PREEMPT_RT irq_work is run by a thread, which is parked before its CPU is
 * gone: what is raised in between stays pending until the CPU is back.
 */
static bool pool_is_parked(struct bpf_ma_pool *pool)
{
	unsigned int i;
	int cpu;

	for_each_possible_cpu(cpu) {
		struct bpf_mem_cache *c = per_cpu_ptr(pool->caches, cpu);

		if (cpu_online(cpu))
			continue;
		for (i = 0; i < pool->nr_classes; i++)
			if (depot_is_ready(&pool->depots[i]) && irq_work_is_busy(&c[i].work))
				return true;
	}
	return false;
}

/*
 * The user is gone and nothing new comes in, but readers of what was freed
 * last may still be there: one more grace period of both kinds covers all.
 */
static void keeper_retire(struct bpf_ma_pool *pool)
{
	unsigned int i;

	cpus_read_lock();
	if (pool_is_parked(pool)) {
		cpus_read_unlock();
		llist_add(&pool->ended, &keeper.destroyed);
		return;
	}
	for (i = 0; i < pool->nr_classes; i++)
		if (depot_is_ready(&pool->depots[i]))
			depot_dismantle(&pool->depots[i]);
	cpus_read_unlock();
	/* No irq_work is left that could wake it up; forget those that did. */
	keeper_adopt_woken();
	list_del_init(&pool->visits);
	/* The depots that wait for one have asked before, and will not need it after. */
	call_after_trace_gp(&pool->traced, pool_trace_done);
}

static void pool_sum_slab(struct bpf_ma_pool *pool, u64 *taken, u64 *returned)
{
	unsigned int i;

	*taken = 0;
	*returned = 0;
	for (i = 0; i < pool->nr_classes; i++) {
		/* Not the other way round, or one could read as more than all. */
		*returned += atomic_long_read(&pool->depots[i].returned);
		*taken += atomic_long_read(&pool->depots[i].taken);
	}
}

static void pool_release(struct bpf_ma_pool *pool)
{
	u64 taken, returned;
	unsigned int i;

	mutex_lock(&registry_lock);
	list_del(&pool->registry);
	pool_sum_slab(pool, &taken, &returned);
	atomic_long_add(taken, &totals.taken);
	atomic_long_add(returned, &totals.returned);
	mutex_unlock(&registry_lock);

	for (i = 0; i < pool->nr_classes; i++)
		WARN_ON_ONCE(atomic_long_read(&pool->depots[i].mags));
	if (pool->dtor_ctx_free)
		pool->dtor_ctx_free(pool->dtor_ctx);
	obj_cgroup_put(pool->objcg);
	free_percpu(pool->caches);
	kfree(pool);
}

/*
 * Objects may still be live that only bpf_mem_cache_raw_free() can bring home;
 * it needs their depot.
 */
static bool pool_is_home(struct bpf_ma_pool *pool)
{
	u64 taken, returned;

	pool_sum_slab(pool, &taken, &returned);
	return taken == returned;
}

static void keeper_finish(void)
{
	struct bpf_ma_pool *pool, *next;
	unsigned int i;

	llist_for_each_entry_safe(pool, next, llist_del_all(&keeper.finished), ended) {
		for (i = 0; i < pool->nr_classes; i++)
			if (depot_is_ready(&pool->depots[i]))
				depot_bury(&pool->depots[i]);
		list_add_tail(&pool->visits, &keeper.zombies);
	}
	list_for_each_entry_safe(pool, next, &keeper.zombies, visits) {
		if (!pool_is_home(pool))
			continue;
		list_del(&pool->visits);
		pool_release(pool);
	}
}

static void keeper_fn(struct work_struct *work)
{
	struct bpf_ma_pool *pool, *next;

	keeper_adopt_woken();
	llist_for_each_entry_safe(pool, next, llist_del_all(&keeper.destroyed), ended)
		keeper_retire(pool);
	keeper_finish();
	if (time_after_eq(jiffies, keeper.next_visit)) {
		keeper_round();
		keeper.next_visit = jiffies + BPF_MA_KEEPER_PERIOD;
	}
	if (!list_empty(&keeper.visits) || !list_empty(&keeper.zombies) ||
	    !llist_empty(&keeper.destroyed))
		keeper_kick(BPF_MA_KEEPER_PERIOD);
}

/* ---- set-up ---- */

static int class_of(size_t size)
{
	if (!size || size > BPF_MA_SIZE_MAX)
		return -1;
	if (size <= 64)
		return size <= 16 ? 0 : fls(size - 1) - 4;
	if (size <= 128)
		return size <= 96 ? 3 : 4;
	if (size <= 256)
		return size <= 192 ? 5 : 6;
	return fls(size - 1) - 2;
}

/*
 * Per CPU and class at rest: about 3 KiB of objects up to 1 KiB, twice the
 * object above.  Per-CPU objects are large and rare.
 */
static void cache_set_watermarks(struct bpf_mem_cache *c, unsigned int unit_size,
				 bool percpu)
{
	if (percpu) {
		c->low = 1;
		c->high = 3;
	} else if (unit_size <= 256) {
		c->low = 32;
		c->high = 96;
	} else {
		c->low = max(32 * 256 / unit_size, 1u);
		c->high = max(96 * 256 / unit_size, 3u);
	}
	/* Each batch costs the same; but what is dead goes to slab bit by bit. */
	c->full = cache_batch(c) * (c->reuses ? BPF_MA_DEPOT_GET : 1);
	/* A magazine, its head in place of two pointers, fills an object of slab. */
	if (c->full > 2)
		c->full -= 2;
}

/*
 * A program that runs with interrupts off gets nothing but this before the
 * first refill.  More would be memory for every possible CPU.
 */
static void cache_prefill(struct bpf_mem_cache *c, int cpu)
{
	unsigned int n = min_t(unsigned int, c->low, 4);

	c->free = slab_take(c->depot, n, cpu_to_node(cpu), GFP_KERNEL);
	c->reserve[0] = list_pop(&c->free);
	c->kept = c->free.count;
}

/* Sets up one size class; the allocator may be in use with its other classes. */
static void depot_init(struct bpf_ma_pool *pool, unsigned int index,
		       unsigned int unit_size)
{
	struct bpf_ma_depot *d = &pool->depots[index];
	int cpu;

	d->pool = pool;
	d->index = index;
	raw_spin_lock_init(&d->lock);
	d->unit_size = unit_size;
	d->obj_bytes = unit_size;
	if (depot_is_percpu(d))
		d->obj_bytes = unit_size * num_possible_cpus() +
			       sizeof(struct bpf_ma_percpu_obj);

	for_each_possible_cpu(cpu) {
		struct bpf_mem_cache *c = per_cpu_ptr(pool->caches, cpu) + index;

		c->reuses = !(pool->flags & BPF_MA_FREE_AFTER_RCU_GP);
		init_irq_work(&c->work, cache_work_fn);
		cache_set_watermarks(c, unit_size, pool->flags & BPF_MA_PERCPU);
		c->depot = d;
		cache_prefill(c, cpu);
	}
	/* Pairs with depot_is_ready(). */
	smp_store_release(&d->ready, true);
}

static struct bpf_ma_pool *pool_create(unsigned int nr_classes, unsigned int flags,
				       unsigned int size, struct obj_cgroup *objcg)
{
	struct bpf_ma_pool *pool;

	pool = kzalloc(struct_size(pool, depots, nr_classes), GFP_KERNEL);
	if (!pool)
		return NULL;
	pool->caches = __alloc_percpu(nr_classes * sizeof(struct bpf_mem_cache),
				      __alignof__(struct bpf_mem_cache));
	if (!pool->caches) {
		kfree(pool);
		return NULL;
	}
	pool->nr_classes = nr_classes;
	pool->flags = flags;
	pool->size = size;
	pool->objcg = objcg;
	INIT_LIST_HEAD(&pool->visits);

	mutex_lock(&registry_lock);
	pool->id = ++registry_next_id;
	list_add_tail(&pool->registry, &registry);
	mutex_unlock(&registry_lock);
	return pool;
}

static void ma_attach(struct bpf_mem_alloc *ma, struct bpf_ma_pool *pool)
{
	ma->pool = pool;
	ma->caches = pool->caches;
	ma->flags = pool->flags;
}

static int ma_check(int size, unsigned int flags)
{
	if (flags & ~(BPF_MA_PERCPU | BPF_MA_WAITS) || (flags & BPF_MA_WAITS) == BPF_MA_WAITS)
		return -EINVAL;
	if (size < 0 || (!size && flags & BPF_MA_PERCPU))
		return -EINVAL;
	if (flags & BPF_MA_PERCPU ? size > PCPU_MIN_UNIT_SIZE :
				    size > KMALLOC_MAX_SIZE - BPF_MA_HDR)
		return -E2BIG;
	return 0;
}

/**
 * bpf_mem_alloc_init - set up an allocator
 * @ma: the handle; its previous contents are lost
 * @size: bytes that the user needs of each object, for bpf_mem_cache_alloc();
 *	or 0 for size classes up to 4096 bytes less an 8-byte header, for
 *	bpf_mem_alloc()
 * @flags: enum bpf_mem_alloc_flags
 *
 * Objects are charged to the memory cgroup of the caller, whoever uses them
 * later.  Every possible CPU gets a few objects at once.
 *
 * Context: Process, may sleep.
 * Return: 0; -EINVAL for a negative size, unknown flags, two flavors, or
 *	size classes of per-CPU objects (see bpf_mem_alloc_percpu_init());
 *	-E2BIG when no such object can be allocated; -ENOMEM.
 */
int bpf_mem_alloc_init(struct bpf_mem_alloc *ma, int size, unsigned int flags)
{
	unsigned int i, nr_classes = size ? 1 : BPF_MA_NR_CLASSES;
	struct obj_cgroup *objcg;
	struct bpf_ma_pool *pool;
	int err;

	memset(ma, 0, sizeof(*ma));
	err = ma_check(size, flags);
	if (err)
		return err;
	objcg = current_objcg();
	pool = pool_create(nr_classes, flags, size, objcg);
	if (!pool) {
		obj_cgroup_put(objcg);
		return -ENOMEM;
	}
	if (size)
		depot_init(pool, 0, flags & BPF_MA_PERCPU ? size : size + BPF_MA_HDR);
	else
		for (i = 0; i < nr_classes; i++)
			depot_init(pool, i, class_sizes[i]);
	ma_attach(ma, pool);
	return 0;
}

/**
 * bpf_mem_alloc_percpu_init - set up an allocator of per-CPU objects of many sizes
 * @ma: the handle; its previous contents are lost
 * @objcg: who is charged, or NULL; the allocator takes over the reference
 *
 * No size class is usable before bpf_mem_alloc_percpu_unit_init() named it, for
 * one object of each on every CPU would be a lot of memory.
 *
 * Context: Process, may sleep.
 * Return: 0 or -ENOMEM; the reference stays with the caller then.
 */
int bpf_mem_alloc_percpu_init(struct bpf_mem_alloc *ma, struct obj_cgroup *objcg)
{
	struct bpf_ma_pool *pool;

	memset(ma, 0, sizeof(*ma));
	pool = pool_create(BPF_MA_NR_CLASSES, BPF_MA_PERCPU, 0, objcg);
	if (!pool)
		return -ENOMEM;
	ma_attach(ma, pool);
	return 0;
}

/**
 * bpf_mem_alloc_percpu_unit_init - make per-CPU objects of one size available
 * @ma: set up by bpf_mem_alloc_percpu_init()
 * @size: bytes per CPU, up to 4096
 *
 * May be called again for a size class that is there already.  Calls must not
 * overlap; allocations from other size classes may go on meanwhile.
 *
 * Context: Process, may sleep.
 * Return: 0, or -EINVAL for a size that no class holds.
 */
int bpf_mem_alloc_percpu_unit_init(struct bpf_mem_alloc *ma, int size)
{
	int class = size < 0 ? -1 : class_of(size);

	if (class < 0)
		return -EINVAL;
	if (!ma->pool->depots[class].ready)
		depot_init(ma->pool, class, class_sizes[class]);
	return 0;
}

/**
 * bpf_mem_alloc_set_dtor - have a function called before an object goes to slab
 * @ma: the allocator, not in use yet
 * @dtor: called with the address of an object, as an allocation returns it, and
 *	@ctx; from irq_work, a worker, or the caller of
 *	bpf_mem_cache_raw_free().  Sees also objects that were never handed out;
 *	these are zeroed.
 * @dtor_ctx_free: called with @ctx after the last call of @dtor; may be NULL
 * @ctx: for @dtor
 *
 * Context: Process.
 */
void bpf_mem_alloc_set_dtor(struct bpf_mem_alloc *ma,
			    void (*dtor)(void *obj, void *ctx),
			    void (*dtor_ctx_free)(void *ctx), void *ctx)
{
	struct bpf_ma_pool *pool = ma->pool;

	pool->dtor_ctx = ctx;
	pool->dtor_ctx_free = dtor_ctx_free;
	pool->dtor = dtor;
}

/**
 * bpf_mem_alloc_destroy - give an allocator up
 * @ma: the handle; zeroed, so that a second call does nothing
 *
 * The caller has freed every object, except those that it will pass to
 * bpf_mem_cache_raw_free(), and nobody uses @ma any more.  Readers may still
 * hold freed objects: these go back to slab later, after a tasks-trace grace
 * period that covers an RCU one.
 *
 * Context: Any but NMI; does not wait.
 */
void bpf_mem_alloc_destroy(struct bpf_mem_alloc *ma)
{
	struct bpf_ma_pool *pool = ma->pool;

	if (!pool)
		return;
	memset(ma, 0, sizeof(*ma));
	llist_add(&pool->ended, &keeper.destroyed);
	keeper_kick(0);
}

/**
 * bpf_mem_alloc_check_size - whether an allocator with size classes serves a size
 * @percpu: of per-CPU objects, which need no header
 * @size: bytes
 *
 * Context: Any.
 * Return: 0 or -E2BIG.
 */
int bpf_mem_alloc_check_size(bool percpu, size_t size)
{
	return size > BPF_MA_SIZE_MAX - (percpu ? 0 : BPF_MA_HDR) ? -E2BIG : 0;
}

/* ---- allocate and free ---- */

/**
 * bpf_mem_alloc - allocate an object of at least @size bytes
 * @ma: an allocator with size classes
 * @size: bytes, see bpf_mem_alloc_check_size()
 *
 * Fresh objects are zeroed, reused ones are as their last user left them.
 *
 * Context: Any, NMI included.  A preemptible task that finds nothing may spin until a
 *	refill, for at most 10 ms; on PREEMPT_RT that is a thread, which slab keeps
 *	waiting at times.
 * Return: the object, aligned to 8 bytes, or the address of its __percpu
 *	pointer; NULL for a size that no class holds, or without memory.
 */
void notrace *bpf_mem_alloc(struct bpf_mem_alloc *ma, size_t size)
{
	int class;

	/* Before the header is added, for that may wrap around. */
	if (!size || size > BPF_MA_SIZE_MAX)
		return NULL;
	if (!(ma->flags & BPF_MA_PERCPU))
		size += BPF_MA_HDR;
	class = class_of(size);
	if (class < 0 || unlikely(!depot_is_ready(&ma->pool->depots[class])))
		return NULL;
	return cache_alloc(ma, class, true);
}

/**
 * bpf_mem_free - free an object, as the flavor of the allocator has it
 * @ma: the allocator that the object came from
 * @ptr: what bpf_mem_alloc() returned, or NULL
 *
 * Context: Any, NMI included.
 */
void notrace bpf_mem_free(struct bpf_mem_alloc *ma, void *ptr)
{
	struct bpf_ma_obj *obj;

	if (!ptr)
		return;
	obj = ptr_to_obj(ptr);
	cache_free(ma, obj->depot->index, obj, false);
}

/**
 * bpf_mem_free_rcu - free an object that is not to be reused at once
 * @ma: the allocator that the object came from
 * @ptr: what bpf_mem_alloc() returned, or NULL
 *
 * In every flavor, the object stays as it is for an RCU grace period.  Unless
 * the flavor is BPF_MA_FREE_AFTER_RCU_GP, it stays out of slab for a further
 * tasks-trace one.
 *
 * Context: Any, NMI included.
 */
void notrace bpf_mem_free_rcu(struct bpf_mem_alloc *ma, void *ptr)
{
	struct bpf_ma_obj *obj;

	if (!ptr)
		return;
	obj = ptr_to_obj(ptr);
	cache_free(ma, obj->depot->index, obj, true);
}

/**
 * bpf_mem_cache_alloc - allocate an object
 * @ma: an allocator of one size
 *
 * As bpf_mem_alloc(), without looking for a size class.
 *
 * Context: Any, NMI included.  A preemptible task that finds nothing may spin until a
 *	refill, for at most 10 ms; on PREEMPT_RT that is a thread, which slab keeps
 *	waiting at times.
 * Return: the object, or the address of its __percpu pointer; NULL without
 *	memory.
 */
void notrace *bpf_mem_cache_alloc(struct bpf_mem_alloc *ma)
{
	return cache_alloc(ma, 0, true);
}

/**
 * bpf_mem_cache_alloc_flags - allocate an object, from slab if need be
 * @ma: an allocator of one size
 * @flags: GFP_KERNEL to go to slab when this CPU has no object at hand; with
 *	anything else this is bpf_mem_cache_alloc()
 *
 * Context: Process and may sleep with GFP_KERNEL, else any.
 * Return: the object, or the address of its __percpu pointer; NULL without
 *	memory.
 */
void notrace *bpf_mem_cache_alloc_flags(struct bpf_mem_alloc *ma, gfp_t flags)
{
	struct bpf_ma_depot *d = &ma->pool->depots[0];
	void *ptr = cache_alloc(ma, 0, flags != GFP_KERNEL);
	struct bpf_ma_obj *obj;

	if (ptr || flags != GFP_KERNEL)
		return ptr;
	obj = slab_take(d, 1, NUMA_NO_NODE, GFP_KERNEL).head;
	if (!obj)
		return NULL;
	obj->depot = d;
	return obj_to_ptr(obj);
}

/**
 * bpf_mem_cache_free - free an object, as the flavor of the allocator has it
 * @ma: the allocator that the object came from
 * @ptr: what bpf_mem_cache_alloc() returned, or NULL
 *
 * Context: Any, NMI included.
 */
void notrace bpf_mem_cache_free(struct bpf_mem_alloc *ma, void *ptr)
{
	if (ptr)
		cache_free(ma, 0, ptr_to_obj(ptr), false);
}

/**
 * bpf_mem_cache_free_rcu - free an object that is not to be reused at once
 * @ma: the allocator that the object came from
 * @ptr: what bpf_mem_cache_alloc() returned, or NULL
 *
 * See bpf_mem_free_rcu().
 *
 * Context: Any, NMI included.
 */
void notrace bpf_mem_cache_free_rcu(struct bpf_mem_alloc *ma, void *ptr)
{
	if (ptr)
		cache_free(ma, 0, ptr_to_obj(ptr), true);
}

/**
 * bpf_mem_cache_raw_free - give an object back to slab at once
 * @ptr: an object that no reader can see any more, or NULL
 *
 * For RCU-tasks-trace callbacks that may outlive the allocator: the one place
 * where an object may be freed after bpf_mem_alloc_destroy().
 *
 * Context: Where kfree() may be called.
 */
void bpf_mem_cache_raw_free(void *ptr)
{
	struct bpf_ma_list list = {};
	struct bpf_ma_depot *d;

	if (!ptr)
		return;
	d = ptr_to_obj(ptr)->depot;
	list_push(&list, ptr_to_obj(ptr));
	slab_return(d, &list);
}

/* ---- statistics ---- */

static void cache_add_stats(const struct bpf_mem_cache *c,
			    struct bpf_mem_alloc_stats *stats)
{
	unsigned int i;

	stats->free += cache_free_count(c) + peek(c->spare.count);
	for (i = 0; i < BPF_MA_RESERVE; i++)
		stats->free += !!READ_ONCE(c->reserve[i]);
	stats->wait_rcu += cache_waiting(c);
	stats->dead += peek(c->dead.count);
	stats->batches += peek(c->stat.batches);
	stats->refills += peek(c->stat.refills);
	stats->nested += peek(c->stat.nested);
}

static void depot_add_stats(struct bpf_ma_depot *d, struct bpf_mem_alloc_stats *stats)
{
	unsigned long flags;
	u64 taken, returned;

	returned = atomic_long_read(&d->returned);
	taken = atomic_long_read(&d->taken);
	stats->slab_returned += returned;
	stats->slab_taken += taken;
	stats->slab_bytes += (taken - returned) * d->obj_bytes;
	stats->peak_bytes += (u64)READ_ONCE(d->peak) * d->obj_bytes;
	stats->failures += atomic_long_read(&d->failures);

	raw_spin_lock_irqsave(&d->lock, flags);
	stats->free += d->count;
	stats->wait_trace += d->surplus.count + d->tracing.count;
	stats->dead += d->dead.count;
	stats->depot_gets += d->gets;
	stats->depot_puts += d->puts;
	stats->robbed += d->robbed;
	raw_spin_unlock_irqrestore(&d->lock, flags);
}

static void pool_read_stats(struct bpf_ma_pool *pool, struct bpf_mem_alloc_stats *stats)
{
	unsigned int i;
	int cpu;

	memset(stats, 0, sizeof(*stats));
	stats->id = pool->id;
	stats->flags = pool->flags;
	stats->size = pool->size;
	for (i = 0; i < pool->nr_classes; i++) {
		if (!depot_is_ready(&pool->depots[i]))
			continue;
		for_each_possible_cpu(cpu)
			cache_add_stats(per_cpu_ptr(pool->caches, cpu) + i, stats);
		depot_add_stats(&pool->depots[i], stats);
	}
}

/**
 * bpf_mem_alloc_read_stats - take a snapshot of an allocator's statistics
 * @ma: the allocator
 * @stats: filled in
 *
 * Context: Process.
 */
void bpf_mem_alloc_read_stats(struct bpf_mem_alloc *ma,
			      struct bpf_mem_alloc_stats *stats)
{
	pool_read_stats(ma->pool, stats);
}

/**
 * bpf_mem_alloc_for_each - show the statistics of every allocator
 * @fn: called with each snapshot and @arg; may sleep, must not set up an
 *	allocator
 * @arg: for @fn
 *
 * Destroyed allocators are shown until their last object is back in slab.
 *
 * Context: Process, may sleep.
 */
void bpf_mem_alloc_for_each(void (*fn)(const struct bpf_mem_alloc_stats *stats,
				       void *arg), void *arg)
{
	struct bpf_mem_alloc_stats stats;
	struct bpf_ma_pool *pool;

	mutex_lock(&registry_lock);
	list_for_each_entry(pool, &registry, registry) {
		pool_read_stats(pool, &stats);
		fn(&stats, arg);
	}
	mutex_unlock(&registry_lock);
}

/**
 * bpf_mem_alloc_read_totals - sum up all allocators that are and were
 * @t: filled in
 *
 * Context: Process, may sleep.
 */
void bpf_mem_alloc_read_totals(struct bpf_mem_alloc_totals *t)
{
	struct bpf_ma_pool *pool;
	u64 taken, returned;

	memset(t, 0, sizeof(*t));
	mutex_lock(&registry_lock);
	t->slab_taken = atomic_long_read(&totals.taken);
	t->slab_returned = atomic_long_read(&totals.returned);
	list_for_each_entry(pool, &registry, registry) {
		pool_sum_slab(pool, &taken, &returned);
		t->slab_taken += taken;
		t->slab_returned += returned;
		t->allocators++;
	}
	mutex_unlock(&registry_lock);
	t->gp_normal = atomic_long_read(&totals.gp_normal);
	t->gp_expedited = atomic_long_read(&totals.gp_expedited);
	t->gp_trace = atomic_long_read(&totals.gp_trace);
}
