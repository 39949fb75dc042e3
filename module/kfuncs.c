// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kfuncs: how BPF programs reach the maps.
 *
 * A program that calls one holds a reference on the module.  A pointer to a
 * map stays good as long as the program runs, sleepable or not: maps go only
 * after grace periods of RCU and RCU tasks trace.  A pointer to an element is
 * good for the RCU read-side section it was looked up in, which is the whole
 * program unless that is sleepable.
 */
#include <linux/btf.h>
#include <linux/btf_ids.h>
#include <linux/delay.h>
#include <linux/errno.h>
#include <linux/module.h>

#include "compat.h"
#include "kfuncs.h"
#include "map.h"

__bpf_kfunc_start_defs();

/**
 * bpf_ma_map_get() - the map of an ID
 * @id: ID
 *
 * Return: the map, or NULL when there is none.
 */
__bpf_kfunc struct bpf_ma_map *bpf_ma_map_get(u32 id)
{
	return bpf_ma_get(id);
}

/**
 * bpf_ma_map_lookup() - find a key
 * @map: map
 * @key: key
 *
 * Return: the element, or NULL when there is none.
 */
__bpf_kfunc struct bpf_ma_elem *bpf_ma_map_lookup(struct bpf_ma_map *map, u32 key)
{
	return bpf_ma_lookup(map, key);
}

/**
 * bpf_ma_map_update() - set a key's value
 * @map: map
 * @key: key
 * @value: value
 * @value__sz: bytes of @value, exactly the map's value size
 * @flags: BPF_ANY, BPF_NOEXIST or BPF_EXIST
 *
 * Return: 0, or an error of bpf_ma_update(); -EINVAL for a wrong size.
 */
__bpf_kfunc int bpf_ma_map_update(struct bpf_ma_map *map, u32 key, void *value,
				  u32 value__sz, u64 flags)
{
	if (unlikely(value__sz != map->value_size))
		return -EINVAL;
	return bpf_ma_update(map, key, value, flags);
}

/**
 * bpf_ma_map_delete() - remove a key
 * @map: map
 * @key: key
 *
 * Return: 0, or an error of bpf_ma_delete().
 */
__bpf_kfunc int bpf_ma_map_delete(struct bpf_ma_map *map, u32 key)
{
	return bpf_ma_delete(map, key);
}

/**
 * bpf_ma_map_first_key() - start an iteration
 * @map: map
 * @key: where the key goes
 * @key__sz: 4
 *
 * Return: 0, -ENOENT when the map is empty, -EINVAL for a wrong size.
 */
__bpf_kfunc int bpf_ma_map_first_key(struct bpf_ma_map *map, u32 *key, u32 key__sz)
{
	if (unlikely(key__sz != sizeof(*key)))
		return -EINVAL;
	return bpf_ma_first_key(map, key);
}

/**
 * bpf_ma_map_next_key() - continue an iteration
 * @map: map
 * @key: a key, replaced by its successor, or by the first one if it is gone
 * @key__sz: 4
 *
 * Return: 0, -ENOENT when @key was the last, -EINVAL for a wrong size.
 */
__bpf_kfunc int bpf_ma_map_next_key(struct bpf_ma_map *map, u32 *key, u32 key__sz)
{
	if (unlikely(key__sz != sizeof(*key)))
		return -EINVAL;
	return bpf_ma_next_key(map, key);
}

/**
 * bpf_ma_map_lookup_sleepable() - find a key, without RCU
 * @id: ID of the map
 * @key: key
 *
 * The lookup itself runs under RCU, the result is protected by nothing but
 * the program's RCU tasks trace section: what it may turn into meanwhile is
 * the promise of the map's flavor.
 *
 * Return: the element, or NULL when there is no such map or key.
 */
__bpf_kfunc struct bpf_ma_elem *bpf_ma_map_lookup_sleepable(u32 id, u32 key)
{
	struct bpf_ma_elem *e = NULL;
	struct bpf_ma_map *map;

	rcu_read_lock();
	map = bpf_ma_get(id);
	if (map)
		e = bpf_ma_lookup(map, key);
	rcu_read_unlock();
	return e;
}

