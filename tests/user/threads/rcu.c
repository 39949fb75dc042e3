// SPDX-License-Identifier: GPL-2.0-only
/* Grace periods, polled or waited for, on top of the two domains. */
#define _GNU_SOURCE
#include <unistd.h>

#include "threads.h"

/* Numbers of grace periods; one is under way when they differ. */
struct gp {
	u64 started;
	u64 completed;
};

static struct gp normal, expedited;
static pthread_mutex_t expedited_mutex = PTHREAD_MUTEX_INITIALIZER;

void rcu_read_lock(void)
{
	domain_read_lock(DOMAIN_RCU);
}

void rcu_read_unlock(void)
{
	domain_read_unlock(DOMAIN_RCU);
}

void rcu_read_lock_trace(void)
{
	domain_read_lock(DOMAIN_TRACE);
}

void rcu_read_unlock_trace(void)
{
	domain_read_unlock(DOMAIN_TRACE);
}

static void pass_gp(struct gp *gp)
{
	u64 number = __atomic_add_fetch(&gp->started, 1, __ATOMIC_SEQ_CST);

	domain_synchronize(DOMAIN_RCU);
	__atomic_store_n(&gp->completed, number, __ATOMIC_RELEASE);
}

void get_state_synchronize_rcu_full(struct rcu_gp_seq *cookie)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	cookie->normal = __atomic_load_n(&normal.started, __ATOMIC_SEQ_CST) + 1;
	cookie->expedited = __atomic_load_n(&expedited.started, __ATOMIC_SEQ_CST) + 1;
}

/* Grace periods pass all the time. */
void start_poll_synchronize_rcu_full(struct rcu_gp_seq *cookie)
{
	get_state_synchronize_rcu_full(cookie);
}

bool poll_state_synchronize_rcu_full(struct rcu_gp_seq *cookie)
{
	return __atomic_load_n(&normal.completed, __ATOMIC_ACQUIRE) >= cookie->normal ||
	       __atomic_load_n(&expedited.completed, __ATOMIC_ACQUIRE) >=
	       cookie->expedited;
}

void synchronize_rcu_expedited(void)
{
	pthread_mutex_lock(&expedited_mutex);
	pass_gp(&expedited);
	pthread_mutex_unlock(&expedited_mutex);
}

/* That of RCU tasks trace implies one of RCU. */
void wait_as_call_rcu_tasks_trace(void)
{
	domain_synchronize(DOMAIN_TRACE);
	domain_synchronize(DOMAIN_RCU);
}

u64 rcu_gps_passed(void)
{
	return __atomic_load_n(&normal.completed, __ATOMIC_RELAXED) +
	       __atomic_load_n(&expedited.completed, __ATOMIC_RELAXED);
}

static void *gp_main(void *arg)
{
	(void)arg;
	for (;;) {
		pass_gp(&normal);
		usleep(GP_REST_US);
	}
	return NULL;
}

void rcu_start(void)
{
	thread_start(gp_main, NULL);
}
