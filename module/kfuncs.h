/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kfuncs and their registration; kfuncs.c says what each of them does.
 */
#ifndef _BPF_MA_KFUNCS_H
#define _BPF_MA_KFUNCS_H

#include <linux/types.h>

struct bpf_ma_elem;
struct bpf_ma_map;

struct bpf_ma_map *bpf_ma_map_get(u32 id);
struct bpf_ma_elem *bpf_ma_map_lookup(struct bpf_ma_map *map, u32 key);
int bpf_ma_map_update(struct bpf_ma_map *map, u32 key, void *value, u32 value__sz, u64 flags);
int bpf_ma_map_delete(struct bpf_ma_map *map, u32 key);
int bpf_ma_map_first_key(struct bpf_ma_map *map, u32 *key, u32 key__sz);
int bpf_ma_map_next_key(struct bpf_ma_map *map, u32 *key, u32 key__sz);
struct bpf_ma_elem *bpf_ma_map_lookup_sleepable(u32 id, u32 key);
int bpf_ma_msleep(u32 ms);

int bpf_ma_kfuncs_init(void);

#endif /* _BPF_MA_KFUNCS_H */
