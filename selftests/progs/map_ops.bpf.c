// SPDX-License-Identifier: GPL-2.0-only
/*
 * One program per operation of the map; user space runs them.
 */
#include "bpf_ma.bpf.h"
#include "map_ops.h"

/* Per CPU, as far as a test has CPUs: two runs must not share a buffer. */
static __u64 values[64][MAP_OP_VALUE_MAX / 8];

static long update_one(__u32 i, struct map_op *op)
{
	__u64 *value = values[bpf_get_smp_processor_id() & 63];
	struct bpf_ma_map *map = bpf_ma_map_get(op->id);
	__u32 size = op->value_size;
	int err = NO_MAP;

	if (size > MAP_OP_VALUE_MAX)
		return 1;
	value[0] = op->value + i;
	if (map)
		err = bpf_ma_map_update(map, op->key + i, value, size, op->flags);
	if (err) {
		op->err = err;
		op->errors++;
	}
	return 0;
}

static long delete_one(__u32 i, struct map_op *op)
{
	struct bpf_ma_map *map = bpf_ma_map_get(op->id);
	int err = map ? bpf_ma_map_delete(map, op->key + i) : NO_MAP;

	if (err) {
		op->err = err;
		op->errors++;
	}
	return 0;
}

/* A copy on the stack: what a callback may write to. */
static __always_inline int run_for_keys(struct map_op *ctx, void *fn)
{
	struct map_op op = *ctx;

	op.errors = 0;
	op.err = 0;
	rcu_lock();
	bpf_loop(op.count, fn, &op, 0);
	rcu_unlock();
	ctx->count = op.count - op.errors;
	ctx->errors = op.errors;
	ctx->err = op.err;
	return 0;
}

SEC("syscall")
int update(struct map_op *ctx)
{
	return run_for_keys(ctx, update_one);
}

SEC("syscall")
int delete(struct map_op *ctx)
{
	return run_for_keys(ctx, delete_one);
}

SEC("syscall")
int lookup(struct map_op *ctx)
{
	struct bpf_ma_elem *e = NULL;
	struct bpf_ma_map *map;
	int err = NO_MAP;

	rcu_lock();
	map = bpf_ma_map_get(ctx->id);
	if (map) {
		err = -2 /* ENOENT */;
		e = has_rcu_lock ? bpf_ma_map_lookup(map, ctx->key) :
				   bpf_ma_map_lookup_sleepable(ctx->id, ctx->key);
		if (e) {
			err = 0;
			ctx->key = e->key;
			ctx->value = e->value[0];
		}
	}
	rcu_unlock();
	ctx->err = err;
	return 0;
}

/* flags: 0 the first key, 1 the one after ctx->key */
SEC("syscall")
int iterate(struct map_op *ctx)
{
	struct bpf_ma_map *map;
	__u32 key = ctx->key;
	int err = NO_MAP;

	rcu_lock();
	map = bpf_ma_map_get(ctx->id);
	if (map && ctx->flags)
		err = bpf_ma_map_next_key(map, &key, sizeof(key));
	else if (map)
		err = bpf_ma_map_first_key(map, &key, sizeof(key));
	rcu_unlock();
	ctx->key = key;
	ctx->err = err;
	return 0;
}

/* Each of the two with a wrong size of the key. */
SEC("syscall")
int iterate_wrongly(struct map_op *ctx)
{
	__u32 key[2] = { ctx->key };
	struct bpf_ma_map *map;
	int err = NO_MAP;

	rcu_lock();
	map = bpf_ma_map_get(ctx->id);
	if (map && ctx->flags)
		err = bpf_ma_map_next_key(map, key, sizeof(key));
	else if (map)
		err = bpf_ma_map_first_key(map, key, sizeof(key));
	rcu_unlock();
	ctx->err = err;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
