// SPDX-License-Identifier: GPL-2.0-only
/*
 * NMIs, and programs attached to what the allocator calls: allocations and
 * frees in the middle of others, at every point and at every instruction.
 */
#include "suites.h"

#define SLOTS	20

static struct heap heap;
static void *slots[SLOTS];
static void *nmi_slots[SLOTS];
static bool nmi_is_on;

static const unsigned int flavors[] = {
	0, BPF_MA_REUSE_AFTER_RCU_GP, BPF_MA_FREE_AFTER_RCU_GP,
	BPF_MA_PERCPU | BPF_MA_REUSE_AFTER_RCU_GP,
};

static void free_slot(void **slot, bool rcu)
{
	void *ptr = *slot;

	*slot = NULL;
	if (!ptr)
		return;
	if (rcu)
		heap_free_rcu(&heap, ptr);
	else
		heap_free(&heap, ptr);
}

/* Allocates what it can, and frees some of its own and of whom it interrupts. */
static void nmi(void)
{
	int i;

	if (!nmi_is_on)
		return;
	for (i = 0; i < 2; i++)
		if (!nmi_slots[i])
			nmi_slots[i] = heap_alloc(&heap, 0);
	free_slot(&nmi_slots[0], false);
	free_slot(&slots[SLOTS - 1], true);
	free_slot(&slots[SLOTS - 2], false);
}

/* Crosses all watermarks, closes batches and sees them ready. */
static void use_all(void)
{
	int i;

	nmi_is_on = true;
	for (i = 0; i < SLOTS; i++)
		slots[i] = heap_alloc(&heap, 0);
	for (i = 0; i < SLOTS; i++)
		free_slot(&slots[i], i % 4 == 3);
	if (rcu_can_step(GP_NORMAL, false)) {
		rcu_step(GP_NORMAL);
		if (rcu_can_step(GP_NORMAL, false))
			rcu_step(GP_NORMAL);
	}
	for (i = 0; i < SLOTS / 2; i++)
		slots[i] = heap_alloc(&heap, 0);
	for (i = 0; i < SLOTS / 2; i++)
		free_slot(&slots[i], false);
	nmi_is_on = false;
}

static void finish(void)
{
	int i;

	for (i = 0; i < SLOTS; i++) {
		free_slot(&slots[i], false);
		free_slot(&nmi_slots[i], true);
	}
	heap_check_at_rest(&heap);
	heap_destroy(&heap);
	heap_check_all_gone();
}

static unsigned int run_flags;

static void run_at_every_point(void)
{
	ck_assert_int_eq(heap_init(&heap, FEW, run_flags), 0);
	explore_begin();
	use_all();
	explore_end();
	finish();
}

START_TEST(every_point)
{
	unsigned int runs;

	sim_set_repeat("nested", "everywhere");
	run_flags = flavors[_i];
	runs = explore(&(struct sim_config){
		.cpus = 1, .chooser = CHOOSE_SCRIPTED, .nmi = 1, .nmi_fn = nmi,
	}, run_at_every_point);
	ck_assert_uint_gt(runs, 500);
}

#ifdef SIM_STEPS
static void nmi_now(void)
{
	irq_nmi(nmi);
}

START_TEST(every_instruction)
{
	start_quietly(1);
	ck_assert_int_eq(heap_init(&heap, FEW, flavors[_i]), 0);
	ck_assert_uint_gt(step_through(use_all, finish, nmi_now), 300);
}

static void use_magazines_fn(void *arg)
{
	int i, round;

	(void)arg;
	step_pause();
	/* Until there are two at hand, one half empty and one half full. */
	for (round = 0; round < 8; round++) {
		for (i = 0; i < SLOTS; i++)
			slots[i] = heap_alloc(&heap, 0);
		for (i = 0; i < SLOTS; i++)
			free_slot(&slots[i], false);
		sim_sleep(10 * NSEC_PER_MSEC);
	}
	for (i = 0; i < SLOTS / 2; i++)
		slots[i] = heap_alloc(&heap, 0);
	for (i = 0; i < SLOTS / 4; i++)
		free_slot(&slots[i], false);
	step_resume();
	slots[0] = heap_alloc(&heap, 0);
	free_slot(&slots[SLOTS / 4], false);
	step_pause();
}

static void use_magazines(void)
{
	sim_spawn("user", 1, use_magazines_fn, NULL);
	sim_join();
}

/* Until the keeper finds the CPU idle and interrupts it. */
static void stall_now(void)
{
	sim_sleep(500 * NSEC_PER_MSEC);
}

/* More than there are loose ones. */
static void take_many(void)
{
	int i;

	for (i = 0; i < SLOTS; i++)
		nmi_slots[i] = heap_alloc(&heap, 0);
}

static void take_many_now(void)
{
	irq_nmi(take_many);
}

