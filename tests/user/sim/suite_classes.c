// SPDX-License-Identifier: GPL-2.0-only
/* Size classes: every size gets the class that fits, and goes back to it. */
#include "suites.h"

#define HDR	8

static const size_t classes[] = { 16, 32, 64, 96, 128, 192, 256, 512, 1024, 2048, 4096 };

/* The smallest class that holds @size bytes. */
static size_t expected(size_t size)
{
	size_t i;

	for (i = 0; classes[i] < size; i++)
		;
	return classes[i];
}

static size_t real_size(void *ptr)
{
	return slab_meta((char *)ptr - HDR)->size;
}

static size_t real_percpu_size(void *ptr)
{
	struct percpu_block *block = (void *)(*(char **)ptr - PERCPU_HEADER);

	return block->size;
}

START_TEST(every_size)
{
	struct heap heap;
	size_t size;

	start_quietly(1);
	ck_assert_int_eq(heap_init(&heap, 0, 0), 0);
	for (size = 1; size <= 4096 - HDR; size++) {
		void *ptr = heap_alloc(&heap, size);

		ck_assert_uint_eq(real_size(ptr), expected(size + HDR));
		/* All of it may be written. */
		memset(ptr, *(u8 *)ptr, size);
		heap_free(&heap, ptr);
	}
	heap_destroy(&heap);
	heap_check_all_gone();
}

START_TEST(every_percpu_size)
{
	struct heap heap = { .flags = BPF_MA_PERCPU };
	size_t size, i;

	start_quietly(3);
	ck_assert_int_eq(bpf_mem_alloc_percpu_init(&heap.ma, NULL), 0);
	for (size = 1; size <= 4096; size++) {
		void *ptr;

		ck_assert_int_eq(bpf_mem_alloc_percpu_unit_init(&heap.ma, size), 0);
		ptr = heap_alloc(&heap, size);
		ck_assert_uint_eq(real_percpu_size(ptr), expected(size));
		if (size % 2)
			heap_free(&heap, ptr);
		else
			heap_free_rcu(&heap, ptr);
	}
	/* No class beyond the last. */
	for (i = 4097; i < 4200; i++)
		ck_assert_int_eq(bpf_mem_alloc_percpu_unit_init(&heap.ma, i), -EINVAL);
	heap_destroy(&heap);
	heap_check_all_gone();
}

/* An object of a class is reused for that class, whatever else is freed. */
START_TEST(back_to_its_class)
{
	static const unsigned int flags[] = {
		0, BPF_MA_REUSE_AFTER_RCU_GP, BPF_MA_FREE_AFTER_RCU_GP,
	};
	void *ptrs[ARRAY_SIZE(classes)];
	unsigned int round;
	struct heap heap;
	size_t i, j;

	start_quietly(1);
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		ck_assert_int_eq(heap_init(&heap, 0, flags[i]), 0);
		for (round = 0; round < 300; round++) {
			for (j = 0; j < ARRAY_SIZE(classes); j++) {
				size_t size = classes[j] - HDR - round % 8;

				ptrs[j] = heap_alloc(&heap, size);
				ck_assert_uint_eq(real_size(ptrs[j]), classes[j]);
			}
			for (j = 0; j < ARRAY_SIZE(classes); j++)
				if (round % 3)
					heap_free(&heap, ptrs[j]);
				else
					heap_free_rcu(&heap, ptrs[j]);
			sim_sleep(NSEC_PER_MSEC);
		}
		ck_assert(flags[i] & BPF_MA_FREE_AFTER_RCU_GP || heap.reused);
		heap_destroy(&heap);
	}
	heap_check_all_gone();
}

/* Fixed sizes need no class; their objects are no larger than asked for. */
START_TEST(fixed_sizes)
{
	static const int sizes[] = {
		1, 7, 8, 9, 248, 249, 504, 1016, 4088, 4089, 10000, 70000,
	};
	struct heap heap;
	size_t i, j;
	void *ptr[40];

	start_quietly(1);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		ck_assert_int_eq(heap_init(&heap, sizes[i], 0), 0);
		for (j = 0; j < ARRAY_SIZE(ptr); j++) {
			ptr[j] = heap_alloc(&heap, 0);
			ck_assert_uint_eq(real_size(ptr[j]), sizes[i] + HDR);
		}
		for (j = 0; j < ARRAY_SIZE(ptr); j++)
			heap_free(&heap, ptr[j]);
		heap_destroy(&heap);
	}
	heap_check_all_gone();
}

START_TEST(fixed_percpu_sizes)
{
	static const int sizes[] = { 1, 8, 100, 4096, 5000, PCPU_MIN_UNIT_SIZE };
	struct heap heap;
	void *ptr[12];
	size_t i, j;

	start_quietly(2);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		ck_assert_int_eq(heap_init(&heap, sizes[i], BPF_MA_PERCPU), 0);
		for (j = 0; j < ARRAY_SIZE(ptr); j++) {
			ptr[j] = heap_alloc(&heap, 0);
			ck_assert_uint_eq(real_percpu_size(ptr[j]), sizes[i]);
		}
		for (j = 0; j < ARRAY_SIZE(ptr); j++)
			heap_free(&heap, ptr[j]);
		heap_destroy(&heap);
	}
	heap_check_all_gone();
}

struct Suite *suite_classes(void)
{
	struct Suite *suite = suite_create("classes");

	add_tests(suite, "classes", 30, every_size, every_percpu_size, back_to_its_class);
	add_tests(suite, "fixed", 10, fixed_sizes, fixed_percpu_sizes);
	return suite;
}
