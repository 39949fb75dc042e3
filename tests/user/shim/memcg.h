/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory cgroups, as far as charging to somebody else goes. */
#ifndef _SHIM_MEMCG_H
#define _SHIM_MEMCG_H

#include "types.h"

struct mem_cgroup {
	long refs;
	long charged;		/* bytes */
};

struct obj_cgroup {
	long refs;
	struct mem_cgroup *memcg;
};

#define CONFIG_MEMCG	1
#define memcg_bpf_enabled() true

/* Whom get_obj_cgroup_from_current() finds; NULL is nobody. */
extern struct obj_cgroup *shim_current_objcg;

struct obj_cgroup *get_obj_cgroup_from_current(void);
struct mem_cgroup *get_mem_cgroup_from_objcg(struct obj_cgroup *objcg);
struct mem_cgroup *set_active_memcg(struct mem_cgroup *memcg);
void mem_cgroup_put(struct mem_cgroup *memcg);
void obj_cgroup_put(struct obj_cgroup *objcg);

/* Where the engine keeps the active memory cgroup of who runs now. */
struct mem_cgroup **shim_active_memcg(void);

#endif
