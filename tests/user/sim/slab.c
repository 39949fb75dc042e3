// SPDX-License-Identifier: GPL-2.0-only
/* What the deterministic engine allows the slab, and where it makes it fail. */
#include "heap.h"

struct mem_cgroup **shim_active_memcg(void)
{
	return &sim.current->memcg;
}

/* Slab takes locks, which sleep under PREEMPT_RT. */
static void check_slab(const char *what)
{
	const struct sim_cpu *cpu = sim_this_cpu();

	sim_check_any(what);
	if (cpu->spinlocks)
		shim_fail("%s under a raw spinlock", what);
	if (sim.cfg.rt && cpu->irqs_off)
		shim_fail("%s with interrupts off under PREEMPT_RT", what);
}

void shim_slab_enter(void)
{
	step_pause();
}

void shim_slab_leave(void)
{
	step_resume();
}

void shim_check_alloc(gfp_t gfp)
{
	if (gfp & GFP_KERNEL)
		sim_check_task("allocation with GFP_KERNEL");
	else
		check_slab("allocation from slab");
	shim_point();
}

bool shim_alloc_fails(void)
{
	return sim.cfg.failures && sim_random(1000) < sim.cfg.failures;
}

void shim_check_kfree(struct slab_meta *meta, const void *ptr)
{
	check_slab("kfree()");
	shim_point();
	if (meta->owner[0])
		heap_check_kfree(meta, ptr);
}
