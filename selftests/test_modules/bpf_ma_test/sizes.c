// SPDX-License-Identifier: GPL-2.0-only
/*
 * Suite api: objects are as large as asked for, aligned, zeroed when they come
 * from slab, and overlap with nothing.
 */
#include <linux/mm.h>
#include <linux/string.h>

#include "test.h"

#define HDR		8
#define SIZE_LAST	4088

/* The size classes that the interface names, header included. */
static const unsigned int classes[] = {
	16, 32, 64, 96, 128, 192, 256, 512, 1024, 2048, 4096,
};

static unsigned int class_for(unsigned int size)
{
	int i = 0;

	while (classes[i] < size + HDR)
		i++;
	return classes[i];
}

static u8 pattern(unsigned int size)
{
	return size * 7 + 3;
}

static void free_all(struct ma_run *run, struct bpf_mem_alloc *ma, void **objs)
{
	unsigned int size;

	for (size = 1; size <= SIZE_LAST; size++) {
		if (run->flavor->free_rcu)
			bpf_mem_free_rcu(ma, objs[size]);
		else
			bpf_mem_free(ma, objs[size]);
		objs[size] = NULL;
	}
}

/* All sizes at once, each filled to its end: whoever overlaps is found out. */
static bool alloc_all(struct ma_run *run, struct bpf_mem_alloc *ma, void **objs)
{
	unsigned int size;

	for (size = 1; size <= SIZE_LAST; size++) {
		u8 *obj = bpf_mem_alloc(ma, size);

		objs[size] = obj;
		if (!MA_CHECK(run, obj, "NULL for size %u", size) ||
		    !MA_CHECK(run, IS_ALIGNED((unsigned long)obj, 8), "size %u", size) ||
		    !MA_CHECK(run, ksize(obj - HDR) == class_for(size),
			      "size %u: slab gave %zu bytes, class %u", size,
			      ksize(obj - HDR), class_for(size)))
			return false;
		memset(obj, pattern(size), size);
	}
	for (size = 1; size <= SIZE_LAST; size++)
		if (!MA_CHECK(run, !memchr_inv(objs[size], pattern(size), size),
			      "object of size %u was overwritten", size))
			return false;
	return true;
}

static void size_classes(struct ma_run *run)
{
	struct bpf_mem_alloc ma;
	void **objs;
	int round;

	objs = kvcalloc(SIZE_LAST + 1, sizeof(*objs), GFP_KERNEL);
	if (!MA_CHECK(run, objs, "no memory"))
		return;
	if (ma_setup(run, &ma, 0)) {
		/* The second round gets what the first one freed. */
		for (round = 0; round < 2; round++) {
			bool ok = alloc_all(run, &ma, objs);

			free_all(run, &ma, objs);
			if (!ok)
				break;
		}
		bpf_mem_alloc_destroy(&ma);
	}
	kvfree(objs);
}

static void no_class(struct ma_run *run)
{
	static const size_t sizes[] = {
		0, SIZE_LAST + 1, 1 << 20, SIZE_MAX - HDR, SIZE_MAX - HDR + 1, SIZE_MAX,
	};
	struct bpf_mem_alloc ma;
	void *obj;
	int i;

	if (!ma_setup(run, &ma, 0))
		return;
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		obj = bpf_mem_alloc(&ma, sizes[i]);
		MA_CHECK(run, !obj, "an object for size %zu", sizes[i]);
		bpf_mem_free(&ma, obj);
	}
	bpf_mem_alloc_destroy(&ma);
}

