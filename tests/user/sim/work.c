// SPDX-License-Identifier: GPL-2.0-only
/*
 * Work items of the deterministic engine: as many workers as memalloc.c has items, for
 * some wait for grace periods; and timers.
 */
#include "sched.h"

static struct work_struct *queue, **queue_end = &queue;
static struct delayed_work *timers;
static unsigned int nr_running;
static unsigned long items_run;

/* ---- the queue ---- */

/* Who cancels an item may go away, with what it runs. */
static void check_not_cancelled(const struct work_struct *work)
{
	if (work->cancelled == sim.runs)
		shim_fail("work item queued after it was cancelled");
}

static void enqueue(struct work_struct *work)
{
	work->next = NULL;
	*queue_end = work;
	queue_end = &work->next;
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

/* An item runs on one worker at a time. */
static struct work_struct *next_item(void)
{
	struct work_struct *work;

	for (work = queue; work && work->running; work = work->next)
		;
	return work;
}

static bool has_item(void *arg)
{
	(void)arg;
	return next_item();
}

static void worker_fn(void *arg)
{
	(void)arg;
	for (;;) {
		struct work_struct *work;

		sim_wait(has_item, NULL);
		work = next_item();
		dequeue(work);
		work->pending = false;
		work->running = true;
		nr_running++;
		items_run++;
		sim_move_anywhere();
		sim_log("work item");
		work->func(work);
		/* Nobody waits for it any more, but it has not ended. */
		shim_point();
		work->running = false;
		nr_running--;
	}
}

void work_create_threads(void)
{
	sim_spawn_daemon("kworker", 0, false, worker_fn, NULL);
	sim_spawn_daemon("kworker", 0, false, worker_fn, NULL);
	sim_spawn_daemon("kworker", 0, false, worker_fn, NULL);
}

bool work_is_pending(void)
{
	return queue || timers || nr_running;
}

unsigned long work_items_run(void)
{
	return items_run;
}

bool queue_work(struct workqueue_struct *wq, struct work_struct *work)
{
	(void)wq;
	sim_check_any("queue_work()");
	shim_point();
	check_not_cancelled(work);
	if (work->pending)
		return false;
	work->pending = true;
	enqueue(work);
	return true;
}

/* ---- timers ---- */

static void arm(struct delayed_work *work, unsigned long delay)
{
	check_not_cancelled(&work->work);
	work->work.pending = true;
	if (!delay) {
		enqueue(&work->work);
		return;
	}
	/* Timers go off at a tick, and never early. */
	work->expires = (sim.ns / NSEC_PER_MSEC + delay) * NSEC_PER_MSEC;
	work->armed = true;
	work->next = timers;
	timers = work;
}

static void disarm(struct delayed_work *work)
{
	struct delayed_work **at;

	for (at = &timers; *at != work; at = &(*at)->next)
		;
	*at = work->next;
	work->armed = false;
}

u64 work_next_timer(void)
{
	struct delayed_work *work;
	u64 next = ULLONG_MAX;

	for (work = timers; work; work = work->next)
		next = min(next, work->expires);
	return next;
}

void work_run_timers(void)
{
	struct delayed_work *work, *next;

	for (work = timers; work; work = next) {
		next = work->next;
		if (work->expires > sim.ns)
			continue;
		disarm(work);
		enqueue(&work->work);
	}
}

bool queue_delayed_work(struct workqueue_struct *wq, struct delayed_work *work,
			unsigned long delay)
{
	(void)wq;
	sim_check_any("queue_delayed_work()");
	shim_point();
	if (work->work.pending)
		return false;
	arm(work, delay);
	return true;
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

bool mod_delayed_work(struct workqueue_struct *wq, struct delayed_work *work,
		      unsigned long delay)
{
	bool stolen;

	(void)wq;
	sim_check_any("mod_delayed_work()");
	shim_point();
	stolen = steal(work);
	arm(work, delay);
	return stolen;
}

static bool is_not_running(void *arg)
{
	struct work_struct *work = arg;

	return !work->running;
}

void cancel_work_sync(struct work_struct *work)
{
	sim_check_task("cancel_work_sync()");
	if (work->pending)
		dequeue(work);
	work->pending = false;
	sim_wait(is_not_running, work);
	work->cancelled = sim.runs;
}

void cancel_delayed_work_sync(struct delayed_work *work)
{
	sim_check_task("cancel_delayed_work_sync()");
	steal(work);
	sim_wait(is_not_running, &work->work);
	/* It may have queued itself again. */
	steal(work);
	work->work.cancelled = sim.runs;
}
