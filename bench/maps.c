// SPDX-License-Identifier: GPL-2.0-only
/*
 * The maps that are compared: the kernel's own hash map and bpf_ma.ko's, by flavor.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <linux/bpf.h>
#include <bpf/bpf.h>
#include "maps.h"
#include "progs/bench_state.h"
#include "util.h"

#define MODULE_DIR "/sys/kernel/debug/bpf_ma"
/* Which flavor hash maps without preallocation are, in a kernel with the series. */
#define HASH_FLAVOR "/proc/sys/kernel/bpf_hash_flavor"

#define DRAIN_SECS 20
/*
 * What may be left in a drained cgroup: a few pages of slab that hold the
 * kernel's own objects, such as the inode of a pin.
 */
#define DRAINED_BYTES (64 << 10)

const struct flavor flavors[] = {
	{ .name = "kernel-prealloc", .prealloc = true },
	{ .name = "kernel" },
	{ .name = "kernel-free-rcu", .hash_flavor = "free-rcu" },
	{ .name = "kernel-reuse-after-rcu-gp", .hash_flavor = "reuse-after-rcu-gp" },
	{ .name = "kernel-free-after-rcu-gp", .hash_flavor = "free-after-rcu-gp" },
	{ .name = "normal", .module = true },
	{ .name = "reuse-after-rcu-gp", .module = true },
	{ .name = "free-after-rcu-gp", .module = true },
	{ .name = "free-rcu", .module = true },
	{ .name = "none", .module = true },
	{ .name = "call-rcu-free", .module = true },
	{ .name = "ring", .module = true, .own_cpu = true },
};

const unsigned int nr_flavors = ARRAY_SIZE(flavors);

const struct flavor *find_flavor(const char *name)
{
	for (unsigned int i = 0; i < nr_flavors; i++)
		if (!strcmp(flavors[i].name, name))
			return &flavors[i];
	return NULL;
}

int read_module_totals(struct module_totals *totals)
{
	const struct {
		const char *name;
		long long *value;
	} fields[] = {
		{ "maps_live", &totals->maps_live },
		{ "slab_taken", &totals->slab_taken },
		{ "slab_returned", &totals->slab_returned },
		{ "gp_normal", &totals->gp_normal },
		{ "gp_expedited", &totals->gp_expedited },
		{ "gp_trace", &totals->gp_trace },
	};
	char text[4096];
	int err;

	memset(totals, 0, sizeof(*totals));
	err = read_file(MODULE_DIR "/totals", text, sizeof(text));
	if (err)
		return err;
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		char name[64];
		long long value;

		if (sscanf(line, "%63s %lld", name, &value) != 2)
			continue;
		for (unsigned int i = 0; i < ARRAY_SIZE(fields); i++)
			if (!strcmp(name, fields[i].name))
				*fields[i].value = value;
	}
	return 0;
}

/* Other maps would be counted in the totals. */
static int check_module(void)
{
	struct module_totals totals;
	int err;

	if (access(MODULE_DIR "/totals", R_OK)) {
		fprintf(stderr,
			"no %s: load bpf_ma.ko and mount debugfs, or ask for the flavors kernel-prealloc and kernel only\n",
			MODULE_DIR);
		return -ENOENT;
	}
	err = read_module_totals(&totals);
	if (!err && totals.maps_live) {
		fprintf(stderr,
			"bpf_ma has maps already: destroy those in %s/maps first\n",
			MODULE_DIR);
		err = -EBUSY;
	}
	return err;
}

static int set_hash_flavor(const char *name)
{
	return write_file(HASH_FLAVOR, name);
}

static int check_hash_flavor(const struct flavor *flavor)
{
	int err = set_hash_flavor(flavor->hash_flavor) ?: set_hash_flavor("normal");

	if (err)
		fprintf(stderr, "flavor %s needs a kernel that has '%s' in %s\n",
			flavor->name, flavor->hash_flavor, HASH_FLAVOR);
	return err;
}

int flavor_check(const struct flavor *flavor)
{
	if (flavor->module)
		return check_module();
	return flavor->hash_flavor ? check_hash_flavor(flavor) : 0;
}

