// SPDX-License-Identifier: GPL-2.0-only
/*
 * The producers: threads pinned to one CPU each, whose system calls run the
 * attached BPF program.
 *
 * Their loops do nothing but that call: the program itself counts its runs.
 * Paired producers sleep while it is the other's turn, because two that spin
 * starve each other where the virtual CPUs share a real one.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "producers.h"
#include "progs/bench_state.h"
#include "util.h"

struct producer {
	pthread_t thread;
	struct producers *all;
	unsigned int index;
	sem_t turn;
} __attribute__((aligned(128)));

struct producers {
	atomic_bool stop;
	unsigned int count;
	enum pattern pattern;
	unsigned int calls;	/* that it takes to come by all keys */
	struct producer producer[] __attribute__((aligned(128)));
};

static int call_argument(unsigned int index, unsigned int keys)
{
	return BENCH_ARG_MARK | keys << BENCH_ARG_KEYS_SHIFT | index;
}

static bool stopping(const struct producers *all)
{
	return atomic_load_explicit(&all->stop, memory_order_relaxed);
}

static void same_call(struct producer *self)
{
	int arg = call_argument(self->index, self->index);

	while (!stopping(self->all))
		getpgid(arg);
}

static void add_then_delete(struct producer *self)
{
	int arg = call_argument(self->index, self->index);

	while (!stopping(self->all)) {
		for (unsigned int i = 0; i < self->all->calls; i++)
			getpgid(arg);
		for (unsigned int i = 0; i < self->all->calls; i++)
			getpgid(arg | BENCH_ARG_DELETE);
	}
}

static void pairs(struct producer *self)
{
	struct producer *peer = &self->all->producer[self->index ^ 1];
	int arg = call_argument(self->index, self->index / 2);

	if (self->index & 1)
		arg |= BENCH_ARG_DELETE;
	for (;;) {
		while (sem_wait(&self->turn) && errno == EINTR)
			;
		if (stopping(self->all))
			break;
		for (unsigned int i = 0; i < self->all->calls; i++)
			getpgid(arg);
		sem_post(&peer->turn);
	}
	sem_post(&peer->turn);
}

static void *producer_main(void *arg)
{
	struct producer *self = arg;

	switch (self->all->pattern) {
	case SAME_CALL:
		same_call(self);
		break;
	case ADD_THEN_DELETE:
		add_then_delete(self);
		break;
	case PAIRS:
		pairs(self);
		break;
	}
	return NULL;
}

static int start_one(struct producer *producer)
{
	int err = thread_start_on(producer->index, &producer->thread, producer_main,
				  producer);

	if (err)
		fprintf(stderr, "cannot start a producer on CPU %u: %s\n",
			producer->index, strerror(err));
	return err;
}

struct producers *producers_start(unsigned int count, enum pattern pattern,
				  unsigned int keys)
{
	struct producers *all;
	size_t size = sizeof(*all) + count * sizeof(all->producer[0]);

	all = aligned_alloc(128, (size + 127) & ~127UL);
	if (!all) {
		fprintf(stderr, "no memory for %u producers\n", count);
		return NULL;
	}
	memset(all, 0, size);
	all->pattern = pattern;
	all->calls = keys / BENCH_OPS_PER_LOOP;
	for (unsigned int i = 0; i < count; i++) {
		all->producer[i].all = all;
		all->producer[i].index = i;
		/* of each pair, the one that adds begins */
		sem_init(&all->producer[i].turn, 0, !(i & 1));
	}
	while (all->count < count) {
		if (start_one(&all->producer[all->count])) {
			producers_stop(all);
			return NULL;
		}
		all->count++;
	}
	return all;
}

void producers_stop(struct producers *all)
{
	atomic_store(&all->stop, true);
	for (unsigned int i = 0; i < all->count; i++)
		sem_post(&all->producer[i].turn);
	for (unsigned int i = 0; i < all->count; i++)
		pthread_join(all->producer[i].thread, NULL);
	for (unsigned int i = 0; i < all->count; i++)
		sem_destroy(&all->producer[i].turn);
	free(all);
}
