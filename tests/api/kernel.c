// SPDX-License-Identifier: GPL-2.0-only
/*
 * What memalloc.c calls, in this kernel, against what it is in newer ones: a
 * function is of the same type, or compat.h knows of it.
 *
 * What OLD() names was not looked up: it is in the kernel since long before
 * 6.1. scripts/check.sh finds what is called and not named here.
 */
#include "compat.h"
#include "api.h"

#define OLD(...)

/* include/linux/rcupdate.h, kernel-patches/bpf 00bd9b746f5e */
API(void, rcu_read_lock, (void));
API(void, rcu_read_unlock, (void));

/*
 * include/linux/rcutree.h of that tree was not to be had. Its struct is
 * rcu_gp_seq, by rcupdate.h and by kernel/rcu/tiny.c.
 */
API(void, get_state_synchronize_rcu_full, (struct rcu_gp_seq *state));
API(void, start_poll_synchronize_rcu_full, (struct rcu_gp_seq *state));
API(bool, poll_state_synchronize_rcu_full, (struct rcu_gp_seq *state));
API(bool, same_state_synchronize_rcu_full, (struct rcu_gp_seq *a,
					    struct rcu_gp_seq *b));

/* include/linux/rcupdate_trace.h, kernel-patches/bpf 231323c138f6 */
API(void, call_rcu_tasks_trace, (struct rcu_head *head, rcu_callback_t func));

/* Not for modules; compat.h has others under these names. */
OLD(get_obj_cgroup_from_current, memcg_bpf_enabled)

#ifdef CONFIG_MEMCG
/* include/linux/memcontrol.h, kernel-patches/bpf 0fa7f83a649e */
API(struct mem_cgroup *, get_mem_cgroup_from_mm, (struct mm_struct *mm));
API(struct mem_cgroup *, get_mem_cgroup_from_objcg, (struct obj_cgroup *objcg));
API(bool, obj_cgroup_tryget, (struct obj_cgroup *objcg));
API(void, mem_cgroup_put, (struct mem_cgroup *memcg));
#endif

/* include/linux/sched/mm.h, kernel-patches/bpf ac9aa88f31ae */
API(struct mem_cgroup *, set_active_memcg, (struct mem_cgroup *memcg));

/* include/linux/sched.h, as a patch of November 2025 has it */
API(void, set_need_resched_current, (void));

/* A macro of include/linux/rcupdate_wait.h; compat.h has it for older kernels. */
OLD(wait_rcu_gp_state)

/*
 * The rest: locks, lists, atomics, per-CPU data, workqueues, irq_work, slab.
 * obj_cgroup_put() is in compat.h.
 */
OLD(kmalloc_node, kzalloc, kfree, __alloc_percpu, __alloc_percpu_gfp, free_percpu)
OLD(obj_cgroup_put, per_cpu_ptr, this_cpu_ptr, cpu_online, cpu_to_node)
OLD(cpus_read_lock, cpus_read_unlock, for_each_possible_cpu, num_possible_cpus)
OLD(smp_call_function_single, init_irq_work, irq_work_queue, irq_work_sync, irq_work_is_busy)
OLD(cpu_relax, preemptible, softirq_count)
OLD(preempt_disable_notrace, preempt_enable_notrace, raw_cpu_ptr)
OLD(queue_work, queue_delayed_work, mod_delayed_work, cancel_work_sync)
OLD(cancel_delayed_work_sync, synchronize_rcu_expedited)
OLD(raw_spin_lock_init, raw_spin_lock_irqsave, raw_spin_unlock_irqrestore)
OLD(mutex_lock, mutex_unlock, local_irq_save, local_irq_restore, irqs_disabled)
OLD(llist_add, llist_del_all, llist_empty, llist_reverse_order)
OLD(llist_for_each_safe, llist_for_each_entry_safe)
OLD(list_add_tail, list_del, list_del_init, list_empty, list_for_each_entry)
OLD(list_for_each_entry_safe, INIT_LIST_HEAD, LIST_HEAD_INIT)
OLD(xchg)
OLD(atomic_long_add, atomic_long_add_return, atomic_long_read)
OLD(atomic_long_dec, atomic_long_inc)
OLD(smp_load_acquire, smp_store_release, smp_mb__before_atomic, smp_rmb, barrier)
OLD(READ_ONCE, WRITE_ONCE, likely, unlikely, WARN, WARN_ON_ONCE)
OLD(DECLARE_BITMAP, bitmap_empty, bitmap_zero, for_each_set_bit, __set_bit, fls)
OLD(local_clock, time_after_eq, time_before, msleep, cond_resched)
OLD(memset, memmove, container_of, struct_size, min, min_t, max, max_t)
OLD(__WORK_INITIALIZER, __DELAYED_WORK_INITIALIZER)

MODULE_DESCRIPTION("compile-time check, not to be loaded");
MODULE_LICENSE("GPL");
