// SPDX-License-Identifier: GPL-2.0-only
/*
 * Grace periods of the deterministic engine.
 *
 * Grace periods of each kind are numbered; a cookie is the number of the first
 * that begins after it was taken.  A grace period ends in a step of its own,
 * which is possible once no reader is left that was there when it began.
 */
#include "sched.h"

struct gp {
	u64 started, completed;	/* numbers; equal when none is under way */
	u64 wanted;		/* the highest number that somebody waits for */
	u64 since;		/* sim.seq when it began */
	u64 began;		/* sim.ns */
	struct rcu_head *first, **last;	/* callbacks */
	unsigned int running;	/* callbacks */
};

static struct gp gps[GP_KINDS] = {
	[GP_NORMAL] = { .last = &gps[GP_NORMAL].first },
	[GP_TRACE] = { .last = &gps[GP_TRACE].first },
};

static unsigned long gps_asked_for;

/* ---- readers ---- */

static u64 section_since(unsigned int depth, u64 since)
{
	return depth ? since : ULLONG_MAX;
}

/* sim.seq at which the oldest reader of a kind came, or ULLONG_MAX. */
u64 rcu_oldest_reader(void)
{
	u64 oldest = ULLONG_MAX;
	struct ctx *ctx;

	sim_for_each_ctx(ctx)
		oldest = min(oldest, section_since(ctx->rcu_depth, ctx->rcu_since));
	return oldest;
}

u64 rcu_oldest_trace_reader(void)
{
	u64 oldest = ULLONG_MAX;
	struct ctx *ctx;

	sim_for_each_ctx(ctx)
		oldest = min(oldest, section_since(ctx->trace_depth, ctx->trace_since));
	return oldest;
}

/* Of CPUs with interrupts or preemption off. */
static u64 oldest_cpu(void)
{
	u64 oldest = ULLONG_MAX;
	int nr;

	for (nr = 0; nr < shim_nr_cpus; nr++) {
		const struct sim_cpu *cpu = &sim.cpu[nr];

		oldest = min(oldest, section_since(cpu->irqs_off, cpu->irqs_off_since));
		oldest = min(oldest, section_since(cpu->preempt_depth,
						   cpu->preempt_off_since));
	}
	return oldest;
}

void rcu_read_lock(void)
{
	if (!sim.current->rcu_depth++)
		sim.current->rcu_since = ++sim.seq;
	sim_log("rcu_read_lock");
}

void rcu_read_unlock(void)
{
	sim_log("rcu_read_unlock");
	sim.current->rcu_depth--;
}

void rcu_read_lock_trace(void)
{
	if (!sim.current->trace_depth++)
		sim.current->trace_since = ++sim.seq;
	sim_log("rcu_read_lock_trace");
}

void rcu_read_unlock_trace(void)
{
	sim_log("rcu_read_unlock_trace");
	sim.current->trace_depth--;
}

/* ---- grace periods ---- */

static bool is_under_way(const struct gp *gp)
{
	return gp->started != gp->completed;
}

static bool readers_are_gone(enum gp_kind kind)
{
	u64 oldest = min(rcu_oldest_reader(), oldest_cpu());

	if (kind == GP_TRACE)
		oldest = min(oldest, rcu_oldest_trace_reader());
	return oldest > gps[kind].since;
}

bool rcu_can_step(enum gp_kind kind, bool useful)
{
	const struct gp *gp = &gps[kind];

	if (is_under_way(gp))
		return sim.ns >= gp->began + sim.cfg.gp_ns[kind] &&
		       readers_are_gone(kind);
	return !useful || gp->wanted > gp->completed;
}

void rcu_step(enum gp_kind kind)
{
	static const char *const begins[] = {
		"normal grace period %lu begins", "expedited grace period %lu begins",
		"tasks-trace grace period %lu begins",
	};
	static const char *const ends[] = {
		"normal grace period %lu ends", "expedited grace period %lu ends",
		"tasks-trace grace period %lu ends",
	};
	struct gp *gp = &gps[kind];

	if (is_under_way(gp)) {
		gp->completed = gp->started;
	} else {
		gp->started++;
		gp->since = ++sim.seq;
		gp->began = sim.ns;
	}
	sim_log((is_under_way(gp) ? begins : ends)[kind], gp->started);
}

u64 rcu_next_event(void)
{
	u64 next = ULLONG_MAX;
	enum gp_kind kind;

	for (kind = 0; kind < GP_KINDS; kind++) {
		u64 end = gps[kind].began + sim.cfg.gp_ns[kind];

		if (is_under_way(&gps[kind]) && end > sim.ns)
			next = min(next, end);
	}
	return next;
}

/* Nobody waits for anything. */
bool rcu_is_idle(void)
{
	enum gp_kind kind;

	for (kind = 0; kind < GP_KINDS; kind++)
		if (gps[kind].first || gps[kind].running ||
		    gps[kind].wanted > gps[kind].completed)
			return false;
	return true;
}

