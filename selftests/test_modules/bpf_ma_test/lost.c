// SPDX-License-Identifier: GPL-2.0-only
/*
 * Suite guarantee-lost: an allocator that is destroyed with frees in flight on
 * every CPU gives all of its objects back. That nothing is missing is checked
 * after each test by its caller.
 */
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/sched.h>

#include "test.h"

#define SLOTS	512

struct load {
	const struct ma_flavor *flavor;
	struct bpf_mem_alloc ma;
	void *slots[SLOTS];	/* from one CPU to another */
	atomic_t nulls;
	atomic64_t allocs;
};

static void exchange(struct load *load, u32 i)
{
	void *obj = bpf_mem_cache_alloc(&load->ma);

	if (obj)
		atomic64_inc(&load->allocs);
	else
		atomic_inc(&load->nulls);
	obj = xchg(&load->slots[i % SLOTS], obj);
	if (obj)
		ma_free(load->flavor, &load->ma, obj);
}

static int exchange_fn(void *arg)
{
	struct load *load = arg;
	u32 i = 0;

	while (!kthread_should_stop()) {
		exchange(load, i++ * 7);
		if (!(i % 128))
			cond_resched();
	}
	return 0;
}

/* All threads end with frees, and the destroy comes right behind the last. */
static void free_slots_and_destroy(struct load *load)
{
	int i;

	for (i = 0; i < SLOTS; i++)
		if (load->slots[i])
			ma_free(load->flavor, &load->ma, load->slots[i]);
	bpf_mem_alloc_destroy(&load->ma);
}

static void in_flight(struct ma_run *run)
{
	struct task_struct *threads[4];
	int cpu, i, round, n;
	struct load *load;

	for (round = 0; round < 4; round++) {
		load = kzalloc(sizeof(*load), GFP_KERNEL);
		if (!MA_CHECK(run, load, "no memory"))
			return;
		load->flavor = run->flavor;
		if (!ma_setup(run, &load->ma, 48)) {
			kfree(load);
			return;
		}
		n = 0;
		for_each_online_cpu(cpu)
			if (n < ARRAY_SIZE(threads))
				threads[n++] = ma_thread_start(cpu, exchange_fn, load);
		msleep(100);
		for (i = 0; i < n; i++)
			MA_CHECK(run, !ma_thread_stop(threads[i]), "thread %d", i);
		free_slots_and_destroy(load);
		ma_note(run, "%lld objects in the last round", atomic64_read(&load->allocs));
		kfree(load);
	}
}

/* More frees than the lists of a CPU hold, each way of freeing, all size classes. */
static void every_class(struct ma_run *run)
{
	static const size_t sizes[] = { 8, 24, 56, 88, 120, 184, 248, 504, 1016, 2040, 4088 };
	struct bpf_mem_alloc ma;
	void *objs[128];
	int i, n;

	if (!ma_setup(run, &ma, 0))
		return;
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		for (n = 0; n < ARRAY_SIZE(objs); n++)
			objs[n] = bpf_mem_alloc(&ma, sizes[i]);
		for (n = 0; n < ARRAY_SIZE(objs); n++) {
			if (n % 2)
				bpf_mem_free(&ma, objs[n]);
			else
				bpf_mem_free_rcu(&ma, objs[n]);
		}
	}
	bpf_mem_alloc_destroy(&ma);
}

/* A destroy that meets the first, a running and no refill. */
static void destroy_at_once(struct ma_run *run)
{
	struct bpf_mem_alloc ma;
	int round, n;

	for (round = 0; round < 50; round++) {
		if (!ma_setup(run, &ma, 64))
			return;
		for (n = 0; n < round; n++) {
			void *obj = bpf_mem_cache_alloc(&ma);

			if (MA_CHECK(run, obj, "NULL at %d", n))
				ma_free(run->flavor, &ma, obj);
		}
		bpf_mem_alloc_destroy(&ma);
	}
}

/* Destroying one allocator takes nothing from another. */
static void neighbour_lives_on(struct ma_run *run)
{
	struct load *load = kzalloc(sizeof(*load), GFP_KERNEL);
	struct bpf_mem_alloc other;
	int i;

	if (!MA_CHECK(run, load, "no memory"))
		return;
	load->flavor = run->flavor;
	if (ma_setup(run, &other, 64) && ma_setup(run, &load->ma, 64)) {
		for (i = 0; i < SLOTS; i++)
			load->slots[i] = bpf_mem_cache_alloc(&load->ma);
		for (i = 0; i < 1000; i++)
			ma_free(run->flavor, &other, bpf_mem_cache_alloc(&other));
		free_slots_and_destroy(load);
		for (i = 0; i < 1000; i++) {
			void *obj = bpf_mem_cache_alloc(&other);

			MA_CHECK(run, obj, "NULL at %d", i);
			ma_free(run->flavor, &other, obj);
		}
		bpf_mem_alloc_destroy(&other);
	}
	kfree(load);
}

static const struct ma_test tests[] = {
	MA_TEST_EACH_FLAVOR(in_flight),
	MA_TEST_EACH_FLAVOR(every_class),
	MA_TEST_EACH_FLAVOR(destroy_at_once),
	MA_TEST_EACH_FLAVOR(neighbour_lives_on),
};

const struct ma_suite ma_lost_suite = {
	.name = "guarantee-lost",
	.tests = tests,
	.nr = ARRAY_SIZE(tests),
};
