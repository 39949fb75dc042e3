// SPDX-License-Identifier: GPL-2.0-only
/* Every entry point of the interface, and every error that it returns. */
#include "suites.h"

#define both	(BPF_MA_REUSE_AFTER_RCU_GP | BPF_MA_FREE_AFTER_RCU_GP)

START_TEST(init_refuses)
{
	static const struct {
		int size;
		unsigned int flags;
		int err;
	} bad[] = {
		{ -1, 0, -EINVAL },
		{ INT_MIN, 0, -EINVAL },
		{ 64, both, -EINVAL },
		{ 0, both, -EINVAL },
		{ 64, 1U << 3, -EINVAL },
		{ 64, 1U << 31, -EINVAL },
		{ 64, ~0U, -EINVAL },
		{ 0, BPF_MA_PERCPU, -EINVAL },
		{ -1, BPF_MA_PERCPU, -EINVAL },
		{ 0, BPF_MA_PERCPU | BPF_MA_REUSE_AFTER_RCU_GP, -EINVAL },
		{ KMALLOC_MAX_SIZE - 7, 0, -E2BIG },
		{ INT_MAX, 0, -E2BIG },
		{ PCPU_MIN_UNIT_SIZE + 1, BPF_MA_PERCPU, -E2BIG },
	};
	struct heap heap;
	size_t i;

	start_quietly(2);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		memset(&heap.ma, 0xff, sizeof(heap.ma));
		ck_assert_int_eq(heap_init(&heap, bad[i].size, bad[i].flags),
				 bad[i].err);
		/* A handle that was refused can be destroyed. */
		ck_assert_ptr_null(heap.ma.pool);
		heap_destroy(&heap);
	}
	ck_assert_int_eq(slab.calls, 0);
}

START_TEST(init_accepts)
{
	static const struct {
		int size;
		unsigned int flags;
	} good[] = {
		{ 0, 0 },
		{ 0, BPF_MA_REUSE_AFTER_RCU_GP },
		{ 0, BPF_MA_FREE_AFTER_RCU_GP },
		{ 1, 0 },
		{ KMALLOC_MAX_SIZE - 8, 0 },
		{ PCPU_MIN_UNIT_SIZE, BPF_MA_PERCPU },
		{ 8, BPF_MA_PERCPU | BPF_MA_REUSE_AFTER_RCU_GP },
		{ 8, BPF_MA_PERCPU | BPF_MA_FREE_AFTER_RCU_GP },
		{ 64, true },
		{ 64, false },
	};
	struct heap heap;
	void *ptr;
	size_t i;

	start_quietly(1);
	for (i = 0; i < ARRAY_SIZE(good); i++) {
		ck_assert_int_eq(heap_init(&heap, good[i].size, good[i].flags), 0);
		ptr = heap_alloc(&heap, 8);
		heap_free(&heap, ptr);
		heap_destroy(&heap);
	}
	heap_check_all_gone();
}

START_TEST(check_size)
{
	ck_assert_int_eq(bpf_mem_alloc_check_size(false, 0), 0);
	ck_assert_int_eq(bpf_mem_alloc_check_size(false, 4088), 0);
	ck_assert_int_eq(bpf_mem_alloc_check_size(false, 4089), -E2BIG);
	ck_assert_int_eq(bpf_mem_alloc_check_size(false, SIZE_MAX), -E2BIG);
	ck_assert_int_eq(bpf_mem_alloc_check_size(true, 4096), 0);
	ck_assert_int_eq(bpf_mem_alloc_check_size(true, 4097), -E2BIG);
}

START_TEST(alloc_refuses)
{
	static const size_t bad[] = { 0, 4089, 4096, 1 << 20, SIZE_MAX, SIZE_MAX - 7 };
	struct heap heap;
	size_t i;

	start_quietly(1);
	ck_assert_int_eq(heap_init(&heap, 0, 0), 0);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		ck_assert_ptr_null(bpf_mem_alloc(&heap.ma, bad[i]));
	heap_destroy(&heap);
	heap_check_all_gone();
}

START_TEST(free_of_null)
{
	struct heap one, many;

	start_quietly(1);
	ck_assert_int_eq(heap_init(&one, 64, 0), 0);
	ck_assert_int_eq(heap_init(&many, 0, 0), 0);
	bpf_mem_free(&many.ma, NULL);
	bpf_mem_free_rcu(&many.ma, NULL);
	bpf_mem_cache_free(&one.ma, NULL);
	bpf_mem_cache_free_rcu(&one.ma, NULL);
	bpf_mem_cache_raw_free(NULL);
	heap_destroy(&one);
	heap_destroy(&many);
	heap_check_all_gone();
}

