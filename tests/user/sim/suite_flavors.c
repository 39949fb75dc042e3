// SPDX-License-Identifier: GPL-2.0-only
/*
 * The life of an object in each flavor, step by step: when it may be handed
 * out again, when it goes back to slab, and that it does.
 */
#include "suites.h"

#define NR	64	/* objects: many times what a CPU keeps */

static void alloc_all(struct heap *heap, void **ptrs, int n)
{
	int i;

	for (i = 0; i < n; i++) {
		ptrs[i] = heap_alloc(heap, 0);
		ck_assert_ptr_nonnull(ptrs[i]);
	}
}

static void free_all(struct heap *heap, void **ptrs, int n)
{
	int i;

	for (i = 0; i < n; i++)
		if (ptrs[i])
			heap_free(heap, ptrs[i]);
}

static void free_all_rcu(struct heap *heap, void **ptrs, int n)
{
	int i;

	for (i = 0; i < n; i++)
		heap_free_rcu(heap, ptrs[i]);
}

static void free_steadily(struct heap *heap, int pairs, u64 us)
{
	while (pairs--) {
		heap_free(heap, heap_alloc(heap, 0));
		sim_sleep(us * NSEC_PER_USEC);
	}
}

static void begin(struct heap *heap, unsigned int flags)
{
	start_quietly(2);
	ck_assert_int_eq(heap_init(heap, FEW, flags), 0);
}

static void end(struct heap *heap)
{
	heap_destroy(heap);
	heap_check_all_gone();
}

static bool nothing_waits(struct heap *heap)
{
	struct bpf_mem_alloc_stats stats = heap_stats(heap);

	return !stats.wait_rcu && !stats.wait_trace && !stats.dead;
}

START_TEST(normal_reuses_at_once)
{
	struct heap heap;
	void *ptr;

	begin(&heap, 0);
	ptr = heap_alloc(&heap, 0);
	rcu_read_lock();
	heap_free(&heap, ptr);
	ck_assert_ptr_eq(heap_alloc(&heap, 0), ptr);
	rcu_read_unlock();
	heap_free(&heap, ptr);
	end(&heap);
}

/* Surplus of a normal allocator waits for readers of both kinds. */
START_TEST(normal_waits_for_readers_of_slab)
{
	struct heap heap;
	void *ptrs[NR];

	begin(&heap, 0);
	alloc_all(&heap, ptrs, NR);
	rcu_read_lock_trace();
	free_all(&heap, ptrs, NR);
	heap_idle();
	ck_assert_uint_eq(heap_stats(&heap).slab_returned, 0);
	ck_assert_uint_gt(heap_stats(&heap).wait_trace, NR / 2);
	rcu_read_unlock_trace();
	heap_idle();
	ck_assert(nothing_waits(&heap));
	ck_assert_uint_gt(heap_stats(&heap).slab_returned, NR / 2);

	alloc_all(&heap, ptrs, NR);
	rcu_read_lock();
	free_all(&heap, ptrs, NR);
	sim_sleep(NSEC_PER_MSEC);
	rcu_read_unlock();
	heap_idle();
	ck_assert(nothing_waits(&heap));
	end(&heap);
}

static void reader_fn(void *arg)
{
	bool *stay = arg;

	rcu_read_lock();
	while (*stay)
		sim_sleep(NSEC_PER_MSEC);
	rcu_read_unlock();
}

static void trace_reader_fn(void *arg)
{
	bool *stay = arg;

	rcu_read_lock_trace();
	while (*stay)
		sim_sleep(NSEC_PER_MSEC);
	rcu_read_unlock_trace();
}

/* Lets the reader get in. */
static bool *reader_enters(void (*fn)(void *arg), int cpu)
{
	static bool stay;

	stay = true;
	sim_spawn("reader", cpu, fn, &stay);
	sim_sleep(NSEC_PER_MSEC);
	return &stay;
}

static void leave(bool *stay)
{
	*stay = false;
	sim_join();
}

