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
};

static struct gp gps[GP_KINDS];
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
		if (gps[kind].wanted > gps[kind].completed)
			return false;
	return true;
}

/* Between two runs: nobody waits, and all cookies are of old. */
void rcu_settle(void)
{
	enum gp_kind kind;

	for (kind = 0; kind < GP_KINDS; kind++) {
		struct gp *gp = &gps[kind];

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

struct gp_wait {
	const struct gp *gp;
	u64 number;
};

static bool gp_is_over(void *arg)
{
	const struct gp_wait *wait = arg;

	return wait->gp->completed >= wait->number;
}

static void wait_for_gp(struct gp *gp)
{
	struct gp_wait wait = { .gp = gp };

	shim_point();
	wait.number = ask_for_gp(gp);
	sim_wait(gp_is_over, &wait);
}

void synchronize_rcu_expedited(void)
{
	sim_check_task("synchronize_rcu_expedited()");
	wait_for_gp(&gps[GP_EXPEDITED]);
}

void wait_as_call_rcu_tasks_trace(void)
{
	sim_check_task("wait_rcu_gp_state()");
	wait_for_gp(&gps[GP_TRACE]);
}
