/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Included in front of memalloc.c: slab and the per-CPU allocator fail when a
 * test wants them to, on every kernel.
 */
#ifndef _BPF_MA_TEST_FAULTS_H
#define _BPF_MA_TEST_FAULTS_H

#include <linux/percpu.h>
#include <linux/slab.h>

/* stress.c; any context */
bool ma_slab_fails(void);

static inline void *ma_kmalloc_node(size_t size, gfp_t gfp, int node)
{
	return ma_slab_fails() ? NULL : kmalloc_node(size, gfp, node);
}

static inline void __percpu *ma_alloc_percpu_gfp(size_t size, size_t align, gfp_t gfp)
{
	return ma_slab_fails() ? NULL : __alloc_percpu_gfp(size, align, gfp);
}

#undef kmalloc_node
#define kmalloc_node		ma_kmalloc_node
#undef __alloc_percpu_gfp
#define __alloc_percpu_gfp	ma_alloc_percpu_gfp

#endif /* _BPF_MA_TEST_FAULTS_H */