START_TEST(destroy_twice)
{
	struct bpf_mem_alloc zeroed = {};
	struct heap heap;

	start_quietly(1);
	bpf_mem_alloc_destroy(&zeroed);
	ck_assert_int_eq(heap_init(&heap, 64, 0), 0);
	heap_destroy(&heap);
	ck_assert_ptr_null(heap.ma.pool);
	heap_destroy(&heap);
	heap_check_all_gone();
}

/* Nothing is left, whichever allocation of the set-up fails. */
START_TEST(init_without_memory)
{
	static const unsigned int flags[] = { 0, BPF_MA_PERCPU };
	struct heap heap;
	int calls, err;
	size_t i;

	start_quietly(2);
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		for (calls = 1;; calls++) {
			slab = (struct slab_state){ .fail_from = calls, .fail_to = calls };
			err = heap_init(&heap, 64, flags[i]);
			slab.fail_to = 0;
			if (calls <= 2)
				ck_assert_int_eq(err, -ENOMEM);
			else
				ck_assert_int_eq(err, 0);
			heap_destroy(&heap);
			heap_check_all_gone();
			if (!slab.failed)
				break;
		}
		ck_assert_int_gt(calls, 4);
	}
}

START_TEST(alloc_flags)
{
	struct heap heap;
	void *ptrs[32];
	int i, n;
	bool off;

	start_quietly(1);
	ck_assert_int_eq(heap_init(&heap, FEW, 0), 0);
	/* Without interrupts there is no refill, and only GFP_KERNEL helps. */
	off = shim_irq_save();
	for (n = 0; (ptrs[n] = heap_alloc_flags(&heap, GFP_NOWAIT)); n++)
		ck_assert_int_lt(n, 8);
	shim_irq_restore(off);
	slab.fail_from = 1;
	slab.fail_to = LONG_MAX;
	while ((ptrs[n] = heap_alloc(&heap, 0)))
		n++;
	ck_assert_ptr_null(heap_alloc_flags(&heap, GFP_NOWAIT));
	ck_assert_ptr_null(heap_alloc_flags(&heap, GFP_KERNEL));
	slab.fail_to = 0;
	ptrs[n] = heap_alloc_flags(&heap, GFP_KERNEL);
	ck_assert_ptr_nonnull(ptrs[n]);
	n++;
	for (i = 0; i < n; i++)
		heap_free(&heap, ptrs[i]);
	heap_destroy(&heap);
	heap_check_all_gone();
}

/*
 * Under PREEMPT_RT the refill is a thread's. A task that it may preempt waits for it, a
 * while, and only with GFP_KERNEL can it do without.
 */
static const struct {
	bool irqs_off;
	int prio;
	bool parked;
	bool waits;
	u64 ns;
} refills[] = {
	{ false, DEFAULT_PRIO, false, true, 0 },
	{ false, DEFAULT_PRIO, true, false, 10 * NSEC_PER_MSEC },
	{ false, MAX_RT_PRIO - 1, false, false, 0 },
	{ true, DEFAULT_PRIO, false, false, 0 },
};

static void *alloc_nowait(struct heap *heap, bool irqs_off)
{
	unsigned long flags;
	void *ptr;

	if (!irqs_off)
		return heap_alloc_flags(heap, GFP_NOWAIT);
	local_irq_save(flags);
	ptr = heap_alloc_flags(heap, GFP_NOWAIT);
	local_irq_restore(flags);
	return ptr;
}

START_TEST(alloc_before_refill)
{
	struct heap heap;
	void *ptrs[100];
	u64 start;
	int n;

	sim_start(&(struct sim_config){ .cpus = 1, .rt = true }, 0);
	ck_assert_int_eq(heap_init(&heap, FEW, 0), 0);
	if (refills[_i].parked)
		sim_park(0);
	shim_current()->prio = refills[_i].prio;
	start = local_clock();
	for (n = 0; n < 99; n++) {
		ptrs[n] = alloc_nowait(&heap, refills[_i].irqs_off);
		if (!ptrs[n])
			break;
	}
	ck_assert_int_eq(n == 99, refills[_i].waits);
	if (!refills[_i].waits)
		ck_assert_uint_eq((local_clock() - start) / NSEC_PER_MSEC,
				  refills[_i].ns / NSEC_PER_MSEC);
	shim_current()->prio = DEFAULT_PRIO;
	start = local_clock();
	ptrs[n] = heap_alloc_flags(&heap, GFP_KERNEL);
	ck_assert_ptr_nonnull(ptrs[n]);
	ck_assert_uint_eq(local_clock(), start);
	sim_set_online(0, true);
	for (; n >= 0; n--)
		heap_free(&heap, ptrs[n]);
	heap_destroy(&heap);
	heap_check_all_gone();
}

