/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The memory cgroup that a map is charged to.
 */
#ifndef BENCH_CGROUP_H
#define BENCH_CGROUP_H

#include <limits.h>

struct cgroup {
	char path[64];
	int current_fd;		/* memory.current, kept open for sampling */
};

/* Whether cgroup v2 with the memory controller is there; turns it on. */
int cgroup_setup(void);

int cgroup_create(struct cgroup *cg, unsigned int number);
int cgroup_remove(struct cgroup *cg);

/* Bytes charged now, or -errno. */
long long cgroup_memory(const struct cgroup *cg);

/*
 * Gives back what the CPUs hold charged in advance (up to 64 pages each), so
 * that cgroup_memory() then counts only what is in use.
 */
int cgroup_drain_stocks(const struct cgroup *cg);

/*
 * Waits until nothing comes back any more from the process that created the map,
 * such as its kernel stack after a grace period: what it gives back would be a
 * stock, of another size for each way to create a map, from which a map that needs
 * little is served without charging anything.
 */
int cgroup_settle(const struct cgroup *cg);

#endif /* BENCH_CGROUP_H */
