// SPDX-License-Identifier: GPL-2.0-only
/*
 * An allocator that is left alone comes to rest: it drains to its low
 * watermarks in bounded time, and asks for nothing from then on.
 */
#include "suites.h"

#define NR	100

static const unsigned int flavors[] = {
	0, BPF_MA_REUSE_AFTER_RCU_GP, BPF_MA_FREE_AFTER_RCU_GP, BPF_MA_PERCPU,
	BPF_MA_PERCPU | BPF_MA_REUSE_AFTER_RCU_GP,
};

struct use {
	struct heap *heap;
	int frees;
	bool rcu;
};

/* So many allocations, as many frees less @left. */
static void use_fn(void *arg)
{
	struct use *use = arg;
	void *ptrs[NR];
	int i;

	for (i = 0; i < NR; i++)
		ptrs[i] = heap_alloc(use->heap, 1 + i * 40 % 4088);
	for (i = 0; i < use->frees; i++)
		if (use->rcu)
			heap_free_rcu(use->heap, ptrs[i]);
		else
			heap_free(use->heap, ptrs[i]);
	/* The rest go with the allocator. */
	for (; i < NR; i++)
		heap_raw_free(use->heap, ptrs[i]);
}

/* Whatever number of objects was freed last, none is left behind. */
START_TEST(drains)
{
	struct heap heap;
	struct use use = { .heap = &heap };
	size_t i;
	int cpu;

	for (i = 0; i < ARRAY_SIZE(flavors); i++) {
		for (use.frees = 0; use.frees <= NR;
		     use.frees += use.frees < 16 ? 1 : 21) {
			use.rcu = use.frees % 2;
			start_quietly(2);
			ck_assert_int_eq(heap_init(&heap, FEW, flavors[i]), 0);
			for (cpu = 0; cpu < 2; cpu++)
				sim_spawn("user", cpu, use_fn, &use);
			sim_join();
			heap_check_at_rest(&heap);
			/* And once more, after it slept. */
			sim_spawn("user", 1, use_fn, &use);
			sim_join();
			heap_check_at_rest(&heap);
			heap_destroy(&heap);
			heap_check_all_gone();
		}
	}
}

START_TEST(drains_classes)
{
	struct heap heap;
	struct use use = { .heap = &heap, .frees = NR };

	start_quietly(3);
	ck_assert_int_eq(heap_init(&heap, 0, BPF_MA_REUSE_AFTER_RCU_GP), 0);
	sim_spawn("user", 2, use_fn, &use);
	sim_join();
	heap_check_at_rest(&heap);
	heap_destroy(&heap);
	heap_check_all_gone();
}

/* One free, or a few, of an allocator that sleeps: none waits for more to come. */
START_TEST(few_frees_wake_it)
{
	struct heap heap;
	void *ptrs[12];
	size_t i;
	int few;

	for (few = 1; few <= 4; few++) {
		start_quietly(2);
		ck_assert_int_eq(heap_init(&heap, FEW, flavors[_i]), 0);
		for (i = 0; i < ARRAY_SIZE(ptrs); i++)
			ptrs[i] = heap_alloc(&heap, 0);
		heap_check_at_rest(&heap);
		for (i = 0; i < ARRAY_SIZE(ptrs); i++) {
			if (_i % 2)
				heap_free_rcu(&heap, ptrs[i]);
			else
				heap_free(&heap, ptrs[i]);
			if (i % few == 0)
				heap_check_at_rest(&heap);
		}
		heap_destroy(&heap);
		heap_check_all_gone();
	}
}

/* Objects freed in NMI start what brings them home, too. */
static struct heap *nmi_heap;
static void *nmi_ptr;
static bool nmi_rcu;

static void nmi_free(void)
{
	if (!nmi_ptr)
		return;
	if (nmi_rcu)
		heap_free_rcu(nmi_heap, nmi_ptr);
	else
		heap_free(nmi_heap, nmi_ptr);
	nmi_ptr = NULL;
}

/* An interrupt handler: it keeps interrupts off while it frees. */
START_TEST(drains_what_nmis_free)
{
	struct heap heap;
	void *ptrs[NR];
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(flavors); i++) {
		start_quietly(2);
		ck_assert_int_eq(heap_init(&heap, FEW, flavors[i]), 0);
		nmi_heap = &heap;
		for (j = 0; j < NR; j++)
			ptrs[j] = heap_alloc(&heap, 0);
		heap_check_at_rest(&heap);
		for (j = 0; j < NR; j++) {
			nmi_ptr = ptrs[j];
			nmi_rcu = j % 2;
			irq_nmi(nmi_free);
		}
		heap_check_at_rest(&heap);
		heap_destroy(&heap);
		heap_check_all_gone();
	}
}

