/* SPDX-License-Identifier: GPL-2.0-only */
/* irq_work, work items and delayed ones. */
#ifndef _SHIM_WORK_H
#define _SHIM_WORK_H

#include "list.h"

struct irq_work {
	struct llist_node node;
	void (*func)(struct irq_work *work);
	int pending;
	int running;
};

static inline void init_irq_work(struct irq_work *work,
				 void (*func)(struct irq_work *work))
{
	*work = (struct irq_work){ .func = func };
}

/* On this CPU, as soon as its interrupts are on; any context. */
bool irq_work_queue(struct irq_work *work);
void irq_work_sync(struct irq_work *work);

static inline bool irq_work_is_busy(struct irq_work *work)
{
	return __atomic_load_n(&work->pending, __ATOMIC_SEQ_CST) ||
	       __atomic_load_n(&work->running, __ATOMIC_ACQUIRE);
}

struct work_struct {
	void (*func)(struct work_struct *work);
	struct work_struct *next;
	bool pending;		/* queued, or its timer is armed */
	bool running;
	unsigned long cancelled;	/* in the run of that number, for good */
};

struct delayed_work {
	struct work_struct work;
	struct delayed_work *next;
	bool armed;
	u64 expires;		/* local_clock() */
};

#define __WORK_INITIALIZER(name, fn)		{ .func = (fn) }
#define __DELAYED_WORK_INITIALIZER(name, fn, flags) \
	{ .work = __WORK_INITIALIZER(, fn) }

struct workqueue_struct;
#define system_dfl_wq		((struct workqueue_struct *)NULL)
#define system_highpri_wq	((struct workqueue_struct *)NULL)

bool queue_work(struct workqueue_struct *wq, struct work_struct *work);
bool queue_delayed_work(struct workqueue_struct *wq, struct delayed_work *work,
			unsigned long delay);
bool mod_delayed_work(struct workqueue_struct *wq, struct delayed_work *work,
		      unsigned long delay);
void cancel_work_sync(struct work_struct *work);
void cancel_delayed_work_sync(struct delayed_work *work);

#endif
