// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rings of objects.  An object lies where the allocator has its own, behind the
 * header that it needs, so that both have the same cache lines.
 */
#include <stdlib.h>

#include "threads.h"
#include "ring.h"

#define HEADER	sizeof(struct llist_node)

static struct ring {
	void **slots;
	unsigned int mask;	/* of an index that goes on for ever */
	unsigned int oldest;
	unsigned int end;
} ____cacheline_aligned rings[SHIM_CPUS_MAX];

static __thread struct ring *mine;

struct ring_totals ring_totals;

void ring_enter(int cpu)
{
	mine = &rings[cpu];
}

void *ring_alloc(void)
{
	struct ring *ring = mine;

	if (ring->oldest == ring->end)
		return NULL;
	return ring->slots[ring->oldest++ & ring->mask];
}

/* There is room for every object that the ring began with. */
void ring_free(void *obj)
{
	struct ring *ring = mine;

	ring->slots[ring->end++ & ring->mask] = obj;
}

void ring_give_back(void *obj)
{
	if (!obj)
		return;
	kfree(obj - HEADER);
	ring_totals.returned++;
}

static void ring_fill(struct ring *ring, unsigned int objects, unsigned int size)
{
	unsigned int nr = 1;
	void *obj;

	while (nr < objects)
		nr *= 2;
	ring->mask = nr - 1;
	ring->oldest = 0;
	ring->slots = calloc(nr, sizeof(*ring->slots));
	if (!ring->slots)
		shim_fail("no memory for a ring of %u objects", objects);
	for (ring->end = 0; ring->end < objects; ring->end++) {
		obj = kmalloc_node(HEADER + size, GFP_KERNEL | __GFP_ZERO, NUMA_NO_NODE);
		ring->slots[ring->end] = obj + HEADER;
	}
	ring_totals.taken += objects;
}

void rings_create(unsigned int objects, unsigned int size)
{
	int cpu;

	for_each_possible_cpu(cpu)
		ring_fill(&rings[cpu], objects, size);
}

void rings_destroy(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		mine = &rings[cpu];
		while (mine->oldest != mine->end)
			ring_give_back(ring_alloc());
		free(mine->slots);
		mine->slots = NULL;
	}
	mine = NULL;
}
