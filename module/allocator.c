// SPDX-License-Identifier: GPL-2.0-only
/*
 * memalloc.c out of a kernel tree: what it needs and cannot reach comes first,
 * what only a module has to do comes after it.
 */
#include "compat.h"
#include "bpf_mem_alloc.h"
#include "allocator.h"

/*
 * An emulator remembers where calls and returns lead in a table, in which two places
 * of one page may have the same entry: then each costs a search, and an allocation
 * or a free a tenth more.  Whether they have is up to the linker, so that flavors
 * differed by that much in one build and not in the next.  On pages of their own they
 * have not.
 */
#define own_page __aligned(4096)

void *bpf_mem_cache_alloc(struct bpf_mem_alloc *ma) own_page;
void bpf_mem_cache_free(struct bpf_mem_alloc *ma, void *ptr) own_page;
void bpf_mem_cache_free_rcu(struct bpf_mem_alloc *ma, void *ptr) own_page;

/* Another file when tests/user is told so. */
#ifndef BPF_MA_SOURCE
#define BPF_MA_SOURCE "../memalloc.c"
#endif
#include BPF_MA_SOURCE

/**
 * bpf_mem_alloc_exit - wait until every destroyed allocator is gone
 *
 * For the exit of the module that this is a part of, after its users have
 * destroyed their allocators.  Gives up on objects that never came back, loudly.
 *
 * Context: Process, may sleep.
 */
void bpf_mem_alloc_exit(void)
{
	unsigned long deadline = jiffies + 10 * HZ;
	struct bpf_mem_alloc_totals t;

	do {
		msleep(20);
		bpf_mem_alloc_read_totals(&t);
	} while (t.allocators && time_before(jiffies, deadline));

	WARN(t.allocators, "bpf_ma: %llu allocators never got %llu objects back\n",
	     t.allocators, t.slab_taken - t.slab_returned);
	/* The workers have announced their end, not reached it.  The tracer wakes the keeper. */
	cancel_work_sync(&tracer.work);
	cancel_delayed_work_sync(&keeper.work);
	cancel_work_sync(&engine.work);
}
