// SPDX-License-Identifier: GPL-2.0-only
/* Work items by three worker threads, as memalloc.c has three, and a clock that runs fast. */
#define _GNU_SOURCE
#include <time.h>
#include <unistd.h>

#include "threads.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
/* For workers: an item is queued, which one of them takes, or a timer is armed. */
static pthread_cond_t change;
/* For who waits until an item does not run any more. */
static pthread_cond_t end = PTHREAD_COND_INITIALIZER;
static struct work_struct *queue, **queue_end = &queue;
static struct delayed_work *timers;

static u64 real_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

u64 local_clock(void)
{
	return real_ns() * TIME_FACTOR;
}

void msleep(unsigned int ms)
{
	usleep(ms * 1000 / TIME_FACTOR);
}

/* ---- under the mutex ---- */

static void enqueue(struct work_struct *work)
{
	work->next = NULL;
	*queue_end = work;
	queue_end = &work->next;
	pthread_cond_signal(&change);
}

static void dequeue(struct work_struct *work)
{
	struct work_struct **at;

	for (at = &queue; *at != work; at = &(*at)->next)
		;
	*at = work->next;
	for (queue_end = at; *queue_end; queue_end = &(*queue_end)->next)
		;
}

static void arm(struct delayed_work *work, unsigned long delay)
{
	work->work.pending = true;
	if (!delay) {
		enqueue(&work->work);
		return;
	}
	work->expires = local_clock() + delay * NSEC_PER_MSEC;
	work->armed = true;
	work->next = timers;
	timers = work;
	pthread_cond_broadcast(&change);
}

static void disarm(struct delayed_work *work)
{
	struct delayed_work **at;

	for (at = &timers; *at != work; at = &(*at)->next)
		;
	*at = work->next;
	work->armed = false;
}

static bool steal(struct delayed_work *work)
{
	if (!work->work.pending)
		return false;
	if (work->armed)
		disarm(work);
	else
		dequeue(&work->work);
	work->work.pending = false;
	return true;
}

static void run_timers(void)
{
	struct delayed_work *work, *next;
	u64 now = local_clock();

	for (work = timers; work; work = next) {
		next = work->next;
		if (work->expires > now)
			continue;
		disarm(work);
		enqueue(&work->work);
	}
}

static struct work_struct *next_item(void)
{
	struct work_struct *work;

	for (work = queue; work && work->running; work = work->next)
		;
	return work;
}

/* Takes the first item that can run, and sees to it that another worker takes the next. */
static struct work_struct *take_item(void)
{
	struct work_struct *work = next_item();

	if (!work)
		return NULL;
	dequeue(work);
	work->pending = false;
	work->running = true;
	if (next_item())
		pthread_cond_signal(&change);
	return work;
}

/*
 * Whoever queues an item or arms a timer says so, so this does not poll.  All who wait
 * here know when the next timer expires, whichever of them an item wakes.
 */
static void wait_for_change(void)
{
	u64 until = real_ns() + 1000000000;
	struct delayed_work *work;
	struct timespec ts;

	for (work = timers; work; work = work->next)
		until = min(until, work->expires / TIME_FACTOR + 1);
	ts = (struct timespec){
		.tv_sec = until / 1000000000, .tv_nsec = until % 1000000000 };
	pthread_cond_timedwait(&change, &mutex, &ts);
}

static void wait_for_end(const struct work_struct *work)
{
	while (work->running)
		pthread_cond_wait(&end, &mutex);
}

/* ---- interface ---- */

bool queue_work(struct workqueue_struct *wq, struct work_struct *work)
{
	bool queued;

	(void)wq;
	pthread_mutex_lock(&mutex);
	queued = !work->pending;
	work->pending = true;
	if (queued)
		enqueue(work);
	pthread_mutex_unlock(&mutex);
	return queued;
}

bool queue_delayed_work(struct workqueue_struct *wq, struct delayed_work *work,
			unsigned long delay)
{
	bool queued;

	(void)wq;
	pthread_mutex_lock(&mutex);
	queued = !work->work.pending;
	if (queued)
		arm(work, delay);
	pthread_mutex_unlock(&mutex);
	return queued;
}

bool mod_delayed_work(struct workqueue_struct *wq, struct delayed_work *work,
		      unsigned long delay)
{
	bool stolen;

	(void)wq;
	pthread_mutex_lock(&mutex);
	stolen = steal(work);
	arm(work, delay);
	pthread_mutex_unlock(&mutex);
	return stolen;
}

void cancel_work_sync(struct work_struct *work)
{
	pthread_mutex_lock(&mutex);
	if (work->pending)
		dequeue(work);
	work->pending = false;
	wait_for_end(work);
	pthread_mutex_unlock(&mutex);
}

void cancel_delayed_work_sync(struct delayed_work *work)
{
	pthread_mutex_lock(&mutex);
	steal(work);
	wait_for_end(&work->work);
	steal(work);
	pthread_mutex_unlock(&mutex);
}

static void *worker_main(void *arg)
{
	struct work_struct *work;

	(void)arg;
	domain_register_thread();
	pthread_mutex_lock(&mutex);
	for (;;) {
		run_timers();
		work = take_item();
		if (!work) {
			wait_for_change();
			continue;
		}
		pthread_mutex_unlock(&mutex);
		work->func(work);
		pthread_mutex_lock(&mutex);
		work->running = false;
		pthread_cond_broadcast(&end);
	}
	return NULL;
}

void workers_start(void)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&change, &attr);
	thread_start(worker_main, NULL);
	thread_start(worker_main, NULL);
	thread_start(worker_main, NULL);
}