/* No freed object is seen again, for as long as the reader stays. */
static void check_waits_for_reader(unsigned int flags, bool rcu)
{
	void *ptrs[NR], *more[NR];
	struct heap heap;
	int round, i;
	bool *stay;

	begin(&heap, flags);
	stay = reader_enters(reader_fn, 1);
	for (round = 0; round < 5; round++) {
		alloc_all(&heap, ptrs, NR);
		ck_assert_int_eq(heap.reused, 0);
		if (rcu)
			free_all_rcu(&heap, ptrs, NR);
		else
			free_all(&heap, ptrs, NR);
		sim_sleep(300 * NSEC_PER_MSEC);
	}
	ck_assert_uint_eq(heap_stats(&heap).wait_rcu, 5 * NR);
	leave(stay);
	/*
	 * And now they are.  A normal allocator gives what is above the watermark to the
	 * depot, where it stays for a while.
	 */
	sim_sleep(30 * NSEC_PER_MSEC);
	if (!(flags & BPF_MA_FREE_AFTER_RCU_GP)) {
		for (i = 0; i < NR; i++) {
			more[i] = heap_alloc(&heap, 0);
			sim_sleep((flags ? 10 : 2) * NSEC_PER_MSEC);
		}
		ck_assert_int_ge(heap.reused, NR - FEW_HIGH);
		free_all_rcu(&heap, more, NR);
	}
	heap_idle();
	ck_assert(nothing_waits(&heap));
	end(&heap);
}

START_TEST(reuse_waits_for_rcu_readers)
{
	check_waits_for_reader(BPF_MA_REUSE_AFTER_RCU_GP, false);
}

START_TEST(reuse_free_rcu_waits_for_rcu_readers)
{
	check_waits_for_reader(BPF_MA_REUSE_AFTER_RCU_GP, true);
}

START_TEST(free_after_waits_for_rcu_readers)
{
	check_waits_for_reader(BPF_MA_FREE_AFTER_RCU_GP, false);
}

START_TEST(free_rcu_waits_for_rcu_readers)
{
	check_waits_for_reader(0, true);
}

/* Reuse does not wait for tasks-trace readers, slab does. */
static void check_trace_reader(unsigned int flags, bool rcu)
{
	struct bpf_mem_alloc_stats stats;
	struct heap heap;
	void *ptrs[NR];
	long reused;
	bool *stay;
	int round;

	begin(&heap, flags);
	stay = reader_enters(trace_reader_fn, 1);
	for (round = 0; round < 5; round++) {
		alloc_all(&heap, ptrs, NR);
		reused = heap.reused;
		if (rcu)
			free_all_rcu(&heap, ptrs, NR);
		else
			free_all(&heap, ptrs, NR);
		sim_sleep(400 * NSEC_PER_MSEC);
	}
	ck_assert_int_gt(reused, 3 * NR);
	stats = heap_stats(&heap);
	ck_assert_uint_eq(stats.slab_returned, 0);
	ck_assert_uint_eq(stats.wait_rcu, 0);
	ck_assert_uint_gt(stats.wait_trace, NR / 2);
	/* What waits for the reader was and is taken back. */
	ck_assert_uint_gt(stats.robbed, NR);
	ck_assert_uint_lt(stats.slab_taken, 2 * NR);
	leave(stay);
	heap_idle();
	ck_assert(nothing_waits(&heap));
	ck_assert_uint_gt(heap_stats(&heap).slab_returned, NR / 2);
	end(&heap);
}

START_TEST(reuse_and_trace_readers)
{
	check_trace_reader(BPF_MA_REUSE_AFTER_RCU_GP, false);
}

START_TEST(free_rcu_and_trace_readers)
{
	check_trace_reader(0, true);
}

START_TEST(normal_and_trace_readers)
{
	check_trace_reader(0, false);
}

/* Under free-after-rcu-gp a tasks-trace reader holds nothing up. */
START_TEST(free_after_ignores_trace_readers)
{
	struct heap heap;
	void *ptrs[NR];
	bool *stay;

	begin(&heap, BPF_MA_FREE_AFTER_RCU_GP);
	stay = reader_enters(trace_reader_fn, 1);
	alloc_all(&heap, ptrs, NR);
	free_all(&heap, ptrs, NR);
	heap_idle();
	ck_assert_uint_ge(heap_stats(&heap).slab_returned, NR);
	ck_assert_int_eq(heap.reused, 0);
	leave(stay);
	end(&heap);
}

