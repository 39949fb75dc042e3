// SPDX-License-Identifier: GPL-2.0-only
/*
 * Suite guarantee-lost: CPUs that go away with objects on their lists, and come
 * back.
 */
#include <linux/cpu.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/sched.h>

#include "test.h"

#define OBJS	1000
#define SIZE	56
/* What a CPU may keep of objects of this size: low watermark and reserve. */
#define AT_REST	(32 + 8)

struct batch {
	const struct ma_flavor *flavor;
	struct bpf_mem_alloc ma;
	void *objs[OBJS];
};

static int alloc_objs(void *arg)
{
	struct batch *b = arg;
	int n, got = 0;

	for (n = 0; n < OBJS; n++) {
		b->objs[n] = bpf_mem_cache_alloc(&b->ma);
		got += !!b->objs[n];
	}
	return got;
}

static int free_objs(void *arg)
{
	struct batch *b = arg;
	int n;

	for (n = 0; n < OBJS; n++)
		if (b->objs[n])
			ma_free(b->flavor, &b->ma, b->objs[n]);
	return 0;
}

static int alloc_and_free(void *arg)
{
	alloc_objs(arg);
	return free_objs(arg);
}

/* A CPU to take away, or -1 and the run is skipped. */
static int victim(struct ma_run *run)
{
	int cpu = ma_other_cpu(cpumask_first(cpu_online_mask));

	if (cpu < 0)
		ma_skip(run, "needs two CPUs");
	return cpu;
}

static bool take_away(struct ma_run *run, int cpu)
{
	int err = remove_cpu(cpu);

	return MA_CHECK(run, !err, "CPU %d does not go: %d", cpu, err);
}

static void bring_back(struct ma_run *run, int cpu)
{
	int err = add_cpu(cpu);

	MA_CHECK(run, !err, "CPU %d does not come back: %d", cpu, err);
}

static struct batch *batch_new(struct ma_run *run)
{
	struct batch *b = kvzalloc(sizeof(*b), GFP_KERNEL);

	if (!MA_CHECK(run, b, "no memory"))
		return NULL;
	b->flavor = run->flavor;
	if (ma_setup(run, &b->ma, SIZE))
		return b;
	kvfree(b);
	return NULL;
}

static void batch_destroy(struct batch *b)
{
	bpf_mem_alloc_destroy(&b->ma);
	kvfree(b);
}

/* Nobody is there to look after the lists of a CPU that is offline. */
static void offline_drains(struct ma_run *run)
{
	struct bpf_mem_alloc_stats s;
	int cpu = victim(run);
	struct batch *b;

	b = cpu < 0 ? NULL : batch_new(run);
	if (!b)
		return;
	ma_run_on(cpu, alloc_and_free, b);
	if (take_away(run, cpu)) {
		MA_CHECK(run, ma_settle(&b->ma, &s, 0), "%llu+%llu still wait, %llu are dead",
			 s.wait_rcu, s.wait_trace, s.dead);
		/* Coming to rest is not the end of it: the depot empties later. */
		msleep(1000);
		bpf_mem_alloc_read_stats(&b->ma, &s);
		MA_CHECK(run, s.free <= AT_REST * num_possible_cpus(), "%llu free", s.free);
		bring_back(run, cpu);
	}
	batch_destroy(b);
}

static void destroyed_offline(struct ma_run *run)
{
	struct bpf_mem_alloc_totals t;
	int cpu = victim(run);
	struct batch *b;

	b = cpu < 0 ? NULL : batch_new(run);
	if (!b)
		return;
	ma_run_on(cpu, alloc_and_free, b);
	if (!take_away(run, cpu)) {
		batch_destroy(b);
		return;
	}
	batch_destroy(b);
	MA_CHECK(run, ma_all_home(&t), "%llu of %llu came back", t.slab_returned,
		 t.slab_taken);
	bring_back(run, cpu);
}

static void freed_after_cpu_left(struct ma_run *run)
{
	int cpu = victim(run);
	struct batch *b;

	b = cpu < 0 ? NULL : batch_new(run);
	if (!b)
		return;
	ma_run_on(cpu, alloc_objs, b);
	if (take_away(run, cpu)) {
		free_objs(b);
		bring_back(run, cpu);
		MA_CHECK(run, ma_run_on(cpu, alloc_objs, b) == OBJS, "NULL on CPU %d", cpu);
	}
	free_objs(b);
	batch_destroy(b);
}

static int load_fn(void *arg)
{
	struct batch *b = arg;
	u32 n = 0;

	while (!kthread_should_stop()) {
		void *obj = bpf_mem_cache_alloc(&b->ma);

		obj = xchg(&b->objs[n++ * 7 % OBJS], obj);
		if (obj)
			ma_free(b->flavor, &b->ma, obj);
		if (!(n % 64))
			cond_resched();
	}
	return 0;
}

/* Threads that are not bound go on elsewhere, in the middle of what they do. */
static void under_load(struct ma_run *run)
{
	struct task_struct *threads[3];
	int i, cpu = victim(run);
	struct batch *b;

	b = cpu < 0 ? NULL : batch_new(run);
	if (!b)
		return;
	for (i = 0; i < ARRAY_SIZE(threads); i++)
		threads[i] = ma_thread_start(-1, load_fn, b);
	for (i = 0; i < 3; i++) {
		msleep(50);
		if (!take_away(run, cpu))
			break;
		msleep(50);
		bring_back(run, cpu);
	}
	for (i = 0; i < ARRAY_SIZE(threads); i++)
		MA_CHECK(run, !ma_thread_stop(threads[i]), "thread %d", i);
	free_objs(b);
	batch_destroy(b);
}

static const struct ma_test tests[] = {
	MA_TEST_EACH_FLAVOR(offline_drains),
	MA_TEST_EACH_FLAVOR(destroyed_offline),
	MA_TEST_EACH_FLAVOR(freed_after_cpu_left),
	MA_TEST_EACH_FLAVOR(under_load),
};

const struct ma_suite ma_hotplug_suite = {
	.name = "guarantee-lost",
	.tests = tests,
	.nr = ARRAY_SIZE(tests),
};
