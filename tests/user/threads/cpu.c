// SPDX-License-Identifier: GPL-2.0-only
/* CPUs as threads: interrupt flags, irq_work, function calls, NMIs. */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "threads.h"

struct ipi {
	struct llist_node node;
	void (*fn)(void *arg);
	void *arg;
	int done;
};

struct cpu {
	pthread_t thread;
	struct llist_head works;
	struct llist_head ipis;
	int idle;
	int stop;
} ____cacheline_aligned;

static struct cpu cpus[SHIM_CPUS_MAX];
static void (*cpu_fn)(int cpu);
static bool with_nmis;
static pthread_t nmi_thread;
static int nmi_stop;

int shim_nr_cpus;
const bool shim_single_threaded;
void (*cpu_nmi_fn)(int cpu);

/* Other threads than those of CPUs are on none. */
static __thread int this_cpu = -1;
static __thread bool irqs_off;
static __thread unsigned int preempt_depth;
static __thread unsigned int random_state;

unsigned int thread_random(unsigned int n)
{
	if (!random_state)
		random_state = 0x9e3779b9u * (this_cpu + 2);
	random_state ^= random_state << 13;
	random_state ^= random_state >> 17;
	random_state ^= random_state << 5;
	return random_state % n;
}

void cond_resched(void)
{
	sched_yield();
}

/* Each context is a thread of its own, and in nobody's way. */
void set_need_resched_current(void)
{
}

void cpu_relax(void)
{
	sched_yield();
}

struct task_struct *shim_current(void)
{
	static struct task_struct task = { .prio = DEFAULT_PRIO };

	return &task;
}

bool preemptible(void)
{
	return !irqs_disabled() && !preempt_depth;
}

inline int shim_this_cpu(void)
{
	return this_cpu;
}

/* ---- interrupts ---- */

static void run_pending(struct cpu *cpu)
{
	struct llist_node *node, *next;

	llist_for_each_safe(node, next, llist_del_all(&cpu->ipis)) {
		struct ipi *ipi = llist_entry(node, struct ipi, node);

		ipi->fn(ipi->arg);
		__atomic_store_n(&ipi->done, 1, __ATOMIC_RELEASE);
	}
	llist_for_each_safe(node, next, llist_del_all(&cpu->works)) {
		struct irq_work *work = llist_entry(node, struct irq_work, node);

		__atomic_store_n(&work->running, 1, __ATOMIC_SEQ_CST);
		__atomic_store_n(&work->pending, 0, __ATOMIC_SEQ_CST);
		work->func(work);
		__atomic_store_n(&work->running, 0, __ATOMIC_RELEASE);
	}
}

static bool is_pending(struct cpu *cpu)
{
	return !llist_empty(&cpu->ipis) || !llist_empty(&cpu->works);
}

static noinline void run_all_pending(struct cpu *cpu)
{
	do {
		run_pending(cpu);
	} while (is_pending(cpu));
}

inline bool shim_irq_save(void)
{
	if (irqs_off)
		return true;
	irqs_off = true;
	domain_read_lock(DOMAIN_RCU);
	return false;
}

inline void shim_irq_restore(bool were_off)
{
	if (were_off)
		return;
	if (this_cpu >= 0 && is_pending(&cpus[this_cpu]))
		run_all_pending(&cpus[this_cpu]);
	domain_read_unlock(DOMAIN_RCU);
	irqs_off = false;
}

inline void preempt_disable_notrace(void)
{
	if (!preempt_depth++)
		domain_read_lock(DOMAIN_RCU);
}

/* What other threads ask this CPU for is its interrupts' to do. */
inline void preempt_enable_notrace(void)
{
	if (!irqs_off && this_cpu >= 0 && is_pending(&cpus[this_cpu]))
		shim_irq_restore(shim_irq_save());
	if (!--preempt_depth)
		domain_read_unlock(DOMAIN_RCU);
}

#ifndef SHIM_LEAN
/*
 * Two host cores see more interleavings when threads give way now and then, and when
 * interrupts come while preemption is off.
 */
void shim_point(void)
{
	if (this_cpu >= 0 && !thread_random(512))
		sched_yield();
	if (this_cpu >= 0 && preempt_depth && !irqs_off)
		shim_irq_restore(shim_irq_save());
}
#endif