/* Between two runs: nobody waits, and all cookies are of old. */
void rcu_settle(void)
{
	enum gp_kind kind;

	for (kind = 0; kind < GP_KINDS; kind++) {
		struct gp *gp = &gps[kind];

		if (gp->first || gp->running)
			shim_fail("a callback is left from the run before");
		gp->started += 3;
		gp->completed = gp->started;
		gp->wanted = gp->started;
	}
}

/* The number of the first grace period that begins from now on. */
static u64 next_gp(const struct gp *gp)
{
	return gp->started + 1;
}

static u64 ask_for_gp(struct gp *gp)
{
	u64 next = next_gp(gp);

	gp->wanted = max(gp->wanted, next);
	gps_asked_for++;
	return next;
}

unsigned long rcu_gps_asked_for(void)
{
	return gps_asked_for;
}

void get_state_synchronize_rcu_full(struct rcu_gp_seq *cookie)
{
	shim_point();
	cookie->normal = next_gp(&gps[GP_NORMAL]);
	cookie->expedited = next_gp(&gps[GP_EXPEDITED]);
	shim_point();
}

void start_poll_synchronize_rcu_full(struct rcu_gp_seq *cookie)
{
	sim_check_any("start_poll_synchronize_rcu_full()");
	get_state_synchronize_rcu_full(cookie);
	ask_for_gp(&gps[GP_NORMAL]);
}

bool poll_state_synchronize_rcu_full(struct rcu_gp_seq *cookie)
{
	shim_point();
	if (sim.cfg.poll_fn)
		sim.cfg.poll_fn();
	return gps[GP_NORMAL].completed >= cookie->normal ||
	       gps[GP_EXPEDITED].completed >= cookie->expedited;
}

static bool expedited_is_over(void *arg)
{
	return gps[GP_EXPEDITED].completed >= *(u64 *)arg;
}

void synchronize_rcu_expedited(void)
{
	u64 number;

	sim_check_task("synchronize_rcu_expedited()");
	shim_point();
	number = ask_for_gp(&gps[GP_EXPEDITED]);
	sim_wait(expedited_is_over, &number);
}

/* ---- callbacks ---- */

static void queue_callback(struct gp *gp, struct rcu_head *rcu, rcu_callback_t func)
{
	shim_point();
	if (rcu->queued)
		shim_fail("rcu_head queued twice");
	rcu->queued = true;
	rcu->func = func;
	rcu->next = NULL;
	rcu->cookie = ask_for_gp(gp);
	*gp->last = rcu;
	gp->last = &rcu->next;
}

void call_rcu(struct rcu_head *rcu, rcu_callback_t func)
{
	sim_check_any("call_rcu()");
	queue_callback(&gps[GP_NORMAL], rcu, func);
}

void call_rcu_tasks_trace(struct rcu_head *rcu, rcu_callback_t func)
{
	sim_check_any("call_rcu_tasks_trace()");
	queue_callback(&gps[GP_TRACE], rcu, func);
}

static bool callback_is_ready(void *arg)
{
	struct gp *gp = arg;

	return gp->first && gp->completed >= gp->first->cookie;
}

/* In any order: on a machine each CPU has a list of its own. */
static struct rcu_head *take_callback(struct gp *gp)
{
	struct rcu_head *rcu, **at = &gp->first;

	while (sim.cfg.chooser == CHOOSE_RANDOM && (*at)->next &&
	       gp->completed >= (*at)->next->cookie && sim_random(2))
		at = &(*at)->next;
	rcu = *at;
	*at = rcu->next;
	if (!rcu->next)
		gp->last = at;
	return rcu;
}

static void callbacks_fn(void *arg)
{
	struct gp *gp = arg;

	for (;;) {
		struct rcu_head *rcu;

		sim_wait(callback_is_ready, gp);
		sim_move_anywhere();
		rcu = take_callback(gp);
		gp->running++;
		rcu->queued = false;
		sim_log("callback");
		rcu->func(rcu);
		/* What it announced has happened, but it has not ended. */
		shim_point();
		gp->running--;
	}
}

void rcu_create_threads(void)
{
	sim_spawn_daemon("rcuc", 0, false, callbacks_fn, &gps[GP_NORMAL]);
	sim_spawn_daemon("trace", 0, false, callbacks_fn, &gps[GP_TRACE]);
}

static bool callbacks_are_over(void *arg)
{
	struct gp *gp = arg;

	return !gp->first && !gp->running;
}

/* Stronger than the kernel's, which does not wait for what comes meanwhile. */
void rcu_barrier(void)
{
	sim_check_task("rcu_barrier()");
	sim_wait(callbacks_are_over, &gps[GP_NORMAL]);
}

void rcu_barrier_tasks_trace(void)
{
	sim_check_task("rcu_barrier_tasks_trace()");
	sim_wait(callbacks_are_over, &gps[GP_TRACE]);
}
