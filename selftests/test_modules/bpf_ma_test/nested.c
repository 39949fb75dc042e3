// SPDX-License-Identifier: GPL-2.0-only
/*
 * Suite guarantee-reuse: an object that is freed from within the allocator's
 * own work on this CPU, where its lists are in use, waits like any other.
 */
#include <linux/kprobes.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "test.h"

#define SIZE	56
#define CHURN	20000
#define MARK	0x5e

/* The probe has no argument of its own. */
static struct {
	const struct ma_flavor *flavor;
	struct bpf_mem_alloc *ma;
	struct task_struct *task;
	void *obj;
	bool freed;
} victim;

/* Called where a batch gets its cookie, by the thread that frees. */
static int free_victim(struct kprobe *kp, struct pt_regs *regs)
{
	if (current == victim.task && !victim.freed) {
		victim.freed = true;
		ma_free(victim.flavor, victim.ma, victim.obj);
	}
	return 0;
}

static struct kprobe probe = {
	.symbol_name = "get_state_synchronize_rcu_full",
	.pre_handler = free_victim,
};

static int churn(const struct ma_flavor *flavor, struct bpf_mem_alloc *ma)
{
	int n, met = 0;

	for (n = 0; n < CHURN; n++) {
		void *obj = bpf_mem_cache_alloc(ma);

		if (!obj)
			continue;
		met += victim.freed && obj == victim.obj;
		ma_free(flavor, ma, obj);
	}
	return met;
}

static void held_while_nested_free(struct ma_run *run)
{
	struct bpf_mem_alloc_stats stats;
	struct bpf_mem_alloc ma;
	bool intact;
	int met, err;

	if (!ma_setup(run, &ma, SIZE))
		return;
	memset(&victim, 0, sizeof(victim));
	victim.flavor = run->flavor;
	victim.ma = &ma;
	victim.task = current;
	victim.obj = bpf_mem_cache_alloc(&ma);
	/* The address stays in a kprobe that was registered once. */
	probe.addr = NULL;
	probe.flags = 0;
	err = register_kprobe(&probe);
	if (!MA_CHECK(run, victim.obj, "NULL") ||
	    !MA_CHECK(run, !err, "no probe on %s: %d", probe.symbol_name, err))
		goto destroy;
	memset(victim.obj, MARK, SIZE);
	rcu_read_lock();
	met = churn(run->flavor, &ma);
	intact = !memchr_inv(victim.obj, MARK, SIZE);
	rcu_read_unlock();
	unregister_kprobe(&probe);
	bpf_mem_alloc_read_stats(&ma, &stats);
	MA_CHECK(run, victim.freed, "the probe did not run");
	MA_CHECK(run, stats.nested, "the lists were not in use when it ran");
	MA_CHECK(run, !met, "handed out %d times within a read-side section", met);
	MA_CHECK(run, intact, "changed within a read-side section");
destroy:
	if (victim.obj && !victim.freed)
		ma_free(run->flavor, &ma, victim.obj);
	bpf_mem_alloc_destroy(&ma);
}

static const struct ma_test tests[] = {
	MA_TEST_FLAVORS(held_while_nested_free,
			BIT(MA_REUSE) | BIT(MA_FREE_AFTER) | BIT(MA_FREE_RCU)),
};

const struct ma_suite ma_nested_suite = {
	.name = "guarantee-reuse",
	.tests = tests,
	.nr = ARRAY_SIZE(tests),
};
