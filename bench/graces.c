// SPDX-License-Identifier: GPL-2.0-only
/*
 * Grace periods that nobody needs: a thread that waits for so many expedited ones a
 * second, by a system call that does nothing else.
 */
#define _GNU_SOURCE
#include <linux/membarrier.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "graces.h"
#include "util.h"

/* While that is 1, whoever waits for a grace period has it expedited. */
#define EXPEDITED "/sys/kernel/rcu_expedited"
/* Unless that is, which goes before. */
#define NORMAL "/sys/kernel/rcu_normal"

struct graces {
	pthread_t thread;
	atomic_bool stop;
	unsigned long long period_ns;
	/* Of those that are over; the thread's own until it is stopped. */
	unsigned int count;
	unsigned long long sum_ns, max_ns;
	double began;
	char was[16];		/* in EXPEDITED */
};

static int membarrier(int command)
{
	return syscall(SYS_membarrier, command, 0, 0);
}

/* A time that has passed is not made up for. */
static void *graces_main(void *arg)
{
	struct graces *self = arg;
	unsigned long long begin = now_ns(), from, took;

	/* As urgent as the worker of the allocator that waits for them. */
	if (setpriority(PRIO_PROCESS, gettid(), -20))
		perror("cannot run the grace periods' thread with nice -20");
	while (!atomic_load(&self->stop)) {
		sleep_until(begin + ((now_ns() - begin) / self->period_ns + 1) * self->period_ns);
		from = now_ns();
		if (membarrier(MEMBARRIER_CMD_GLOBAL)) {
			perror("no more grace periods from membarrier()");
			break;
		}
		took = now_ns() - from;
		self->count++;
		self->sum_ns += took;
		if (took > self->max_ns)
			self->max_ns = took;
	}
	return NULL;
}

static bool can_wait(void)
{
	int commands = membarrier(MEMBARRIER_CMD_QUERY);
	char normal[16];

	if (commands < 0 || !(commands & MEMBARRIER_CMD_GLOBAL)) {
		fprintf(stderr, "this kernel has no membarrier() that waits for a grace period\n");
		return false;
	}
	if (read_file(NORMAL, normal, sizeof(normal)))
		return false;
	if (*normal != '0') {
		fprintf(stderr, "%s is set: no grace period would be expedited\n", NORMAL);
		return false;
	}
	return true;
}

struct graces *graces_start(unsigned int per_sec)
{
	struct graces *self;
	int err;

	if (!can_wait())
		return NULL;
	self = calloc(1, sizeof(*self));
	if (!self) {
		fprintf(stderr, "no memory for the grace periods' thread\n");
		return NULL;
	}
	self->period_ns = NS_PER_SEC / per_sec;
	self->began = now_secs();
	if (read_file(EXPEDITED, self->was, sizeof(self->was)) || write_file(EXPEDITED, "1"))
		goto free;
	err = pthread_create(&self->thread, NULL, graces_main, self);
	if (!err)
		return self;
	fprintf(stderr, "cannot start the grace periods' thread: %s\n", strerror(err));
	write_file(EXPEDITED, self->was);
free:
	free(self);
	return NULL;
}

struct graces_seen graces_stop(struct graces *self)
{
	double secs = now_secs() - self->began;
	struct graces_seen seen = {};

	atomic_store(&self->stop, true);
	pthread_join(self->thread, NULL);
	write_file(EXPEDITED, self->was);
	if (self->count) {
		seen.per_sec = self->count / secs;
		seen.mean_ms = self->sum_ns / 1e6 / self->count;
		seen.max_ms = self->max_ns / 1e6;
	}
	free(self);
	return seen;
}