/* Much freed memory asks for expedited grace periods, one at a time. */
START_TEST(pressure_expedites)
{
	struct bpf_mem_alloc_stats stats;
	u64 began, gps, rest, most = 0;
	struct heap heap;
	int i;

	begin(&heap, BPF_MA_REUSE_AFTER_RCU_GP);
	began = sim.ns;
	for (i = 0; i < 4000; i++) {
		heap_free(&heap, heap_alloc(&heap, 0));
		sim_sleep(30 * NSEC_PER_USEC);
		stats = heap_stats(&heap);
		most = max(most, stats.wait_rcu);
	}
	gps = heap_totals().gp_expedited;
	ck_assert_uint_gt(gps, 5);
	/*
	 * One takes 1 ms, then comes an eighth of that, then a rest: 500 us where 112 KiB
	 * wait, which are 28 objects.  What waits is what was freed since one began.
	 */
	rest = 500 * NSEC_PER_USEC * 28 / (4000 / gps);
	ck_assert_uint_le(gps, (sim.ns - began) / (1125 * NSEC_PER_USEC + rest) + 1);
	/* By Little's law 33 a millisecond; a normal grace period takes 20 ms. */
	ck_assert_uint_lt(most, 300);
	ck_assert_uint_lt(stats.slab_taken, 400);
	end(&heap);
}

/* While an object of 4 KiB is freed every @ns_per_free, for @ms. */
static u64 expedited_with(u64 ns_per_free, unsigned int ms)
{
	struct heap heap;
	u64 began, gps;

	sim_start(&(struct sim_config){
		.cpus = 1,
		.gp_ns = { NSEC_PER_MSEC * 1000, NSEC_PER_USEC * 10, 0 },
	}, 0);
	ck_assert_int_eq(heap_init(&heap, FEW, BPF_MA_REUSE_AFTER_RCU_GP), 0);
	gps = heap_totals().gp_expedited;
	for (began = sim.ns; sim.ns < began + ms * NSEC_PER_MSEC;) {
		heap_free(&heap, heap_alloc(&heap, 0));
		sim_sleep(ns_per_free);
	}
	gps = heap_totals().gp_expedited - gps;
	end(&heap);
	return gps;
}

/* What is freed sixteen times as fast has four times as many grace periods. */
START_TEST(pressure_shortens_rest)
{
	u64 slow = expedited_with(24 * NSEC_PER_USEC, 100);
	u64 fast = expedited_with(24 * NSEC_PER_USEC / 16, 100);

	ck_assert_uint_gt(slow, 50);
	ck_assert_uint_gt(fast, 3 * slow);
	ck_assert_uint_lt(fast, 5 * slow);
}

/* However fast: 10 us for a grace period, and a rest of 500 / 5. */
START_TEST(rest_is_not_too_short)
{
	ck_assert_uint_le(expedited_with(20, 10), 10000 / (10 + 500 / 5) + 1);
}

/*
 * What comes slowly, in batches of 14: two of them ask for a grace period, which is every
 * 1120 us; one does if it took longer than two rests of 500 us, 1680 us and 5600 us here.
 */
START_TEST(few_rest_longer)
{
	u64 gps = expedited_with(40 * NSEC_PER_USEC, 100);

	ck_assert_uint_gt(gps, 100000 / 1250);
	ck_assert_uint_lt(gps, 100000 / 1000);
	gps = expedited_with(120 * NSEC_PER_USEC, 100);
	ck_assert_uint_gt(gps, 100000 / 1850);
	ck_assert_uint_lt(gps, 100000 / 1650);
	gps = expedited_with(400 * NSEC_PER_USEC, 100);
	ck_assert_uint_gt(gps, 100000 / 6200);
	ck_assert_uint_le(gps, 100000 / 5600);
}

/* A slow expedited grace period is followed by a longer rest. */
START_TEST(slow_expedited_rests)
{
	struct heap heap;
	u64 began;

	sim_start(&(struct sim_config){
		.cpus = 2,
		.gp_ns = { NSEC_PER_MSEC * 1000, NSEC_PER_MSEC * 80, 0 },
	}, 0);
	ck_assert_int_eq(heap_init(&heap, FEW, BPF_MA_REUSE_AFTER_RCU_GP), 0);
	began = sim.ns;
	free_steadily(&heap, 4000, 200);
	/* 80 ms and a rest of 10 ms. */
	ck_assert_uint_ge(heap_totals().gp_expedited, 5);
	ck_assert_uint_le(heap_totals().gp_expedited,
			  (sim.ns - began) / (90 * NSEC_PER_MSEC) + 1);
	end(&heap);
}

