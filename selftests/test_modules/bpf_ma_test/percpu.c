// SPDX-License-Identifier: GPL-2.0-only
/*
 * Suite api: per-CPU objects, of one size and of many.
 */
#include <linux/cpumask.h>
#include <linux/percpu.h>
#include <linux/string.h>

#include "test.h"

/* Every CPU's part of the object at @slot is zeroed, then written to its end. */
static bool use_object(struct ma_run *run, void *slot, size_t size, int mark)
{
	void __percpu *pptr;
	int cpu;

	if (!MA_CHECK(run, slot, "NULL for size %zu", size))
		return false;
	pptr = *(void __percpu **)slot;
	for_each_possible_cpu(cpu) {
		if (!MA_CHECK(run, !memchr_inv(per_cpu_ptr(pptr, cpu), 0, size),
			      "size %zu not zeroed on CPU %d", size, cpu))
			return false;
		memset(per_cpu_ptr(pptr, cpu), mark + cpu, size);
	}
	return true;
}

static bool still_mine(void *slot, size_t size, int mark)
{
	void __percpu *pptr = *(void __percpu **)slot;
	int cpu;

	for_each_possible_cpu(cpu)
		if (memchr_inv(per_cpu_ptr(pptr, cpu), mark + cpu, size))
			return false;
	return true;
}

static void percpu_fixed(struct ma_run *run)
{
	static const int sizes[] = { 1, 8, 24, 512 };
	void *slots[4];
	struct bpf_mem_alloc ma;
	int i, n, err;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		err = bpf_mem_alloc_init(&ma, sizes[i], run->flavor->flags | BPF_MA_PERCPU);
		if (!MA_CHECK(run, !err, "init of size %d: %d", sizes[i], err))
			return;
		for (n = 0; n < ARRAY_SIZE(slots); n++) {
			slots[n] = bpf_mem_cache_alloc(&ma);
			use_object(run, slots[n], sizes[i], n * 16 + 1);
		}
		for (n = 0; n < ARRAY_SIZE(slots); n++) {
			if (!slots[n])
				continue;
			MA_CHECK(run, run->failed || still_mine(slots[n], sizes[i], n * 16 + 1),
				 "object %d of size %d was overwritten", n, sizes[i]);
			ma_free(run->flavor, &ma, slots[n]);
		}
		bpf_mem_alloc_destroy(&ma);
	}
}

static void percpu_unit_init(struct ma_run *run)
{
	static const int bad[] = { 0, -1, INT_MIN, 4097, INT_MAX };
	static const int good[] = { 8, 100, 4096 };
	struct bpf_mem_alloc ma;
	void *slot;
	int i, err;

	err = bpf_mem_alloc_percpu_init(&ma, NULL);
	if (!MA_CHECK(run, !err, "init: %d", err))
		return;
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		err = bpf_mem_alloc_percpu_unit_init(&ma, bad[i]);
		MA_CHECK(run, err == -EINVAL, "size %d: %d", bad[i], err);
	}
	MA_CHECK(run, !bpf_mem_alloc(&ma, 8), "an object of a class that is not there");
	for (i = 0; i < ARRAY_SIZE(good); i++) {
		err = bpf_mem_alloc_percpu_unit_init(&ma, good[i]);
		if (!MA_CHECK(run, !err, "size %d: %d", good[i], err))
			break;
		err = bpf_mem_alloc_percpu_unit_init(&ma, good[i]);
		MA_CHECK(run, !err, "size %d again: %d", good[i], err);
		slot = bpf_mem_alloc(&ma, good[i]);
		use_object(run, slot, good[i], 1);
		/* Once by each name: their sizes come from the object, not from slab. */
		if (i % 2)
			bpf_mem_free(&ma, slot);
		else
			bpf_mem_free_rcu(&ma, slot);
	}
	MA_CHECK(run, !bpf_mem_alloc(&ma, 0), "size 0");
	MA_CHECK(run, !bpf_mem_alloc(&ma, 2000), "an object of a class that is not there");
	MA_CHECK(run, !bpf_mem_alloc(&ma, 4097), "size 4097");
	bpf_mem_alloc_destroy(&ma);
}

static const struct ma_test tests[] = {
	MA_TEST_EACH_FLAVOR(percpu_fixed),
	MA_TEST(percpu_unit_init),
};

const struct ma_suite ma_percpu_suite = {
	.name = "api",
	.tests = tests,
	.nr = ARRAY_SIZE(tests),
};
