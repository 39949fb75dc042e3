// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory cgroups, below the root of the unified hierarchy.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test_progs.h"

#define CGROUPS	"/sys/fs/cgroup/"

bool cgroup_create(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), CGROUPS "%s", name);
	return CHECK(!mkdir(path, 0755), "%s: %s", path, strerror(errno));
}

/* What it is charged for goes back first; a removal need not wait for that. */
void cgroup_remove(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), CGROUPS "%s", name);
	CHECK(!rmdir(path), "%s: %s", path, strerror(errno));
}

bool cgroup_set_max(const char *name, const char *max)
{
	char path[128];
	int err;

	snprintf(path, sizeof(path), CGROUPS "%s/memory.max", name);
	err = write_file(path, "%s", max);
	return CHECK(!err, "%s: %s", path, strerror(-err));
}

long long cgroup_current(const char *name)
{
	char path[128], buf[32];

	snprintf(path, sizeof(path), CGROUPS "%s/memory.current", name);
	if (!CHECK(read_file(path, buf, sizeof(buf)) > 0, "cannot read %s", path))
		return 0;
	return atoll(buf);
}

bool cgroup_run(const char *name, int (*fn)(const void *arg), const void *arg)
{
	char path[128];
	int status;
	pid_t pid;

	snprintf(path, sizeof(path), CGROUPS "%s/cgroup.procs", name);
	fflush(NULL);
	pid = fork();
	if (!pid)
		_exit(write_file(path, "0") || fn(arg));
	if (!CHECK(pid > 0, "no process: %s", strerror(errno)))
		return false;
	waitpid(pid, &status, 0);
	return CHECK(WIFEXITED(status) && !WEXITSTATUS(status),
		     "status %#x of the process in cgroup %s", status, name);
}
