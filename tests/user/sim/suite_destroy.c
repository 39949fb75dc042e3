// SPDX-License-Identifier: GPL-2.0-only
/*
 * Destroy, in every state that an allocator can be in: whatever its objects
 * wait for, all of them go home, and none early.
 */
#include "suites.h"

#define SLOTS	10

static struct heap heap;
static void *slots[SLOTS];
static void *nmi_ptr;

static const unsigned int flavors[] = {
	0, BPF_MA_REUSE_AFTER_RCU_GP, BPF_MA_FREE_AFTER_RCU_GP, BPF_MA_PERCPU,
	BPF_MA_PERCPU | BPF_MA_REUSE_AFTER_RCU_GP,
};

static void nmi_free(void)
{
	void *ptr = nmi_ptr;

	nmi_ptr = NULL;
	if (ptr)
		heap_free(&heap, ptr);
}

/*
 * The script: letters are steps, and the allocator is destroyed after each
 * prefix.  a/A allocate one or all, f/F free, r is free_rcu, n frees in the
 * middle of an allocation, g/x/t step a grace period, s/S sleep, R/T let readers in.
 */
static const char script[] = "aAFgaFgAFsAnngAFrSAFxxtATFtsAFRAFggSSAFtttSAnF";

static bool readers_stay;
static unsigned int nr_readers;

static void reader_fn(void *arg)
{
	(void)arg;
	rcu_read_lock();
	while (readers_stay)
		sim_sleep(10 * NSEC_PER_MSEC);
	rcu_read_unlock();
}

static void trace_reader_fn(void *arg)
{
	const bool *stays = arg;

	rcu_read_lock_trace();
	while (*stays)
		sim_sleep(10 * NSEC_PER_MSEC);
	rcu_read_unlock_trace();
}

/* Lets a tasks-trace reader in, who stays as long as @stays is true. */
static void trace_reader_enters(bool *stays)
{
	*stays = true;
	sim_spawn("reader", 1, trace_reader_fn, stays);
	sim_sleep(NSEC_PER_MSEC);
}

static void step_gp(enum gp_kind kind)
{
	if (rcu_can_step(kind, false))
		rcu_step(kind);
}

static void alloc_slot(int i)
{
	if (!slots[i])
		slots[i] = heap_alloc(&heap, 0);
}

static void free_slot(int i, bool rcu)
{
	void *ptr = slots[i];

	slots[i] = NULL;
	if (ptr && rcu)
		heap_free_rcu(&heap, ptr);
	else if (ptr)
		heap_free(&heap, ptr);
}

static void free_in_nmi(int i)
{
	free_slot(0, false);
	nmi_ptr = slots[i];
	slots[i] = NULL;
	sim.cfg.nmi_fn = nmi_free;
	alloc_slot(0);
	sim.cfg.nmi_fn = NULL;
	nmi_free();
}

static void step(char what)
{
	int i;

	switch (what) {
	case 'a':
		alloc_slot(0);
		break;
	case 'A':
		for (i = 0; i < SLOTS; i++)
			alloc_slot(i);
		break;
	case 'F':
		for (i = 0; i < SLOTS; i++)
			free_slot(i, false);
		break;
	case 'r':
		for (i = 0; i < SLOTS; i++)
			free_slot(i, true);
		break;
	case 'n':
		free_in_nmi(1 + sim_random(SLOTS - 1));
		break;
	case 'g':
		step_gp(GP_NORMAL);
		break;
	case 'x':
		step_gp(GP_EXPEDITED);
		break;
	case 't':
		step_gp(GP_TRACE);
		break;
	case 's':
		sim_sleep(30 * NSEC_PER_MSEC);
		break;
	case 'S':
		sim_sleep(250 * NSEC_PER_MSEC);
		break;
	case 'R':
		sim_spawn("reader", 1, reader_fn, NULL);
		sim_sleep(NSEC_PER_MSEC);
		nr_readers++;
		break;
	case 'T':
		trace_reader_enters(&readers_stay);
		nr_readers++;
		break;
	}
}