/* A try that comes before the refill is followed by one that comes after it. */
START_TEST(alloc_beside_refill)
{
	static void *ptrs[200];
	struct heap heap;
	size_t i;

	sim_start(&(struct sim_config){
		.cpus = 2, .chooser = CHOOSE_RANDOM, .rt = true, .one_in = 3,
		.switches = 1, .migrations = 1,
	}, _i + 1);
	ck_assert_int_eq(heap_init(&heap, FEW, 0), 0);
	sim.current->migrates = true;
	for (i = 0; i < ARRAY_SIZE(ptrs); i++) {
		ptrs[i] = heap_alloc(&heap, 0);
		ck_assert_ptr_nonnull(ptrs[i]);
	}
	sim.current->migrates = false;
	for (i = 0; i < ARRAY_SIZE(ptrs); i++)
		heap_free(&heap, ptrs[i]);
	heap_destroy(&heap);
	heap_check_all_gone();
}

START_TEST(raw_free)
{
	struct heap heap;
	void *early, *late;

	start_quietly(1);
	ck_assert_int_eq(heap_init(&heap, 64, BPF_MA_REUSE_AFTER_RCU_GP), 0);
	early = heap_alloc(&heap, 0);
	late = heap_alloc(&heap, 0);
	heap_raw_free(&heap, early);
	heap_destroy(&heap);
	/* What is still out keeps the allocator. */
	heap_idle();
	ck_assert_int_eq(heap_totals().allocators, 1);
	ck_assert_int_eq(heap_totals().slab_taken - heap_totals().slab_returned, 1);
	heap_raw_free(NULL, late);
	heap_check_all_gone();
}

START_TEST(percpu_init)
{
	struct heap heap = { .flags = BPF_MA_PERCPU };
	void *ptr, *small;

	start_quietly(2);
	ck_assert_int_eq(bpf_mem_alloc_percpu_init(&heap.ma, NULL), 0);
	ck_assert_ptr_null(bpf_mem_alloc(&heap.ma, 64));
	ck_assert_int_eq(bpf_mem_alloc_percpu_unit_init(&heap.ma, 0), -EINVAL);
	ck_assert_int_eq(bpf_mem_alloc_percpu_unit_init(&heap.ma, -8), -EINVAL);
	ck_assert_int_eq(bpf_mem_alloc_percpu_unit_init(&heap.ma, INT_MIN), -EINVAL);
	ck_assert_int_eq(bpf_mem_alloc_percpu_unit_init(&heap.ma, 4097), -EINVAL);
	ck_assert_int_eq(bpf_mem_alloc_percpu_unit_init(&heap.ma, 4096), 0);
	ck_assert_int_eq(bpf_mem_alloc_percpu_unit_init(&heap.ma, 64), 0);
	ck_assert_int_eq(bpf_mem_alloc_percpu_unit_init(&heap.ma, 64), 0);
	ptr = heap_alloc(&heap, 4096);
	small = heap_alloc(&heap, 33);
	ck_assert_ptr_nonnull(ptr);
	ck_assert_ptr_nonnull(small);
	ck_assert_ptr_null(bpf_mem_alloc(&heap.ma, 32));
	ck_assert_ptr_null(bpf_mem_alloc(&heap.ma, 4097));
	heap_free(&heap, ptr);
	heap_free_rcu(&heap, small);
	heap_idle();
	heap_destroy(&heap);
	heap_check_all_gone();
}

/* An NMI allocates while the size class is set up, at each point of that. */
static struct heap unit_heap;

static void nmi_uses_unit(void)
{
	void *ptr = heap_alloc(&unit_heap, 64);

	if (ptr)
		heap_free(&unit_heap, ptr);
}

