/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A slab that counts, poisons what was freed, and fails when asked to.
 */
#ifndef _SHIM_SLAB_H
#define _SHIM_SLAB_H

#include "types.h"

#define GFP_NOWAIT		0x01u
#define GFP_KERNEL		0x02u
#define __GFP_ZERO		0x04u
#define __GFP_NOWARN		0x08u
#define __GFP_ACCOUNT		0x10u

#define NUMA_NO_NODE		(-1)
#define KMALLOC_MAX_SIZE	(4UL << 20)
#define PCPU_MIN_UNIT_SIZE	(32UL << 10)

void *kmalloc_node(size_t size, gfp_t gfp, int node);
void *kzalloc(size_t size, gfp_t gfp);
void kfree(const void *ptr);
void *__alloc_percpu(size_t size, size_t align);
void *__alloc_percpu_gfp(size_t size, size_t align, gfp_t gfp);
void free_percpu(void *ptr);

/* ---- for the tests ---- */

struct mem_cgroup;

/* In front of every allocation. @owner is for whoever watches over objects. */
struct slab_meta {
	u32 magic;
	gfp_t gfp;
	size_t size;
	int node;
	struct mem_cgroup *memcg;
	unsigned long owner[6];
} __attribute__((aligned(64)));

struct slab_meta *slab_meta(const void *ptr);

struct slab_state {
	long live;		/* allocations of all kinds that are out */
	long calls;		/* allocations asked for, failed ones included */
	long failed;		/* allocations failed on purpose */
	long fail_from;		/* the first and last call that fails; 0 is none */
	long fail_to;
};

extern struct slab_state slab;

/* The engine may stop watching for the while. */
void shim_slab_enter(void);
void shim_slab_leave(void);
/* The engine's say: is an allocation like this allowed here? May it fail? */
void shim_check_alloc(gfp_t gfp);
bool shim_alloc_fails(void);
/* Called before @ptr is poisoned. */
void shim_check_kfree(struct slab_meta *meta, const void *ptr);

/* Ends the quarantine, so that nothing but what is lost is left. */
void slab_flush(void);

#endif
