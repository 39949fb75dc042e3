/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's own threads: how many there are and which ones are new.
 */
#ifndef BENCH_KTHREADS_H
#define BENCH_KTHREADS_H

#include <stddef.h>

struct kthread {
	int pid;
	char name[64];
};

struct kthreads {
	struct kthread *thread;
	int count;
};

/* Walks /proc, milliseconds of work. 0 or -errno; freed by kthreads_free(). */
int kthreads_read(struct kthreads *threads);
void kthreads_free(struct kthreads *threads);

/*
 * Names of the threads of one list that are not in the other, separated by
 * blanks; as many as fit.
 */
void kthreads_new(const struct kthreads *after, const struct kthreads *before,
		  char *names, size_t size);

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
