// SPDX-License-Identifier: GPL-2.0-only
/* Polled grace periods and callbacks, on top of the two domains. */
#define _GNU_SOURCE
#include <unistd.h>

#include "threads.h"

/* Numbers of grace periods; one is under way when they differ. */
struct gp {
	u64 started;
	u64 completed;
};

struct callbacks {
	enum domain domain;
	pthread_mutex_t mutex;
	pthread_cond_t change;
	struct rcu_head *first, **last;
	bool running;
};

static struct gp normal, expedited;
static pthread_mutex_t expedited_mutex = PTHREAD_MUTEX_INITIALIZER;

static struct callbacks callbacks[DOMAINS] = {
	[DOMAIN_RCU] = {
		.domain = DOMAIN_RCU,
		.mutex = PTHREAD_MUTEX_INITIALIZER,
		.change = PTHREAD_COND_INITIALIZER,
		.last = &callbacks[DOMAIN_RCU].first,
	},
	[DOMAIN_TRACE] = {
		.domain = DOMAIN_TRACE,
		.mutex = PTHREAD_MUTEX_INITIALIZER,
		.change = PTHREAD_COND_INITIALIZER,
		.last = &callbacks[DOMAIN_TRACE].first,
	},
};

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

/* ---- callbacks ---- */

static void queue_callback(struct callbacks *cbs, struct rcu_head *rcu,
			   rcu_callback_t func)
{
	pthread_mutex_lock(&cbs->mutex);
	rcu->func = func;
	rcu->next = NULL;
	*cbs->last = rcu;
	cbs->last = &rcu->next;
	pthread_cond_broadcast(&cbs->change);
	pthread_mutex_unlock(&cbs->mutex);
}

void call_rcu(struct rcu_head *rcu, rcu_callback_t func)
{
	queue_callback(&callbacks[DOMAIN_RCU], rcu, func);
}

void call_rcu_tasks_trace(struct rcu_head *rcu, rcu_callback_t func)
{
	queue_callback(&callbacks[DOMAIN_TRACE], rcu, func);
}

static struct rcu_head *take_callbacks(struct callbacks *cbs)
{
	struct rcu_head *all;

	pthread_mutex_lock(&cbs->mutex);
	cbs->running = false;
	pthread_cond_broadcast(&cbs->change);
	while (!cbs->first)
		pthread_cond_wait(&cbs->change, &cbs->mutex);
	all = cbs->first;
	cbs->first = NULL;
	cbs->last = &cbs->first;
	cbs->running = true;
	pthread_mutex_unlock(&cbs->mutex);
	return all;
}

static void *callbacks_main(void *arg)
{
	struct callbacks *cbs = arg;
	struct rcu_head *rcu, *next;

	domain_register_thread();
	for (;;) {
		rcu = take_callbacks(cbs);
		domain_synchronize(cbs->domain);
		/* RCU tasks trace implies RCU. */
		if (cbs->domain == DOMAIN_TRACE)
			domain_synchronize(DOMAIN_RCU);
		for (; rcu; rcu = next) {
			next = rcu->next;
			rcu->func(rcu);
		}
	}
	return NULL;
}

static void barrier_of(struct callbacks *cbs)
{
	pthread_mutex_lock(&cbs->mutex);
	while (cbs->first || cbs->running)
		pthread_cond_wait(&cbs->change, &cbs->mutex);
	pthread_mutex_unlock(&cbs->mutex);
}

void rcu_barrier(void)
{
	barrier_of(&callbacks[DOMAIN_RCU]);
}

void rcu_barrier_tasks_trace(void)
{
	barrier_of(&callbacks[DOMAIN_TRACE]);
}

void rcu_start(void)
{
	thread_start(gp_main, NULL);
	thread_start(callbacks_main, &callbacks[DOMAIN_RCU]);
	thread_start(callbacks_main, &callbacks[DOMAIN_TRACE]);
}
