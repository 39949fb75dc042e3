// SPDX-License-Identifier: GPL-2.0-only
/* Memory cgroups of the shim: reference counts, and who is charged. */
#include "../shim.h"
#include "fail.h"

struct obj_cgroup *shim_current_objcg;

struct obj_cgroup *get_obj_cgroup_from_current(void)
{
	if (shim_current_objcg)
		__atomic_add_fetch(&shim_current_objcg->refs, 1, __ATOMIC_RELAXED);
	return shim_current_objcg;
}

struct mem_cgroup *get_mem_cgroup_from_objcg(struct obj_cgroup *objcg)
{
	if (__atomic_load_n(&objcg->refs, __ATOMIC_RELAXED) <= 0)
		shim_fail("memcg: an obj_cgroup without references is used");
	__atomic_add_fetch(&objcg->memcg->refs, 1, __ATOMIC_RELAXED);
	return objcg->memcg;
}

struct mem_cgroup *set_active_memcg(struct mem_cgroup *memcg)
{
	struct mem_cgroup **active = shim_active_memcg();
	struct mem_cgroup *old = *active;

	*active = memcg;
	return old;
}

void mem_cgroup_put(struct mem_cgroup *memcg)
{
	if (memcg && __atomic_sub_fetch(&memcg->refs, 1, __ATOMIC_RELAXED) < 0)
		shim_fail("memcg: too many puts of a mem_cgroup");
}

void obj_cgroup_put(struct obj_cgroup *objcg)
{
	if (objcg && __atomic_sub_fetch(&objcg->refs, 1, __ATOMIC_RELAXED) < 0)
		shim_fail("memcg: too many puts of an obj_cgroup");
}
