// SPDX-License-Identifier: GPL-2.0-only
/* The contexts of the deterministic engine, and the choice of what happens next. */
#include <stdio.h>

#include "sched.h"

#define CTX_MAX		24
#define ACTIONS_MAX	(CTX_MAX + 8)

struct sim sim = { .ns = 1 };
const bool shim_single_threaded = true;
int shim_nr_cpus;

static struct ctx ctxs[CTX_MAX];
static unsigned int nr_ctxs;

struct ctx *sim_next_ctx(struct ctx *ctx)
{
	ctx = ctx ? ctx + 1 : ctxs;
	return ctx < ctxs + nr_ctxs ? ctx : NULL;
}

/* xorshift64*; the state is never 0. */
unsigned int sim_random(unsigned int n)
{
	sim.random ^= sim.random >> 12;
	sim.random ^= sim.random << 25;
	sim.random ^= sim.random >> 27;
	return (sim.random * 0x2545f4914f6cdd1dULL >> 33) % n;
}

/* ---- what may happen ---- */

enum action_kind { GO_ON, SWITCH, NMI, MIGRATE, STEP_GP, TICK, STALL };

struct action {
	enum action_kind kind;
	unsigned int weight;
	unsigned int cpu;
	struct ctx *ctx;
	enum gp_kind gp;
};

struct actions {
	struct action list[ACTIONS_MAX];
	unsigned int nr;
};

static void may(struct actions *actions, struct action action)
{
	if (action.weight && actions->nr < ACTIONS_MAX)
		actions->list[actions->nr++] = action;
}

static bool ctx_can_run(const struct ctx *ctx)
{
	const struct sim_cpu *cpu = &sim.cpu[ctx->cpu];

	if (ctx->done || (cpu->irqs_off && cpu->owner != ctx))
		return false;
	if (cpu->preempt_depth && cpu->holder != ctx && !ctx->idle)
		return false;
	return !ctx->ready || ctx->ready(ctx->ready_arg);
}

static void may_switch(struct actions *actions, unsigned int weight)
{
	struct ctx *ctx;

	sim_for_each_ctx(ctx)
		if (ctx != sim.current && ctx_can_run(ctx))
			may(actions, (struct action){ SWITCH, weight, .ctx = ctx });
}

/* @useful: only those that somebody waits for. */
static void may_step_gp(struct actions *actions, unsigned int weight, bool useful)
{
	enum gp_kind gp;

	for (gp = 0; gp < GP_KINDS; gp++)
		if (rcu_can_step(gp, useful))
			may(actions, (struct action){ STEP_GP, weight, .gp = gp });
}

/* The first moment from now on at which the clock alone makes a difference. */
static u64 next_event(void)
{
	u64 next = min(work_next_timer(), rcu_next_event());
	struct ctx *ctx;

	sim_for_each_ctx(ctx)
		if (ctx->alarm > sim.ns && !ctx->done)
			next = min(next, ctx->alarm);
	return next;
}

static void tick(void)
{
	u64 next = next_event();

	if (next > sim.ns && next != ULLONG_MAX) {
		sim_log("clock forward by %lu us", (next - sim.ns) / 1000);
		sim.ns = next;
	}
	work_run_timers();
}

static const struct action *choose(const struct actions *actions)
{
	unsigned int i, sum = 0;

	if (sim.cfg.chooser == CHOOSE_SCRIPTED)
		return &actions->list[explore_choose(actions->nr)];
	if (sim.cfg.chooser == CHOOSE_FIRST)
		return &actions->list[0];
	for (i = 0; i < actions->nr; i++)
		sum += actions->list[i].weight;
	sum = sim_random(sum);
	for (i = 0; sum >= actions->list[i].weight; i++)
		sum -= actions->list[i].weight;
	return &actions->list[i];
}

static void switch_to(struct ctx *next)
{
	struct ctx *prev = sim.current;

	if (next == prev)
		return;
	sim.current = next;
	sim_log("goes on");
	fiber_switch(&prev->fiber, &next->fiber);
}

/* For longer than the keeper takes to fall asleep. */
static void stall(void)
{
	sim_log("stalls");
	sim_sleep(500 * NSEC_PER_MSEC);
}

static void perform(const struct action *action)
{
	switch (action->kind) {
	case GO_ON:
		break;
	case SWITCH:
		switch_to(action->ctx);
		break;
	case NMI:
		irq_nmi(sim.cfg.nmi_fn);
		break;
	case MIGRATE:
		sim_log("migrates to CPU %lu", action->cpu);
		sim.current->cpu = action->cpu;
		break;
	case STEP_GP:
		rcu_step(action->gp);
		break;
	case TICK:
		tick();
		break;
	case STALL:
		stall();
		break;
	}
}

