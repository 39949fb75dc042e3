// SPDX-License-Identifier: GPL-2.0-only
/* Locks of the deterministic engine. */
#include "sched.h"

static bool lock_is_free(void *arg)
{
	raw_spinlock_t *lock = arg;

	return !lock->held;
}

void raw_spin_lock_init(raw_spinlock_t *lock)
{
	*lock = (raw_spinlock_t){ .magic = SHIM_LOCK_MAGIC };
}

void shim_spin_lock(raw_spinlock_t *lock)
{
	struct sim_cpu *cpu = sim_this_cpu();

	sim_check_any("spinlock taken");
	if (lock->magic != SHIM_LOCK_MAGIC)
		shim_fail("spinlock that is not set up");
	shim_point();
	if (lock->held && lock->cpu == sim.current->cpu)
		shim_fail("spinlock taken twice on one CPU");
	if (lock->held)
		sim_wait(lock_is_free, lock);
	lock->held = 1;
	lock->cpu = sim.current->cpu;
	cpu->spinlocks++;
}

void shim_spin_unlock(raw_spinlock_t *lock)
{
	struct sim_cpu *cpu = sim_this_cpu();

	shim_point();
	if (!lock->held || lock->cpu != sim.current->cpu)
		shim_fail("spinlock given up that is not held here");
	lock->held = 0;
	cpu->spinlocks--;
}

static bool mutex_is_free(void *arg)
{
	struct mutex *mutex = arg;

	return !mutex->held;
}

void mutex_lock(struct mutex *mutex)
{
	sim_check_task("mutex_lock()");
	shim_point();
	if (mutex->held)
		sim_wait(mutex_is_free, mutex);
	mutex->held = 1;
}

void mutex_unlock(struct mutex *mutex)
{
	if (!mutex->held)
		shim_fail("mutex given up that is not held");
	mutex->held = 0;
	shim_point();
}
