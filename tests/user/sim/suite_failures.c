// SPDX-License-Identifier: GPL-2.0-only
/*
 * Slab fails: at each call in turn, from each call on, and for good.  Nothing
 * is lost, and what is free is found wherever it lies.
 */
#include "suites.h"

#define NR	24

static const unsigned int flavors[] = {
	0, BPF_MA_REUSE_AFTER_RCU_GP, BPF_MA_FREE_AFTER_RCU_GP, BPF_MA_PERCPU,
	BPF_MA_PERCPU | BPF_MA_REUSE_AFTER_RCU_GP,
};

static void free_what_is_there(struct heap *heap, void **ptrs, int n)
{
	int i;

	for (i = 0; i < n; i++)
		if (ptrs[i] && i % 3)
			heap_free(heap, ptrs[i]);
		else if (ptrs[i])
			heap_free_rcu(heap, ptrs[i]);
}

/* Returns whether the failure came too late to matter. */
static bool run_with_failures(unsigned int flags, long from, long to)
{
	static void *ptrs[NR];
	struct heap heap;
	int i, round;
	bool late;

	start_quietly(2);
	slab = (struct slab_state){ .fail_from = from, .fail_to = to };
	if (heap_init(&heap, FEW, flags)) {
		ck_assert_int_gt(slab.failed, 0);
		heap_check_all_gone();
		return false;
	}
	for (round = 0; round < 3; round++) {
		for (i = 0; i < NR; i++) {
			ptrs[i] = heap_alloc(&heap, 0);
			if (!ptrs[i] && !round)
				ptrs[i] = heap_alloc_flags(&heap, GFP_KERNEL);
		}
		free_what_is_there(&heap, ptrs, NR);
		if (round == 1)
			heap_idle();
		else
			sim_sleep(30 * NSEC_PER_MSEC);
	}
	late = !slab.failed;
	if (!late)
		ck_assert_uint_le(heap_stats(&heap).failures, slab.failed);
	heap_destroy(&heap);
	heap_check_all_gone();
	return late;
}

START_TEST(one_call)
{
	long n;

	for (n = 1; !run_with_failures(flavors[_i], n, n); n++)
		;
	ck_assert_int_gt(n, 20);
}

START_TEST(from_a_call_on)
{
	long n;

	for (n = 1; !run_with_failures(flavors[_i], n, LONG_MAX); n++)
		;
	ck_assert_int_gt(n, 20);
}

/* The n-th and its neighbours: a refill that gets only a part. */
START_TEST(some_calls)
{
	long n;

	for (n = 1; !run_with_failures(flavors[_i], n, n + 5); n++)
		;
}

struct user {
	struct heap *heap;
	void *ptrs[4 * NR];
	int got;
};

static void get_all_fn(void *arg)
{
	struct user *user = arg;
	int tries;

	/* A moment is what an update from user space would wait. */
	for (tries = 0; tries < 20; tries++) {
		while (user->got < (int)ARRAY_SIZE(user->ptrs)) {
			void *ptr = heap_alloc(user->heap, 0);

			if (!ptr)
				break;
			user->ptrs[user->got++] = ptr;
		}
		sim_sleep(30 * NSEC_PER_MSEC);
	}
}

/* Slab has nothing any more, but another CPU's frees do. */
START_TEST(memory_is_found)
{
	static const unsigned int reusing[] = {
		0, BPF_MA_REUSE_AFTER_RCU_GP, BPF_MA_PERCPU };
	struct heap heap;
	struct user from = { .heap = &heap }, to = { .heap = &heap };
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(reusing); i++) {
		from.got = 0;
		to.got = 0;
		start_quietly(2);
		slab = (struct slab_state){};
		ck_assert_int_eq(heap_init(&heap, FEW, reusing[i]), 0);
		for (j = 0; j < ARRAY_SIZE(from.ptrs); j++)
			from.ptrs[j] = heap_alloc(&heap, 0);
		slab.fail_from = 1;
		slab.fail_to = LONG_MAX;
		for (j = 0; j < ARRAY_SIZE(from.ptrs); j++)
			heap_free(&heap, from.ptrs[j]);
		sim_spawn("getter", 1, get_all_fn, &to);
		sim_join();
		/* The CPU that freed them keeps a few. */
		ck_assert_int_ge(to.got, ARRAY_SIZE(from.ptrs) - heap_rest(&heap, 1) -
				 FEW_HIGH);
		free_what_is_there(&heap, to.ptrs, to.got);
		heap_destroy(&heap);
		heap_check_all_gone();
	}
}

/* Slab recovers, and so does the allocator. */
START_TEST(recovers)
{
	struct heap heap;
	void *ptrs[NR] = {};
	int i;

	start_quietly(1);
	ck_assert_int_eq(heap_init(&heap, FEW, flavors[_i]), 0);
	slab.fail_from = 1;
	slab.fail_to = LONG_MAX;
	for (i = 0; i < NR; i++)
		ptrs[i] = heap_alloc(&heap, 0);
	ck_assert_ptr_null(ptrs[NR - 1]);
	ck_assert_uint_gt(heap_stats(&heap).failures, 0);
	free_what_is_there(&heap, ptrs, NR);
	slab.fail_to = 0;
	slab.failed = 0;
	for (i = 0; i < NR; i++) {
		ptrs[i] = heap_alloc(&heap, 0);
		ck_assert_ptr_nonnull(ptrs[i]);
	}
	free_what_is_there(&heap, ptrs, NR);
	heap_destroy(&heap);
	heap_check_all_gone();
}

struct Suite *suite_failures(void)
{
	struct Suite *suite = suite_create("failures");
	TCase *tcase = tcase_create("each");
	const int n = ARRAY_SIZE(flavors);

	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, one_call, 0, n);
	tcase_add_loop_test(tcase, from_a_call_on, 0, n);
	tcase_add_loop_test(tcase, some_calls, 0, n);
	tcase_add_loop_test(tcase, recovers, 0, n);
	suite_add_tcase(suite, tcase);
	add_tests(suite, "all", 10, memory_is_found);
	return suite;
}
