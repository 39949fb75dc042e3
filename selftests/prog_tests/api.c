// SPDX-License-Identifier: GPL-2.0-only
/*
 * Suite api: every entry point of bpf_mem_alloc.h and each of its error
 * returns. The test module has most of it; what needs a memory cgroup is here.
 */
#include "test_progs.h"

#define CGROUP	"selftest_api"
#define SIZE	4088	/* 4096 bytes with the header */
#define OBJS	8000

static int create_allocator(const void *arg)
{
	return test_module_step("create %d 0", SIZE) < 0;
}

static void end_allocator(void)
{
	test_module_step("destroy");
	CHECK(test_module_step("home") == 1, "not everything came back");
	cgroup_remove(CGROUP);
}

/* Who creates the allocator pays for what others take from it. */
static void memcg_charges_creator(const void *arg)
{
	long long before, used, after;
	long got;

	if (!cgroup_create(CGROUP) || !cgroup_run(CGROUP, create_allocator, NULL))
		return;
	before = cgroup_current(CGROUP);
	got = test_module_step("alloc %d", OBJS);
	used = cgroup_current(CGROUP) - before;
	CHECK(got == OBJS, "%ld of %d objects", got, OBJS);
	/* Each CPU may have charged up to 64 pages beforehand. */
	CHECK(used >= (OBJS - nr_cpus() * 64) * 4096LL,
	      "charged %lld bytes for %d objects of 4096", used, OBJS);
	test_module_step("destroy");
	CHECK(test_module_step("home") == 1, "not everything came back");
	after = cgroup_current(CGROUP) - before;
	/* Of what goes back, each CPU keeps some charges for the next time. */
	CHECK(after < (1 << 20), "%lld bytes still charged after the destroy", after);
	note("charged %lld bytes, %lld after the destroy", used, after);
	cgroup_remove(CGROUP);
}

static void memcg_limit(const void *arg)
{
	long got, failures;

	if (!cgroup_create(CGROUP) || !cgroup_run(CGROUP, create_allocator, NULL) ||
	    !cgroup_set_max(CGROUP, "2M"))
		return;
	got = test_module_step("alloc 4000");
	CHECK(got > 0 && got <= 512, "%ld objects of 4096 bytes within 2 MiB", got);
	failures = test_module_step("failures");
	CHECK(failures > 0, "%ld failures counted", failures);
	/* With room again, and with objects freed, it goes on. */
	test_module_step("free");
	got = test_module_step("alloc 100");
	CHECK(got == 100, "%ld of 100 objects after as many were freed", got);
	cgroup_set_max(CGROUP, "max");
	got = test_module_step("alloc 2000");
	CHECK(got == 2000, "%ld of 2000 objects with the limit gone", got);
	end_allocator();
}

/* The limit is what keeps this CPU's list empty until GFP_KERNEL is tried. */
static void memcg_alloc_flags(const void *arg)
{
	if (!cgroup_create(CGROUP) || !cgroup_run(CGROUP, create_allocator, NULL) ||
	    !cgroup_set_max(CGROUP, "2M"))
		return;
	pin_to_cpu(0);
	test_module_step("alloc 4000");
	CHECK(test_module_step("alloc_gfp 0") == 0, "GFP_NOWAIT got an object past the limit");
	cgroup_set_max(CGROUP, "max");
	CHECK(test_module_step("alloc_gfp 1") == 1, "GFP_KERNEL got none from slab");
	pin_to_cpu(-1);
	end_allocator();
}

static void collect(void)
{
	add_module_tests("api");
	add_test(memcg_charges_creator, NULL, "memcg_charges_creator");
	add_test(memcg_limit, NULL, "memcg_limit");
	add_test(memcg_alloc_flags, NULL, "memcg_alloc_flags");
	add_module_exit();
}

const struct suite api_suite = {
	.name = "api",
	.collect = collect,
};
