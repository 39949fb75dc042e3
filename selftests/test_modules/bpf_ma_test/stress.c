// SPDX-License-Identifier: GPL-2.0-only
/*
 * The stress: every context uses the allocators of stress_arenas.c at the same
 * time, while readers hold their objects, slab fails, and user space does what
 * it likes, taking CPUs away included. User space starts and stops it:
 *
 *	start SEED	the choices are made from SEED; interleavings are not
 *	stop		and see that all is home
 *
 * and reads the counters, "ASPECT NAME RULE VALUE".
 */
#include <linux/atomic.h>
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/delay.h>
#include <linux/hash.h>
#include <linux/hrtimer.h>
#include <linux/kthread.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include <uapi/linux/sched/types.h>
#ifdef CONFIG_X86_64
#include <asm/nmi.h>
#endif

#include "faults.h"
#include "stress.h"
#include "test.h"

/* ---- counters ---- */

/* "some" has to happen, "none" must not, "any" is there to be looked at. */
static const struct {
	const char *aspect, *name, *rule;
} counter_names[] = {
	[STRESS_PROCESS] = { "contexts", "process", "some" },
	[STRESS_PREEMPTED] = { "contexts", "preempted", "some" },
	[STRESS_IRQS_OFF] = { "contexts", "irqs_off", "some" },
	[STRESS_HARDIRQ] = { "contexts", "hardirq", "some" },
	[STRESS_SOFTIRQ] = { "contexts", "softirq", "some" },
	[STRESS_NMI] = { "contexts", "nmi", "some" },
	[STRESS_NMIS_LOST] = { "contexts", "nmis_lost", "none" },
	[STRESS_NESTED] = { "contexts", "nested", "some" },
	[STRESS_NO_OBJECT] = { "contexts", "no_object", "any" },
	[STRESS_CREATED_FIXED] = { "allocators", "created_fixed", "some" },
	[STRESS_CREATED_CLASSES] = { "allocators", "created_classes", "some" },
	[STRESS_CREATED_PERCPU] = { "allocators", "created_percpu", "some" },
	[STRESS_CREATED_PERCPU_CLASSES] = { "allocators", "created_percpu_classes", "some" },
	[STRESS_NOT_CREATED] = { "allocators", "not_created", "any" },
	[STRESS_DESTROYED] = { "allocators", "destroyed", "some" },
	[STRESS_OBJECTS] = { "allocators", "objects", "some" },
	[STRESS_UNFINISHED] = { "allocators", "unfinished", "none" },
	[STRESS_MISSING] = { "allocators", "missing", "none" },
	[STRESS_FREED] = { "owners", "freed", "some" },
	[STRESS_HANDED_OUT_TWICE] = { "owners", "handed_out_twice", "none" },
	[STRESS_RETURNED_GARBAGE] = { "owners", "returned_garbage", "none" },
	[STRESS_HELD] = { "rcu_readers", "held", "some" },
	[STRESS_NORMAL_REUSED] = { "rcu_readers", "normal_reused", "some" },
	[STRESS_REUSED] = { "rcu_readers", "reused", "none" },
	[STRESS_WENT_TO_SLAB] = { "rcu_readers", "went_to_slab", "none" },
	[STRESS_SLEPT_WITH] = { "trace_readers", "slept_with", "some" },
	[STRESS_REUSED_ASLEEP] = { "trace_readers", "reused_asleep", "some" },
	[STRESS_WENT_TO_SLAB_ASLEEP] = { "trace_readers", "went_to_slab_asleep", "none" },
	[STRESS_BY_TEST_MODULE] = { "slab_failures", "by_test_module", "some" },
};

static_assert(ARRAY_SIZE(counter_names) == STRESS_NR_COUNTERS);

static atomic64_t counters[STRESS_NR_COUNTERS];

void stress_add(enum stress_counter counter, s64 n)
{
	atomic64_add(n, &counters[counter]);
}

void ma_stress_show(struct seq_file *m)
{
	int i;

	for (i = 0; i < STRESS_NR_COUNTERS; i++)
		seq_printf(m, "%s %s %s %lld\n", counter_names[i].aspect, counter_names[i].name,
			   counter_names[i].rule, atomic64_read(&counters[i]));
}

/* ---- failures of slab ---- */

static bool faults;
static u32 fault_seed;
static atomic_t slab_requests;

/* Several requests in a row, so that whole refills fail, and one in eight of all. */
bool ma_slab_fails(void)
{
	u32 n;

	if (likely(!READ_ONCE(faults)))
		return false;
	n = atomic_inc_return(&slab_requests) / 32;
	if (hash_32(n ^ fault_seed, 3))
		return false;
	stress_count(STRESS_BY_TEST_MODULE);
	return true;
}

/* ---- interrupts, on every CPU that is online ---- */

