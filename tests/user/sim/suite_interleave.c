// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random schedules of random programs: tasks on several CPUs allocate and free
 * in sections of all kinds, NMIs come in between, CPUs go and come, slab fails,
 * and the last user destroys the allocators under the eyes of readers.
 *
 * A run is given by its seed alone: SEED=n repeats one.
 */
#include "suites.h"

#define HEAPS		2
#define SLOTS		24
#define TASKS_MAX	4
#define BLOCK		250	/* runs in a test */
#ifdef SHIM_ASAN
#define BLOCKS		6	/* tests, unless RUNS says otherwise */
#else
#define BLOCKS		16
#endif

static struct {
	struct heap heaps[HEAPS];
	unsigned int nr_heaps;
	void *slots[HEAPS][SLOTS];
	unsigned int nr_ops;
	unsigned int users;	/* tasks that still allocate and free */
	bool closed;		/* to all of them, NMIs included */
	bool rests;		/* before it is destroyed */
	bool hotplug;
	unsigned int nmis;	/* how many there will be */
	unsigned int nmis_inside;
	bool rcu;		/* some frees are *_free_rcu() */
} world;

/* ---- what a program does ---- */

static void **random_slot(unsigned int *nr_heap, bool used)
{
	unsigned int i, start = sim_random(SLOTS);

	*nr_heap = sim_random(world.nr_heaps);
	for (i = 0; i < SLOTS; i++) {
		void **slot = &world.slots[*nr_heap][(start + i) % SLOTS];

		if (!!*slot == used)
			return slot;
	}
	return NULL;
}

static void op_alloc(void)
{
	unsigned int nr;
	void **slot = random_slot(&nr, false);
	void *ptr;

	if (!slot)
		return;
	ptr = heap_alloc(&world.heaps[nr], 1 + sim_random(300));
	/* Somebody else may have taken the slot meanwhile. */
	if (ptr && *slot)
		heap_free(&world.heaps[nr], ptr);
	else if (ptr)
		*slot = ptr;
}

static void op_free(void)
{
	unsigned int nr;
	void **slot = random_slot(&nr, true);
	void *ptr;

	if (!slot)
		return;
	ptr = *slot;
	*slot = NULL;
	if (world.rcu && sim_random(2))
		heap_free_rcu(&world.heaps[nr], ptr);
	else
		heap_free(&world.heaps[nr], ptr);
}

static void op_from_slab(void)
{
	struct heap *heap = &world.heaps[sim_random(world.nr_heaps)];
	void *ptr;

	if (!heap->size)
		return;
	ptr = heap_alloc_flags(heap, GFP_KERNEL);
	if (ptr && sim_random(2))
		heap_free(heap, ptr);
	else if (ptr)
		heap_raw_free(heap, ptr);
}

static void nmi(void)
{
	unsigned int n = 1 + sim_random(3);

	/* Without an end to NMIs there is none to the irq_work that they ask for. */
	if (!--world.nmis)
		sim.cfg.nmi_fn = NULL;
	world.nmis_inside++;
	while (n-- && !world.closed)
		if (sim_random(2))
			op_alloc();
		else
			op_free();
	world.nmis_inside--;
}

static bool nmis_are_over(void *arg)
{
	(void)arg;
	return !world.nmis_inside;
}

/* ---- the tasks ---- */

struct sections {
	bool rcu, trace, irqs_off;
};

static void toggle_rcu(struct sections *in)
{
	in->rcu = !in->rcu;
	if (in->rcu)
		rcu_read_lock();
	else
		rcu_read_unlock();
}

static void toggle_trace(struct sections *in)
{
	in->trace = !in->trace;
	if (in->trace)
		rcu_read_lock_trace();
	else
		rcu_read_unlock_trace();
}

static void toggle_irqs(struct sections *in)
{
	in->irqs_off = !in->irqs_off;
	if (in->irqs_off)
		shim_irq_save();
	else
		shim_irq_restore(false);
}

static void step_program(struct sections *in)
{
	switch (sim_random(20)) {
	case 0:
		toggle_rcu(in);
		break;
	case 1:
		toggle_trace(in);
		break;
	case 2:
		toggle_irqs(in);
		break;
	case 3:
		if (!in->irqs_off && !in->rcu)
			op_from_slab();
		break;
	case 4:
		if (!in->irqs_off && !in->rcu)
			sim_sleep(NSEC_PER_MSEC * sim_random(200));
		break;
	case 5 ... 12:
		op_alloc();
		break;
	default:
		op_free();
		break;
	}
}

