/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The floor: no allocator but a ring of objects for each thread, which takes the
 * oldest and puts what it frees behind the youngest.
 */
#ifndef _NATIVE_RING_H
#define _NATIVE_RING_H

#include "shim.h"

/* Since the start, over all rings. */
struct ring_totals {
	u64 taken;		/* from slab */
	u64 returned;
};

extern struct ring_totals ring_totals;

/* A ring for each CPU, of so many objects of so many bytes. */
void rings_create(unsigned int objects, unsigned int size);
void rings_destroy(void);

/* From here on the thread's ring is that of @cpu. */
void ring_enter(int cpu);
/* Its oldest object, or NULL. */
void *ring_alloc(void);
void ring_free(void *obj);

/* Of one that is in no ring: back to slab, on any thread. */
void ring_give_back(void *obj);

#endif