/* To a grace period that is late a CPU gives way, and the task on it; else not. */
START_TEST(late_gp_makes_give_way)
{
	static const struct {
		u64 us;
		bool late;
	} gps[] = { { 200, false }, { 5000, true } };
	struct heap heap;

	sim_start(&(struct sim_config){
		.cpus = 2,
		.gp_ns = { NSEC_PER_MSEC * 1000, gps[_i].us * NSEC_PER_USEC, 0 },
	}, 0);
	ck_assert_int_eq(heap_init(&heap, FEW, BPF_MA_REUSE_AFTER_RCU_GP), 0);
	free_steadily(&heap, 2000, 20);
	ck_assert_uint_gt(heap_totals().gp_expedited, 3);
	/* 4.7 of the 5 ms are late, and 14 batches of 16 are closed then. */
	ck_assert_uint_ge(sim.rescheds, gps[_i].late ? 10 * heap_totals().gp_expedited : 0);
	ck_assert_int_eq(sim.rescheds > 0, gps[_i].late);
	ck_assert_int_eq(sim.relaxes > 0, gps[_i].late);
	end(&heap);
}

/* One CPU adds and another deletes: memory comes back through the depot. */
struct pair {
	struct heap *heap;
	void *ptrs[NR];
	int rounds;
	int turn;
};

static bool is_adders_turn(void *arg)
{
	return !((struct pair *)arg)->turn;
}

static bool is_deleters_turn(void *arg)
{
	return ((struct pair *)arg)->turn;
}

static void adder_fn(void *arg)
{
	struct pair *pair = arg;
	int i;

	for (i = 0; i < pair->rounds; i++) {
		sim_wait(is_adders_turn, pair);
		alloc_all(pair->heap, pair->ptrs, NR);
		pair->turn = 1;
	}
}

static void deleter_fn(void *arg)
{
	struct pair *pair = arg;
	int i;

	for (i = 0; i < pair->rounds; i++) {
		sim_wait(is_deleters_turn, pair);
		free_all(pair->heap, pair->ptrs, NR);
		sim_sleep(2 * NSEC_PER_MSEC);
		pair->turn = 0;
	}
}

static void check_pair(unsigned int flags)
{
	struct bpf_mem_alloc_stats stats;
	struct heap heap;
	struct pair pair = { .heap = &heap, .rounds = 200 };
	long calls, mags;

	begin(&heap, flags);
	stats = heap_stats(&heap);
	calls = slab.calls - stats.slab_taken;
	sim_spawn("adder", 0, adder_fn, &pair);
	sim_spawn("deleter", 1, deleter_fn, &pair);
	sim_join();
	stats = heap_stats(&heap);
	ck_assert_uint_gt(stats.depot_gets + stats.robbed, 0);
	ck_assert_uint_gt(stats.depot_puts, 0);
	/* 12800 objects were handed out. */
	ck_assert_uint_lt(stats.slab_taken, 20 * NR);
	/* Nor does the adder keep the magazines that the deleter filled; they pass back. */
	ck_assert_int_lt(heap_overhead(&heap), NR);
	mags = slab.calls - stats.slab_taken - calls;
	ck_assert_int_lt(mags, 100);
	end(&heap);
}

START_TEST(pair_normal)
{
	check_pair(0);
}

START_TEST(pair_reuse)
{
	check_pair(BPF_MA_REUSE_AFTER_RCU_GP);
}

struct deleter {
	struct heap *heap;
	void *ptrs[1500];
	int batch;
	int plain;	/* each so many frees is one without RCU */
};

static void delete_all_fn(void *arg)
{
	struct deleter *deleter = arg;
	int i;

	for (i = 0; i < (int)ARRAY_SIZE(deleter->ptrs); i++) {
		if (i % deleter->plain == 0)
			heap_free(deleter->heap, deleter->ptrs[i]);
		else
			heap_free_rcu(deleter->heap, deleter->ptrs[i]);
		if (i % deleter->batch == 0)
			sim_sleep(30 * NSEC_PER_MSEC);
	}
}

/* A CPU that only frees asks slab for nothing, nor takes back what it gave away. */
static void delete_elsewhere(struct deleter *deleter)
{
	struct bpf_mem_alloc_stats before = heap_stats(deleter->heap);
	long calls = slab.calls;

	sim_spawn("deleter", 1, delete_all_fn, deleter);
	sim_join();
	ck_assert_int_eq(slab.calls, calls);
	ck_assert_uint_eq(heap_stats(deleter->heap).refills, before.refills);
	if (!(deleter->heap->flags & BPF_MA_FREE_AFTER_RCU_GP))
		ck_assert_uint_gt(heap_stats(deleter->heap).depot_puts, before.depot_puts);
}