static void close_world(void)
{
	unsigned int i, j;

	world.closed = true;
	sim_wait(nmis_are_over, NULL);
	for (i = 0; i < world.nr_heaps; i++) {
		for (j = 0; j < SLOTS; j++) {
			void *ptr = world.slots[i][j];

			world.slots[i][j] = NULL;
			if (ptr)
				heap_free(&world.heaps[i], ptr);
		}
		if (!world.rests)
			heap_destroy(&world.heaps[i]);
	}
}

static void program_fn(void *arg)
{
	struct sections in = {};
	unsigned int i;

	(void)arg;
	sim.current->migrates = true;
	for (i = 0; i < world.nr_ops; i++)
		step_program(&in);
	if (in.irqs_off)
		toggle_irqs(&in);
	if (!--world.users)
		close_world();
	/* Readers stay for a while. */
	for (i = sim_random(200); i; i--)
		shim_point();
	if (in.rcu)
		toggle_rcu(&in);
	if (in.trace && sim_random(2))
		sim_sleep(NSEC_PER_MSEC * sim_random(1000));
	if (in.trace)
		toggle_trace(&in);
}

static void hotplug_fn(void *arg)
{
	int cpu = shim_nr_cpus - 1;

	(void)arg;
	while (!world.closed) {
		sim_set_online(cpu, false);
		sim_sleep(NSEC_PER_MSEC * sim_random(300));
		sim_set_online(cpu, true);
		sim_sleep(NSEC_PER_MSEC * sim_random(50));
	}
}

/* ---- a run ---- */

#define one_of(...)							\
({									\
	static const int _values[] = { __VA_ARGS__ };			\
									\
	_values[sim_random(ARRAY_SIZE(_values))];			\
})

static struct sim_config random_config(void)
{
	return (struct sim_config){
		.cpus = one_of(1, 2, 2, 2, 3),
		.chooser = CHOOSE_RANDOM,
		.rt = !one_of(0, 1, 1, 1),
		.spontaneous = one_of(0, 1),
		.one_in = one_of(1, 2, 4, 8, 16, 50),
		.nmi = one_of(0, 1, 3),
		.switches = one_of(1, 2, 4),
		.gps = one_of(1, 3, 8),
		.ticks = one_of(0, 1),
		.migrations = one_of(0, 1),
		.stalls = one_of(0, 0, 1),
		.failures = one_of(0, 0, 0, 10, 200, 1000),
		.nmi_fn = nmi,
	};
}

static void random_world(struct sim_config *cfg)
{
	static const unsigned int flags[] = {
		0, 0, BPF_MA_REUSE_AFTER_RCU_GP, BPF_MA_REUSE_AFTER_RCU_GP,
		BPF_MA_FREE_AFTER_RCU_GP, BPF_MA_PERCPU,
		BPF_MA_PERCPU | BPF_MA_REUSE_AFTER_RCU_GP,
		BPF_MA_PERCPU | BPF_MA_FREE_AFTER_RCU_GP,
	};
	unsigned int i;

	(void)cfg;
	memset(&world, 0, sizeof(world));
	world.nr_heaps = one_of(1, 1, 1, 2);
	world.nr_ops = one_of(10, 30, 100);
	world.rests = one_of(0, 1);
	world.hotplug = shim_nr_cpus > 1 && !one_of(0, 1, 1, 1);
	world.nmis = one_of(1, 20, 200);
	world.rcu = one_of(0, 1);
	for (i = 0; i < world.nr_heaps; i++) {
		unsigned int f = flags[sim_random(ARRAY_SIZE(flags))];
		int size = one_of(10000, 10000, FEW, 2040, 500, 56, 0);

		if (heap_init(&world.heaps[i], size || !(f & BPF_MA_PERCPU) ? size : FEW, f))
			shim_fail("set-up failed, and slab never did");
	}
}

/* Many frees, and memory for magazines, so that most of what waits is in some. */
static void world_of_magazines(struct sim_config *cfg)
{
	cfg->failures = min_t(unsigned int, cfg->failures, 200);
	memset(&world, 0, sizeof(world));
	world.nr_heaps = 1;
	world.nr_ops = 300;
	world.rests = one_of(0, 1);
	world.nmis = one_of(1, 200);
	world.rcu = one_of(0, 1);
	if (heap_init(&world.heaps[0], one_of(10000, FEW),
		      world.rcu ? one_of(0, BPF_MA_REUSE_AFTER_RCU_GP) :
		      BPF_MA_REUSE_AFTER_RCU_GP))
		shim_fail("set-up failed, and slab never did");
}

