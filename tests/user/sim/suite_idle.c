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

	add_tests(suite, "drains", 30, drains, drains_classes, drains_what_nmis_free,
		  drains_offline_cpus);
	add_tests(suite, "others", 30, busy_neighbour, destroy_is_prompt);
	return suite;
}