START_TEST(who_only_frees_asks_nothing)
{
	static const struct {
		int size, batch, plain;
		unsigned int flags;
	} kinds[] = {
		{ FEW, FEW_FULL, 1, BPF_MA_REUSE_AFTER_RCU_GP },
		{ 256, 256, 1, BPF_MA_REUSE_AFTER_RCU_GP },
		{ FEW, FEW_FULL, 1, BPF_MA_FREE_AFTER_RCU_GP },
		{ FEW, FEW_FULL, 20, 0 },
	};
	struct deleter deleter = { .batch = kinds[_i].batch, .plain = kinds[_i].plain };
	struct heap heap;

	deleter.heap = &heap;
	start_quietly(2);
	ck_assert_int_eq(heap_init(&heap, kinds[_i].size, kinds[_i].flags), 0);
	alloc_all(&heap, deleter.ptrs, ARRAY_SIZE(deleter.ptrs));
	delete_elsewhere(&deleter);
	ck_assert_int_eq(heap_overhead(&heap), 2);
	/* With the next refill of somebody else come magazines for it. */
	alloc_all(&heap, deleter.ptrs, ARRAY_SIZE(deleter.ptrs));
	ck_assert_int_gt(heap_overhead(&heap), 2);
	delete_elsewhere(&deleter);
	end(&heap);
}

/* A CPU that has allocated before has a magazine of slab for each batch that it frees. */
START_TEST(who_allocated_has_magazines)
{
	struct deleter deleter = { .batch = FEW_FULL, .plain = 1 };
	struct heap heap;
	long calls;

	deleter.heap = &heap;
	begin(&heap, BPF_MA_REUSE_AFTER_RCU_GP);
	alloc_all(&heap, deleter.ptrs, ARRAY_SIZE(deleter.ptrs));
	calls = slab.calls;
	delete_all_fn(&deleter);
	/* The first batch, which is loose, has them brought. */
	ck_assert_int_ge(slab.calls - calls, ARRAY_SIZE(deleter.ptrs) / FEW_FULL - 1);
	end(&heap);
}

/* So many pairs as close @batches batches, each of which is ready before the next. */
static void free_and_reuse(struct heap *heap, int batches)
{
	free_steadily(heap, batches * FEW_FULL, 200);
}

/* @ptrs, all freed at once, become ready at once. */
static void free_burst(struct heap *heap, void **ptrs, int n)
{
	alloc_all(heap, ptrs, n);
	free_all(heap, ptrs, n);
	sim_sleep(30 * NSEC_PER_MSEC);
}

/* What a CPU has too many of it keeps for some batches, and then gives it away. */
START_TEST(idle_objects_go)
{
	void *ptrs[12 * FEW_FULL];
	struct bpf_mem_alloc_stats before, then, after;
	struct heap heap;

	begin(&heap, BPF_MA_REUSE_AFTER_RCU_GP);
	free_and_reuse(&heap, 20);
	free_burst(&heap, ptrs, ARRAY_SIZE(ptrs));
	before = heap_stats(&heap);
	free_and_reuse(&heap, 4);
	then = heap_stats(&heap);
	ck_assert_uint_eq(then.depot_puts, before.depot_puts);
	free_and_reuse(&heap, 16);
	then = heap_stats(&heap);
	ck_assert_uint_gt(then.depot_puts, before.depot_puts);
	/* What nobody needed: for a hundred batches next to nothing is fetched back. */
	free_and_reuse(&heap, 100);
	after = heap_stats(&heap);
	ck_assert_uint_le(after.depot_gets - then.depot_gets, 5);
	ck_assert_uint_eq(after.slab_taken, then.slab_taken);
	end(&heap);
}

/* Some batches, less than fill the depot. */
#define SOME	20

struct neighbour {
	struct heap *heap;
	void *ptrs[SOME];
};

static void neighbour_alloc_fn(void *arg)
{
	struct neighbour *neighbour = arg;

	alloc_all(neighbour->heap, neighbour->ptrs, SOME);
}

static void neighbour_free_fn(void *arg)
{
	struct neighbour *neighbour = arg;

	free_all(neighbour->heap, neighbour->ptrs, SOME);
}

