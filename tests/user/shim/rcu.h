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

/* Waits for such a grace period as @call would have a callback wait for. */
#define wait_rcu_gp_state(state, call)	wait_as_##call()
void wait_as_call_rcu_tasks_trace(void);

static inline bool same_state_synchronize_rcu_full(struct rcu_gp_seq *a,
						   struct rcu_gp_seq *b)
{
	return a->normal == b->normal && a->expedited == b->expedited;
}

#endif
