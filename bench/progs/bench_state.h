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
#define BENCH_MAX_ENTRIES	(BENCH_OPS_PER_LOOP * BENCH_MAX_PRODUCERS)

/*
 * getpgid(2)'s argument: the mark in the top byte lies above any possible
 * process id, so a call that carries it comes from a producer. Below it: the
 * delete flag, which key set to work on and which producer is calling.
 */
#define BENCH_ARG_MARK		0x5a000000
#define BENCH_ARG_MARK_MASK	0xff000000
#define BENCH_ARG_DELETE	0x00010000
#define BENCH_ARG_KEYS_SHIFT	8
#define BENCH_ARG_INDEX_MASK	(BENCH_MAX_PRODUCERS - 1)

/* Written by one producer's CPU only, so plain increments are enough. */
struct bench_producer {
	__u64 loops;
	__u64 errors;
	__s64 first_error;
} __attribute__((aligned(128)));

struct bench_state {
	__u32 map_id;		/* set by the runner before it attaches */
	__u32 value_size;
	struct bench_producer producers[BENCH_MAX_PRODUCERS];
	__u8 value[BENCH_MAX_VALUE_SIZE] __attribute__((aligned(128)));
};

#endif /* BENCH_STATE_H */
