/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What map_ops.bpf.c and its callers share: the context of its programs.
 */
#ifndef MAP_OPS_H
#define MAP_OPS_H

#include <linux/types.h>

#define MAP_OP_VALUE_MAX	2048

/* Of one operation, or of one per key from @key on. */
struct map_op {
	__u32 id;
	__u32 key;
	__u32 count;		/* of keys; in: how many, out: how many went well */
	__u32 value_size;
	__u64 value;		/* first word of the value; keys count up from it */
	__u64 flags;
	__s32 err;		/* of the last operation that failed, else 0 */
	__u32 errors;
};

#endif /* MAP_OPS_H */
