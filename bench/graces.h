/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Grace periods that nobody needs: a thread that waits for so many expedited ones a
 * second. What they cost by themselves, any allocator pays that waits for as many.
 */
#ifndef BENCH_GRACES_H
#define BENCH_GRACES_H

#define BENCH_MAX_GRACES	2000	/* a second */

struct graces;

/* NULL after printing what went wrong. */
struct graces *graces_start(unsigned int per_sec);

/* What it came to: grace periods a second, and how long one took. */
struct graces_seen {
	double per_sec;
	double mean_ms;
	double max_ms;
};

/* Stops it. */
struct graces_seen graces_stop(struct graces *graces);

#endif /* BENCH_GRACES_H */
