// SPDX-License-Identifier: GPL-2.0-only
/*
 * The cases on the kernel's own hash map, which is created beforehand (with or
 * without preallocation, with the value size asked for) and put in the place
 * of bench_map when this object is loaded.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "bench_state.h"

struct bench_state bench_state;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, BENCH_MIN_ENTRIES);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, BENCH_MAX_VALUE_SIZE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
} bench_map SEC(".maps");

typedef void *map_ref;

static __always_inline map_ref map_open(__u32 number __attribute__((unused)))
{
	return &bench_map;
}

static __always_inline long map_update(map_ref map, __u32 key, __u64 flags)
{
	return bpf_map_update_elem(map, &key, bench_state.value, flags);
}

static __always_inline long map_delete(map_ref map, __u32 key)
{
	return bpf_map_delete_elem(map, &key);
}

#include "cases.bpf.h"

char LICENSE[] SEC("license") = "GPL";