/**
 * struct stress_cpu - what the interrupts of one CPU use
 * @hard: in hard interrupts
 * @soft: in soft interrupts
 * @hard_rnd: random state of @hard
 * @soft_rnd: random state of @soft
 * @nmi_rnd: random state of the NMI handler
 * @nmis: on their way to this CPU
 */
struct stress_cpu {
	struct hrtimer hard, soft;
	u32 hard_rnd, soft_rnd, nmi_rnd;
	atomic_t nmis;
};

static DEFINE_PER_CPU(struct stress_cpu, stress_cpus);

static void use_some(enum stress_counter context, u32 *rnd, unsigned int most)
{
	unsigned int n = 1 + ma_random(rnd) % most;

	while (n--)
		arenas_use(context, rnd);
}

/*
 * However slow the machine is, most of its time is left to others: the pause is
 * a multiple of the time since the timer was due. That counts the refills, too,
 * which the last tick asked for and which have delayed this one.
 */
static enum hrtimer_restart tick(struct hrtimer *timer, enum stress_counter context, u32 *rnd)
{
	u64 pause = (100 + ma_random(rnd) % 400) * NSEC_PER_USEC;

	use_some(context, rnd, 16);
	pause += 8 * ktime_to_ns(ktime_sub(ktime_get(), hrtimer_get_expires(timer)));
	hrtimer_forward_now(timer, ns_to_ktime(pause));
	return HRTIMER_RESTART;
}

static enum hrtimer_restart hard_tick(struct hrtimer *timer)
{
	struct stress_cpu *c = container_of(timer, struct stress_cpu, hard);

	return tick(timer, STRESS_HARDIRQ, &c->hard_rnd);
}

static enum hrtimer_restart soft_tick(struct hrtimer *timer)
{
	struct stress_cpu *c = container_of(timer, struct stress_cpu, soft);

	return tick(timer, STRESS_SOFTIRQ, &c->soft_rnd);
}

/* Called on that CPU when it comes, at the start and after a hotplug. */
static int ticks_start(unsigned int cpu)
{
	struct stress_cpu *c = per_cpu_ptr(&stress_cpus, cpu);

	hrtimer_start(&c->hard, ns_to_ktime(NSEC_PER_MSEC), HRTIMER_MODE_REL_PINNED_HARD);
	hrtimer_start(&c->soft, ns_to_ktime(NSEC_PER_MSEC), HRTIMER_MODE_REL_PINNED_SOFT);
	return 0;
}

static int ticks_stop(unsigned int cpu)
{
	struct stress_cpu *c = per_cpu_ptr(&stress_cpus, cpu);

	hrtimer_cancel(&c->hard);
	hrtimer_cancel(&c->soft);
	return 0;
}

static void init_cpus(u32 *rnd)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct stress_cpu *c = per_cpu_ptr(&stress_cpus, cpu);

		hrtimer_init(&c->hard, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
		hrtimer_init(&c->soft, CLOCK_MONOTONIC, HRTIMER_MODE_REL_SOFT);
		c->hard.function = hard_tick;
		c->soft.function = soft_tick;
		c->hard_rnd = ma_random(rnd);
		c->soft_rnd = ma_random(rnd);
		c->nmi_rnd = ma_random(rnd);
		atomic_set(&c->nmis, 0);
	}
}

/* ---- NMIs ---- */

#ifdef CONFIG_X86_64
static int handle_nmi(unsigned int cmd, struct pt_regs *regs)
{
	struct stress_cpu *c = this_cpu_ptr(&stress_cpus);

	if (!atomic_add_unless(&c->nmis, -1, 0))
		return NMI_DONE;
	use_some(STRESS_NMI, &c->nmi_rnd, 4);
	return NMI_HANDLED;
}

static int nmis_start(void)
{
	return register_nmi_handler(NMI_LOCAL, handle_nmi, 0, "bpf_ma_stress");
}

static void nmis_stop(void)
{
	unregister_nmi_handler(NMI_LOCAL, "bpf_ma_stress");
}
#else
static int nmis_start(void)
{
	return 0;
}

static void nmis_stop(void)
{
}
#endif

/* cpus_read_lock() held */
static int pick_online_cpu(u32 *rnd)
{
	unsigned int n = ma_random(rnd) % num_online_cpus();
	int cpu;

	for_each_online_cpu(cpu)
		if (!n--)
			break;
	return cpu;
}

/* Waits until it was taken: two in a row would become one. */
static void send_nmi(u32 *rnd)
{
	unsigned long end = ma_deadline(10);
	struct stress_cpu *c;
	int cpu;

	cpus_read_lock();
	cpu = pick_online_cpu(rnd);
	c = per_cpu_ptr(&stress_cpus, cpu);
	atomic_inc(&c->nmis);
	ma_send_nmi(cpu);
	while (atomic_read(&c->nmis) && time_before(jiffies, end))
		cpu_relax();
	stress_add(STRESS_NMIS_LOST, atomic_xchg(&c->nmis, 0));
	cpus_read_unlock();
}

