/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What nested.bpf.c and its callers share.
 */
#ifndef NESTED_H
#define NESTED_H

#include <linux/types.h>

/*
 * Where programs are attached. Not to functions that everything calls: to patch
 * these while they run is more than some emulators can take.
 */
#define NESTED_FENTRIES(X)			\
	X(get_state_synchronize_rcu_full)	\
	X(poll_state_synchronize_rcu_full)	\
	X(start_poll_synchronize_rcu_full)	\
	X(synchronize_rcu_expedited)		\
	X(call_rcu_tasks_trace)			\
	X(queue_work_on)			\
	X(queue_delayed_work_on)		\
	X(mod_delayed_work_on)			\
	X(native_queued_spin_lock_slowpath)

#define NESTED_TRACEPOINTS(X)			\
	X(kmalloc)				\
	X(kfree)				\
	X(kmem_cache_alloc)			\
	X(kmem_cache_free)			\
	X(workqueue_queue_work)			\
	X(contention_begin)			\
	X(contention_end)

enum nested_place {
#define X(name)	PLACE_##name,
	NESTED_FENTRIES(X)
#undef X
#define X(name)	PLACE_tp_##name,
	NESTED_TRACEPOINTS(X)
#undef X
	NESTED_PLACES,
};

struct nested_counts {
	__u64 runs;
	__u64 no_memory;
	__u64 busy;
	__u64 other;
};

struct nested_state {
	__u32 id;
	__u32 tgid;	/* only what interrupts or is done by this process counts */
	struct nested_counts counts[NESTED_PLACES];
};

#define NESTED_KEY_FIRST	1000000U

#endif /* NESTED_H */
