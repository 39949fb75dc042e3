// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupts of the deterministic engine: the flag of each CPU, preemption, irq_work,
 * function calls from other CPUs, NMIs, and CPUs that go away.
 *
 * What is pending on a CPU runs as soon as its interrupts are on, before the
 * context that turned them on goes on.  On a CPU that has them on, the idle
 * context takes it, whenever the scheduler likes.
 */
#include "sched.h"

struct ipi {
	void (*fn)(void *arg);
	void *arg;
	bool done;
};

int shim_this_cpu(void)
{
	return sim.current->cpu;
}

/* ---- the flag ---- */

static void take_cpu(struct sim_cpu *cpu)
{
	cpu->irqs_off = true;
	cpu->owner = sim.current;
	cpu->irqs_off_since = ++sim.seq;
}

static void release_cpu(struct sim_cpu *cpu)
{
	cpu->irqs_off = false;
	cpu->owner = NULL;
}

bool shim_irq_save(void)
{
	struct sim_cpu *cpu;

	shim_point();
	cpu = sim_this_cpu();
	if (cpu->irqs_off)
		return true;
	take_cpu(cpu);
	return false;
}

void shim_irq_restore(bool were_off)
{
	struct sim_cpu *cpu = sim_this_cpu();

	if (!cpu->irqs_off)
		shim_fail("interrupts restored that were not off");
	shim_point();
	if (were_off)
		return;
	release_cpu(cpu);
	irq_run();
	shim_point();
}

bool irqs_disabled(void)
{
	return sim_this_cpu()->irqs_off;
}

/* ---- preemption ---- */

void preempt_disable_notrace(void)
{
	struct sim_cpu *cpu;

	shim_point();
	cpu = sim_this_cpu();
	if (cpu->preempt_depth++)
		return;
	cpu->holder = sim.current;
	cpu->preempt_off_since = ++sim.seq;
}

void preempt_enable_notrace(void)
{
	struct sim_cpu *cpu = sim_this_cpu();

	if (!cpu->preempt_depth)
		shim_fail("preemption enabled that was not off");
	shim_point();
	cpu->preempt_depth--;
	shim_point();
}

/* ---- interrupts ---- */

static bool has_irq_works(void *arg)
{
	struct sim_cpu *cpu = arg;

	return cpu->nr_works && !cpu->parked;
}

bool irq_is_pending(void *arg)
{
	struct sim_cpu *cpu = arg;

	return cpu->nr_ipis || (cpu->nr_works && !sim.cfg.rt);
}

static void run_irq_work(struct sim_cpu *cpu)
{
	struct irq_work *work = cpu->works[0];

	memmove(cpu->works, cpu->works + 1, --cpu->nr_works * sizeof(*cpu->works));
	work->pending = 0;
	work->running = 1;
	cpu->in_irq_work = true;
	sim_log("irq_work");
	work->func(work);
	cpu->in_irq_work = false;
	work->running = 0;
}

static void run_ipi(struct sim_cpu *cpu)
{
	struct ipi *ipi = cpu->ipis[0];

	memmove(cpu->ipis, cpu->ipis + 1, --cpu->nr_ipis * sizeof(*cpu->ipis));
	sim_log("function call");
	ipi->fn(ipi->arg);
	ipi->done = true;
}

void irq_run(void)
{
	struct sim_cpu *cpu = sim_this_cpu();
	struct ctx *ctx = sim.current;
	bool fast_path = ctx->fast_path;

	while (irq_is_pending(cpu)) {
		take_cpu(cpu);
		ctx->fast_path = false;
		if (cpu->nr_ipis)
			run_ipi(cpu);
		else
			run_irq_work(cpu);
		ctx->fast_path = fast_path;
		release_cpu(cpu);
	}
}

/* Under PREEMPT_RT irq_work is the business of a thread. */
static void irq_thread_fn(void *arg)
{
	struct sim_cpu *cpu = arg;

	for (;;) {
		sim_wait(has_irq_works, cpu);
		run_irq_work(cpu);
	}
}

