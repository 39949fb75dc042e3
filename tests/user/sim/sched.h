/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The deterministic engine: logical CPUs, the contexts that run on them, and
 * the choice of what happens next.
 *
 * A context is a coroutine; there is one thread.  At every point where another
 * CPU, an interrupt or an NMI could make a difference the scheduler is asked,
 * and nowhere else does anything happen.  A CPU with interrupts off belongs to
 * the context that turned them off; with preemption off, to that context and to
 * interrupts.
 */
#ifndef _SIM_SCHED_H
#define _SIM_SCHED_H

#include "../shim.h"
#include "../shim/fail.h"
#include "fiber.h"

struct ctx {
	char name[16];
	int cpu;
	int home;		/* where it began */
	void (*fn)(void *arg);
	void *arg;
	bool done;
	bool daemon;		/* lives as long as the process */
	bool bound;		/* to its CPU, offline or not */
	bool idle;		/* in whose place interrupts run */
	bool migrates;		/* may find itself on another CPU */
	bool (*ready)(void *arg);	/* what it waits for, or NULL */
	void *ready_arg;
	/* The oldest read-side sections that it is in, see sim.seq. */
	unsigned int rcu_depth, trace_depth;
	u64 rcu_since, trace_since;
	/* In an allocation or a free, where locks and queues are forbidden. */
	bool fast_path;
	struct mem_cgroup *memcg;
	struct task_struct task;
	u64 alarm;		/* sim.ns, or 0 */
	struct fiber fiber;
};

struct sim_cpu {
	bool online;
	bool parked;		/* its irq_work thread, before it goes offline */
	bool irqs_off;
	struct ctx *owner;	/* who turned interrupts off */
	u64 irqs_off_since;
	unsigned int preempt_depth;
	struct ctx *holder;	/* who turned preemption off */
	u64 preempt_off_since;
	unsigned int nmi;	/* depth */
	unsigned int spinlocks;
	bool in_irq_work;
	struct irq_work *works[64];
	unsigned int nr_works;
	struct ipi *ipis[8];
	unsigned int nr_ipis;
};

enum chooser {
	CHOOSE_FIRST,		/* nothing happens that need not */
	CHOOSE_RANDOM,		/* by sim.seed */
	CHOOSE_SCRIPTED,	/* by the deviations that explore.c lists */
};

/* Of one run; what is 0 does not happen. */
struct sim_config {
	int cpus;
	enum chooser chooser;
	bool rt;		/* irq_work runs in threads, preemptible */
	bool spontaneous;	/* others ask for grace periods, too */
	unsigned int one_in;	/* something happens at one point in so many */
	unsigned int nmi;	/* weights: NMIs, */
	unsigned int switches;	/* other contexts, */
	unsigned int gps;	/* steps of grace periods, */
	unsigned int ticks;	/* time until the next timer, */
	unsigned int migrations;
	unsigned int stalls;	/* as of a virtual CPU that does not run */
	unsigned int failures;	/* per mille of slab allocations */
	u64 gp_ns[3];		/* how long grace periods take at least */
	void (*nmi_fn)(void);
	void (*poll_fn)(void);	/* a program attached to the polling of cookies */
};

struct sim {
	bool on;		/* points are points */
	struct sim_config cfg;
	struct ctx *current;
	struct sim_cpu cpu[SHIM_CPUS_MAX];
	u64 seq;		/* orders events: readers, frees, grace periods */
	u64 ns;			/* the clock */
	unsigned long runs;	/* times that sim_start() was called */
	unsigned long steps, step_limit;
	unsigned long nmis;
	unsigned long rescheds;	/* times that a task was asked to give way */
	unsigned long relaxes;	/* hints that a CPU has time for others */
	unsigned int expected_warnings;
	u64 random;
};

extern struct sim sim;

#define sim_this_cpu()	(&sim.cpu[sim.current->cpu])

/* The caller becomes the main context, a task on CPU 0. */
void sim_start(const struct sim_config *cfg, u64 seed);
/* Other contexts and grace periods go on until no task is left but the caller. */
void sim_join(void);
struct ctx *sim_spawn_daemon(const char *name, int cpu, bool bound,
			     void (*fn)(void *arg), void *arg);
struct ctx *sim_spawn(const char *name, int cpu, void (*fn)(void *arg), void *arg);

void sim_wait(bool (*ready)(void *arg), void *arg);
void sim_sleep(u64 ns);
unsigned int sim_random(unsigned int n);
void sim_move_anywhere(void);

/* What takes a lock or queues something must not be in NMI or on the fast path; */
void sim_check_any(const char *what);
/* what may sleep must be in a task with interrupts and preemption on, too. */
void sim_check_task(const char *what);

struct ctx *sim_next_ctx(struct ctx *ctx);
#define sim_for_each_ctx(ctx) \
	for ((ctx) = sim_next_ctx(NULL); (ctx); (ctx) = sim_next_ctx(ctx))

/* explore.c: which of @n ways to go at a point? */
unsigned int explore_choose(unsigned int n);

/* irq.c: interrupts */
void irq_create_threads(void);
bool irq_is_pending(void *cpu);
void irq_run(void);
void irq_nmi(void (*fn)(void));
void sim_set_online(int cpu, bool online);
/* What is raised on @cpu from here on waits until it is online again. */
void sim_park(int cpu);

/* rcu.c: grace periods */
enum gp_kind { GP_NORMAL, GP_EXPEDITED, GP_TRACE, GP_KINDS };

void rcu_settle(void);
bool rcu_is_idle(void);
bool rcu_can_step(enum gp_kind kind, bool useful);
void rcu_step(enum gp_kind kind);
u64 rcu_next_event(void);
u64 rcu_oldest_reader(void);
u64 rcu_oldest_trace_reader(void);
unsigned long rcu_gps_asked_for(void);

/* work.c: work items */
void work_create_threads(void);
u64 work_next_timer(void);
void work_run_timers(void);
bool work_is_pending(void);
unsigned long work_items_run(void);

/* explore.c: all runs that differ from the plain one in one choice; how many? */
unsigned int explore_choose(unsigned int n);
unsigned int explore(const struct sim_config *cfg, void (*run)(void));
/* Within a run: only what happens between these two is varied. */
void explore_begin(void);
void explore_end(void);

/* step.c: @event happens at every instruction of memalloc.c that @run comes by */
#if defined(__x86_64__) && !defined(SHIM_ASAN)
#define SIM_STEPS
extern const char __start_memalloc_text[], __stop_memalloc_text[];

unsigned long step_through(void (*run)(void), void (*finish)(void), void (*event)(void));
#endif
/* The slab has no instructions of interest. */
void step_pause(void);
void step_resume(void);
void step_failed(void);

/*
 * log.c: what happened lately, told when something fails.  @fmt takes up to two
 * numbers, as %lu.
 */
#define sim_log(fmt, ...) \
	sim_log_event(fmt, ((const unsigned long[2]) { __VA_ARGS__ }))
void sim_log_event(const char *fmt, const unsigned long args[2]);
void sim_log_reset(u64 seed);
/* What to run again with SEED= for a run of this test that failed. */
void sim_set_repeat(const char *suite, const char *tcase);

#endif
