/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The maps that are compared: the kernel's own hash map and bpf_ma.ko's, by flavor.
 */
#ifndef BENCH_MAPS_H
#define BENCH_MAPS_H

#include <stdbool.h>
#include <linux/types.h>

#include "cgroup.h"

/* Where the kernel's own map is pinned; the number of bpf_ma.ko's map. */
#define MAP_PIN PIN_DIR "/map"
#define PIN_DIR "/sys/fs/bpf/bpf_ma_bench"
/* Of the first one; the ids end at 1023. */
#define MODULE_MAP_ID 960

struct flavor {
	const char *name;
	bool module;		/* bpf_ma.ko's map, not the kernel's own */
	bool prealloc;
	bool own_cpu;		/* an element has to be freed where it was allocated */
	/* Of the kernel's own: kernel.bpf_hash_flavor while it is created, or NULL */
	const char *hash_flavor;
};

extern const struct flavor flavors[];
extern const unsigned int nr_flavors;

const struct flavor *find_flavor(const char *name);

/* bpf_ma.ko's counters since insmod */
struct module_totals {
	long long maps_live;
	long long slab_taken;
	long long slab_returned;
	long long gp_normal;
	long long gp_expedited;
	long long gp_trace;
};

/* Whether maps of this flavor can be made here; says why not. */
int flavor_check(const struct flavor *flavor);

/* Makes the folder for pins, without what an interrupted run left in it. */
int maps_setup(void);

int read_module_totals(struct module_totals *totals);

struct map_shape {
	unsigned int value_size;
	unsigned int entries;
	unsigned int maps;	/* as many alike, 1 of the kernel's own */
};

struct bench_map {
	const struct flavor *flavor;
	unsigned int maps;
	__u32 kernel_id;	/* of the kernel's own map */
	struct module_totals before;
};

/* The map is charged to the cgroup. */
int map_create(struct bench_map *map, const struct flavor *flavor,
	       const struct map_shape *shape, const struct cgroup *cg);
int map_destroy(const struct bench_map *map);

/*
 * Waits until nothing of a destroyed map is left: its memory has gone back to
 * slab and out of the cgroup.
 */
int map_wait_drained(const struct bench_map *map, const struct cgroup *cg);

#endif /* BENCH_MAPS_H */
