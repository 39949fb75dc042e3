/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The only file that knows where memalloc.c is built and for which kernel.
 *
 * memalloc.c has three homes: a kernel tree, whose kernel/bpf/memalloc.c it is
 * as it stands, with nothing of this; the module; and user space, where
 * tests/user supplies <shim.h> in place of the kernel.  What the latter two
 * cannot reach is defined here under the kernel's names.  Differences between
 * kernels are found by what the headers declare, in macros here and in other
 * things by module/Kbuild.probes; where no known form is there, the build stops.
 */
#ifndef _BPF_MA_COMPAT_H
#define _BPF_MA_COMPAT_H

#ifdef BPF_MA_USER
#include "shim.h"
#else

#include <linux/bpf.h>
#include <linux/btf.h>
#include <linux/btf_ids.h>
#include <linux/cpu.h>
#include <linux/delay.h>
#include <linux/irq_work.h>
#include <linux/llist.h>
#include <linux/lockdep.h>
#include <linux/memcontrol.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/rcupdate_trace.h>
#include <linux/rcupdate_wait.h>
#include <linux/sched.h>
#include <linux/sched/clock.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/version.h>
#include <linux/workqueue.h>

/*
 * No header tells of the functions that the oldest supported kernel has: they
 * are no macros.  There is no newest one: what it changes does not compile, or
 * meets an #error below.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 1, 0)
#error "bpf_ma: Linux 6.1 or newer is needed (polled RCU grace periods of both kinds)"
#endif

#if defined(MODULE) && !defined(BPF_MA_PROBED)
#error "bpf_ma: the Kbuild file does not include module/Kbuild.probes"
#endif

/* What has other names in older kernels. */
#ifndef BPF_MA_RCU_GP_SEQ
#define rcu_gp_seq rcu_gp_oldstate
#endif

#ifndef BPF_MA_SYSTEM_DFL_WQ
#define system_dfl_wq system_unbound_wq
#endif

/* What is put together of two in older kernels; 6.12 with the series has a macro. */
#if !defined(BPF_MA_SET_NEED_RESCHED_CURRENT) && !defined(set_need_resched_current)
static inline void set_need_resched_current(void)
{
	lockdep_assert_irqs_disabled();
	set_tsk_need_resched(current);
	set_preempt_need_resched();
}
#endif

/* In older kernels who waits long for a grace period is reported as stuck. */
#ifndef wait_rcu_gp_state
#define wait_rcu_gp_state(state, ...)		\
do {						\
	(void)(state);				\
	wait_rcu_gp(__VA_ARGS__);		\
} while (0)
#endif

/*
 * The memory cgroup of the task that creates an allocator.  A module reaches
 * it through the task's mm, for what the kernel itself uses is not exported.
 */
#ifdef CONFIG_MEMCG
#ifdef BPF_MA_OBJCG_PER_NODE
#define bpf_ma_memcg_objcg(memcg) ((memcg)->nodeinfo[numa_node_id()]->objcg)
#else
#define bpf_ma_memcg_objcg(memcg) ((memcg)->objcg)
#endif

static inline struct obj_cgroup *bpf_ma_current_objcg(void)
{
	struct mem_cgroup *memcg = get_mem_cgroup_from_mm(current->mm);
	struct obj_cgroup *objcg;

	rcu_read_lock();
	objcg = rcu_dereference(bpf_ma_memcg_objcg(memcg));
	if (objcg && !obj_cgroup_tryget(objcg))
		objcg = NULL;
	rcu_read_unlock();
	mem_cgroup_put(memcg);
	return objcg;
}

/* Before 6.8 the kernel's own does not take NULL. */
static inline void bpf_ma_objcg_put(struct obj_cgroup *objcg)
{
	if (objcg)
		obj_cgroup_put(objcg);
}

#define memcg_bpf_enabled() true
#define get_obj_cgroup_from_current() bpf_ma_current_objcg()
#define obj_cgroup_put(objcg) bpf_ma_objcg_put(objcg)
#else /* !CONFIG_MEMCG */
static inline struct obj_cgroup *bpf_ma_current_objcg(void)
{
	return NULL;
}

/* Not declared by every kernel. */
static inline struct mem_cgroup *bpf_ma_no_memcg(struct obj_cgroup *objcg)
{
	return NULL;
}

#define get_mem_cgroup_from_objcg(objcg) bpf_ma_no_memcg(objcg)
#endif

static inline struct mem_cgroup *bpf_ma_objcg_memcg(struct obj_cgroup *objcg)
{
	return objcg ? get_mem_cgroup_from_objcg(objcg) : NULL;
}

/*
 * kfuncs.  6.1 has no mark for them, and sets that make no
 * difference between kfuncs and other lists of functions; __bpf_kfunc came
 * with 6.3, the switch for warnings about missing prototypes (there are none
 * missing) with 6.7, the sets of their own with 6.9.
 */
#ifndef __bpf_kfunc
#define __bpf_kfunc noinline
#endif

#ifndef __bpf_kfunc_start_defs
#define __bpf_kfunc_start_defs()
#define __bpf_kfunc_end_defs()
#endif

#ifndef BTF_KFUNCS_START
#ifndef BTF_SET8_START
#error "bpf_ma: this kernel has no known form of kfunc sets (BTF_KFUNCS_START, BTF_SET8_START)"
#endif
#define BTF_KFUNCS_START(name) BTF_SET8_START(name)
#define BTF_KFUNCS_END(name) BTF_SET8_END(name)
#endif

#endif /* !BPF_MA_USER */

#endif /* _BPF_MA_COMPAT_H */
