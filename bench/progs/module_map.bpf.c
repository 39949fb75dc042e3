// SPDX-License-Identifier: GPL-2.0-only
/*
 * The cases on the map of bpf_ma.ko, which programs reach through kfuncs.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "bench_state.h"

struct bench_state bench_state;

struct bpf_ma_map {
};

struct bpf_ma_map *bpf_ma_map_get(__u32 id) __ksym;
int bpf_ma_map_update(struct bpf_ma_map *map, __u32 key, void *value,
		      __u32 value__sz, __u64 flags) __ksym;
int bpf_ma_map_delete(struct bpf_ma_map *map, __u32 key) __ksym;

typedef struct bpf_ma_map *map_ref;

static __always_inline map_ref map_open(__u32 number)
{
	return bpf_ma_map_get(bench_state.map_id + number);
}

static __always_inline long map_update(map_ref map, __u32 key, __u64 flags)
{
	__u32 size = bench_state.value_size;

	/* for the verifier: the runner sets no larger one */
	if (size > BENCH_MAX_VALUE_SIZE)
		size = BENCH_MAX_VALUE_SIZE;
	return bpf_ma_map_update(map, key, bench_state.value, size, flags);
}

static __always_inline long map_delete(map_ref map, __u32 key)
{
	return bpf_ma_map_delete(map, key);
}

#include "cases.bpf.h"

char LICENSE[] SEC("license") = "GPL";