/* The current context cannot go on: something else must happen. */
static void reschedule(void)
{
	struct actions actions = {};

	if (ctx_can_run(sim.current))
		may(&actions, (struct action){ GO_ON, 1 });
	may_switch(&actions, 1);
	may_step_gp(&actions, 1, true);
	if (!actions.nr && next_event() != ULLONG_MAX)
		may(&actions, (struct action){ TICK, 1 });
	if (!actions.nr)
		shim_fail("deadlock: nothing can go on, and no timer is armed");
	perform(choose(&actions));
}

static void count_step(void)
{
	if (sim.step_limit && ++sim.steps > sim.step_limit)
		shim_fail("livelock: no end after %lu steps", sim.steps);
}

/* Workers run anywhere. */
void sim_move_anywhere(void)
{
	struct ctx *ctx = sim.current;

	ctx->cpu = 0;
	if (sim.cfg.chooser == CHOOSE_RANDOM)
		do
			ctx->cpu = sim_random(shim_nr_cpus);
		while (!sim.cpu[ctx->cpu].online);
	while (!ctx_can_run(ctx))
		reschedule();
	shim_point();
}

void sim_wait(bool (*ready)(void *arg), void *arg)
{
	struct ctx *ctx = sim.current;

	ctx->ready = ready;
	ctx->ready_arg = arg;
	do {
		count_step();
		reschedule();
	} while (!ctx_can_run(ctx));
	ctx->ready = NULL;
}

static void point(void)
{
	struct ctx *ctx = sim.current;
	const struct sim_cpu *cpu = sim_this_cpu();
	struct actions actions = {};
	int i;

	count_step();
	if (sim.cfg.chooser == CHOOSE_RANDOM &&
	    (!sim.cfg.one_in || sim_random(sim.cfg.one_in)))
		return;

	may(&actions, (struct action){ GO_ON, 1 });
	if (sim.cfg.nmi_fn && !cpu->nmi)
		may(&actions, (struct action){ NMI, sim.cfg.nmi });
	may_switch(&actions, sim.cfg.switches);
	may_step_gp(&actions, sim.cfg.gps, !sim.cfg.spontaneous);
	if (!ctx->alarm)
		may(&actions, (struct action){ STALL, sim.cfg.stalls });
	if (next_event() != ULLONG_MAX)
		may(&actions, (struct action){ TICK, sim.cfg.ticks });
	if (ctx->migrates && !cpu->irqs_off && !cpu->preempt_depth)
		for (i = 0; i < shim_nr_cpus; i++)
			if (i != ctx->cpu && sim.cpu[i].online)
				may(&actions, (struct action){
					MIGRATE, sim.cfg.migrations, .cpu = i });
	perform(choose(&actions));
	while (!ctx_can_run(ctx))
		reschedule();
}

void shim_point(void)
{
	if (sim.on && sim.cfg.chooser != CHOOSE_FIRST)
		point();
}

/* ---- what is allowed where ---- */

void sim_check_any(const char *what)
{
	if (sim_this_cpu()->nmi)
		shim_fail("%s in NMI", what);
	if (sim.current->fast_path)
		shim_fail("%s in an allocation or a free", what);
}

void sim_check_task(const char *what)
{
	const struct sim_cpu *cpu = sim_this_cpu();

	sim_check_any(what);
	if (cpu->irqs_off || cpu->spinlocks)
		shim_fail("%s with interrupts off", what);
	if (cpu->preempt_depth)
		shim_fail("%s with preemption off", what);
	if (sim.current->rcu_depth)
		shim_fail("%s in an RCU read-side section", what);
}

void cond_resched(void)
{
	sim_check_task("cond_resched()");
	shim_point();
}

void set_need_resched_current(void)
{
	sim_check_any("set_need_resched_current()");
	if (!sim_this_cpu()->in_irq_work || !irqs_disabled())
		shim_fail("a task is asked to give way not from irq_work with interrupts off");
	sim.rescheds++;
}

struct task_struct *shim_current(void)
{
	return &sim.current->task;
}

bool preemptible(void)
{
	const struct sim_cpu *cpu = sim_this_cpu();

	return !cpu->irqs_off && !cpu->nmi && !cpu->spinlocks && !cpu->preempt_depth;
}

/* Time passes, and where it may be, a thread of higher priority has its turn. */
void cpu_relax(void)
{
	struct ctx *ctx;

	sim.relaxes++;
	if (!preemptible())
		return;
	sim.ns += 10 * NSEC_PER_USEC;
	sim_for_each_ctx(ctx)
		if (ctx->cpu == sim.current->cpu && ctx_can_run(ctx) &&
		    ctx->task.prio < sim.current->task.prio) {
			switch_to(ctx);
			break;
		}
	while (!ctx_can_run(sim.current))
		reschedule();
}