/* Several of each size that lies at a border of a class, side by side. */
static void class_borders(struct ma_run *run)
{
	u8 *objs[16];
	struct bpf_mem_alloc ma;
	int i, n, delta;

	if (!ma_setup(run, &ma, 0))
		return;
	for (i = 0; i < ARRAY_SIZE(classes); i++) {
		for (delta = -1; delta <= 1; delta++) {
			unsigned int size = classes[i] - HDR + delta;

			if (size > SIZE_LAST)
				continue;
			for (n = 0; n < ARRAY_SIZE(objs); n++) {
				objs[n] = bpf_mem_alloc(&ma, size);
				if (MA_CHECK(run, objs[n], "NULL for size %u", size))
					memset(objs[n], n + 1, size);
			}
			for (n = 0; n < ARRAY_SIZE(objs); n++) {
				MA_CHECK(run, !objs[n] || !memchr_inv(objs[n], n + 1, size),
					 "object %d of size %u was overwritten", n, size);
				bpf_mem_free(&ma, objs[n]);
			}
		}
	}
	bpf_mem_alloc_destroy(&ma);
}

static void fixed_size(struct ma_run *run)
{
	static const int sizes[] = { 1, 7, 8, 9, 88, 184, 185, 4088, 4089, 12345, 65536 };
	void *objs[8];
	struct bpf_mem_alloc ma;
	int i, n;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		if (!ma_setup(run, &ma, sizes[i]))
			return;
		for (n = 0; n < ARRAY_SIZE(objs); n++) {
			objs[n] = bpf_mem_cache_alloc(&ma);
			if (!MA_CHECK(run, objs[n], "NULL for size %d", sizes[i]))
				continue;
			MA_CHECK(run, ksize(objs[n] - HDR) >= sizes[i] + HDR,
				 "size %d: slab gave %zu", sizes[i], ksize(objs[n] - HDR));
			memset(objs[n], n + 1, sizes[i]);
		}
		for (n = 0; n < ARRAY_SIZE(objs); n++) {
			MA_CHECK(run, !objs[n] || !memchr_inv(objs[n], n + 1, sizes[i]),
				 "object %d of size %d was overwritten", n, sizes[i]);
			if (objs[n])
				ma_free(run->flavor, &ma, objs[n]);
		}
		bpf_mem_alloc_destroy(&ma);
	}
}

#define DIRTY	2000

/*
 * Leaves dirty objects for slab to hand out again. Needs a kernel that does
 * not zero them itself: init_on_alloc=0.
 */
static void soil_slab(void **objs, size_t size)
{
	int i;

	for (i = 0; i < DIRTY; i++) {
		objs[i] = kmalloc(size, GFP_KERNEL);
		if (objs[i])
			memset(objs[i], 0xa5, size);
	}
	for (i = 0; i < DIRTY; i++)
		kfree(objs[i]);
}

static void zeroed(struct ma_run *run)
{
	static const int sizes[] = { 40, 120, 1000 };
	struct bpf_mem_alloc ma;
	void **objs;
	int i, n;

	objs = kvcalloc(DIRTY, sizeof(*objs), GFP_KERNEL);
	if (!MA_CHECK(run, objs, "no memory"))
		return;
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		soil_slab(objs, sizes[i] + HDR);
		if (!ma_setup(run, &ma, sizes[i]))
			break;
		for (n = 0; n < DIRTY; n++) {
			objs[n] = bpf_mem_cache_alloc(&ma);
			MA_CHECK(run, objs[n] && !memchr_inv(objs[n], 0, sizes[i]),
				 "object %d of size %d", n, sizes[i]);
		}
		for (n = 0; n < DIRTY; n++)
			bpf_mem_cache_free(&ma, objs[n]);
		bpf_mem_alloc_destroy(&ma);
	}
	kvfree(objs);
}

static const struct ma_test tests[] = {
	MA_TEST_EACH_FLAVOR(size_classes),
	MA_TEST(no_class),
	MA_TEST(class_borders),
	MA_TEST_EACH_FLAVOR(fixed_size),
	MA_TEST(zeroed),
};

const struct ma_suite ma_sizes_suite = {
	.name = "api",
	.tests = tests,
	.nr = ARRAY_SIZE(tests),
};
