// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's failslab, on kernels that have it: for kmalloc() alone, called
 * by whom our modules are in the call chain of, in whatever task. What must not fail
 * with it is what the kernel complains about: the per-CPU allocator.
 */
#include <glob.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test_progs.h"

#define DIR	DEBUGFS "failslab/"
#define TIMES	1000000000

struct range {
	uint64_t start, end;
};

/* From the first of our modules to the end of the last one. */
static bool find_modules(struct range *range)
{
	FILE *modules = fopen("/proc/modules", "r");
	char line[256], name[64];
	uint64_t start, size;

	*range = (struct range){ .start = UINT64_MAX };
	while (modules && fgets(line, sizeof(line), modules)) {
		if (sscanf(line, "%63s %" SCNu64 " %*s %*s %*s %" SCNx64, name, &size,
			   &start) != 3 || strncmp(name, "bpf_ma", 6))
			continue;
		if (start < range->start)
			range->start = start;
		if (start + size > range->end)
			range->end = start + size;
	}
	if (modules)
		fclose(modules);
	return range->end;
}

/* A function reaches up to the next symbol. */
static bool find_function(const char *function, struct range *range)
{
	FILE *symbols = fopen("/proc/kallsyms", "r");
	char line[256], name[128];
	uint64_t address;

	*range = (struct range){ .end = UINT64_MAX };
	while (symbols && fgets(line, sizeof(line), symbols))
		if (sscanf(line, "%" SCNx64 " %*c %127s", &address, name) == 2 &&
		    !strcmp(name, function))
			range->start = address;
	if (symbols)
		rewind(symbols);
	while (symbols && range->start && fgets(line, sizeof(line), symbols))
		if (sscanf(line, "%" SCNx64, &address) == 1 && address > range->start &&
		    address < range->end)
			range->end = address;
	if (symbols)
		fclose(symbols);
	return range->start;
}

static void mark_caches(int on)
{
	glob_t files;
	size_t i;

	/* A cache that is merged with others cannot be marked. */
	if (glob("/sys/kernel/slab/kmalloc-*/failslab", 0, NULL, &files))
		return;
	for (i = 0; i < files.gl_pathc; i++)
		write_file(files.gl_pathv[i], "%d", on);
	globfree(&files);
}

static void set(const char *name, uint64_t value)
{
	char path[64];
	int err;

	snprintf(path, sizeof(path), DIR "%s", name);
	err = write_file(path, "%" PRIu64, value);
	CHECK(!err, "%s: %s", path, strerror(-err));
}

bool failslab_start(unsigned int percent)
{
	struct range ours, percpu;
	char buf[32];

	if (read_file(DIR "require-start", buf, sizeof(buf)) < 0)
		return false;
	if (!CHECK(find_modules(&ours), "no addresses of our modules in /proc/modules") ||
	    !CHECK(find_function("pcpu_alloc_noprof", &percpu) ||
		   find_function("pcpu_alloc", &percpu), "no pcpu_alloc in /proc/kallsyms"))
		return false;
	set("verbose", 0);
	set("task-filter", 0);
	set("cache-filter", 1);
	set("ignore-gfp-wait", 0);
	set("require-start", ours.start);
	set("require-end", ours.end);
	set("reject-start", percpu.start);
	set("reject-end", percpu.end);
	set("times", TIMES);
	mark_caches(1);
	set("probability", percent);
	return true;
}

unsigned long long failslab_stop(void)
{
	char buf[32];

	set("probability", 0);
	mark_caches(0);
	if (!CHECK(read_file(DIR "times", buf, sizeof(buf)) > 0, "no %stimes", DIR))
		return 0;
	return TIMES - strtoull(buf, NULL, 10);
}
