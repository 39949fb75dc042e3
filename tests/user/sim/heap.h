/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Allocators under watch: every object that is handed out, freed or given to
 * slab is checked against what its flavor promises.
 */
#ifndef _SIM_HEAP_H
#define _SIM_HEAP_H

#include "sched.h"
#include "bpf_mem_alloc.h"
#include "allocator.h"

struct heap {
	struct bpf_mem_alloc ma;
	unsigned int flags;
	int size;		/* 0: size classes */
	long live;		/* objects handed out and not freed */
	long refused;		/* allocations that got nothing */
	long reused;		/* objects handed out that had been before */
};

int heap_init(struct heap *heap, int size, unsigned int flags);
/* @size matters with size classes only. */
void *heap_alloc(struct heap *heap, size_t size);
void *heap_alloc_flags(struct heap *heap, gfp_t gfp);
void heap_free(struct heap *heap, void *ptr);
void heap_free_rcu(struct heap *heap, void *ptr);
void heap_raw_free(struct heap *heap, void *ptr);
void heap_destroy(struct heap *heap);

struct bpf_mem_alloc_stats heap_stats(struct heap *heap);
struct bpf_mem_alloc_totals heap_totals(void);
/* Objects that an allocator at rest may keep for @cpus CPUs. */
u64 heap_rest(const struct heap *heap, int cpus);
/* What is out of slab and no object, if there is no other allocator. */
long heap_overhead(struct heap *heap);

/* Time goes on: until nothing is left to do, and longer. */
void heap_idle(void);
void heap_check_at_rest(struct heap *heap);
/* After everything was destroyed: nothing is left, in bounded time. */
void heap_check_all_gone(void);

void heap_check_kfree(struct slab_meta *meta, const void *ptr);

#endif