/* Of what several CPUs gave away, each gets its own back, also if it is not the youngest. */
START_TEST(own_objects_come_back)
{
	void *ptrs[SOME], *again[SOME / 2];
	struct bpf_mem_alloc_stats before, then, after;
	struct neighbour neighbour;
	struct heap heap;
	size_t i, j;

	neighbour.heap = &heap;
	begin(&heap, 0);
	alloc_all(&heap, ptrs, SOME);
	sim_spawn("neighbour", 1, neighbour_alloc_fn, &neighbour);
	sim_join();
	free_all(&heap, ptrs, SOME);
	before = heap_stats(&heap);
	sim_spawn("neighbour", 1, neighbour_free_fn, &neighbour);
	sim_join();
	then = heap_stats(&heap);
	ck_assert_uint_gt(then.depot_puts, before.depot_puts);
	alloc_all(&heap, again, ARRAY_SIZE(again));
	after = heap_stats(&heap);
	ck_assert_uint_gt(after.depot_gets, then.depot_gets);
	ck_assert_uint_eq(after.slab_taken, then.slab_taken);
	for (i = 0; i < ARRAY_SIZE(again); i++)
		for (j = 0; j < SOME; j++)
			ck_assert_ptr_ne(again[i], neighbour.ptrs[j]);
	free_all(&heap, again, ARRAY_SIZE(again));
	end(&heap);
}

/* A CPU that frees and does not allocate keeps nothing for a later time. */
START_TEST(freed_elsewhere_goes_at_once)
{
	void *ptrs[20 * FEW_FULL];
	struct bpf_mem_alloc_stats before;
	struct heap heap;
	int i;

	begin(&heap, BPF_MA_REUSE_AFTER_RCU_GP);
	alloc_all(&heap, ptrs, ARRAY_SIZE(ptrs));
	before = heap_stats(&heap);
	for (i = 0; i < 20; i++) {
		free_all(&heap, ptrs + i * FEW_FULL, FEW_FULL);
		sim_sleep(30 * NSEC_PER_MSEC);
	}
	ck_assert_uint_gt(heap_stats(&heap).depot_puts - before.depot_puts, 7);
	end(&heap);
}

/*
 * Many frees that wait, and then only what does not close a batch, but keeps the keeper
 * away: what is ready is taken in all the same, and what is dead goes.
 */
START_TEST(ready_is_not_left)
{
	static const struct {
		unsigned int flags;
		bool allocs, frees;
	} kinds[] = {
		{ 0, false, true },
		{ 0, true, true },
		{ BPF_MA_FREE_AFTER_RCU_GP, true, false },
		{ BPF_MA_REUSE_AFTER_RCU_GP, true, false },
	};
	void *ptrs[30 * FEW_FULL], *old[10 * FEW_FULL];
	struct bpf_mem_alloc_stats before, stats;
	struct heap heap;
	size_t i;

	begin(&heap, kinds[_i].flags);
	alloc_all(&heap, old, ARRAY_SIZE(old));
	alloc_all(&heap, ptrs, ARRAY_SIZE(ptrs));
	free_all_rcu(&heap, ptrs, ARRAY_SIZE(ptrs));
	before = heap_stats(&heap);
	for (i = 0; i < ARRAY_SIZE(old); i++) {
		ptrs[i] = kinds[_i].allocs ? heap_alloc(&heap, 0) : NULL;
		if (kinds[_i].frees) {
			heap_free(&heap, old[i]);
			old[i] = NULL;
		}
		sim_sleep(10 * NSEC_PER_MSEC);
	}
	stats = heap_stats(&heap);
	ck_assert_uint_le(stats.wait_rcu + stats.dead, 2 * FEW_FULL);
	/* Nor does who allocates give it away, to get it back. */
	if (!kinds[_i].frees)
		ck_assert_uint_eq(stats.depot_puts, before.depot_puts);
	free_all(&heap, ptrs, ARRAY_SIZE(old));
	free_all(&heap, old, ARRAY_SIZE(old));
	end(&heap);
}

/* Many frees, and then a pair now and then: what is dead does not wait for full batches. */
START_TEST(dead_is_not_left)
{
	static void *ptrs[8000];
	const int many = _i ? 1100 : 8000;
	struct bpf_mem_alloc_stats stats;
	struct heap heap;
	int i;

	start_quietly(1);
	ck_assert_int_eq(heap_init(&heap, 248, BPF_MA_FREE_AFTER_RCU_GP), 0);
	alloc_all(&heap, ptrs, many);
	free_all(&heap, ptrs + 10, many - 10);
	for (i = 0; i < 300; i++) {
		heap_free(&heap, ptrs[i % 10]);
		ptrs[i % 10] = heap_alloc(&heap, 0);
		sim_sleep(10 * NSEC_PER_MSEC);
	}
	stats = heap_stats(&heap);
	ck_assert_uint_le(stats.dead + stats.wait_rcu, 128);
	free_all(&heap, ptrs, 10);
	end(&heap);
}