/* A soft interrupt: what it asks for comes at once, so it is not refused. */
static void take_softly_now(void)
{
	bool fast_path = sim.current->fast_path;
	int i;

	preempt_disable_notrace();
	take_many();
	for (i = 0; i < SLOTS / 2; i++)
		free_slot(&nmi_slots[i], i % 2);
	preempt_enable_notrace();
	sim.current->fast_path = fast_path;
}

static void (*const events_at_magazines[])(void) = {
	stall_now, take_many_now, take_softly_now,
};

/* At every instruction of an allocation from a magazine and of a free to one. */
START_TEST(at_magazines)
{
	start_quietly(2);
	ck_assert_int_eq(heap_init(&heap, FEW, BPF_MA_REUSE_AFTER_RCU_GP), 0);
	ck_assert_uint_gt(step_through(use_magazines, finish, events_at_magazines[_i]), 30);
}
#endif

/*
 * One NMI at the same point of an allocation, again and again: each time the
 * interrupt that follows has to provide for the next.
 */
static unsigned int nmi_countdown;
static void *nmi_got;

static void nmi_at_countdown(void)
{
	if (!nmi_countdown || --nmi_countdown)
		return;
	nmi_got = heap_alloc(&heap, 0);
	if (!nmi_got)
		nmi_got = &heap;
}

static void nmi_begin_at(unsigned int point)
{
	nmi_countdown = point;
	nmi_got = NULL;
}

static void nmi_end(int nr, unsigned int point, const char *of, u64 nested)
{
	nmi_countdown = 0;
	if (nmi_got == &heap && heap_stats(&heap).nested > nested)
		shim_fail("nothing for NMI %d at point %u of %s", nr, point, of);
	if (nmi_got && nmi_got != &heap)
		free_slot(&nmi_got, false);
}

static void check_reserve_at(unsigned int point)
{
	u64 nested;
	int i;

	for (i = 0; i < 50; i++) {
		nested = heap_stats(&heap).nested;
		nmi_begin_at(point);
		slots[0] = heap_alloc(&heap, 0);
		nmi_end(i, point, "an allocation", nested);
		free_slot(&slots[0], false);
		sim_sleep(50 * NSEC_PER_MSEC);
	}
}

/* Likewise of a free, on a CPU that does nothing but free. */
static void check_reserve_at_free(unsigned int point)
{
	void *ptrs[20];
	u64 nested;
	int i;

	for (i = 0; i < (int)ARRAY_SIZE(ptrs); i++)
		ptrs[i] = heap_alloc(&heap, 0);
	sim_sleep(500 * NSEC_PER_MSEC);
	for (i = 0; i < (int)ARRAY_SIZE(ptrs); i++) {
		nested = heap_stats(&heap).nested;
		nmi_begin_at(point);
		free_slot(&ptrs[i], false);
		nmi_end(i, point, "a free", nested);
		sim_sleep(50 * NSEC_PER_MSEC);
	}
}

START_TEST(reserve_is_restored)
{
	unsigned int point;

	sim_start(&(struct sim_config){
		.cpus = 1, .chooser = CHOOSE_RANDOM, .one_in = 1, .nmi = 1000000,
		.nmi_fn = nmi_at_countdown,
	}, 1);
	ck_assert_int_eq(heap_init(&heap, FEW, flavors[_i]), 0);
	for (point = 1; point < 20; point++) {
		check_reserve_at(point);
		check_reserve_at_free(point);
	}
	finish();
}

/* As many frees as there may be before an interrupt comes: none is lost. */
static void *many[500];

static void nmi_free_many(void)
{
	size_t i;

	if (!nmi_countdown || --nmi_countdown)
		return;
	for (i = 0; i < ARRAY_SIZE(many); i++)
		free_slot(&many[i], i % 2);
}

START_TEST(many_nested_frees)
{
	unsigned int point;
	size_t i;

	sim_start(&(struct sim_config){
		.cpus = 1, .chooser = CHOOSE_RANDOM, .one_in = 1, .nmi = 1000000,
		.nmi_fn = nmi_free_many,
	}, 1);
	for (point = 1; point < 20; point++) {
		ck_assert_int_eq(heap_init(&heap, FEW, flavors[_i]), 0);
		for (i = 0; i < ARRAY_SIZE(many); i++)
			many[i] = heap_alloc(&heap, 0);
		slots[0] = heap_alloc(&heap, 0);
		nmi_countdown = point;
		free_slot(&slots[0], false);
		nmi_countdown = 0;
		for (i = 0; i < ARRAY_SIZE(many); i++)
			free_slot(&many[i], false);
		finish();
	}
}

/*
 * The interrupted free asks for nothing: the list is below its low watermark,
 * for slab has nothing.  The free that interrupts it has to.
 */
