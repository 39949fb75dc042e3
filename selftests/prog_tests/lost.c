// SPDX-License-Identifier: GPL-2.0-only
/*
 * Suite guarantee-lost: after a map is destroyed everything has gone back,
 * whatever was in flight: CPUs that come and go under running programs, and a
 * memory cgroup at its limit. The allocator alone is in the test module.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "test_progs.h"

#define MAP	7
#define CGROUP	"selftest_lost"

static void add_and_delete(void *arg)
{
	unsigned int first = *(unsigned int *)arg;

	update_keys(MAP, first, 64);
	update_keys(MAP, first, 64);
	delete_keys(MAP, first, 64);
}

static void cpus_come_and_go(const void *arg)
{
	static unsigned int first[3] = { 0, 1000, 2000 };
	struct loop *loops[3];
	const char *flavor = arg;
	unsigned int i;
	int err;

	if (nr_cpus() < 2) {
		skip("needs two CPUs");
		return;
	}
	err = map_create(MAP, flavor, 8, 4096);
	if (!CHECK(!err, "create: %s", strerror(-err)))
		return;
	for (i = 0; i < ARRAY_SIZE(loops); i++)
		loops[i] = loop_start(-1, add_and_delete, &first[i]);
	for (i = 0; i < 2; i++) {
		sleep_ms(100);
		set_online(1, false);
		sleep_ms(100);
		set_online(1, true);
	}
	for (i = 0; i < ARRAY_SIZE(loops); i++)
		loop_stop(loops[i]);
	map_destroy(MAP);
	check_all_home();
}

static int create_map(const void *arg)
{
	return map_create(MAP, arg, 1024, 8192);
}

/* Every update past the limit fails with -ENOMEM, and does nothing else. */
static void cgroup_at_limit(const void *arg)
{
	struct map_op op = { .id = MAP, .count = 8192, .value_size = 1024 };
	struct allocator_stats s = {};

	if (!cgroup_create(CGROUP) || !cgroup_run(CGROUP, create_map, arg) ||
	    !cgroup_set_max(CGROUP, "3M"))
		return;
	while (op.key < 8192 && !map_update(&op))
		op.key++;
	CHECK(op.err == -ENOMEM, "update %u: %d", op.key, op.err);
	CHECK(op.key > 100 && op.key < 3072, "%u values of 1 KiB within 3 MiB", op.key);
	note("%u values of 1 KiB within 3 MiB", op.key);
	if (strcmp(arg, "none") && allocator_stats(&s))
		CHECK(s.failures, "no failure counted");
	CHECK(!delete_keys(MAP, 0, op.key), "an element is missing");
	map_destroy(MAP);
	check_all_home();
	cgroup_remove(CGROUP);
}

static void collect(void)
{
	unsigned int i;

	add_module_tests("guarantee-lost");
	for (i = 0; i < NR_FLAVORS; i++)
		add_test(cpus_come_and_go, flavors[i], "cpus_come_and_go:%s", flavors[i]);
	for (i = 0; i < NR_FLAVORS; i++)
		add_test(cgroup_at_limit, flavors[i], "cgroup_at_limit:%s", flavors[i]);
	add_module_exit();
}

const struct suite lost_suite = {
	.name = "guarantee-lost",
	.collect = collect,
	.setup = map_ops_load,
	.teardown = map_ops_unload,
};