int maps_setup(void)
{
	if (mkdir(PIN_DIR, 0700) && errno != EEXIST) {
		fprintf(stderr, "cannot create %s: %s: is bpffs mounted?\n",
			PIN_DIR, strerror(errno));
		return -errno;
	}
	if (unlink(MAP_PIN) && errno != ENOENT) {
		fprintf(stderr, "cannot remove %s: %s\n", MAP_PIN,
			strerror(errno));
		return -errno;
	}
	return 0;
}

static int create_module_maps(struct bench_map *map, const struct map_shape *shape,
			      const struct cgroup *cg)
{
	char line[128];
	int err;

	err = read_module_totals(&map->before);
	for (map->maps = 0; !err && map->maps < shape->maps; map->maps++) {
		snprintf(line, sizeof(line), "%d %s %u %u", MODULE_MAP_ID + map->maps,
			 map->flavor->name, shape->value_size, shape->entries);
		err = write_file_in_cgroup(cg->path, MODULE_DIR "/create", line);
	}
	return err;
}

static int pinned_map_id(__u32 *id)
{
	struct bpf_map_info info = {};
	__u32 len = sizeof(info);
	int err = 0;
	int fd;

	fd = bpf_obj_get(MAP_PIN);
	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &len)) {
		err = -errno;
		fprintf(stderr, "cannot open the map %s: %s\n", MAP_PIN,
			strerror(errno));
	}
	if (fd >= 0)
		close(fd);
	*id = info.id;
	return err;
}

static int create_kernel_map(struct bench_map *map, const struct map_shape *shape,
			     const struct cgroup *cg)
{
	char value[16], entries[16], flags[16];
	char *const argv[] = {
		"bpftool", "map", "create", MAP_PIN, "type", "hash",
		"key", "4", "value", value, "entries", entries,
		"name", "bench_map", "flags", flags, NULL,
	};
	int err;

	snprintf(value, sizeof(value), "%u", shape->value_size);
	snprintf(entries, sizeof(entries), "%u", shape->entries);
	/* Without a random seed the same keys share a bucket in every map. */
	snprintf(flags, sizeof(flags), "%u",
		 BPF_F_ZERO_SEED | (map->flavor->prealloc ? 0 : BPF_F_NO_PREALLOC));
	if (map->flavor->hash_flavor) {
		err = set_hash_flavor(map->flavor->hash_flavor);
		if (err)
			return err;
	}
	err = run_command(cg->path, argv);
	if (map->flavor->hash_flavor)
		err = set_hash_flavor("normal") ?: err;
	return err ?: pinned_map_id(&map->kernel_id);
}

int map_create(struct bench_map *map, const struct flavor *flavor,
	       const struct map_shape *shape, const struct cgroup *cg)
{
	memset(map, 0, sizeof(*map));
	map->flavor = flavor;
	if (flavor->module)
		return create_module_maps(map, shape, cg);
	return create_kernel_map(map, shape, cg);
}

static int destroy_module_maps(const struct bench_map *map)
{
	char line[16];
	int err = 0;

	for (unsigned int i = 0; !err && i < map->maps; i++) {
		snprintf(line, sizeof(line), "%d", MODULE_MAP_ID + i);
		err = write_file(MODULE_DIR "/destroy", line);
	}
	return err;
}

int map_destroy(const struct bench_map *map)
{
	if (map->flavor->module)
		return destroy_module_maps(map);
	if (unlink(MAP_PIN)) {
		fprintf(stderr, "cannot remove %s: %s\n", MAP_PIN,
			strerror(errno));
		return -errno;
	}
	return 0;
}

static bool module_map_drained(void)
{
	struct module_totals totals;

	return !read_module_totals(&totals) && !totals.maps_live &&
	       totals.slab_taken == totals.slab_returned;
}

static bool kernel_map_drained(const struct bench_map *map,
			       const struct cgroup *cg)
{
	int fd = bpf_map_get_fd_by_id(map->kernel_id);

	if (fd >= 0) {
		close(fd);
		return false;
	}
	return !cgroup_drain_stocks(cg) && cgroup_memory(cg) <= DRAINED_BYTES;
}

int map_wait_drained(const struct bench_map *map, const struct cgroup *cg)
{
	double end = now_secs() + DRAIN_SECS;

	for (;;) {
		if (map->flavor->module ? module_map_drained() :
					  kernel_map_drained(map, cg))
			return 0;
		if (now_secs() > end)
			return -ETIMEDOUT;
		sleep_secs(0.02);
	}
}
