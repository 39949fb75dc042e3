// SPDX-License-Identifier: GPL-2.0-only
/*
 * Suite guarantee-reuse: an object that was freed inside a read-side section
 * does not come back before that ends. The section is held for as long as the
 * allocator is provoked, so nothing here depends on timing.
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/rcupdate.h>
#include <linux/smp.h>
#include <linux/string.h>

#include "test.h"

#define SIZE	56
#define CHURN	20000
#define MARK	0x5e

/* Allocates and frees @n times; returns how often it met @held. */
static int churn(const struct ma_flavor *flavor, struct bpf_mem_alloc *ma,
		 const void *held, int n)
{
	int met = 0;

	while (n--) {
		void *obj = bpf_mem_cache_alloc(ma);

		if (!obj)
			continue;
		met += obj == held;
		memset(obj, n, SIZE);
		ma_free(flavor, ma, obj);
	}
	return met;
}

/* Outcome of holding an object through a churn. */
static void check_held(struct ma_run *run, int met, bool intact)
{
	if (run->flavor == &ma_flavors[MA_NORMAL]) {
		MA_CHECK(run, met, "the normal flavor did not reuse: nothing was provoked");
		return;
	}
	MA_CHECK(run, !met, "handed out %d times within a read-side section", met);
	MA_CHECK(run, intact, "changed within a read-side section");
}

static void *alloc_marked(struct ma_run *run, struct bpf_mem_alloc *ma)
{
	void *obj = bpf_mem_cache_alloc(ma);

	if (MA_CHECK(run, obj, "NULL"))
		memset(obj, MARK, SIZE);
	return obj;
}

static void held_on_same_cpu(struct ma_run *run)
{
	struct bpf_mem_alloc ma;
	bool intact;
	void *obj;
	int met;

	if (!ma_setup(run, &ma, SIZE))
		return;
	rcu_read_lock();
	obj = alloc_marked(run, &ma);
	ma_free(run->flavor, &ma, obj);
	met = churn(run->flavor, &ma, obj, CHURN);
	intact = !memchr_inv(obj, MARK, SIZE);
	rcu_read_unlock();
	check_held(run, met, intact);
	bpf_mem_alloc_destroy(&ma);
}

struct reader {
	const void *obj;
	struct completion holds;
	bool let_go;
	bool intact;
};

static int hold(void *arg)
{
	struct reader *reader = arg;

	rcu_read_lock();
	complete(&reader->holds);
	/* pairs with the release in hold_against(): all that was to happen has */
	while (!smp_load_acquire(&reader->let_go))
		cpu_relax();
	reader->intact = !memchr_inv(reader->obj, MARK, SIZE);
	rcu_read_unlock();
	return 0;
}

struct freer {
	const struct ma_flavor *flavor;
	struct bpf_mem_alloc *ma;
	void *obj;
	int reader_cpu;
	bool freed;
	int met;
};

static int free_and_churn(void *arg)
{
	struct freer *freer = arg;

	ma_free(freer->flavor, freer->ma, freer->obj);
	return churn(freer->flavor, freer->ma, freer->obj, CHURN);
}

/*
 * The reader's own CPU is interrupted: what a program does that is attached to
 * something which an interrupt calls.
 */
static void churn_in_irq(void *arg)
{
	struct freer *freer = arg;

	if (!freer->freed)
		ma_free(freer->flavor, freer->ma, freer->obj);
	freer->freed = true;
	freer->met += churn(freer->flavor, freer->ma, freer->obj, 100);
}

static int interrupt_reader(void *arg)
{
	struct freer *freer = arg;
	int n;

	for (n = 0; n < 200; n++)
		smp_call_function_single(freer->reader_cpu, churn_in_irq, freer, 1);
	return freer->met;
}