static void run_unit_init(void)
{
	unit_heap = (struct heap){ .flags = BPF_MA_PERCPU };
	ck_assert_int_eq(bpf_mem_alloc_percpu_init(&unit_heap.ma, NULL), 0);
	explore_begin();
	ck_assert_int_eq(bpf_mem_alloc_percpu_unit_init(&unit_heap.ma, 64), 0);
	explore_end();
	heap_destroy(&unit_heap);
	heap_check_all_gone();
}

START_TEST(alloc_during_unit_init)
{
	unsigned int runs;

	sim_set_repeat("api", "set-up");
	runs = explore(&(struct sim_config){
		.cpus = 2, .chooser = CHOOSE_SCRIPTED, .nmi = 1,
		.nmi_fn = nmi_uses_unit,
	}, run_unit_init);
	ck_assert_uint_gt(runs, 10);
}

START_TEST(percpu_init_without_memory)
{
	struct heap heap = { .flags = BPF_MA_PERCPU };
	struct obj_cgroup objcg = { .refs = 1 };

	start_quietly(2);
	slab.fail_from = 1;
	slab.fail_to = 1;
	ck_assert_int_eq(bpf_mem_alloc_percpu_init(&heap.ma, &objcg), -ENOMEM);
	ck_assert_ptr_null(heap.ma.pool);
	/* The reference stays with the caller. */
	ck_assert_int_eq(objcg.refs, 1);
	slab.fail_to = 0;
	/* Never used, not even one size class. */
	ck_assert_int_eq(bpf_mem_alloc_percpu_init(&heap.ma, NULL), 0);
	heap_destroy(&heap);
	heap_check_all_gone();
}

/* Objects of every kind are charged to whoever set the allocator up. */
START_TEST(memcg_is_charged)
{
	struct mem_cgroup memcg = {};
	struct obj_cgroup objcg = { .memcg = &memcg };
	static const unsigned int flags[] = { 0, BPF_MA_PERCPU };
	struct heap heap;
	void *ptrs[64];
	long at_rest;
	size_t i, j;

	start_quietly(2);
	for (j = 0; j < ARRAY_SIZE(flags); j++) {
		shim_current_objcg = &objcg;
		ck_assert_int_eq(heap_init(&heap, 256, flags[j]), 0);
		shim_current_objcg = NULL;
		ck_assert_int_eq(objcg.refs, 1);
		at_rest = memcg.charged;
		ck_assert_int_gt(at_rest, 0);
		for (i = 0; i < ARRAY_SIZE(ptrs); i++)
			ptrs[i] = heap_alloc(&heap, 0);
		ck_assert_int_ge(memcg.charged - at_rest, 256 * 60);
		for (i = 0; i < ARRAY_SIZE(ptrs); i++)
			heap_free(&heap, ptrs[i]);
		heap_destroy(&heap);
		heap_check_all_gone();
		ck_assert_int_eq(memcg.charged, 0);
		ck_assert_int_eq(memcg.refs, 0);
		ck_assert_int_eq(objcg.refs, 0);
	}
	/* A task's own memory cgroup is what it was. */
	ck_assert_ptr_null(*shim_active_memcg());
}

/* What tells where freed objects are is charged as they are. */
START_TEST(memcg_is_charged_for_frees)
{
	struct mem_cgroup memcg = {};
	struct obj_cgroup objcg = { .memcg = &memcg };
	struct bpf_mem_alloc_stats stats;
	struct heap heap;
	void *ptrs[64];
	long objects;
	size_t i;

	start_quietly(2);
	shim_current_objcg = &objcg;
	ck_assert_int_eq(heap_init(&heap, FEW, BPF_MA_REUSE_AFTER_RCU_GP), 0);
	shim_current_objcg = NULL;
	for (i = 0; i < ARRAY_SIZE(ptrs); i++)
		ptrs[i] = heap_alloc(&heap, 0);
	stats = heap_stats(&heap);
	rcu_read_lock();
	for (i = 0; i < ARRAY_SIZE(ptrs); i++)
		heap_free(&heap, ptrs[i]);
	ck_assert_uint_eq(heap_stats(&heap).slab_taken, stats.slab_taken);
	for (i = 0; i < ARRAY_SIZE(ptrs); i++)
		ptrs[i] = heap_alloc(&heap, 0);
	stats = heap_stats(&heap);
	objects = stats.slab_taken - stats.slab_returned;
	ck_assert_int_gt(memcg.charged, objects * (FEW + 8));
	rcu_read_unlock();
	for (i = 0; i < ARRAY_SIZE(ptrs); i++)
		heap_free(&heap, ptrs[i]);
	heap_destroy(&heap);
	heap_check_all_gone();
	ck_assert_int_eq(memcg.charged, 0);
}

