/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What bpf_ma.ko offers to programs.
 */
#ifndef BPF_MA_BPF_H
#define BPF_MA_BPF_H

#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>

struct bpf_ma_map {
};

struct bpf_ma_elem {
	__u32 key;
	__u64 value[];
} __attribute__((preserve_access_index));

struct bpf_ma_map *bpf_ma_map_get(__u32 id) __ksym;
struct bpf_ma_elem *bpf_ma_map_lookup(struct bpf_ma_map *map, __u32 key) __ksym;
int bpf_ma_map_update(struct bpf_ma_map *map, __u32 key, void *value,
		      __u32 value__sz, __u64 flags) __ksym;
int bpf_ma_map_delete(struct bpf_ma_map *map, __u32 key) __ksym;
int bpf_ma_map_first_key(struct bpf_ma_map *map, __u32 *key, __u32 key__sz) __ksym;
int bpf_ma_map_next_key(struct bpf_ma_map *map, __u32 *key, __u32 key__sz) __ksym;
struct bpf_ma_elem *bpf_ma_map_lookup_sleepable(__u32 id, __u32 key) __ksym;
int bpf_ma_msleep(__u32 ms) __ksym;

/* Weak: a kernel may lack them; see has_rcu_lock. */
__ksym __weak void bpf_rcu_read_lock(void);
__ksym __weak void bpf_rcu_read_unlock(void);

/*
 * Whether the kernel has the two; set before the programs are loaded.  Without
 * them it does not let syscall programs look up in the way that needs them.
 */
const volatile bool has_rcu_lock = true;

static __always_inline void rcu_lock(void)
{
	if (has_rcu_lock)
		bpf_rcu_read_lock();
}

static __always_inline void rcu_unlock(void)
{
	if (has_rcu_lock)
		bpf_rcu_read_unlock();
}

#define NO_MAP	(-19)	/* -ENODEV: none of the kfuncs returns it */

#endif /* BPF_MA_BPF_H */