static void run_seed(u64 seed, void (*create_world)(struct sim_config *cfg))
{
	struct sim_config cfg;
	unsigned int i;

	sim_start(&(struct sim_config){ .cpus = 1, .chooser = CHOOSE_RANDOM }, seed);
	cfg = random_config();
	slab = (struct slab_state){};
	shim_nr_cpus = cfg.cpus;
	create_world(&cfg);
	sim_start(&cfg, ~seed);
	sim_log_reset(seed);
	sim.step_limit = 3000000;
	world.users = 1 + sim_random(TASKS_MAX);
	for (i = world.users; i; i--)
		sim_spawn("task", i % shim_nr_cpus, program_fn, NULL);
	if (world.hotplug)
		sim_spawn("hotplug", 0, hotplug_fn, NULL);
	sim_join();
	/* From here on time goes on only when nothing else can, and nobody helps. */
	sim.cfg.nmi_fn = NULL;
	sim.cfg.ticks = 0;
	sim.cfg.stalls = 0;
	sim.cfg.spontaneous = false;
	for (i = 0; i < world.nr_heaps && world.rests; i++) {
		heap_check_at_rest(&world.heaps[i]);
		heap_destroy(&world.heaps[i]);
	}
	heap_check_all_gone();
}

static void run_block(const char *tcase, u64 seed,
		      void (*create_world)(struct sim_config *cfg))
{
	u64 end = seed + BLOCK;

	sim_set_repeat("interleave", tcase);
	if (env_has("SEED")) {
		run_seed(env_number("SEED", 0), create_world);
		return;
	}
	for (; seed < end; seed++)
		run_seed(seed, create_world);
}

START_TEST(random_schedules)
{
	run_block("random", 1 + (u64)_i * BLOCK, random_world);
}

START_TEST(random_magazines)
{
	run_block("magazines", 1 + (u64)_i * BLOCK, world_of_magazines);
}

/* ---- systematic: two CPUs, three objects, one surprise anywhere ---- */

static unsigned int short_flags;

static void short_task(void *arg)
{
	struct heap *heap = &world.heaps[0];
	void *a, *b;

	(void)arg;
	rcu_read_lock();
	a = heap_alloc(heap, 0);
	b = heap_alloc(heap, 0);
	if (a)
		heap_free(heap, a);
	rcu_read_unlock();
	rcu_read_lock_trace();
	if (b)
		heap_free(heap, b);
	a = heap_alloc(heap, 0);
	if (a)
		heap_free_rcu(heap, a);
	rcu_read_unlock_trace();
	if (!--world.users) {
		world.closed = true;
		heap_destroy(heap);
	}
}

static void short_nmi(void)
{
	void *ptr;

	if (world.closed)
		return;
	ptr = heap_alloc(&world.heaps[0], 0);
	if (ptr)
		heap_free(&world.heaps[0], ptr);
}

static void run_short(void)
{
	memset(&world, 0, sizeof(world));
	slab = (struct slab_state){};
	ck_assert_int_eq(heap_init(&world.heaps[0], 10000, short_flags), 0);
	world.users = 2;
	sim_spawn("task", 0, short_task, NULL);
	sim_spawn("task", 1, short_task, NULL);
	explore_begin();
	sim_join();
	explore_end();
	heap_check_all_gone();
}

START_TEST(every_deviation)
{
	static const unsigned int flags[] = {
		0, BPF_MA_REUSE_AFTER_RCU_GP, BPF_MA_FREE_AFTER_RCU_GP,
	};

	unsigned int runs;

	sim_set_repeat("interleave", "systematic");
	short_flags = flags[_i / 2];
	runs = explore(&(struct sim_config){
		.cpus = 2, .chooser = CHOOSE_SCRIPTED, .spontaneous = true,
		.rt = _i % 2, .nmi = 1, .switches = 1, .gps = 1, .ticks = 1,
		.nmi_fn = short_nmi,
	}, run_short);
	ck_assert_uint_gt(runs, 500);
}

struct Suite *suite_interleave(void)
{
	struct Suite *suite = suite_create("interleave");
	TCase *tcase = tcase_create("random");
	int tests = (env_number("RUNS", BLOCK * BLOCKS) + BLOCK - 1) / BLOCK;

	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, random_schedules, 0, env_has("SEED") ? 1 : tests);
	suite_add_tcase(suite, tcase);

	tests = env_has("SEED") ? 1 : (tests + 3) / 4;
	tcase = tcase_create("magazines");
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, random_magazines, 0, tests);
	suite_add_tcase(suite, tcase);

	tcase = tcase_create("systematic");
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, every_deviation, 0, 6);
	suite_add_tcase(suite, tcase);
	return suite;
}