/* Objects are reused in the order in which they were freed, magazine by magazine. */
START_TEST(reuse_keeps_order)
{
	void *ptrs[8 * FEW_FULL], *got[8 * FEW_FULL];
	struct heap heap;
	size_t i, j, last = 0;
	int turns = 0;

	begin(&heap, BPF_MA_REUSE_AFTER_RCU_GP);
	free_and_reuse(&heap, 20);
	free_burst(&heap, ptrs, ARRAY_SIZE(ptrs));
	free_burst(&heap, ptrs, ARRAY_SIZE(ptrs));
	alloc_all(&heap, got, ARRAY_SIZE(got));
	for (i = 0; i < ARRAY_SIZE(got); i++) {
		for (j = 0; j < ARRAY_SIZE(ptrs) && ptrs[j] != got[i]; j++)
			;
		if (j == ARRAY_SIZE(ptrs))
			continue;
		turns += j < last;
		last = j;
	}
	ck_assert_int_eq(turns, 0);
	free_all(&heap, got, ARRAY_SIZE(got));
	end(&heap);
}

/* A CPU has emptied more magazines than it keeps: those in the depot do not stay. */
START_TEST(emptied_magazines_go)
{
	void *ptrs[20 * FEW_FULL];
	struct heap heap;
	size_t i;

	begin(&heap, BPF_MA_REUSE_AFTER_RCU_GP);
	/* Magazines come with the second refills, and are filled by the frees after these. */
	for (i = 0; i < 2; i++) {
		alloc_all(&heap, ptrs, ARRAY_SIZE(ptrs));
		free_all(&heap, ptrs, ARRAY_SIZE(ptrs));
		sim_sleep(60 * NSEC_PER_MSEC);
	}
	alloc_all(&heap, ptrs, ARRAY_SIZE(ptrs));
	/* The allocator, its caches, what one CPU keeps, and more. */
	ck_assert_int_gt(heap_overhead(&heap), 2 + 8 + 2);
	for (i = 0; i < ARRAY_SIZE(ptrs); i++)
		heap_raw_free(&heap, ptrs[i]);
	if (_i)
		heap_check_at_rest(&heap);
	end(&heap);
}

static void step(enum gp_kind kind)
{
	ck_assert(rcu_can_step(kind, false));
	rcu_step(kind);
}

/*
 * The ring of batches is full, and the youngest takes in what is freed next.
 * Two grace periods of each kind make three cookies, the first of which is over
 * before there is a fourth; so that none is taken out then, the fourth batch is
 * what an NMI frees in the last look of an irq_work.  The explorer finds it.
 */
static struct {
	struct heap heap;
	void *ptrs[5 * FEW_FULL];
	bool fourth_is_there;
} ring;

static void free_batch(int nr)
{
	free_all(&ring.heap, ring.ptrs + nr * FEW_FULL, FEW_FULL);
}

static void fourth_batch(void)
{
	if (ring.fourth_is_there)
		return;
	ring.fourth_is_there = true;
	step(GP_NORMAL);	/* the first ends */
	step(GP_NORMAL);	/* the second begins */
	free_batch(3);
}

static void run_ring(void)
{
	void *got[5 * FEW_FULL + FEW_HIGH] = {};
	bool *stay;
	size_t i, n = 0;

	slab = (struct slab_state){};
	ring.fourth_is_there = false;
	ck_assert_int_eq(heap_init(&ring.heap, FEW, BPF_MA_REUSE_AFTER_RCU_GP), 0);
	alloc_all(&ring.heap, ring.ptrs, ARRAY_SIZE(ring.ptrs));
	slab.fail_from = 1;
	slab.fail_to = LONG_MAX;
	free_batch(0);
	step(GP_NORMAL);	/* the first begins */
	free_batch(1);
	step(GP_EXPEDITED);	/* begins, and stays */
	free_batch(2);

	while ((got[n] = heap_alloc(&ring.heap, 0)))
		n++;
	/* An irq_work looks for more. */
	explore_begin();
	got[n++] = heap_alloc(&ring.heap, 0);
	explore_end();
	fourth_batch();
	step(GP_NORMAL);
	step(GP_NORMAL);	/* the third begins, before this reader comes */
	stay = reader_enters(reader_fn, 1);
	free_batch(4);
	step(GP_NORMAL);	/* and ends, which is too early for the fifth batch */
	for (i = n; i < ARRAY_SIZE(got); i++)
		got[i] = heap_alloc(&ring.heap, 0);
	leave(stay);
	for (i = 0; i < ARRAY_SIZE(got); i++)
		if (got[i])
			heap_free(&ring.heap, got[i]);
	heap_idle();
	ck_assert(nothing_waits(&ring.heap));
	end(&ring.heap);
}

