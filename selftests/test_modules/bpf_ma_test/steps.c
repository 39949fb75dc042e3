// SPDX-License-Identifier: GPL-2.0-only
/*
 * Single steps on one allocator, for tests that user space drives because they
 * need a memory cgroup:
 *
 *   create SIZE FLAGS  in the cgroup of the writer
 *   alloc N            at most N objects, which are kept; says how many
 *   alloc_gfp GFP      one object from an empty cache with GFP_KERNEL (1) or
 *                      GFP_NOWAIT (0); says whether there was one
 *   failures           says how many slab allocations failed
 *   free               all objects kept
 *   destroy            the allocator
 *   home               waits until nothing is missing
 */
#include <linux/errno.h>
#include <linux/mm.h>
#include <linux/string.h>

#include "test.h"

#define KEPT_MAX	16384

static struct bpf_mem_alloc ma;
static void *kept[KEPT_MAX];
static unsigned int nr_kept;

static void keep(void *obj)
{
	if (obj)
		kept[nr_kept++] = obj;
}

static unsigned int step_alloc(unsigned int n)
{
	unsigned int before = nr_kept;

	while (n-- && nr_kept < KEPT_MAX) {
		unsigned int had = nr_kept;

		keep(bpf_mem_cache_alloc(&ma));
		if (nr_kept == had)
			break;
	}
	return nr_kept - before;
}

static unsigned int step_alloc_gfp(bool may_sleep)
{
	unsigned int had = nr_kept;

	if (nr_kept < KEPT_MAX)
		keep(bpf_mem_cache_alloc_flags(&ma, may_sleep ? GFP_KERNEL : GFP_NOWAIT));
	return nr_kept - had;
}

static void step_free(void)
{
	while (nr_kept)
		bpf_mem_cache_free(&ma, kept[--nr_kept]);
}

void ma_steps_exit(void)
{
	if (ma.pool)
		step_free();
	bpf_mem_alloc_destroy(&ma);
}

int ma_step(char *line, char *result, size_t size)
{
	struct bpf_mem_alloc_totals totals;
	struct bpf_mem_alloc_stats stats;
	unsigned int arg[2] = {};
	unsigned int value = 0;
	char step[16];
	int err = 0;

	if (sscanf(line, "%15s %u %u", step, &arg[0], &arg[1]) < 1)
		return -EINVAL;
	if (!strcmp(step, "create") && !ma.pool) {
		ma_mark_home();
		err = bpf_mem_alloc_init(&ma, arg[0], arg[1]);
	} else if (!strcmp(step, "home")) {
		value = ma_all_home(&totals);
	} else if (!ma.pool) {
		return -EINVAL;
	} else if (!strcmp(step, "alloc")) {
		value = step_alloc(arg[0]);
	} else if (!strcmp(step, "alloc_gfp")) {
		value = step_alloc_gfp(arg[0]);
	} else if (!strcmp(step, "free")) {
		step_free();
	} else if (!strcmp(step, "destroy")) {
		ma_steps_exit();
	} else if (!strcmp(step, "failures")) {
		bpf_mem_alloc_read_stats(&ma, &stats);
		value = stats.failures;
	} else {
		return -EINVAL;
	}
	scnprintf(result, size, "ok %u\n", value);
	return err;
}
