// SPDX-License-Identifier: GPL-2.0-only
/*
 * Suite idle: an allocator that nobody uses any more comes down to its low
 * watermarks in bounded time, and then costs nothing.
 */
#include <string.h>

#include "idle_suite.h"
#include "test_progs.h"

#define MAP		7
#define KEYS		10000
#define DRAIN_MS	3000
/* What a CPU may keep of the elements of this map: low watermark and reserve. */
#define AT_REST		(32 + 8)

static bool drained(const struct allocator_stats *s)
{
	return s->free <= AT_REST * (unsigned int)nr_cpus() && !s->wait_rcu &&
	       !s->wait_trace && !s->dead;
}

static void burst(void *arg)
{
	unsigned int first = *(unsigned int *)arg;

	update_keys(MAP, first, KEYS);
	delete_keys(MAP, first, KEYS);
}

static void burst_on_each_cpu(void)
{
	static unsigned int first[2] = { 0, KEYS };
	struct loop *loops[2];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(loops); i++)
		loops[i] = loop_start(i % nr_cpus(), burst, &first[i]);
	sleep_ms(100);
	for (i = 0; i < ARRAY_SIZE(loops); i++)
		loop_stop(loops[i]);
}

static long long grace_periods(void)
{
	return module_total("gp_normal") + module_total("gp_expedited") +
	       module_total("gp_trace");
}

static void drains(const void *arg)
{
	struct allocator_stats s = {}, start = {};
	uint64_t begin, took = 0;
	long long before, after;
	int err;

	err = map_create(MAP, arg, 8, 2 * KEYS);
	if (!CHECK(!err, "create: %s", strerror(-err)))
		return;
	burst_on_each_cpu();
	begin = now_ms();
	allocator_stats(&start);
	do {
		sleep_ms(20);
		took = now_ms() - begin;
	} while (allocator_stats(&s) && !drained(&s) && took < DRAIN_MS * timeout_factor());
	CHECK(drained(&s), "after %llu ms: %llu free, %llu+%llu waiting, %llu dead",
	      (unsigned long long)took, s.free, s.wait_rcu, s.wait_trace, s.dead);
	CHECK(start.free + start.wait_rcu + start.wait_trace + start.dead > s.free,
	      "there was nothing to drain");

	/* Going to sleep takes a grace period of its own. */
	sleep_ms(1000 * timeout_factor());
	before = grace_periods();
	sleep_ms(2000);
	after = grace_periods();
	CHECK(after == before, "%lld grace periods in 2 s of idleness", after - before);
	note("drained within %llu ms, %llu objects stay", (unsigned long long)took, s.free);
	map_destroy(MAP);
	check_all_home();
}

static void collect(void)
{
	unsigned int i;

	for (i = 0; i < NR_MA_FLAVORS; i++)
		add_test(drains, flavors[i], "drains:%s", flavors[i]);
	add_test(drains, "call-rcu-free", "drains:call-rcu-free");
	collect_late_readers();
}

const struct suite idle_suite = {
	.name = "idle",
	.collect = collect,
	.setup = map_ops_load,
	.teardown = map_ops_unload,
};
