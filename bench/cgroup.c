// SPDX-License-Identifier: GPL-2.0-only
/*
 * The memory cgroup that a map is charged to.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "cgroup.h"
#include "util.h"

#define CGROUP_ROOT "/sys/fs/cgroup"
/* More than a grace period of an idle machine. */
#define SETTLE_SECS 0.1
#define SETTLE_SECS_MAX 10

int cgroup_setup(void)
{
	char controllers[256];
	int err;

	err = read_file(CGROUP_ROOT "/cgroup.controllers", controllers,
			sizeof(controllers));
	if (err) {
		fprintf(stderr, "cgroup v2 has to be mounted on %s\n",
			CGROUP_ROOT);
		return err;
	}
	if (!has_word(controllers, "memory")) {
		fprintf(stderr, "the kernel offers no memory controller in %s\n",
			CGROUP_ROOT);
		return -ENOENT;
	}
	return write_file(CGROUP_ROOT "/cgroup.subtree_control", "+memory");
}

int cgroup_create(struct cgroup *cg, unsigned int number)
{
	char file[PATH_MAX];
	int err;

	snprintf(cg->path, sizeof(cg->path), CGROUP_ROOT "/bpf_ma_bench-%u",
		 number);
	/* an interrupted run may have left it */
	rmdir(cg->path);
	if (mkdir(cg->path, 0755)) {
		err = -errno;
		fprintf(stderr, "cannot create %s: %s\n", cg->path,
			strerror(errno));
		return err;
	}
	snprintf(file, sizeof(file), "%s/memory.current", cg->path);
	cg->current_fd = open(file, O_RDONLY | O_CLOEXEC);
	if (cg->current_fd < 0) {
		err = -errno;
		fprintf(stderr, "cannot open %s: %s\n", file, strerror(errno));
		rmdir(cg->path);
		return err;
	}
	return 0;
}

int cgroup_remove(struct cgroup *cg)
{
	int err = 0;

	close(cg->current_fd);
	if (rmdir(cg->path)) {
		err = -errno;
		fprintf(stderr, "cannot remove %s: %s\n", cg->path,
			strerror(errno));
	}
	return err;
}

long long cgroup_memory(const struct cgroup *cg)
{
	char text[32];
	ssize_t len = pread(cg->current_fd, text, sizeof(text) - 1, 0);

	if (len < 0)
		return -errno;
	text[len] = '\0';
	return atoll(text);
}

int cgroup_drain_stocks(const struct cgroup *cg)
{
	char file[PATH_MAX];
	int err;

	/* The kernel drains them before it reclaims to get below the limit. */
	snprintf(file, sizeof(file), "%s/memory.high", cg->path);
	err = write_file(file, "0");
	return err ?: write_file(file, "max");
}

int cgroup_settle(const struct cgroup *cg)
{
	double end = now_secs() + SETTLE_SECS_MAX;
	long long before, bytes = -1;
	int err;

	do {
		before = bytes;
		err = cgroup_drain_stocks(cg);
		if (err)
			return err;
		sleep_secs(SETTLE_SECS);
		bytes = cgroup_memory(cg);
		if (bytes == before)
			return 0;
	} while (now_secs() < end);
	fprintf(stderr, "memory.current of %s still changes after %d s\n", cg->path,
		SETTLE_SECS_MAX);
	return -ETIMEDOUT;
}