static void destroy_after(unsigned int flags, size_t steps, struct sim_config cfg)
{
	bool readers;
	size_t i;

	slab = (struct slab_state){};
	cfg.chooser = CHOOSE_RANDOM;
	cfg.nmi = 1000;
	cfg.one_in = 1;
	sim_start(&cfg, steps);
	sim.step_limit = 1000000;
	readers_stay = true;
	nr_readers = 0;
	ck_assert_int_eq(heap_init(&heap, FEW, flags), 0);
	for (i = 0; i < steps; i++)
		step(script[i]);
	for (i = 0; i < SLOTS; i++)
		free_slot(i, steps % 2);
	readers = nr_readers;
	heap_destroy(&heap);
	if (readers) {
		heap_idle();
		if (!heap_totals().allocators)
			shim_fail("destroy did not wait for readers");
		readers_stay = false;
	}
	sim_join();
	heap_check_all_gone();
}

START_TEST(every_prefix)
{
	size_t steps;

	for (steps = 0; steps < sizeof(script); steps++) {
		/* Grace periods end as soon as asked, or take their time. */
		destroy_after(flavors[_i], steps, (struct sim_config){ .cpus = 2 });
		destroy_after(flavors[_i], steps, (struct sim_config){
			.cpus = 2,
			.gp_ns = { 20 * NSEC_PER_MSEC, NSEC_PER_MSEC, 45 * NSEC_PER_MSEC },
		});
		destroy_after(flavors[_i], steps, (struct sim_config){
			.cpus = 2, .rt = true });
	}
}

/* At every moment while it falls asleep, and while it sleeps. */
START_TEST(while_it_settles)
{
	u64 after;
	size_t i;

	for (after = 0; after < 800; after += 7) {
		start_quietly(2);
		ck_assert_int_eq(heap_init(&heap, FEW, flavors[_i]), 0);
		for (i = 0; i < SLOTS; i++)
			alloc_slot(i);
		for (i = 0; i < SLOTS; i++)
			free_slot(i, false);
		sim_sleep(after * NSEC_PER_MSEC);
		heap_destroy(&heap);
		heap_check_all_gone();
	}
}

/* The same, but woken up in between instead of destroyed. */
START_TEST(woken_while_it_settles)
{
	u64 after;
	size_t i;

	for (after = 0; after < 800; after += 7) {
		start_quietly(2);
		ck_assert_int_eq(heap_init(&heap, FEW, flavors[_i]), 0);
		for (i = 0; i < SLOTS; i++)
			alloc_slot(i);
		for (i = 0; i < SLOTS; i++)
			free_slot(i, false);
		sim_sleep(after * NSEC_PER_MSEC);
		for (i = 0; i < SLOTS; i++)
			alloc_slot(i);
		for (i = 0; i < SLOTS; i++)
			free_slot(i, true);
		heap_check_at_rest(&heap);
		heap_destroy(&heap);
		heap_check_all_gone();
	}
}

/* From an interrupt handler, or with a lock held. */
START_TEST(with_interrupts_off)
{
	bool off;

	start_quietly(2);
	ck_assert_int_eq(heap_init(&heap, FEW, flavors[_i]), 0);
	off = shim_irq_save();
	alloc_slot(0);
	alloc_slot(1);
	free_slot(0, false);
	free_slot(1, true);
	/* The refill that they asked for has not run. */
	heap_destroy(&heap);
	shim_irq_restore(off);
	heap_check_all_gone();
}

/* More is dead than one irq_work gives back to slab. */
START_TEST(while_many_are_dead)
{
	static void *ptrs[320];
	size_t i;

	/* Grace periods do not end but when told to. */
	sim_start(&(struct sim_config){ .cpus = 2 }, 0);
	ck_assert_int_eq(heap_init(&heap, 56, BPF_MA_FREE_AFTER_RCU_GP), 0);
	for (i = 0; i < ARRAY_SIZE(ptrs); i++)
		ptrs[i] = heap_alloc(&heap, 0);
	for (i = 0; i < ARRAY_SIZE(ptrs); i++) {
		if (i == 256) {
			step_gp(GP_NORMAL);
			step_gp(GP_NORMAL);
		}
		heap_free(&heap, ptrs[i]);
	}
	ck_assert_uint_gt(heap_stats(&heap).dead, 100);
	heap_destroy(&heap);
	heap_check_all_gone();
}

/*
 * Under PREEMPT_RT: a CPU went with irq_work pending.  That allocator has to wait
 * until the CPU is back, and nobody has to wait for it.
 */
