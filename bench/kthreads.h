/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counting the kernel's own threads.
 */
#ifndef BENCH_KTHREADS_H
#define BENCH_KTHREADS_H

/* An exact count: walks /proc, milliseconds of work. Or -errno. */
int kthreads_count(void);

/*
 * A watch for the highest count that is cheap enough for every sample: /proc is
 * walked only when the total number of threads has grown.
 */
struct kthreads_watch {
	int peak;
	int total;
};

int kthreads_watch_start(struct kthreads_watch *watch);
void kthreads_watch_sample(struct kthreads_watch *watch);

#endif /* BENCH_KTHREADS_H */
