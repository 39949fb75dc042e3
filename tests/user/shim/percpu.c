// SPDX-License-Identifier: GPL-2.0-only
/* The per-CPU allocator of the shim: a block of slab for all CPUs. */
#include "../shim.h"
#include "fail.h"

void *__alloc_percpu_gfp(size_t size, size_t align, gfp_t gfp)
{
	size_t stride = (size + 63) / 64 * 64;
	struct percpu_block *block;

	if (align > 64 || size > PCPU_MIN_UNIT_SIZE)
		shim_fail("percpu: %zu bytes aligned to %zu are more than there can be",
			  size, align);
	block = kmalloc_node(PERCPU_HEADER + shim_nr_cpus * stride, gfp | __GFP_ZERO,
			     NUMA_NO_NODE);
	if (!block)
		return NULL;
	block->stride = stride;
	block->size = size;
	return (char *)block + PERCPU_HEADER;
}

void *__alloc_percpu(size_t size, size_t align)
{
	return __alloc_percpu_gfp(size, align, GFP_KERNEL);
}

void free_percpu(void *ptr)
{
	if (ptr)
		kfree((char *)ptr - PERCPU_HEADER);
}
