/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the BPF programs and the runner share: the layout of the programs'
 * .bss map and the meaning of the system call's argument.
 */
#ifndef BENCH_STATE_H
#define BENCH_STATE_H

#include <linux/types.h>

#define BENCH_OPS_PER_LOOP	64
#define BENCH_MAX_PRODUCERS	128
#define BENCH_MAX_VALUE_SIZE	2048
#define BENCH_MAX_KEYS		65536	/* of one producer */
#define BENCH_MAX_MAPS		64
#define BENCH_MIN_ENTRIES	8192

/*
 * getpgid(2)'s argument: the mark in the top byte lies above any possible
 * process id, so a call that carries it comes from a producer. Below it: the
 * delete flag, which set of keys to work on and which producer is calling.
 */
#define BENCH_ARG_MARK		0x5a000000
#define BENCH_ARG_MARK_MASK	0xff000000
#define BENCH_ARG_DELETE	0x00010000
#define BENCH_ARG_KEYS_SHIFT	8
#define BENCH_ARG_INDEX_MASK	(BENCH_MAX_PRODUCERS - 1)

/* Written by one producer's CPU only, so plain increments are enough. */
struct bench_producer {
	__u64 loops;
	__u32 position;		/* of the next loop in the set of keys */
	__u32 passes;		/* times that it came to the end of the set */
	__u64 errors;
	__s64 first_error;
} __attribute__((aligned(128)));

struct bench_state {
	/* set by the runner before it attaches */
	__u32 map_id;		/* of the first of the maps */
	__u32 maps;
	__u32 value_size;
	__u32 keys;		/* in a set: a multiple of BENCH_OPS_PER_LOOP */
	struct bench_producer producers[BENCH_MAX_PRODUCERS];
	__u8 value[BENCH_MAX_VALUE_SIZE] __attribute__((aligned(128)));
};

#endif /* BENCH_STATE_H */
