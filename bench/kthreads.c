// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counting the kernel's own threads.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include "kthreads.h"
#include "util.h"

#define PF_KTHREAD 0x00200000

/* A process may end while /proc is walked: then it does not count. */
static bool is_kthread(const char *pid)
{
	unsigned int flags = 0;
	char path[64];
	char stat[512];
	const char *name_end;
	size_t len;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	len = fread(stat, 1, sizeof(stat) - 1, file);
	fclose(file);
	stat[len] = '\0';

	/* The name may hold blanks and brackets: count fields after it. */
	name_end = strrchr(stat, ')');
	if (!name_end ||
	    sscanf(name_end + 1, " %*c %*d %*d %*d %*d %*d %u", &flags) != 1)
		return false;
	return flags & PF_KTHREAD;
}

int kthreads_count(void)
{
	struct dirent *entry;
	DIR *proc = opendir("/proc");
	int count = 0;

	if (!proc) {
		int err = -errno;

		fprintf(stderr, "cannot read /proc: %s\n", strerror(errno));
		return err;
	}
	while ((entry = readdir(proc)))
		if (isdigit((unsigned char)entry->d_name[0]))
			count += is_kthread(entry->d_name);
	closedir(proc);
	return count;
}

/* All threads of the system, user ones included: /proc/loadavg's "R/TOTAL". */
static int total_threads(void)
{
	char text[128];
	int total = 0;

	if (read_file("/proc/loadavg", text, sizeof(text)) ||
	    sscanf(text, "%*f %*f %*f %*d/%d", &total) != 1)
		return 0;
	return total;
}

int kthreads_watch_start(struct kthreads_watch *watch)
{
	watch->total = total_threads();
	watch->peak = kthreads_count();
	return watch->peak < 0 ? watch->peak : 0;
}

void kthreads_watch_sample(struct kthreads_watch *watch)
{
	int total = total_threads();
	int count;

	if (total <= watch->total)
		return;
	watch->total = total;
	count = kthreads_count();
	if (count > watch->peak)
		watch->peak = count;
}
