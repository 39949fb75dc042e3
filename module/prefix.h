/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Gives the allocator's public names a prefix of the module's own.
 *
 * Force-included before every source file of the module, so that memalloc.c
 * and its callers keep the kernel's names in the source and still live beside
 * the kernel's own allocator: neither the linker, nor a stack trace, nor BTF
 * can take one for the other.
 *
 * The kernel's header comes first, before the names change: what it declares
 * stays the kernel's, and its include guard keeps it from being read again
 * under the names below.
 *
 * Every public function and enumerator, and every struct or enum tag, of
 * bpf_mem_alloc.h has a line here.  A struct and a function of one name share it.
 * A kernel that has the allocator too has read the header under its own names.
 */
#ifndef _BPF_MA_PREFIX_H
#define _BPF_MA_PREFIX_H

/* Of the module's log lines; the headers' own default must not come first. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#ifdef __has_include	/* sparse has not */
#if !__has_include("linux/bpf_mem_alloc.h")
#error "bpf_ma: Linux 6.1 or newer is needed (this one has no allocator for BPF)"
#endif
#endif
#include <linux/bpf_mem_alloc.h>

#undef _BPF_MEM_ALLOC_FLAVORED_H

/* struct, union and enum tags */
#define bpf_mem_alloc			bpf_ma_mem_alloc
#define bpf_mem_cache			bpf_ma_mem_cache
#define bpf_mem_caches			bpf_ma_mem_caches
#define bpf_mem_alloc_flags		bpf_ma_mem_alloc_flags
#define bpf_mem_alloc_stats		bpf_ma_mem_alloc_stats
#define bpf_mem_alloc_totals		bpf_ma_mem_alloc_totals

/* flags */
#define BPF_MA_PERCPU			BPF_MA_MODULE_PERCPU
#define BPF_MA_REUSE_AFTER_RCU_GP	BPF_MA_MODULE_REUSE_AFTER_RCU_GP
#define BPF_MA_FREE_AFTER_RCU_GP	BPF_MA_MODULE_FREE_AFTER_RCU_GP

/* life cycle of an allocator */
#define bpf_mem_alloc_init		bpf_ma_mem_alloc_init
#define bpf_mem_alloc_percpu_init	bpf_ma_mem_alloc_percpu_init
#define bpf_mem_alloc_percpu_unit_init	bpf_ma_mem_alloc_percpu_unit_init
#define bpf_mem_alloc_destroy		bpf_ma_mem_alloc_destroy
#define bpf_mem_alloc_set_dtor		bpf_ma_mem_alloc_set_dtor
#define bpf_mem_alloc_check_size	bpf_ma_mem_alloc_check_size
#define bpf_mem_alloc_exit		bpf_ma_mem_alloc_exit

/* objects */
#define bpf_mem_free			bpf_ma_mem_free
#define bpf_mem_free_rcu		bpf_ma_mem_free_rcu
#define bpf_mem_cache_alloc		bpf_ma_mem_cache_alloc
#define bpf_mem_cache_alloc_flags	bpf_ma_mem_cache_alloc_flags
#define bpf_mem_cache_free		bpf_ma_mem_cache_free
#define bpf_mem_cache_free_rcu		bpf_ma_mem_cache_free_rcu
#define bpf_mem_cache_raw_free		bpf_ma_mem_cache_raw_free

/* statistics */
#define bpf_mem_alloc_read_stats	bpf_ma_mem_alloc_read_stats
#define bpf_mem_alloc_for_each		bpf_ma_mem_alloc_for_each
#define bpf_mem_alloc_read_totals	bpf_ma_mem_alloc_read_totals

#endif /* _BPF_MA_PREFIX_H */
