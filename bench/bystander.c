// SPDX-License-Identifier: GPL-2.0-only
/*
 * The bystander: a thread that sleeps and wakes on a CPU of its own.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bystander.h"
#include "util.h"

#define SLEEP_NS 1000000L

struct bystander {
	pthread_t thread;
	atomic_bool stop;
	unsigned int count;
	unsigned int max;
	double late_us[];
};

static void *bystander_main(void *arg)
{
	struct bystander *self = arg;
	unsigned long long when;

	while (!atomic_load(&self->stop) && self->count < self->max) {
		when = now_ns() + SLEEP_NS;
		sleep_until(when);
		self->late_us[self->count++] = ((double)now_ns() - when) / 1e3;
	}
	return NULL;
}

struct bystander *bystander_start(unsigned int cpu, double secs)
{
	unsigned int max = secs * NS_PER_SEC / SLEEP_NS;
	struct bystander *self;
	int err;

	self = calloc(1, sizeof(*self) + max * sizeof(self->late_us[0]));
	if (!self) {
		fprintf(stderr, "no memory for the bystander\n");
		return NULL;
	}
	self->max = max;
	err = thread_start_on(cpu, &self->thread, bystander_main, self);
	if (err) {
		fprintf(stderr, "cannot start the bystander on CPU %u: %s\n", cpu,
			strerror(err));
		free(self);
		return NULL;
	}
	return self;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double bystander_stop(struct bystander *self)
{
	double late;

	atomic_store(&self->stop, true);
	pthread_join(self->thread, NULL);
	qsort(self->late_us, self->count, sizeof(self->late_us[0]), compare);
	late = self->count ? self->late_us[(self->count * 99 - 1) / 100] : 0;
	free(self);
	return late;
}