START_TEST(parked_irq_work)
{
	struct heap other;

	start_quietly(2);
	sim.cfg.rt = true;
	ck_assert_int_eq(heap_init(&heap, FEW, flavors[_i]), 0);
	ck_assert_int_eq(heap_init(&other, FEW, flavors[_i]), 0);
	sim.current->cpu = 1;
	sim_park(1);
	alloc_slot(0);
	alloc_slot(1);
	free_slot(0, false);
	free_slot(1, true);
	sim_set_online(1, false);
	heap_destroy(&heap);
	heap_idle();
	heap_destroy(&other);
	heap_idle();
	ck_assert_int_eq(heap_totals().allocators, 1);
	sim_set_online(1, true);
	heap_check_all_gone();
}

/* Allocates @n objects, frees them, and waits until some are on their way to slab. */
static void use_and_leave(struct heap *used, size_t n)
{
	void *ptrs[60];
	size_t i;

	for (i = 0; i < n; i++) {
		ptrs[i] = heap_alloc(used, 0);
		sim_sleep(NSEC_PER_MSEC);
	}
	for (i = 0; i < n; i++)
		heap_free(used, ptrs[i]);
	sim_sleep(500 * NSEC_PER_MSEC);
	ck_assert_uint_gt(heap_stats(used).wait_trace, 0);
}

/*
 * A tasks-trace grace period of another allocator is under way when this one asks for
 * the next, and then for its last. What waits for the former is @robbed meanwhile, so
 * that nothing but the order keeps the allocator there.
 */
static void destroy_beside_another(bool robbed, u64 seed)
{
	bool first_stays, second_stays;
	struct heap other;
	void *ptrs[100];
	size_t n = 0;

	sim_start(&(struct sim_config){
		.cpus = 2, .chooser = CHOOSE_RANDOM,
		.switches = 100, .one_in = 1 + seed % 60,
	}, seed);
	ck_assert_int_eq(heap_init(&other, FEW, 0), 0);
	ck_assert_int_eq(heap_init(&heap, FEW, 0), 0);
	trace_reader_enters(&first_stays);
	use_and_leave(&other, 30);
	trace_reader_enters(&second_stays);
	use_and_leave(&heap, 60);
	while (robbed && heap_stats(&heap).wait_trace) {
		ck_assert_uint_lt(n, ARRAY_SIZE(ptrs));
		ptrs[n++] = heap_alloc(&heap, 0);
		sim_sleep(NSEC_PER_MSEC);
	}
	while (n)
		heap_free(&heap, ptrs[--n]);
	heap_destroy(&heap);
	heap_idle();
	first_stays = false;
	heap_idle();
	ck_assert_uint_eq(heap_totals().allocators, 2);
	second_stays = false;
	sim_join();
	heap_idle();
	ck_assert_uint_eq(heap_totals().allocators, 1);
	heap_destroy(&other);
	heap_check_all_gone();
}

START_TEST(beside_another)
{
	u64 seed;

	for (seed = 0; seed < 240; seed++)
		destroy_beside_another(_i, seed);
}

/* One after another, while others live. */
START_TEST(many)
{
	struct heap heaps[12];
	void *ptr[12];
	size_t i, round;

	start_quietly(3);
	for (round = 0; round < 20; round++) {
		for (i = 0; i < ARRAY_SIZE(heaps); i++) {
			ck_assert_int_eq(heap_init(&heaps[i], i % 3 ? FEW : 0,
						   i % 2 ? BPF_MA_REUSE_AFTER_RCU_GP : 0), 0);
			ptr[i] = heap_alloc(&heaps[i], 100);
		}
		for (i = 0; i < ARRAY_SIZE(heaps); i++) {
			heap_free(&heaps[i], ptr[i]);
			sim_sleep(i * round * NSEC_PER_MSEC);
			heap_destroy(&heaps[i]);
		}
	}
	heap_check_all_gone();
}

struct Suite *suite_destroy(void)
{
	struct Suite *suite = suite_create("destroy");
	TCase *tcase = tcase_create("in every state");
	const int n = ARRAY_SIZE(flavors);

	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, every_prefix, 0, n);
	tcase_add_loop_test(tcase, while_it_settles, 0, n);
	tcase_add_loop_test(tcase, woken_while_it_settles, 0, n);
	tcase_add_loop_test(tcase, with_interrupts_off, 0, n);
	tcase_add_loop_test(tcase, parked_irq_work, 0, n);
	tcase_add_loop_test(tcase, beside_another, 0, 2);
	suite_add_tcase(suite, tcase);
	add_tests(suite, "many", 10, while_many_are_dead, many);
	return suite;
}