/* What lies on a CPU that went away is brought home, too. */
START_TEST(drains_offline_cpus)
{
	struct heap heap;
	struct use use = { .heap = &heap, .frees = NR };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(flavors); i++) {
		start_quietly(3);
		ck_assert_int_eq(heap_init(&heap, FEW, flavors[i]), 0);
		sim_spawn("user", 1, use_fn, &use);
		sim_spawn("user", 2, use_fn, &use);
		sim_join();
		sim_set_online(1, false);
		heap_check_at_rest(&heap);
		sim_set_online(1, true);
		sim_spawn("user", 1, use_fn, &use);
		sim_join();
		sim_set_online(2, false);
		heap_check_at_rest(&heap);
		sim_set_online(1, false);
		heap_destroy(&heap);
		heap_check_all_gone();
	}
}

/*
 * The keeper has emptied the cache and closed a batch of a few, in a magazine, which who
 * allocates next takes in.  As many are allocated, and the rest is no more than the low
 * watermark; but not for the magazine, which goes.
 */
START_TEST(few_in_a_magazine)
{
	static void *ptrs[4 * 254 + 4];
	struct bpf_mem_alloc_stats stats;
	struct heap heap;
	int i, j;

	start_quietly(1);
	ck_assert_int_eq(heap_init(&heap, 248, BPF_MA_REUSE_AFTER_RCU_GP), 0);
	/* Ends with magazines at hand and a few objects in the last of them. */
	for (i = 0; i < 3; i++) {
		for (j = 0; j < (int)ARRAY_SIZE(ptrs); j++)
			ptrs[j] = heap_alloc(&heap, 0);
		for (j = 0; j < (int)ARRAY_SIZE(ptrs); j++)
			heap_free(&heap, ptrs[j]);
		sim_sleep(20 * NSEC_PER_MSEC);
	}
	do {
		sim_sleep(10 * NSEC_PER_MSEC);
		stats = heap_stats(&heap);
	} while (stats.free > heap_rest(&heap, 1));
	ck_assert_uint_gt(stats.wait_rcu, 0);
	ck_assert_uint_lt(stats.wait_rcu, 32);
	/* The grace period ends before the keeper comes again. */
	sim_sleep(80 * NSEC_PER_MSEC);
	ck_assert_uint_eq(heap_stats(&heap).wait_rcu, stats.wait_rcu);
	for (i = 0; i < (int)stats.wait_rcu; i++)
		ptrs[i] = heap_alloc(&heap, 0);
	ck_assert_uint_eq(heap_stats(&heap).wait_rcu, 0);
	heap_check_at_rest(&heap);
	while (i--)
		heap_free(&heap, ptrs[i]);
	heap_destroy(&heap);
	heap_check_all_gone();
}

/* One that is busy is not drained, and does not keep another from it. */
START_TEST(busy_neighbour)
{
	struct heap busy, idle;
	struct use use = { .heap = &idle, .frees = NR };
	struct bpf_mem_alloc_stats stats;
	void *ptrs[20];
	size_t i, j;

	start_quietly(2);
	ck_assert_int_eq(heap_init(&busy, FEW, BPF_MA_REUSE_AFTER_RCU_GP), 0);
	ck_assert_int_eq(heap_init(&idle, FEW, BPF_MA_REUSE_AFTER_RCU_GP), 0);
	sim_spawn("user", 1, use_fn, &use);
	sim_join();
	for (i = 0; i < 3000; i++) {
		for (j = 0; j < ARRAY_SIZE(ptrs); j++)
			ptrs[j] = heap_alloc(&busy, 0);
		for (j = 0; j < ARRAY_SIZE(ptrs); j++)
			heap_free(&busy, ptrs[j]);
		sim_sleep(NSEC_PER_MSEC);
	}
	stats = heap_stats(&idle);
	ck_assert_uint_eq(stats.wait_rcu + stats.wait_trace + stats.dead, 0);
	ck_assert_uint_le(stats.free, heap_rest(&idle, 2));
	/* Busy at a steady pace, it takes nothing anew from slab. */
	stats = heap_stats(&busy);
	ck_assert_uint_lt(stats.slab_taken, 60 * ARRAY_SIZE(ptrs));
	heap_check_at_rest(&busy);
	heap_destroy(&busy);
	heap_destroy(&idle);
	heap_check_all_gone();
}

/*
 * Somebody frees while the keeper looks, at each point of each of its rounds
 * until it is asleep: either it sees that, or it is woken up.
 */
static struct {
	unsigned int flags;
	unsigned int ms;
	struct heap heap;
	void *ptrs[FEW_LOW + 2];
	unsigned long items;
} look;

static bool keeper_looks_or_sleeps(void *arg)
{
	(void)arg;
	return work_items_run() > look.items || !work_is_pending();
}

