/* SPDX-License-Identifier: GPL-2.0-only */
/* Raw spinlocks and mutexes. */
#ifndef _SHIM_LOCK_H
#define _SHIM_LOCK_H

#include "cpu.h"

typedef struct {
	int held;
	int cpu;		/* whose it is, when held */
	u32 magic;		/* set by raw_spin_lock_init() */
} raw_spinlock_t;

#define SHIM_LOCK_MAGIC		0x10cb10cbu

void raw_spin_lock_init(raw_spinlock_t *lock);
void shim_spin_lock(raw_spinlock_t *lock);
void shim_spin_unlock(raw_spinlock_t *lock);

#define raw_spin_lock_irqsave(lock, flags)				\
do {									\
	local_irq_save(flags);						\
	shim_spin_lock(lock);						\
} while (0)
#define raw_spin_unlock_irqrestore(lock, flags)				\
do {									\
	shim_spin_unlock(lock);						\
	local_irq_restore(flags);					\
} while (0)

struct mutex {
	int held;
};

#define DEFINE_MUTEX(name)	struct mutex name

void mutex_lock(struct mutex *mutex);
void mutex_unlock(struct mutex *mutex);

#endif
