// SPDX-License-Identifier: GPL-2.0-only
/*
 * RCU as a kernel without preemption has it: a section costs nothing, and a CPU
 * tells when it is in none.  A thread that is no CPU, or an idle one, is watched
 * only while it is in a section.
 */
#include <urcu/urcu-mb.h>
#include <urcu/urcu-qsbr.h>

#include "domain.h"
#include "quiescent.h"

static __thread int busy;
static __thread unsigned int depth;

void domain_register_thread(void)
{
	urcu_mb_register_thread();
	urcu_qsbr_register_thread();
	urcu_qsbr_thread_offline();
}

void domain_unregister_thread(void)
{
	urcu_qsbr_unregister_thread();
	urcu_mb_unregister_thread();
}

void domain_busy(void)
{
	urcu_qsbr_thread_online();
	busy = 1;
}

void domain_quiescent(void)
{
	urcu_qsbr_quiescent_state();
}

void domain_idle(void)
{
	busy = 0;
	urcu_qsbr_thread_offline();
}

/* Out of line, so that what a busy CPU does is short enough to be inline. */
static __attribute__((noinline)) void other_read_lock(enum domain domain)
{
	if (domain == DOMAIN_TRACE)
		urcu_mb_read_lock();
	else if (!depth++)
		urcu_qsbr_thread_online();
}

static __attribute__((noinline)) void other_read_unlock(enum domain domain)
{
	if (domain == DOMAIN_TRACE)
		urcu_mb_read_unlock();
	else if (!--depth)
		urcu_qsbr_thread_offline();
}

inline void domain_read_lock(enum domain domain)
{
	if (domain != DOMAIN_RCU || !busy)
		other_read_lock(domain);
}

inline void domain_read_unlock(enum domain domain)
{
	if (domain != DOMAIN_RCU || !busy)
		other_read_unlock(domain);
}

void domain_synchronize(enum domain domain)
{
	if (domain == DOMAIN_TRACE)
		urcu_mb_synchronize_rcu();
	else
		urcu_qsbr_synchronize_rcu();
}
