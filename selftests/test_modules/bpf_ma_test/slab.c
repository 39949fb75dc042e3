// SPDX-License-Identifier: GPL-2.0-only
/*
 * Suite guarantee-slab: the memory of an object that a reader holds does not go
 * back to slab, whatever the allocator's user does meanwhile: frees all there
 * is, leaves the allocator idle, destroys it.
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/rcupdate.h>
#include <linux/rcupdate_trace.h>

#include "test.h"

#define OBJS	600
#define SIZE	56
#define IDLE_MS	700	/* long enough to give back what is not needed */
#define REST_MS	400	/* and a destroyed allocator */

/**
 * struct watch - one object, from its free until the destructor sees it
 * @obj: the object
 * @hold_ms: how long the reader stays
 * @held: a reader has it
 * @given: calls of the destructor for it
 * @early: those of them that the reader had to fear
 * @holds: the reader has started
 */
struct watch {
	void *obj;
	unsigned int hold_ms;
	bool held;
	atomic_t given;
	atomic_t early;
	struct completion holds;
};

static void watch_dtor(void *obj, void *ctx)
{
	struct watch *watch = ctx;

	if (obj != watch->obj)
		return;
	atomic_inc(&watch->given);
	if (READ_ONCE(watch->held))
		atomic_inc(&watch->early);
}

static int rcu_reader(void *arg)
{
	struct watch *watch = arg;
	unsigned long end = jiffies + msecs_to_jiffies(watch->hold_ms);

	rcu_read_lock();
	WRITE_ONCE(watch->held, true);
	complete(&watch->holds);
	while (time_before(jiffies, end))
		cpu_relax();
	WRITE_ONCE(watch->held, false);
	rcu_read_unlock();
	return 0;
}

static int trace_reader(void *arg)
{
	struct watch *watch = arg;

	rcu_read_lock_trace();
	WRITE_ONCE(watch->held, true);
	complete(&watch->holds);
	msleep(watch->hold_ms);
	WRITE_ONCE(watch->held, false);
	rcu_read_unlock_trace();
	return 0;
}

struct freer {
	const struct ma_flavor *flavor;
	struct watch *watch;
	unsigned int idle_ms;	/* between the last free and the destroy */
	struct bpf_mem_alloc ma;
	void *objs[OBJS];
};

static int free_and_destroy(void *arg)
{
	struct freer *freer = arg;
	int n;

	wait_for_completion(&freer->watch->holds);
	for (n = 0; n < OBJS; n++)
		if (freer->objs[n])
			ma_free(freer->flavor, &freer->ma, freer->objs[n]);
	msleep(freer->idle_ms);
	bpf_mem_alloc_destroy(&freer->ma);
	return 0;
}

/* Returns how often the object went back to slab with its reader there. */
static int hold_one(struct ma_run *run, int (*reader)(void *arg), unsigned int idle_ms)
{
	int n, cpu = cpumask_first(cpu_online_mask);
	struct bpf_mem_alloc_totals t;
	struct task_struct *task;
	struct watch watch = {};
	struct freer *freer;

	freer = kzalloc(sizeof(*freer), GFP_KERNEL);
	if (!MA_CHECK(run, freer, "no memory") || !ma_setup(run, &freer->ma, SIZE))
		goto out;
	freer->flavor = run->flavor;
	freer->watch = &watch;
	freer->idle_ms = idle_ms;
	watch.hold_ms = idle_ms + REST_MS;
	bpf_mem_alloc_set_dtor(&freer->ma, watch_dtor, NULL, &watch);
	for (n = 0; n < OBJS; n++)
		freer->objs[n] = bpf_mem_cache_alloc(&freer->ma);
	watch.obj = freer->objs[OBJS / 2];
	init_completion(&watch.holds);
	task = ma_thread_start(cpu, reader, &watch);
	if (!MA_CHECK(run, !IS_ERR(task), "no thread"))
		complete(&watch.holds);
	ma_run_on(ma_other_cpu(cpu), free_and_destroy, freer);
	ma_thread_stop(task);
	MA_CHECK(run, ma_all_home(&t), "%llu of %llu came back", t.slab_returned, t.slab_taken);
	MA_CHECK(run, atomic_read(&watch.given) == 1, "it went back %d times",
		 atomic_read(&watch.given));
out:
	kfree(freer);
	return atomic_read(&watch.early);
}

static void by_rcu(struct ma_run *run, unsigned int idle_ms)
{
	/* The reader does not sleep: there must be somebody else to provoke it. */
	if (num_online_cpus() < 2) {
		ma_skip(run, "needs two CPUs");
		return;
	}
	MA_CHECK(run, !hold_one(run, rcu_reader, idle_ms),
		 "went back within an RCU read-side section");
}

static void by_rcu_tasks_trace(struct ma_run *run, unsigned int idle_ms)
{
	int early = hold_one(run, trace_reader, idle_ms);

	if (run->flavor != &ma_flavors[MA_FREE_AFTER])
		MA_CHECK(run, !early, "went back within a tasks-trace read-side section");
	else if (idle_ms)
		MA_CHECK(run, early, "nothing went back early: nothing would be noticed");
}

static void idle_held_by_rcu(struct ma_run *run)
{
	by_rcu(run, IDLE_MS);
}

static void idle_held_by_tasks_trace(struct ma_run *run)
{
	by_rcu_tasks_trace(run, IDLE_MS);
}

/* What still is on the lists of the CPUs takes another way home. */
static void destroyed_held_by_rcu(struct ma_run *run)
{
	by_rcu(run, 0);
}

static void destroyed_held_by_tasks_trace(struct ma_run *run)
{
	by_rcu_tasks_trace(run, 0);
}

static const struct ma_test tests[] = {
	MA_TEST_EACH_FLAVOR(idle_held_by_rcu),
	MA_TEST_EACH_FLAVOR(idle_held_by_tasks_trace),
	MA_TEST_EACH_FLAVOR(destroyed_held_by_rcu),
	MA_TEST_EACH_FLAVOR(destroyed_held_by_tasks_trace),
};

const struct ma_suite ma_slab_suite = {
	.name = "guarantee-slab",
	.tests = tests,
	.nr = ARRAY_SIZE(tests),
};