/* ---- time ---- */

static bool alarm_is_over(void *arg)
{
	struct ctx *ctx = arg;

	return sim.ns >= ctx->alarm;
}

void sim_sleep(u64 ns)
{
	struct ctx *ctx = sim.current;

	ctx->alarm = sim.ns + ns;
	sim_wait(alarm_is_over, ctx);
	ctx->alarm = 0;
}

u64 local_clock(void)
{
	return sim.ns;
}

void msleep(unsigned int ms)
{
	sim_sleep((u64)ms * NSEC_PER_MSEC);
}

/* ---- contexts ---- */

static bool never(void *arg)
{
	(void)arg;
	return false;
}

static void ctx_main(void)
{
	struct ctx *ctx = sim.current;

	for (;;) {
		ctx->fn(ctx->arg);
		if (sim_this_cpu()->irqs_off || sim_this_cpu()->preempt_depth ||
		    ctx->rcu_depth || ctx->trace_depth)
			shim_fail("%s ended inside a section", ctx->name);
		ctx->done = true;
		sim_log("ends");
		sim_wait(never, NULL);
	}
}

static struct ctx *ctx_new(void)
{
	struct ctx *ctx;

	/* A task that ended leaves its stack to the next one. */
	sim_for_each_ctx(ctx)
		if (ctx->done)
			return ctx;
	if (nr_ctxs == CTX_MAX)
		shim_fail("too many contexts");
	return &ctxs[nr_ctxs++];
}

struct ctx *sim_spawn(const char *name, int cpu, void (*fn)(void *arg), void *arg)
{
	struct ctx *ctx = ctx_new();
	struct fiber fiber = ctx->fiber;

	*ctx = (struct ctx){
		.fiber = fiber, .cpu = cpu, .home = cpu, .fn = fn, .arg = arg,
		.task.prio = DEFAULT_PRIO };
	snprintf(ctx->name, sizeof(ctx->name), "%s/%d", name, cpu);
	fiber_create(&ctx->fiber, ctx_main);
	return ctx;
}

struct ctx *sim_spawn_daemon(const char *name, int cpu, bool bound,
			     void (*fn)(void *arg), void *arg)
{
	struct ctx *ctx = sim_spawn(name, cpu, fn, arg);

	ctx->daemon = true;
	ctx->bound = bound;
	return ctx;
}

static bool tasks_are_done(void *arg)
{
	struct ctx *ctx;

	(void)arg;
	sim_for_each_ctx(ctx)
		if (ctx != &ctxs[0] && !ctx->daemon && !ctx->done)
			return false;
	return true;
}

void sim_join(void)
{
	sim_wait(tasks_are_done, NULL);
}

static void idle_fn(void *arg)
{
	(void)arg;
	for (;;) {
		sim_wait(irq_is_pending, sim_this_cpu());
		irq_run();
	}
}

/* The main context and all daemons are set up once, and then stay. */
static void create_ctxs(void)
{
	struct ctx *ctx;
	int cpu;

	nr_ctxs = 1;
	snprintf(ctxs[0].name, sizeof(ctxs[0].name), "main");
	ctxs[0].task.prio = DEFAULT_PRIO;
	fiber_adopt(&ctxs[0].fiber);
	sim.current = &ctxs[0];
	for (cpu = 0; cpu < SHIM_CPUS_MAX; cpu++)
		sim_spawn_daemon("idle", cpu, true, idle_fn, NULL)->idle = true;
	irq_create_threads();
	work_create_threads();
	/* Each begins to wait; or the first run would differ from all others. */
	sim_for_each_ctx(ctx)
		switch_to(ctx);
}

void sim_start(const struct sim_config *cfg, u64 seed)
{
	struct ctx *ctx;
	int cpu;

	sim.on = false;
	if (!nr_ctxs)
		create_ctxs();
	sim.cfg = *cfg;
	sim.random = seed * 0x9e3779b97f4a7c15ULL + 1;
	sim.runs++;
	sim.steps = 0;
	shim_nr_cpus = cfg->cpus;
	for (cpu = 0; cpu < SHIM_CPUS_MAX; cpu++)
		sim.cpu[cpu].online = cpu < cfg->cpus;
	/* Nothing of an earlier run must make a difference to this one. */
	sim_for_each_ctx(ctx)
		ctx->cpu = ctx->home;
	sim.ns = (sim.ns / NSEC_PER_MSEC + 10 * HZ) * NSEC_PER_MSEC;
	rcu_settle();
	sim_log_reset(seed);
	sim.on = true;
}
