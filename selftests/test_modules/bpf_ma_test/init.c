// SPDX-License-Identifier: GPL-2.0-only
/*
 * Suite api: setting allocators up, and what is refused.
 */
#include <linux/percpu.h>
#include <linux/string.h>

#include "test.h"

static void init_refuses(struct ma_run *run)
{
	static const struct {
		int size;
		unsigned int flags;
		int err;
	} cases[] = {
		{ 8, BPF_MA_REUSE_AFTER_RCU_GP | BPF_MA_FREE_AFTER_RCU_GP, -EINVAL },
		{ 0, BPF_MA_REUSE_AFTER_RCU_GP | BPF_MA_FREE_AFTER_RCU_GP, -EINVAL },
		{ 8, 1U << 3, -EINVAL },
		{ 8, BPF_MA_REUSE_AFTER_RCU_GP | 1U << 31, -EINVAL },
		{ 0, BPF_MA_PERCPU, -EINVAL },
		{ 0, BPF_MA_PERCPU | BPF_MA_REUSE_AFTER_RCU_GP, -EINVAL },
		{ -1, 0, -EINVAL },
		{ INT_MIN, BPF_MA_PERCPU, -EINVAL },
		{ KMALLOC_MAX_SIZE - 7, 0, -E2BIG },
		{ INT_MAX, 0, -E2BIG },
		{ PCPU_MIN_UNIT_SIZE + 1, BPF_MA_PERCPU, -E2BIG },
	};
	struct bpf_mem_alloc ma;
	struct bpf_mem_alloc_totals before, t;
	int i, err;

	bpf_mem_alloc_read_totals(&before);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		memset(&ma, 0xff, sizeof(ma));
		err = bpf_mem_alloc_init(&ma, cases[i].size, cases[i].flags);
		if (!MA_CHECK(run, err == cases[i].err, "size %d, flags %#x: %d, not %d",
			      cases[i].size, cases[i].flags, err, cases[i].err))
			return;
		/* A caller may pass it to destroy regardless. */
		if (!MA_CHECK(run, !memchr_inv(&ma, 0, sizeof(ma)), "size %d: handle not zeroed",
			      cases[i].size))
			return;
		bpf_mem_alloc_destroy(&ma);
	}
	bpf_mem_alloc_read_totals(&t);
	MA_CHECK(run, t.allocators == before.allocators, "%llu allocators came of it",
		 t.allocators - before.allocators);
}

static void init_accepts(struct ma_run *run)
{
	static const struct {
		int size;
		unsigned int flags;
	} cases[] = {
		{ 0, 0 },
		{ 0, BPF_MA_REUSE_AFTER_RCU_GP },
		{ 0, BPF_MA_FREE_AFTER_RCU_GP },
		{ 1, 0 },
		{ 4089, BPF_MA_REUSE_AFTER_RCU_GP },
		{ 65536, BPF_MA_FREE_AFTER_RCU_GP },
		{ 8, true },	/* as callers do that pass bool percpu */
		{ 8, BPF_MA_PERCPU | BPF_MA_REUSE_AFTER_RCU_GP },
		{ 8, BPF_MA_PERCPU | BPF_MA_FREE_AFTER_RCU_GP },
		{ PCPU_MIN_UNIT_SIZE, BPF_MA_PERCPU },
	};
	struct bpf_mem_alloc_stats stats;
	struct bpf_mem_alloc ma;
	int i, err;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		err = bpf_mem_alloc_init(&ma, cases[i].size, cases[i].flags);
		if (!MA_CHECK(run, !err, "size %d, flags %#x: %d", cases[i].size,
			      cases[i].flags, err))
			return;
		bpf_mem_alloc_read_stats(&ma, &stats);
		MA_CHECK(run, stats.flags == cases[i].flags && stats.size == cases[i].size,
			 "size %d, flags %#x: shown as %u, %#x", cases[i].size,
			 cases[i].flags, stats.size, stats.flags);
		bpf_mem_alloc_destroy(&ma);
	}
}

static void check_size(struct ma_run *run)
{
	static const struct {
		bool percpu;
		size_t size;
		int err;
	} cases[] = {
		{ false, 0, 0 }, { false, 8, 0 }, { false, 4088, 0 },
		{ false, 4089, -E2BIG }, { false, SIZE_MAX, -E2BIG },
		{ true, 0, 0 }, { true, 4088, 0 }, { true, 4096, 0 },
		{ true, 4097, -E2BIG }, { true, SIZE_MAX - 3, -E2BIG },
	};
	int i, err;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		err = bpf_mem_alloc_check_size(cases[i].percpu, cases[i].size);
		if (!MA_CHECK(run, err == cases[i].err, "percpu %d, size %zu: %d",
			      cases[i].percpu, cases[i].size, err))
			return;
	}
}

static void destroy_nothing(struct ma_run *run)
{
	struct bpf_mem_alloc ma = {};

	bpf_mem_alloc_destroy(&ma);
	if (!ma_setup(run, &ma, 64))
		return;
	bpf_mem_alloc_destroy(&ma);
	MA_CHECK(run, !memchr_inv(&ma, 0, sizeof(ma)), "handle not zeroed");
	bpf_mem_alloc_destroy(&ma);
}

static const struct ma_test tests[] = {
	MA_TEST(init_refuses),
	MA_TEST(init_accepts),
	MA_TEST(check_size),
	MA_TEST(destroy_nothing),
};

const struct ma_suite ma_init_suite = {
	.name = "api",
	.tests = tests,
	.nr = ARRAY_SIZE(tests),
};
