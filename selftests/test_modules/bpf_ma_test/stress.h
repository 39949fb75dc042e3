/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the stress counts, and its allocators (stress_arenas.c) as its contexts
 * (stress.c) use them.
 */
#ifndef _BPF_MA_TEST_STRESS_H
#define _BPF_MA_TEST_STRESS_H

#include <linux/types.h>

/* stress.c has a name and a rule for each. */
enum stress_counter {
	STRESS_PROCESS,
	STRESS_PREEMPTED,
	STRESS_IRQS_OFF,
	STRESS_HARDIRQ,
	STRESS_SOFTIRQ,
	STRESS_NMI,
	STRESS_NMIS_LOST,
	STRESS_NESTED,
	STRESS_NO_OBJECT,
	STRESS_CREATED_FIXED,
	STRESS_CREATED_CLASSES,
	STRESS_CREATED_PERCPU,
	STRESS_CREATED_PERCPU_CLASSES,
	STRESS_NOT_CREATED,
	STRESS_DESTROYED,
	STRESS_OBJECTS,
	STRESS_UNFINISHED,
	STRESS_MISSING,
	STRESS_FREED,
	STRESS_HANDED_OUT_TWICE,
	STRESS_RETURNED_GARBAGE,
	STRESS_HELD,
	STRESS_NORMAL_REUSED,
	STRESS_REUSED,
	STRESS_WENT_TO_SLAB,
	STRESS_SLEPT_WITH,
	STRESS_REUSED_ASLEEP,
	STRESS_WENT_TO_SLAB_ASLEEP,
	STRESS_BY_TEST_MODULE,
	STRESS_NR_COUNTERS,
};

/* Any context. */
void stress_add(enum stress_counter counter, s64 n);

static inline void stress_count(enum stress_counter counter)
{
	stress_add(counter, 1);
}

/*
 * stress_arenas.c. @rnd is the caller's state of ma_random(). Any context may
 * use an arena; which one it was says @context.
 */
void arenas_use(enum stress_counter context, u32 *rnd);
void arenas_hold_rcu(u32 *rnd);
void arenas_hold_trace(u32 *rnd);	/* sleeps */

/*
 * Creates or destroys an arena, sleeps. Two callers at a time have different
 * @half: 0 or 1.
 */
void arenas_come_or_go(unsigned int half, u32 *rnd);

/* With nobody else there any more. */
void arenas_destroy_all(u32 *rnd);

#endif /* _BPF_MA_TEST_STRESS_H */
