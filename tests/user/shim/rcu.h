/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * RCU and RCU-tasks-trace.
 *
 * A section with interrupts or preemption off is an RCU read-side section, as in the
 * kernel.
 * The number of a grace period is never 0, so a zeroed cookie is one of old.
 */
#ifndef _SHIM_RCU_H
#define _SHIM_RCU_H

#include "types.h"

struct rcu_head {
	struct rcu_head *next;
	void (*func)(struct rcu_head *rcu);
	u64 cookie;
	bool queued;
};

typedef void (*rcu_callback_t)(struct rcu_head *rcu);

/* Grace periods that must be over: an ordinary or an expedited one. */
struct rcu_gp_seq {
	u64 normal;
	u64 expedited;
};

void rcu_read_lock(void);
void rcu_read_unlock(void);
void rcu_read_lock_trace(void);
void rcu_read_unlock_trace(void);

void get_state_synchronize_rcu_full(struct rcu_gp_seq *cookie);
void start_poll_synchronize_rcu_full(struct rcu_gp_seq *cookie);
bool poll_state_synchronize_rcu_full(struct rcu_gp_seq *cookie);
void synchronize_rcu_expedited(void);

static inline bool same_state_synchronize_rcu_full(struct rcu_gp_seq *a,
						   struct rcu_gp_seq *b)
{
	return a->normal == b->normal && a->expedited == b->expedited;
}

void call_rcu(struct rcu_head *rcu, rcu_callback_t func);
void call_rcu_tasks_trace(struct rcu_head *rcu, rcu_callback_t func);
void rcu_barrier(void);
void rcu_barrier_tasks_trace(void);

#endif