/* @obj came from the reader's CPU; @fn frees it on or from the other one. */
static void hold_against(struct ma_run *run, int (*fn)(void *arg))
{
	struct reader reader = {};
	struct bpf_mem_alloc ma;
	struct task_struct *task;
	struct freer freer;
	int cpu, other, met;

	cpu = cpumask_first(cpu_online_mask);
	other = ma_other_cpu(cpu);
	if (other < 0) {
		ma_skip(run, "needs two CPUs");
		return;
	}
	if (!ma_setup(run, &ma, SIZE))
		return;
	reader.obj = alloc_marked(run, &ma);
	freer = (struct freer){
		.flavor = run->flavor, .ma = &ma, .obj = (void *)reader.obj, .reader_cpu = cpu,
	};
	init_completion(&reader.holds);
	task = ma_thread_start(cpu, hold, &reader);
	if (MA_CHECK(run, !IS_ERR(task), "no thread")) {
		wait_for_completion(&reader.holds);
		met = ma_run_on(other, fn, &freer);
		/* pairs with the acquire in hold() */
		smp_store_release(&reader.let_go, true);
		ma_thread_stop(task);
		check_held(run, met, reader.intact);
	}
	bpf_mem_alloc_destroy(&ma);
}

static void held_on_other_cpu(struct ma_run *run)
{
	hold_against(run, free_and_churn);
}

static void held_while_irq_frees(struct ma_run *run)
{
	hold_against(run, interrupt_reader);
}

#define SET	256

static int find(void **set, const void *obj)
{
	int i;

	for (i = 0; i < SET; i++)
		if (set[i] == obj)
			return 1;
	return 0;
}

/*
 * Once the grace period is over the objects are worth something again, and
 * nearest to the CPU that freed them: the test stays there while it waits.
 */
static void reused_afterwards(struct ma_run *run)
{
	void **set, **fresh;
	struct bpf_mem_alloc ma;
	int n, again = 0;

	set = kcalloc(2 * SET, sizeof(*set), GFP_KERNEL);
	if (!MA_CHECK(run, set, "no memory") || !ma_setup(run, &ma, SIZE))
		goto out;
	fresh = set + SET;
	migrate_disable();
	for (n = 0; n < SET; n++)
		set[n] = alloc_marked(run, &ma);
	for (n = 0; n < SET; n++)
		ma_free(run->flavor, &ma, set[n]);
	synchronize_rcu();
	for (n = 0; n < SET; n++) {
		fresh[n] = alloc_marked(run, &ma);
		again += find(set, fresh[n]);
	}
	migrate_enable();
	MA_CHECK(run, again > SET / 4, "%d of %d objects came back after a grace period",
		 again, SET);
	for (n = 0; n < SET; n++)
		ma_free(run->flavor, &ma, fresh[n]);
	bpf_mem_alloc_destroy(&ma);
out:
	kfree(set);
}

/* No allocation gets what was freed, all of it goes back, and else only what was free. */
static void never_reused(struct ma_run *run)
{
	struct bpf_mem_alloc_stats before, after;
	struct bpf_mem_alloc ma;
	void **objs;
	int n;

	objs = kcalloc(SET, sizeof(*objs), GFP_KERNEL);
	if (!MA_CHECK(run, objs, "no memory") || !ma_setup(run, &ma, SIZE))
		goto out;
	for (n = 0; n < SET; n++)
		objs[n] = alloc_marked(run, &ma);
	ma_settle(&ma, &before, SET);
	for (n = 0; n < SET; n++)
		ma_free(run->flavor, &ma, objs[n]);
	MA_CHECK(run, ma_settle(&ma, &after, 0), "%llu still wait", after.wait_rcu);
	MA_CHECK(run, after.slab_returned - before.slab_returned + after.free == SET + before.free,
		 "%llu objects went back, %d freed and %lld others",
		 after.slab_returned - before.slab_returned, SET, before.free - after.free);
	bpf_mem_alloc_destroy(&ma);
out:
	kfree(objs);
}

static const struct ma_test tests[] = {
	MA_TEST_EACH_FLAVOR(held_on_same_cpu),
	MA_TEST_EACH_FLAVOR(held_on_other_cpu),
	MA_TEST_EACH_FLAVOR(held_while_irq_frees),
	MA_TEST_FLAVORS(reused_afterwards, BIT(MA_NORMAL) | BIT(MA_REUSE) | BIT(MA_FREE_RCU)),
	MA_TEST_FLAVORS(never_reused, BIT(MA_FREE_AFTER)),
};

const struct ma_suite ma_reuse_suite = {
	.name = "guarantee-reuse",
	.tests = tests,
	.nr = ARRAY_SIZE(tests),
};
