// SPDX-License-Identifier: GPL-2.0-only
/*
 * Suite api: the statistics add up.
 */
#include <linux/slab.h>

#include "test.h"

#define OBJS	500
#define FREED	200
#define SIZE	56

static bool add_up(struct ma_run *run, const struct bpf_mem_alloc_stats *s, u64 live)
{
	u64 out = s->slab_taken - s->slab_returned;

	return MA_CHECK(run, out == live + s->free + s->wait_rcu + s->wait_trace + s->dead,
			"%llu out, %llu live, %llu free, %llu+%llu waiting, %llu dead",
			out, live, s->free, s->wait_rcu, s->wait_trace, s->dead);
}

static void statistics(struct ma_run *run)
{
	struct bpf_mem_alloc_stats s;
	struct bpf_mem_alloc ma;
	void **objs;
	int n;

	objs = kvcalloc(OBJS, sizeof(*objs), GFP_KERNEL);
	if (!MA_CHECK(run, objs, "no memory") || !ma_setup(run, &ma, SIZE))
		goto out;
	for (n = 0; n < OBJS; n++) {
		objs[n] = bpf_mem_cache_alloc(&ma);
		MA_CHECK(run, objs[n], "NULL at %d", n);
	}
	bpf_mem_alloc_read_stats(&ma, &s);
	add_up(run, &s, OBJS);
	MA_CHECK(run, s.refills, "no refill for %d objects", OBJS);
	for (n = 0; n < FREED; n++)
		ma_free(run->flavor, &ma, objs[n]);
	MA_CHECK(run, ma_settle(&ma, &s, OBJS - FREED), "%llu+%llu still wait, %llu are dead",
		 s.wait_rcu, s.wait_trace, s.dead);
	add_up(run, &s, OBJS - FREED);
	MA_CHECK(run, s.slab_bytes == (s.slab_taken - s.slab_returned) * (SIZE + 8),
		 "%llu bytes", s.slab_bytes);
	MA_CHECK(run, s.peak_bytes >= OBJS * (SIZE + 8), "peak %llu", s.peak_bytes);
	MA_CHECK(run, s.peak_bytes >= s.slab_bytes, "peak %llu, now %llu", s.peak_bytes,
		 s.slab_bytes);
	MA_CHECK(run, !s.failures, "%llu failures", s.failures);
	MA_CHECK(run, s.batches || run->flavor == &ma_flavors[MA_NORMAL], "no batch closed");
	for (; n < OBJS; n++)
		ma_free(run->flavor, &ma, objs[n]);
	bpf_mem_alloc_destroy(&ma);
out:
	kvfree(objs);
}

struct seen {
	u64 id[2];
	int times[2];
	int others;
};

static void see(const struct bpf_mem_alloc_stats *stats, void *arg)
{
	struct seen *seen = arg;

	if (stats->id == seen->id[0])
		seen->times[0]++;
	else if (stats->id == seen->id[1])
		seen->times[1]++;
	else
		seen->others++;
}

static void each_allocator(struct ma_run *run)
{
	struct bpf_mem_alloc_totals before, t;
	struct bpf_mem_alloc_stats s;
	struct bpf_mem_alloc ma[2];
	struct seen seen = {};
	u64 taken = 0;
	int i;

	bpf_mem_alloc_read_totals(&before);
	if (!ma_setup(run, &ma[0], 64) || !ma_setup(run, &ma[1], 0))
		return;
	for (i = 0; i < 2; i++) {
		bpf_mem_alloc_read_stats(&ma[i], &s);
		seen.id[i] = s.id;
		taken += s.slab_taken;
	}
	bpf_mem_alloc_for_each(see, &seen);
	MA_CHECK(run, seen.id[0] != seen.id[1], "both are %llu", seen.id[0]);
	MA_CHECK(run, seen.times[0] == 1 && seen.times[1] == 1 &&
		 seen.others == before.allocators, "seen %d and %d times, others %d",
		 seen.times[0], seen.times[1], seen.others);
	bpf_mem_alloc_read_totals(&t);
	MA_CHECK(run, t.allocators == before.allocators + 2, "%llu allocators", t.allocators);
	MA_CHECK(run, t.slab_taken - before.slab_taken == taken, "%llu taken, %llu in total",
		 taken, t.slab_taken - before.slab_taken);
	bpf_mem_alloc_destroy(&ma[0]);
	bpf_mem_alloc_destroy(&ma[1]);
}

static const struct ma_test tests[] = {
	MA_TEST_EACH_FLAVOR(statistics),
	MA_TEST(each_allocator),
};

const struct ma_suite ma_stats_suite = {
	.name = "api",
	.tests = tests,
	.nr = ARRAY_SIZE(tests),
};
