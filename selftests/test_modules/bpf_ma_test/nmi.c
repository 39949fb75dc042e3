// SPDX-License-Identifier: GPL-2.0-only
/*
 * Suite guarantee-context: NMIs that hit a CPU at any point of an allocation or
 * a free, and allocate and free themselves. x86 only: the other CPU sends them.
 */
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/sched.h>
#ifdef CONFIG_X86_64
#include <asm/apic.h>
#include <asm/nmi.h>
#endif

#include "test.h"

#ifdef CONFIG_X86_64

#define KEEP		3
#define NMIS		2000
#define NMIS_LEAST	200	/* however long that takes */
#define ROUND		8	/* objects that the thread holds at once */

void ma_send_nmi(int cpu)
{
	apic->send_IPI_mask(cpumask_of(cpu), NMI_VECTOR);
}

/* The handler has no argument of its own. */
static struct nmi_load {
	const struct ma_flavor *flavor;
	struct bpf_mem_alloc ma;
	void *kept[KEEP];	/* by the handler, from one NMI to the next */
	unsigned int next;
	int cpu;
	bool on;
	atomic_t expected;
	atomic_t nmis;
	atomic_t nulls;		/* in the handler */
	atomic_t task_nulls;
	atomic64_t task_allocs;
} load;

/* Each NMI takes one object and gives back one that an earlier one took. */
static int handle_nmi(unsigned int cmd, struct pt_regs *regs)
{
	void **slot;

	if (raw_smp_processor_id() != load.cpu || !atomic_add_unless(&load.expected, -1, 0))
		return NMI_DONE;
	atomic_inc(&load.nmis);
	slot = &load.kept[load.next++ % KEEP];
	if (*slot)
		ma_free(load.flavor, &load.ma, *slot);
	*slot = bpf_mem_cache_alloc(&load.ma);
	if (*slot)
		*(u64 *)*slot = 0;
	else
		atomic_inc(&load.nulls);
	return NMI_HANDLED;
}

/* A pattern that an object handed out twice would break. */
static int task_load(void *arg)
{
	u64 *objs[ROUND];
	int i, broken = 0;

	while (!kthread_should_stop()) {
		for (i = 0; i < ARRAY_SIZE(objs); i++) {
			objs[i] = bpf_mem_cache_alloc(&load.ma);
			if (objs[i])
				*objs[i] = (unsigned long)&objs[i];
			else
				atomic_inc(&load.task_nulls);
		}
		for (i = 0; i < ARRAY_SIZE(objs); i++) {
			if (!objs[i])
				continue;
			broken += *objs[i] != (unsigned long)&objs[i];
			ma_free(load.flavor, &load.ma, objs[i]);
		}
		atomic64_add(ARRAY_SIZE(objs), &load.task_allocs);
		cond_resched();
	}
	return broken;
}

static s64 rounds(void)
{
	return atomic64_read(&load.task_allocs) / ROUND;
}

/*
 * Between two NMIs the thread gets through a round, which it begins and ends
 * with interrupts on: what an NMI took has been refilled when the next one comes.
 */
static int send_nmis(void *arg)
{
	unsigned long enough = ma_deadline(3), end = ma_deadline(30);
	s64 seen;
	int n;

	for (n = 0; n < NMIS && time_before(jiffies, n < NMIS_LEAST ? end : enough); n++) {
		atomic_inc(&load.expected);
		ma_send_nmi(load.cpu);
		/* Until it was taken: two in a row would become one. */
		while (atomic_read(&load.expected) && time_before(jiffies, end + HZ))
			cpu_relax();
		seen = rounds();
		while (rounds() < seen + 2 && time_before(jiffies, end + HZ))
			cpu_relax();
		udelay(20 + n % 16);
		cond_resched();
	}
	return atomic_read(&load.expected);
}

static void report(struct ma_run *run, int unanswered, int broken)
{
	int nmis = atomic_read(&load.nmis);

	ma_note(run, "%d NMIs (%d found no object), %lld allocations under them", nmis,
		atomic_read(&load.nulls), atomic64_read(&load.task_allocs));
	MA_CHECK(run, !unanswered, "%d NMIs were not delivered", unanswered);
	MA_CHECK(run, nmis >= NMIS_LEAST, "%d NMIs", nmis);
	MA_CHECK(run, !broken, "%d objects were handed out twice", broken);
	MA_CHECK(run, !atomic_read(&load.task_nulls), "%d times NULL in the thread",
		 atomic_read(&load.task_nulls));
	/* There is memory, and between two NMIs there is time to refill. */
	MA_CHECK(run, !atomic_read(&load.nulls), "%d of %d NMIs found no object",
		 atomic_read(&load.nulls), nmis);
}

static void nmi(struct ma_run *run)
{
	struct task_struct *task;
	int cpu, other, unanswered, broken, i;

	cpu = cpumask_first(cpu_online_mask);
	other = ma_other_cpu(cpu);
	if (other < 0) {
		ma_skip(run, "needs two CPUs");
		return;
	}
	memset(&load, 0, sizeof(load));
	load.flavor = run->flavor;
	load.cpu = other;
	if (!ma_setup(run, &load.ma, 56))
		return;
	if (MA_CHECK(run, !register_nmi_handler(NMI_LOCAL, handle_nmi, 0, "bpf_ma_test"),
		     "no handler")) {
		task = ma_thread_start(other, task_load, NULL);
		unanswered = ma_run_on(cpu, send_nmis, NULL);
		broken = ma_thread_stop(task);
		unregister_nmi_handler(NMI_LOCAL, "bpf_ma_test");
		report(run, unanswered, broken);
	}
	for (i = 0; i < KEEP; i++)
		if (load.kept[i])
			ma_free(run->flavor, &load.ma, load.kept[i]);
	bpf_mem_alloc_destroy(&load.ma);
}

#else /* !CONFIG_X86_64 */

void ma_send_nmi(int cpu)
{
}

static void nmi(struct ma_run *run)
{
	ma_skip(run, "x86 only");
}

#endif

static const struct ma_test tests[] = {
	MA_TEST_EACH_FLAVOR(nmi),
};

const struct ma_suite ma_nmi_suite = {
	.name = "guarantee-context",
	.tests = tests,
	.nr = ARRAY_SIZE(tests),
};
