// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's own threads: how many there are and which ones are new.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "kthreads.h"
#include "util.h"

#define PF_KTHREAD 0x00200000

/* A process may end while /proc is walked: then it does not count. */
static bool read_kthread(const char *pid, struct kthread *thread)
{
	unsigned int flags = 0;
	char path[64];
	char stat[512];
	char *name, *name_end;
	size_t len;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	len = fread(stat, 1, sizeof(stat) - 1, file);
	fclose(file);
	stat[len] = '\0';

	/* "PID (NAME) STATE ...": the name may hold blanks and brackets. */
	name = strchr(stat, '(');
	name_end = strrchr(stat, ')');
	if (!name || !name_end ||
	    sscanf(name_end + 1, " %*c %*d %*d %*d %*d %*d %u", &flags) != 1)
		return false;
	*name_end = '\0';
	thread->pid = atoi(pid);
	snprintf(thread->name, sizeof(thread->name), "%s", name + 1);
	return flags & PF_KTHREAD;
}

static int add_kthread(struct kthreads *threads, const struct kthread *thread)
{
	struct kthread *more;

	more = reallocarray(threads->thread, threads->count + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	more[threads->count++] = *thread;
	threads->thread = more;
	return 0;
}

int kthreads_read(struct kthreads *threads)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	struct kthread thread;
	int err = 0;

	memset(threads, 0, sizeof(*threads));
	if (!proc) {
		err = -errno;
		fprintf(stderr, "cannot read /proc: %s\n", strerror(errno));
		return err;
	}
	while (!err && (entry = readdir(proc)))
		if (isdigit((unsigned char)entry->d_name[0]) &&
		    read_kthread(entry->d_name, &thread))
			err = add_kthread(threads, &thread);
	closedir(proc);
	if (err)
		kthreads_free(threads);
	return err;
}

void kthreads_free(struct kthreads *threads)
{
	free(threads->thread);
	memset(threads, 0, sizeof(*threads));
}

static bool contains(const struct kthreads *threads, int pid)
{
	for (int i = 0; i < threads->count; i++)
		if (threads->thread[i].pid == pid)
			return true;
	return false;
}

void kthreads_new(const struct kthreads *after, const struct kthreads *before,
		  char *names, size_t size)
{
	size_t used = 0;

	names[0] = '\0';
	for (int i = 0; i < after->count && used < size; i++) {
		const struct kthread *thread = &after->thread[i];

		if (!contains(before, thread->pid))
			used += snprintf(names + used, size - used, "%s%s",
					 used ? " " : "", thread->name);
	}
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

static int count_kthreads(void)
{
	struct kthreads threads;
	int err = kthreads_read(&threads);
	int count = threads.count;

	kthreads_free(&threads);
	return err ?: count;
}

int kthreads_watch_start(struct kthreads_watch *watch)
{
	watch->total = total_threads();
	watch->peak = count_kthreads();
	return watch->peak < 0 ? watch->peak : 0;
}

void kthreads_watch_sample(struct kthreads_watch *watch)
{
	int total = total_threads();
	int count;

	if (total <= watch->total)
		return;
	watch->total = total;
	count = count_kthreads();
	if (count > watch->peak)
		watch->peak = count;
}