static void nmi_free_second(void)
{
	free_slot(&slots[1], false);
}

static void run_second_free(void)
{
	int i;

	slab = (struct slab_state){};
	ck_assert_int_eq(heap_init(&heap, FEW, 0), 0);
	slab.fail_from = 1;
	slab.fail_to = LONG_MAX;
	for (i = 0; (slots[i] = heap_alloc(&heap, 0)); i++)
		;
	ck_assert_int_ge(i, 2);
	heap_check_at_rest(&heap);
	explore_begin();
	free_slot(&slots[0], false);
	explore_end();
	heap_check_at_rest(&heap);
	slab.fail_to = 0;
	finish();
}

START_TEST(second_free_is_seen)
{
	unsigned int runs;

	sim_set_repeat("nested", "repeated");
	runs = explore(&(struct sim_config){
		.cpus = 1, .chooser = CHOOSE_SCRIPTED, .nmi = 1,
		.nmi_fn = nmi_free_second,
	}, run_second_free);
	ck_assert_uint_ge(runs, 5);
}

/*
 * An NMI takes whatever it can get, at any point: the task that it interrupts
 * has interrupts on and slab has memory, so it is not refused.
 */
static void nmi_take_all(void)
{
	size_t i;

	if (!nmi_is_on)
		return;
	for (i = 0; i < ARRAY_SIZE(many); i++) {
		many[i] = heap_alloc(&heap, 0);
		if (!many[i])
			break;
	}
}

static void run_refused(void)
{
	int i;

	ck_assert_int_eq(heap_init(&heap, FEW, run_flags), 0);
	explore_begin();
	nmi_is_on = true;
	for (i = 0; i < SLOTS; i++) {
		slots[i] = heap_alloc(&heap, 0);
		if (!slots[i])
			shim_fail("allocation %d found no object", i);
	}
	nmi_is_on = false;
	explore_end();
	for (i = 0; i < (int)ARRAY_SIZE(many); i++)
		free_slot(&many[i], false);
	finish();
}

START_TEST(task_is_not_refused)
{
	unsigned int runs;

	sim_set_repeat("nested", "repeated");
	run_flags = flavors[_i];
	runs = explore(&(struct sim_config){
		.cpus = 1, .chooser = CHOOSE_SCRIPTED, .nmi = 1, .nmi_fn = nmi_take_all,
	}, run_refused);
	ck_assert_uint_gt(runs, 50);
}

/*
 * A program that is attached to what the irq_work calls allocates and frees:
 * that must not have the irq_work run again and again.
 */
static void program(void)
{
	static bool busy;

	/* As a program, it does not run inside itself. */
	if (busy || !nmi_is_on)
		return;
	busy = true;
	slots[0] = heap_alloc(&heap, 0);
	free_slot(&slots[0], false);
	busy = false;
}

START_TEST(program_in_irq_work)
{
	int i;

	/* Nothing happens by itself, but steps are counted. */
	sim_start(&(struct sim_config){
		.cpus = 1, .chooser = CHOOSE_RANDOM, .poll_fn = program,
	}, 1);
	sim.step_limit = 200000;
	ck_assert_int_eq(heap_init(&heap, FEW, flavors[_i]), 0);
	nmi_is_on = true;
	for (i = 0; i < (int)ARRAY_SIZE(many); i++)
		many[i] = heap_alloc(&heap, 0);
	for (i = 0; i < (int)ARRAY_SIZE(many); i++)
		free_slot(&many[i], true);
	for (i = 0; i < (int)ARRAY_SIZE(many); i++)
		many[i] = heap_alloc(&heap, 0);
	nmi_is_on = false;
	for (i = 0; i < (int)ARRAY_SIZE(many); i++)
		free_slot(&many[i], false);
	finish();
}

struct Suite *suite_nested(void)
{
	struct Suite *suite = suite_create("nested");
	TCase *tcase = tcase_create("everywhere");

	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, every_point, 0, ARRAY_SIZE(flavors));
#ifdef SIM_STEPS
	tcase_add_loop_test(tcase, every_instruction, 0, ARRAY_SIZE(flavors));
	tcase_add_loop_test(tcase, at_magazines, 0, ARRAY_SIZE(events_at_magazines));
#endif
	suite_add_tcase(suite, tcase);

	tcase = tcase_create("repeated");
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, reserve_is_restored, 0, ARRAY_SIZE(flavors));
	tcase_add_loop_test(tcase, many_nested_frees, 0, ARRAY_SIZE(flavors));
	tcase_add_test(tcase, second_free_is_seen);
	tcase_add_loop_test(tcase, task_is_not_refused, 0, ARRAY_SIZE(flavors));
	tcase_add_loop_test(tcase, program_in_irq_work, 0, ARRAY_SIZE(flavors));
	suite_add_tcase(suite, tcase);
	return suite;
}