static void free_meanwhile_fn(void *arg)
{
	size_t i;

	(void)arg;
	for (i = 0; i < ARRAY_SIZE(look.ptrs); i++)
		look.ptrs[i] = heap_alloc(&look.heap, 0);
	sim_sleep(look.ms * NSEC_PER_MSEC);
	look.items = work_items_run();
	explore_begin();
	sim_wait(keeper_looks_or_sleeps, NULL);
	for (i = 0; i < ARRAY_SIZE(look.ptrs); i++)
		heap_free(&look.heap, look.ptrs[i]);
	explore_end();
}

static void run_look(void)
{
	ck_assert_int_eq(heap_init(&look.heap, FEW, look.flags), 0);
	sim_spawn("freer", 1, free_meanwhile_fn, NULL);
	sim_join();
	heap_check_at_rest(&look.heap);
	heap_destroy(&look.heap);
	heap_check_all_gone();
}

START_TEST(free_while_keeper_looks)
{
	unsigned int runs = 0;

	sim_set_repeat("idle", "keeper");
	look.flags = flavors[_i];
	for (look.ms = 50; look.ms < 650; look.ms += 100)
		runs += explore(&(struct sim_config){
			.cpus = 2, .chooser = CHOOSE_SCRIPTED, .switches = 1,
		}, run_look);
	ck_assert_uint_gt(runs, 100);
}

/*
 * A CPU stalls, at each point of what it does, for as long as the keeper takes
 * to fall asleep.  Under PREEMPT_RT that may be in the middle of an irq_work.
 */
static void use_and_stall_fn(void *arg)
{
	void *more[FEW_LOW + 1];
	size_t i;

	(void)arg;
	for (i = 0; i < ARRAY_SIZE(look.ptrs); i++)
		/* Under PREEMPT_RT it takes a moment for the refill. */
		while (!(look.ptrs[i] = heap_alloc(&look.heap, 0)))
			sim_sleep(NSEC_PER_MSEC);
	sim_sleep(look.ms * NSEC_PER_MSEC);
	explore_begin();
	heap_free(&look.heap, look.ptrs[0]);
	/* Down below the low watermark: a refill follows. */
	for (i = 0; i < ARRAY_SIZE(more); i++)
		more[i] = heap_alloc(&look.heap, 0);
	sim_sleep(NSEC_PER_MSEC);
	explore_end();
	/* Without waking the keeper. */
	for (i = 1; i < ARRAY_SIZE(look.ptrs); i++)
		heap_raw_free(&look.heap, look.ptrs[i]);
	for (i = 0; i < ARRAY_SIZE(more); i++)
		if (more[i])
			heap_raw_free(&look.heap, more[i]);
}

static void run_stall(void)
{
	ck_assert_int_eq(heap_init(&look.heap, FEW, look.flags), 0);
	sim_spawn("user", 1, use_and_stall_fn, NULL);
	sim_join();
	heap_check_at_rest(&look.heap);
	heap_destroy(&look.heap);
	heap_check_all_gone();
}

START_TEST(stall_while_keeper_settles)
{
	unsigned int runs = 0;

	sim_set_repeat("idle", "keeper");
	look.flags = flavors[_i / 2];
	for (look.ms = 50; look.ms < 650; look.ms += 100)
		runs += explore(&(struct sim_config){
			.cpus = 2, .chooser = CHOOSE_SCRIPTED, .stalls = 1,
			.rt = _i % 2,
		}, run_stall);
	ck_assert_uint_gt(runs, 100);
}

/* A destroyed allocator does not wait for the round of the others. */
START_TEST(destroy_is_prompt)
{
	struct heap heap, other;
	u64 began;

	start_quietly(2);
	ck_assert_int_eq(heap_init(&other, FEW, 0), 0);
	ck_assert_int_eq(heap_init(&heap, FEW, BPF_MA_REUSE_AFTER_RCU_GP), 0);
	heap_free(&other, heap_alloc(&other, 0));
	heap_free(&heap, heap_alloc(&heap, 0));
	began = sim.ns;
	heap_destroy(&heap);
	while (heap_totals().allocators > 1)
		sim_sleep(NSEC_PER_MSEC);
	ck_assert_uint_lt(sim.ns - began, 60 * NSEC_PER_MSEC);
	heap_destroy(&other);
	heap_check_all_gone();
}

struct Suite *suite_idle(void)
{
	struct Suite *suite = suite_create("idle");
	TCase *tcase = tcase_create("keeper");

	add_tests(suite, "drains", 30, drains, drains_classes, drains_what_nmis_free,
		  drains_offline_cpus, few_in_a_magazine);
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, few_frees_wake_it, 0, ARRAY_SIZE(flavors));
	tcase_add_loop_test(tcase, free_while_keeper_looks, 0, 3);
	tcase_add_loop_test(tcase, stall_while_keeper_settles, 0, 6);
	suite_add_tcase(suite, tcase);
	add_tests(suite, "others", 30, busy_neighbour, destroy_is_prompt);
	return suite;
}