void irq_create_threads(void)
{
	int cpu;

	for (cpu = 0; cpu < SHIM_CPUS_MAX; cpu++)
		sim_spawn_daemon("irq_work", cpu, true, irq_thread_fn,
				 &sim.cpu[cpu])->task.prio = MAX_RT_PRIO - 2;
}

void irq_nmi(void (*fn)(void))
{
	struct sim_cpu *cpu = sim_this_cpu();
	struct ctx *ctx = sim.current;
	bool fast_path = ctx->fast_path;
	bool were_off = cpu->irqs_off;

	sim_log("NMI");
	if (!were_off)
		take_cpu(cpu);
	cpu->nmi++;
	sim.nmis++;
	ctx->fast_path = false;
	fn();
	ctx->fast_path = fast_path;
	cpu->nmi--;
	if (were_off)
		return;
	release_cpu(cpu);
	irq_run();
}

/* ---- irq_work ---- */

bool irq_work_queue(struct irq_work *work)
{
	struct sim_cpu *cpu;

	shim_point();
	cpu = sim_this_cpu();
	if (!cpu->online)
		shim_fail("irq_work queued on a CPU that is offline");
	if (work->pending)
		return false;
	if (!work->func)
		shim_fail("irq_work that is not set up");
	if (cpu->nr_works == ARRAY_SIZE(cpu->works))
		shim_fail("too much irq_work");
	work->pending = 1;
	cpu->works[cpu->nr_works++] = work;
	if (!cpu->irqs_off)
		irq_run();
	return true;
}

static bool irq_work_is_over(void *arg)
{
	return !irq_work_is_busy(arg);
}

void irq_work_sync(struct irq_work *work)
{
	sim_check_task("irq_work_sync()");
	shim_point();
	if (!irq_work_is_over(work))
		sim_wait(irq_work_is_over, work);
}

/* ---- other CPUs ---- */

static bool ipi_is_done(void *arg)
{
	struct ipi *ipi = arg;

	return ipi->done;
}

int smp_call_function_single(int cpu, void (*fn)(void *arg), void *arg, int wait)
{
	struct sim_cpu *to = &sim.cpu[cpu];
	struct ipi ipi = { .fn = fn, .arg = arg };

	sim_check_task("smp_call_function_single()");
	if (!wait)
		shim_fail("smp_call_function_single() that does not wait is not modelled");
	shim_point();
	if (!to->online)
		return -ENXIO;
	if (to->nr_ipis == ARRAY_SIZE(to->ipis))
		shim_fail("too many function calls");
	to->ipis[to->nr_ipis++] = &ipi;
	if (cpu == sim.current->cpu)
		irq_run();
	if (!ipi.done)
		sim_wait(ipi_is_done, &ipi);
	return 0;
}

static unsigned int hotplug_readers;

bool cpu_online(int cpu)
{
	shim_point();
	return sim.cpu[cpu].online;
}

void cpus_read_lock(void)
{
	sim_check_task("cpus_read_lock()");
	hotplug_readers++;
}

void cpus_read_unlock(void)
{
	hotplug_readers--;
	shim_point();
}

/* A CPU runs what is pending on it before it goes, and parks its threads. */
static bool may_change_online(void *arg)
{
	struct sim_cpu *cpu = arg;

	return !hotplug_readers && !cpu->irqs_off && !cpu->preempt_depth &&
	       !cpu->in_irq_work && (!cpu->nr_works || cpu->parked) && !cpu->nr_ipis;
}

void sim_park(int nr)
{
	if (!sim.cfg.rt)
		shim_fail("no thread to park");
	sim.cpu[nr].parked = true;
}

void sim_set_online(int nr, bool online)
{
	struct sim_cpu *cpu = &sim.cpu[nr];
	struct ctx *ctx;

	sim_wait(may_change_online, cpu);
	sim_log(online ? "CPU %lu goes online" : "CPU %lu goes offline", nr);
	cpu->online = online;
	if (online)
		cpu->parked = false;
	/* Whoever was there goes on elsewhere; CPU 0 stays. */
	sim_for_each_ctx(ctx)
		if (!ctx->bound && ctx->cpu == nr && !online)
			ctx->cpu = 0;
}