START_TEST(percpu_memcg_is_charged)
{
	struct mem_cgroup memcg = {};
	struct obj_cgroup objcg = { .refs = 1, .memcg = &memcg };
	struct heap heap = { .flags = BPF_MA_PERCPU };

	start_quietly(2);
	ck_assert_int_eq(bpf_mem_alloc_percpu_init(&heap.ma, &objcg), 0);
	ck_assert_int_eq(bpf_mem_alloc_percpu_unit_init(&heap.ma, 64), 0);
	ck_assert_int_ge(memcg.charged, 2 * 64);
	heap_destroy(&heap);
	heap_check_all_gone();
	ck_assert_int_eq(memcg.charged, 0);
	ck_assert_int_eq(objcg.refs, 0);
}

struct dtor_calls {
	long objects;
	bool over;
};

static void count_dtor(void *obj, void *ctx)
{
	struct dtor_calls *calls = ctx;

	ck_assert(!calls->over);
	ck_assert_ptr_nonnull(obj);
	/* The object is still whole. */
	memset(obj, *(char *)obj, 64);
	calls->objects++;
}

static void end_dtor(void *ctx)
{
	struct dtor_calls *calls = ctx;

	ck_assert(!calls->over);
	calls->over = true;
}

START_TEST(dtor)
{
	struct bpf_mem_alloc_totals totals;
	struct dtor_calls calls = {};
	struct heap heap;
	void *ptrs[300], *raw;
	size_t i;

	start_quietly(2);
	ck_assert_int_eq(heap_init(&heap, 64, BPF_MA_FREE_AFTER_RCU_GP), 0);
	bpf_mem_alloc_set_dtor(&heap.ma, count_dtor, end_dtor, &calls);
	raw = heap_alloc(&heap, 0);
	for (i = 0; i < ARRAY_SIZE(ptrs); i++)
		ptrs[i] = heap_alloc(&heap, 0);
	for (i = 0; i < ARRAY_SIZE(ptrs); i++)
		heap_free(&heap, ptrs[i]);
	heap_idle();
	ck_assert_int_ge(calls.objects, ARRAY_SIZE(ptrs));
	heap_raw_free(&heap, raw);
	heap_destroy(&heap);
	heap_check_all_gone();
	totals = heap_totals();
	ck_assert_int_eq(calls.objects, totals.slab_returned);
	ck_assert(calls.over);
}

START_TEST(dtor_without_end)
{
	struct dtor_calls calls = {};
	struct heap heap;

	start_quietly(1);
	ck_assert_int_eq(heap_init(&heap, 64, 0), 0);
	bpf_mem_alloc_set_dtor(&heap.ma, count_dtor, NULL, &calls);
	heap_free(&heap, heap_alloc(&heap, 0));
	heap_destroy(&heap);
	heap_check_all_gone();
	ck_assert_int_eq(calls.objects, heap_totals().slab_returned);
}

struct seen {
	int nr;
	u64 ids[4];
	u64 flags;
};

static void note_allocator(const struct bpf_mem_alloc_stats *stats, void *arg)
{
	struct seen *seen = arg;

	ck_assert_int_lt(seen->nr, 4);
	seen->ids[seen->nr++] = stats->id;
	seen->flags |= stats->flags;
}

