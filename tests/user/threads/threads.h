/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The engine of real threads: each CPU is one, and so are the workers.  Interrupts are
 * polled for where they get enabled, NMIs are signals.
 */
#ifndef _THREADS_THREADS_H
#define _THREADS_THREADS_H

#include <pthread.h>

#include "../shim.h"
#include "../shim/fail.h"
#include "domain.h"

/* The clock of the allocator runs so much faster, for more to happen. */
#ifndef TIME_FACTOR
#define TIME_FACTOR	20
#endif

/* From the end of an RCU grace period that nobody asked for to the next. */
#ifndef GP_REST_US
#define GP_REST_US	500
#endif

/* One in so many allocations from slab fails; 0 is none. */
void set_alloc_failures(unsigned int one_in);

unsigned int thread_random(unsigned int n);

/* cpu.c: @fn is what a CPU does until it is idle. */
void cpus_start(int nr, void (*fn)(int cpu), bool nmis);
void cpus_wait_idle(void);
void cpus_stop(void);
/* Called in NMI on CPUs started with NMIs. */
extern void (*cpu_nmi_fn)(int cpu);

/* work.c, rcu.c: their threads run until the process ends. */
void workers_start(void);
void rcu_start(void);
/* RCU grace periods that are over, of both kinds. */
u64 rcu_gps_passed(void);
void thread_start(void *(*fn)(void *arg), void *arg);

#endif