START_TEST(ring_is_full)
{
	unsigned int runs;

	sim_set_repeat("flavors", "ring");
	/* Grace periods do not end but when told to. */
	runs = explore(&(struct sim_config){
		.cpus = 2, .chooser = CHOOSE_SCRIPTED, .nmi = 1,
		.nmi_fn = fourth_batch,
	}, run_ring);
	ck_assert_uint_gt(runs, 20);
}

/*
 * Pairs of an allocation and a free leave alone what an earlier free_rcu() brought,
 * however many of these objects are left on the CPU.
 */
START_TEST(free_rcu_and_plain_free)
{
	static void *ptrs[2000];
	struct bpf_mem_alloc_stats before, after;
	int i, hold = 1 + 10 * _i;
	struct heap heap;

	start_quietly(2);
	ck_assert_int_eq(heap_init(&heap, 56, 0), 0);
	alloc_all(&heap, ptrs, ARRAY_SIZE(ptrs));
	free_all_rcu(&heap, ptrs, ARRAY_SIZE(ptrs));
	sim_sleep(60 * NSEC_PER_MSEC);
	alloc_all(&heap, ptrs, hold);
	sim_sleep(NSEC_PER_MSEC);
	before = heap_stats(&heap);
	for (i = 0; i < 1000; i++)
		heap_free(&heap, heap_alloc(&heap, 0));
	after = heap_stats(&heap);
	ck_assert_uint_lt(after.refills - before.refills, 10);
	ck_assert_uint_lt(after.depot_puts - before.depot_puts, 20);
	free_all(&heap, ptrs, hold);
	end(&heap);
}

struct Suite *suite_flavors(void)
{
	struct Suite *suite = suite_create("flavors");
	TCase *late = tcase_create("late");
	TCase *mixed = tcase_create("mixed");
	TCase *elsewhere = tcase_create("elsewhere");

	tcase_add_loop_test(late, late_gp_makes_give_way, 0, 2);
	suite_add_tcase(suite, late);
	tcase_add_loop_test(mixed, free_rcu_and_plain_free, 0, 60);
	tcase_add_loop_test(mixed, emptied_magazines_go, 0, 2);
	suite_add_tcase(suite, mixed);
	add_tests(suite, "kept", 10, idle_objects_go, freed_elsewhere_goes_at_once,
		  reuse_keeps_order);
	tcase_add_loop_test(elsewhere, ready_is_not_left, 0, 4);
	tcase_add_loop_test(elsewhere, dead_is_not_left, 0, 2);
	tcase_add_loop_test(elsewhere, who_only_frees_asks_nothing, 0, 4);
	tcase_add_test(elsewhere, who_allocated_has_magazines);
	tcase_add_test(elsewhere, own_objects_come_back);
	suite_add_tcase(suite, elsewhere);
	add_tests(suite, "normal", 10, normal_reuses_at_once,
		  normal_waits_for_readers_of_slab, normal_and_trace_readers,
		  pair_normal);
	add_tests(suite, "reuse-after-rcu-gp", 10, reuse_waits_for_rcu_readers,
		  reuse_free_rcu_waits_for_rcu_readers, reuse_and_trace_readers,
		  pressure_expedites, pressure_shortens_rest, rest_is_not_too_short,
		  few_rest_longer, slow_expedited_rests, pair_reuse);
	add_tests(suite, "ring", 30, ring_is_full);
	add_tests(suite, "free-after-rcu-gp", 10, free_after_waits_for_rcu_readers,
		  free_after_ignores_trace_readers);
	add_tests(suite, "free-rcu", 10, free_rcu_waits_for_rcu_readers,
		  free_rcu_and_trace_readers);
	return suite;
}