START_TEST(statistics)
{
	struct bpf_mem_alloc_stats stats;
	struct bpf_mem_alloc_totals totals;
	struct seen seen = {};
	struct heap a, b;
	void *ptrs[300];
	size_t i;

	start_quietly(2);
	ck_assert_int_eq(heap_init(&a, 56, BPF_MA_REUSE_AFTER_RCU_GP), 0);
	ck_assert_int_eq(heap_init(&b, 0, 0), 0);
	for (i = 0; i < ARRAY_SIZE(ptrs); i++)
		ptrs[i] = heap_alloc(&a, 0);
	stats = heap_stats(&a);
	ck_assert_uint_eq(stats.flags, BPF_MA_REUSE_AFTER_RCU_GP);
	ck_assert_uint_eq(stats.size, 56);
	ck_assert_uint_eq(stats.slab_taken, stats.free + ARRAY_SIZE(ptrs));
	ck_assert_uint_eq(stats.slab_returned, 0);
	ck_assert_uint_eq(stats.slab_bytes, stats.slab_taken * 64);
	ck_assert_uint_ge(stats.peak_bytes, stats.slab_bytes);
	ck_assert_uint_gt(stats.refills, 0);
	ck_assert_uint_eq(stats.failures, 0);
	ck_assert_uint_eq(stats.nested, 0);
	for (i = 0; i < ARRAY_SIZE(ptrs); i++)
		heap_free(&a, ptrs[i]);
	stats = heap_stats(&a);
	ck_assert_uint_eq(stats.wait_rcu, ARRAY_SIZE(ptrs));
	ck_assert_uint_gt(stats.batches, 0);

	bpf_mem_alloc_for_each(note_allocator, &seen);
	ck_assert_int_eq(seen.nr, 2);
	ck_assert_uint_ne(seen.ids[0], seen.ids[1]);
	ck_assert_uint_eq(seen.flags, BPF_MA_REUSE_AFTER_RCU_GP);
	totals = heap_totals();
	ck_assert_uint_eq(totals.allocators, 2);
	ck_assert_uint_gt(totals.slab_taken, totals.slab_returned);

	/* A destroyed allocator is shown until the last object is back. */
	heap_destroy(&a);
	heap_destroy(&b);
	seen = (struct seen){};
	bpf_mem_alloc_for_each(note_allocator, &seen);
	ck_assert_int_eq(seen.nr, 2);
	heap_check_all_gone();
	totals = heap_totals();
	ck_assert_uint_gt(totals.slab_taken, 100);
	ck_assert_uint_gt(totals.gp_trace, 0);
}

static void run_module_exit(void)
{
	struct heap heaps[2];
	int i;

	for (i = 0; i < 2; i++) {
		ck_assert_int_eq(heap_init(&heaps[i], FEW, 0), 0);
		heap_free(&heaps[i], heap_alloc(&heaps[i], 0));
	}
	explore_begin();
	for (i = 0; i < 2; i++)
		heap_destroy(&heaps[i]);
	bpf_mem_alloc_exit();
	explore_end();
	ck_assert_int_eq(heap_totals().allocators, 0);
	ck_assert(!work_is_pending());
	ck_assert(rcu_is_idle());
	slab_flush();
	ck_assert_int_eq(slab.live, 0);
}

/* No code runs any more that the module takes with it, however slow it is. */
START_TEST(module_exit_waits)
{
	unsigned int runs;

	sim_set_repeat("api", "end");
	runs = explore(&(struct sim_config){
		.cpus = 2, .chooser = CHOOSE_SCRIPTED, .stalls = 1,
	}, run_module_exit);
	ck_assert_uint_gt(runs, 50);
}

/* An object that never comes back is told about, once and within bounds. */
START_TEST(module_exit_gives_up)
{
	struct heap heap;
	void *lost;
	u64 began;

	start_quietly(2);
	ck_assert_int_eq(heap_init(&heap, 64, 0), 0);
	lost = heap_alloc(&heap, 0);
	heap_destroy(&heap);
	began = sim.ns;
	sim.expected_warnings = 1;
	bpf_mem_alloc_exit();
	ck_assert_int_eq(sim.expected_warnings, 0);
	ck_assert_uint_le(sim.ns - began, 11 * HZ * NSEC_PER_MSEC);
	ck_assert(!work_is_pending());
	heap_raw_free(NULL, lost);
}

struct Suite *suite_api(void)
{
	struct Suite *suite = suite_create("api");
	struct TCase *refill = tcase_create("refill");

	add_tests(suite, "set-up", 10, init_refuses, init_accepts, check_size,
		  init_without_memory, percpu_init, alloc_during_unit_init,
		  percpu_init_without_memory);
	add_tests(suite, "use", 10, alloc_refuses, free_of_null, alloc_flags, raw_free);
	tcase_add_loop_test(refill, alloc_before_refill, 0, ARRAY_SIZE(refills));
	tcase_add_loop_test(refill, alloc_beside_refill, 0, 200);
	suite_add_tcase(suite, refill);
	add_tests(suite, "owner", 10, memcg_is_charged, memcg_is_charged_for_frees,
		  percpu_memcg_is_charged, dtor, dtor_without_end);
	add_tests(suite, "end", 10, destroy_twice, statistics, module_exit_waits,
		  module_exit_gives_up);
	return suite;
}
