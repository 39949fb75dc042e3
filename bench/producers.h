/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The producers: threads pinned to one CPU each, whose system calls run the
 * attached BPF program.
 */
#ifndef BENCH_PRODUCERS_H
#define BENCH_PRODUCERS_H

/* How a case makes its calls. Each call is one loop of 64 map operations. */
enum pattern {
	SAME_CALL,	/* the same call again and again */
	ADD_THEN_DELETE,	/* calls that add all keys, calls that delete them */
	PAIRS,		/* producer 2n adds all keys, 2n + 1 deletes them, in turns */
};

struct producers;

/*
 * Starts them on CPUs 0 to count - 1, each with @keys keys of its own, or of its
 * pair. NULL after printing what went wrong.
 */
struct producers *producers_start(unsigned int count, enum pattern pattern,
				  unsigned int keys);

/* Stops them and frees everything. */
void producers_stop(struct producers *producers);

#endif /* BENCH_PRODUCERS_H */