bool irqs_disabled(void)
{
	return irqs_off;
}

bool irq_work_queue(struct irq_work *work)
{
	if (xchg(&work->pending, 1))
		return false;
	llist_add(&work->node, &cpus[this_cpu].works);
	return true;
}

void irq_work_sync(struct irq_work *work)
{
	while (irq_work_is_busy(work))
		sched_yield();
}

bool cpu_online(int cpu)
{
	return cpu < shim_nr_cpus;
}

void cpus_read_lock(void)
{
}

void cpus_read_unlock(void)
{
}

int smp_call_function_single(int cpu, void (*fn)(void *arg), void *arg, int wait)
{
	struct ipi ipi = { .fn = fn, .arg = arg };

	if (irqs_off || this_cpu >= 0 || !wait)
		shim_fail("smp_call_function_single() from an unexpected place");
	llist_add(&ipi.node, &cpus[cpu].ipis);
	while (!__atomic_load_n(&ipi.done, __ATOMIC_ACQUIRE))
		sched_yield();
	return 0;
}

/* ---- NMIs ---- */

/*
 * What it asks for runs when interrupts are enabled the next time: who is
 * interrupted may be in the middle of malloc().
 */
static void on_nmi(int sig)
{
	bool were_off = irqs_off;

	(void)sig;
	irqs_off = true;
	domain_read_lock(DOMAIN_RCU);
	cpu_nmi_fn(this_cpu);
	domain_read_unlock(DOMAIN_RCU);
	irqs_off = were_off;
}

static void *send_nmis(void *arg)
{
	int cpu;

	(void)arg;
	while (!__atomic_load_n(&nmi_stop, __ATOMIC_RELAXED)) {
		for_each_possible_cpu(cpu)
			pthread_kill(cpus[cpu].thread, SIGUSR1);
		usleep(50);
	}
	return NULL;
}

/* ---- threads ---- */

void thread_start(void *(*fn)(void *arg), void *arg)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, fn, arg))
		shim_fail("no thread to be had");
	pthread_detach(thread);
}

static void allow_nmis(bool allow)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(allow ? SIG_UNBLOCK : SIG_BLOCK, &set, NULL);
}

static void *cpu_main(void *arg)
{
	int nr = (long)arg;
	struct cpu *cpu = &cpus[nr];

	this_cpu = nr;
	domain_register_thread();
	allow_nmis(with_nmis);
	cpu_fn(nr);
	allow_nmis(false);
	__atomic_store_n(&cpu->idle, 1, __ATOMIC_RELEASE);
	while (!__atomic_load_n(&cpu->stop, __ATOMIC_ACQUIRE)) {
		shim_irq_restore(shim_irq_save());
		usleep(20);
	}
	domain_unregister_thread();
	return NULL;
}

void cpus_start(int nr, void (*fn)(int cpu), bool nmis)
{
	struct sigaction action = { .sa_handler = on_nmi, .sa_flags = SA_RESTART };
	long cpu;

	if (nr != shim_nr_cpus)
		shim_fail("the number of CPUs must be set first");
	cpu_fn = fn;
	with_nmis = nmis;
	nmi_stop = 0;
	sigaction(SIGUSR1, &action, NULL);
	/* CPUs inherit this, and allow NMIs when they are set up. */
	allow_nmis(false);
	for (cpu = 0; cpu < nr; cpu++) {
		cpus[cpu].stop = 0;
		cpus[cpu].idle = 0;
		if (pthread_create(&cpus[cpu].thread, NULL, cpu_main, (void *)cpu))
			shim_fail("no thread to be had");
	}
	if (nmis && pthread_create(&nmi_thread, NULL, send_nmis, NULL))
		shim_fail("no thread to be had");
}

void cpus_wait_idle(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		while (!__atomic_load_n(&cpus[cpu].idle, __ATOMIC_ACQUIRE))
			usleep(1000);
}

void cpus_stop(void)
{
	int cpu;

	if (with_nmis) {
		__atomic_store_n(&nmi_stop, 1, __ATOMIC_RELAXED);
		pthread_join(nmi_thread, NULL);
	}
	for_each_possible_cpu(cpu) {
		__atomic_store_n(&cpus[cpu].stop, 1, __ATOMIC_RELEASE);
		pthread_join(cpus[cpu].thread, NULL);
	}
}
