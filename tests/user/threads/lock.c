// SPDX-License-Identifier: GPL-2.0-only
/* Locks that spin. */
#define _GNU_SOURCE
#include <sched.h>

#include "threads.h"

static void acquire(int *held)
{
	while (__atomic_exchange_n(held, 1, __ATOMIC_ACQUIRE))
		sched_yield();
}

void raw_spin_lock_init(raw_spinlock_t *lock)
{
	*lock = (raw_spinlock_t){ .magic = SHIM_LOCK_MAGIC };
}

void shim_spin_lock(raw_spinlock_t *lock)
{
	acquire(&lock->held);
}

void shim_spin_unlock(raw_spinlock_t *lock)
{
	__atomic_store_n(&lock->held, 0, __ATOMIC_RELEASE);
}

void mutex_lock(struct mutex *mutex)
{
	acquire(&mutex->held);
}

void mutex_unlock(struct mutex *mutex)
{
	__atomic_store_n(&mutex->held, 0, __ATOMIC_RELEASE);
}
