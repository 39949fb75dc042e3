// SPDX-License-Identifier: GPL-2.0-only
/*
 * Helpers of the tests: flavors, threads on a CPU, waiting for the allocator
 * to come to rest.
 */
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched/task.h>

#include "test.h"

const struct ma_flavor ma_flavors[MA_NR_FLAVORS] = {
	[MA_NORMAL]	= { "normal", 0, false },
	[MA_REUSE]	= { "reuse-after-rcu-gp", BPF_MA_REUSE_AFTER_RCU_GP, false },
	[MA_FREE_AFTER]	= { "free-after-rcu-gp", BPF_MA_FREE_AFTER_RCU_GP, false },
	[MA_FREE_RCU]	= { "free-rcu", 0, true },
};

/* An allocator of one size, of the flavor that the run is about. */
bool ma_setup(struct ma_run *run, struct bpf_mem_alloc *ma, int size)
{
	int err = bpf_mem_alloc_init(ma, size, run->flavor ? run->flavor->flags : 0);

	return MA_CHECK(run, !err, "init of size %d: error %d", size, err);
}

void ma_free(const struct ma_flavor *flavor, struct bpf_mem_alloc *ma, void *obj)
{
	if (flavor->free_rcu)
		bpf_mem_cache_free_rcu(ma, obj);
	else
		bpf_mem_cache_free(ma, obj);
}

/*
 * A kernel that checks each access needs a multiple of the time that others do:
 * until something that is bound to come is taken for lost, for instance.
 */
static unsigned int timeout_factor = 1;
module_param(timeout_factor, uint, 0444);
MODULE_PARM_DESC(timeout_factor, "by which times are stretched");

unsigned long ma_stretch(unsigned long duration)
{
	return duration * timeout_factor;
}

unsigned long ma_deadline(unsigned int seconds)
{
	return jiffies + ma_stretch(seconds * HZ);
}

static struct bpf_mem_alloc_totals home;

/* What an earlier test lost is not held against the next one. */
void ma_mark_home(void)
{
	bpf_mem_alloc_read_totals(&home);
}

/*
 * Waits until every allocator is gone that was created since ma_mark_home();
 * false when one stays or an object is missing. @t is what came since then.
 */
bool ma_all_home(struct bpf_mem_alloc_totals *t)
{
	unsigned long deadline = ma_deadline(10);

	do {
		bpf_mem_alloc_read_totals(t);
		t->allocators -= home.allocators;
		t->slab_taken -= home.slab_taken;
		t->slab_returned -= home.slab_returned;
		if (!t->allocators)
			return t->slab_taken == t->slab_returned;
		msleep(20);
	} while (time_before(jiffies, deadline));
	return false;
}

/*
 * Waits until each object that @ma took from slab is one of @live that are in
 * use, or free; false when that does not come. An object that is just being
 * given to slab is on no list, and not returned yet.
 */
bool ma_settle(struct bpf_mem_alloc *ma, struct bpf_mem_alloc_stats *stats, u64 live)
{
	unsigned long deadline = ma_deadline(10);

	do {
		bpf_mem_alloc_read_stats(ma, stats);
		if (!stats->wait_rcu && !stats->wait_trace && !stats->dead &&
		    stats->slab_taken - stats->slab_returned == live + stats->free)
			return true;
		msleep(20);
	} while (time_before(jiffies, deadline));
	return false;
}

/* An online CPU that is not @cpu, or -1. */
int ma_other_cpu(int cpu)
{
	int other = cpumask_any_but(cpu_online_mask, cpu);

	return other < nr_cpu_ids ? other : -1;
}

struct task_struct *ma_thread_start(int cpu, int (*fn)(void *arg), void *arg)
{
	struct task_struct *task = kthread_create_on_node(fn, arg, NUMA_NO_NODE,
							  "bpf_ma_test");

	if (IS_ERR(task))
		return task;
	/* @fn may return before it is stopped. */
	get_task_struct(task);
	if (cpu >= 0)
		kthread_bind(task, cpu);
	wake_up_process(task);
	return task;
}

int ma_thread_stop(struct task_struct *task)
{
	int result;

	if (IS_ERR(task))
		return PTR_ERR(task);
	result = kthread_stop(task);
	put_task_struct(task);
	return result;
}

struct on_cpu {
	int (*fn)(void *arg);
	void *arg;
	int result;
	struct completion done;
};

static int on_cpu_fn(void *arg)
{
	struct on_cpu *call = arg;

	call->result = call->fn(call->arg);
	complete(&call->done);
	return 0;
}

int ma_run_on(int cpu, int (*fn)(void *arg), void *arg)
{
	struct on_cpu call = { .fn = fn, .arg = arg };
	struct task_struct *task;

	init_completion(&call.done);
	task = ma_thread_start(cpu, on_cpu_fn, &call);
	if (IS_ERR(task))
		return PTR_ERR(task);
	wait_for_completion(&call.done);
	ma_thread_stop(task);
	return call.result;
}
