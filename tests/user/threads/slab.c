// SPDX-License-Identifier: GPL-2.0-only
/* Slab under threads: the sanitizers watch, failures come by chance. */
#include "threads.h"

static unsigned int alloc_failures;

void set_alloc_failures(unsigned int one_in)
{
	__atomic_store_n(&alloc_failures, one_in, __ATOMIC_RELAXED);
}

void shim_slab_enter(void)
{
}

void shim_slab_leave(void)
{
}

void shim_check_alloc(gfp_t gfp)
{
	(void)gfp;
}

bool shim_alloc_fails(void)
{
	unsigned int one_in = __atomic_load_n(&alloc_failures, __ATOMIC_RELAXED);

	return one_in && !thread_random(one_in);
}

void shim_check_kfree(struct slab_meta *meta, const void *ptr)
{
	(void)meta;
	(void)ptr;
}

struct mem_cgroup **shim_active_memcg(void)
{
	static __thread struct mem_cgroup *active;

	return &active;
}