/* ---- threads ---- */

/**
 * struct worker - a thread that does something again and again
 * @step: what
 * @urgent: preempts the others, and is not kept waiting by them
 * @half: of the arenas that it creates and destroys
 * @rnd: random state
 * @task: the thread
 */
struct worker {
	void (*step)(struct worker *w);
	bool urgent;
	unsigned int half;
	u32 rnd;
	struct task_struct *task;
};

static void use_step(struct worker *w)
{
	unsigned long flags, before = current->nivcsw;
	unsigned int n;

	for (n = 0; n < 32; n++) {
		if (ma_random(&w->rnd) % 4) {
			arenas_use(STRESS_PROCESS, &w->rnd);
			continue;
		}
		local_irq_save(flags);
		use_some(STRESS_IRQS_OFF, &w->rnd, 4);
		local_irq_restore(flags);
	}
	stress_add(STRESS_PREEMPTED, current->nivcsw - before);
}

/* What is urgent leaves time to others, however slow the machine is. */
static void rest(struct worker *w, ktime_t start, unsigned int times)
{
	fsleep(100 + ma_random(&w->rnd) % 400 + times * ktime_us_delta(ktime_get(), start));
}

static void preempt_step(struct worker *w)
{
	ktime_t start = ktime_get();

	use_some(STRESS_PROCESS, &w->rnd, 8);
	rest(w, start, 8);
}

static void nmi_step(struct worker *w)
{
	ktime_t start = ktime_get();

	send_nmi(&w->rnd);
	rest(w, start, 2);
}

static void read_step(struct worker *w)
{
	arenas_hold_rcu(&w->rnd);
}

static void trace_step(struct worker *w)
{
	arenas_hold_trace(&w->rnd);
}

static void life_step(struct worker *w)
{
	arenas_come_or_go(w->half, &w->rnd);
	msleep(ma_random(&w->rnd) % 20);
}

static struct worker workers[] = {
	{ .step = life_step, .half = 0 },
	{ .step = life_step, .half = 1 },
	{ .step = use_step },
	{ .step = use_step },
	{ .step = read_step },
	{ .step = read_step },
	{ .step = trace_step },
	{ .step = trace_step },
	{ .step = trace_step },
	{ .step = trace_step },
	{ .step = preempt_step, .urgent = true },
#ifdef CONFIG_X86_64
	{ .step = nmi_step, .urgent = true },
#endif
};

static int worker_fn(void *arg)
{
	struct worker *w = arg;

	while (!kthread_should_stop()) {
		w->step(w);
		cond_resched_tasks_rcu_qs();
	}
	return 0;
}

static void workers_start(u32 *rnd)
{
	struct worker *w;

	for (w = workers; w < workers + ARRAY_SIZE(workers); w++) {
		w->rnd = ma_random(rnd);
		w->task = ma_thread_start(-1, worker_fn, w);
		if (w->urgent && !IS_ERR(w->task))
			sched_set_fifo_low(w->task);
	}
}

static void workers_stop(void)
{
	struct worker *w;

	for (w = workers; w < workers + ARRAY_SIZE(workers); w++)
		ma_thread_stop(w->task);
}

/* ---- start and stop ---- */

static bool running;
static u32 main_rnd;
static enum cpuhp_state ticks;

static int start(u32 seed)
{
	int err, i;

	for (i = 0; i < STRESS_NR_COUNTERS; i++)
		atomic64_set(&counters[i], 0);
	main_rnd = seed;
	init_cpus(&main_rnd);
	ma_mark_home();
	err = nmis_start();
	if (err)
		return err;
	err = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "bpf_ma/stress:online", ticks_start,
				ticks_stop);
	if (err < 0) {
		nmis_stop();
		return err;
	}
	ticks = err;
	workers_start(&main_rnd);
	fault_seed = ma_random(&main_rnd);
	WRITE_ONCE(faults, true);
	running = true;
	return 0;
}

static void stop(void)
{
	struct bpf_mem_alloc_totals t;

	WRITE_ONCE(faults, false);
	workers_stop();
	cpuhp_remove_state(ticks);
	nmis_stop();
	arenas_destroy_all(&main_rnd);
	running = false;
	if (!ma_all_home(&t))
		stress_add(STRESS_MISSING, t.slab_taken - t.slab_returned ?: 1);
}

void ma_stress_exit(void)
{
	if (running)
		stop();
}

int ma_stress(char *line)
{
	u32 seed;

	if (sscanf(line, "start %u", &seed) == 1 && !running)
		return start(seed);
	if (strcmp(line, "stop") || !running)
		return -EINVAL;
	stop();
	return 0;
}