/**
 * bpf_ma_msleep() - sleep within a sleepable program, for tests
 * @ms: milliseconds, 1 to 10000
 *
 * Return: 0, -EINVAL for another time, -EINTR when a signal cut it short.
 */
__bpf_kfunc int bpf_ma_msleep(u32 ms)
{
	if (ms < 1 || ms > 10000)
		return -EINVAL;
	return msleep_interruptible(ms) ? -EINTR : 0;
}

__bpf_kfunc_end_defs();

#ifndef BPF_MA_HAVE_KF_RCU_PROTECTED
#define KF_RCU_PROTECTED 0
#endif

BTF_KFUNCS_START(bpf_ma_kfunc_ids)
BTF_ID_FLAGS(func, bpf_ma_map_get, KF_RET_NULL | KF_RCU_PROTECTED)
BTF_ID_FLAGS(func, bpf_ma_map_lookup, KF_RET_NULL | KF_RCU_PROTECTED)
BTF_ID_FLAGS(func, bpf_ma_map_update)
BTF_ID_FLAGS(func, bpf_ma_map_delete)
BTF_ID_FLAGS(func, bpf_ma_map_first_key)
BTF_ID_FLAGS(func, bpf_ma_map_next_key)
BTF_ID_FLAGS(func, bpf_ma_map_lookup_sleepable, KF_SLEEPABLE | KF_RET_NULL)
BTF_ID_FLAGS(func, bpf_ma_msleep, KF_SLEEPABLE)
BTF_KFUNCS_END(bpf_ma_kfunc_ids)

static const struct btf_kfunc_id_set bpf_ma_kfunc_set = {
	.owner	= THIS_MODULE,
	.set	= &bpf_ma_kfunc_ids,
};

#ifdef BPF_MA_HAVE_KF_RCU_PROTECTED
#define bpf_ma_syscall_kfunc_set bpf_ma_kfunc_set
#else
/*
 * Where programs cannot take RCU's lock and the verifier cannot ask for it, a
 * program that is always sleepable does without bpf_ma_map_lookup().
 */
BTF_KFUNCS_START(bpf_ma_syscall_kfunc_ids)
BTF_ID_FLAGS(func, bpf_ma_map_get, KF_RET_NULL)
BTF_ID_FLAGS(func, bpf_ma_map_update)
BTF_ID_FLAGS(func, bpf_ma_map_delete)
BTF_ID_FLAGS(func, bpf_ma_map_first_key)
BTF_ID_FLAGS(func, bpf_ma_map_next_key)
BTF_ID_FLAGS(func, bpf_ma_map_lookup_sleepable, KF_SLEEPABLE | KF_RET_NULL)
BTF_ID_FLAGS(func, bpf_ma_msleep, KF_SLEEPABLE)
BTF_KFUNCS_END(bpf_ma_syscall_kfunc_ids)

static const struct btf_kfunc_id_set bpf_ma_syscall_kfunc_set = {
	.owner	= THIS_MODULE,
	.set	= &bpf_ma_syscall_kfunc_ids,
};
#endif

/**
 * bpf_ma_kfuncs_init() - offer the kfuncs to BPF programs
 *
 * From 6.12 on, tracepoint and perf_event programs find the kfuncs that are
 * registered for tracing programs.  There is nothing to undo: the kernel
 * drops the registration along with the module's BTF.
 *
 * Return: 0 or a negative error.
 */
int bpf_ma_kfuncs_init(void)
{
	int err;

	err = register_btf_kfunc_id_set(BPF_PROG_TYPE_TRACING, &bpf_ma_kfunc_set);
	if (err)
		return err;
	return register_btf_kfunc_id_set(BPF_PROG_TYPE_SYSCALL, &bpf_ma_syscall_kfunc_set);
}
