// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stress: CPUs replace, delete and read elements of a shared table that come
 * from the allocator, NMIs do so in between, allocators are destroyed under
 * readers.  The oracles are the elements' own contents, the sanitizers, and
 * what is left in the end.
 */
#define _GNU_SOURCE
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "threads.h"
#include "bpf_mem_alloc.h"
#include "allocator.h"
#include "../shim/env.h"

#define SLOTS		64
#define CPUS		3
#define GRACE_S		20

struct elem {
	u64 key;
	u64 generation;
	u64 inverse;		/* of the generation */
};

static struct {
	struct bpf_mem_alloc ma;
	const struct flavor *flavor;
	struct elem *slots[SLOTS];
	int stop;
} table;

static const struct flavor {
	const char *name;
	unsigned int flags;
	bool free_rcu;
	bool classes;
	bool stable;		/* what an RCU reader found stays what it is */
	bool survives;		/* a tasks-trace reader never sees it in slab */
} flavors[] = {
	{ "normal", 0, .survives = true },
	{ "reuse-after-rcu-gp", BPF_MA_REUSE_AFTER_RCU_GP, .stable = true,
	  .survives = true },
	{ "free-after-rcu-gp", BPF_MA_FREE_AFTER_RCU_GP, .stable = true },
	{ "free-rcu", 0, .free_rcu = true, .stable = true, .survives = true },
	{ "reuse-after-rcu-gp, size classes", BPF_MA_REUSE_AFTER_RCU_GP,
	  .classes = true, .stable = true, .survives = true },
};

void shim_fail(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fputs("# ", stderr);
	vfprintf(stderr, fmt, args);
	fputc('\n', stderr);
	va_end(args);
	abort();
}

void shim_warn(const char *file, int line, const char *fmt, ...)
{
	va_list args;

	fprintf(stderr, "# WARNING at %s:%d: ", file, line);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	fputc('\n', stderr);
	va_end(args);
	abort();
}

/* ---- elements ---- */

static struct elem *elem_new(u64 key)
{
	struct elem *elem;

	if (table.flavor->classes)
		elem = bpf_mem_alloc(&table.ma, sizeof(*elem) + thread_random(1000));
	else
		elem = bpf_mem_cache_alloc(&table.ma);
	if (!elem)
		return NULL;
	elem->key = key;
	elem->generation = thread_random(1 << 30);
	elem->inverse = ~elem->generation;
	return elem;
}

static void elem_free(struct elem *elem)
{
	bool rcu = table.flavor->free_rcu;

	if (table.flavor->classes && rcu)
		bpf_mem_free_rcu(&table.ma, elem);
	else if (table.flavor->classes)
		bpf_mem_free(&table.ma, elem);
	else if (rcu)
		bpf_mem_cache_free_rcu(&table.ma, elem);
	else
		bpf_mem_cache_free(&table.ma, elem);
}

static void replace(unsigned int slot, struct elem *elem)
{
	struct elem *old = __atomic_exchange_n(&table.slots[slot], elem,
					       __ATOMIC_ACQ_REL);

	if (old)
		elem_free(old);
}

static void update(void)
{
	unsigned int slot = thread_random(SLOTS);
	struct elem *elem = elem_new(slot);

	if (elem)
		replace(slot, elem);
}

static struct elem *find(unsigned int slot)
{
	return __atomic_load_n(&table.slots[slot], __ATOMIC_ACQUIRE);
}

static void linger(void)
{
	if (!thread_random(64))
		usleep(thread_random(2000));
}

/* Plain reads: with a grace period too short, a race with the next owner. */
static void check_elem(unsigned int slot, const struct elem *elem)
{
	if (elem->key != slot || elem->inverse != ~elem->generation)
		shim_fail("%s: an element changed under an RCU reader",
			  table.flavor->name);
}

static void read_rcu(void)
{
	unsigned int slot = thread_random(SLOTS);
	struct elem *elem;

	rcu_read_lock();
	elem = find(slot);
	if (elem && table.flavor->stable) {
		u64 generation = elem->generation;

		check_elem(slot, elem);
		linger();
		check_elem(slot, elem);
		if (elem->generation != generation)
			shim_fail("%s: an element was replaced under an RCU reader",
				  table.flavor->name);
	} else if (elem) {
		linger();
		(void)data_race(*(volatile u64 *)&elem->key);
	}
	rcu_read_unlock();
}

/* The element may be somebody else's, but it is no slab's. */
static void read_trace(void)
{
	struct elem *elem;

	if (!table.flavor->survives)
		return;
	rcu_read_lock_trace();
	elem = find(thread_random(SLOTS));
	if (elem) {
		linger();
		(void)data_race(*(volatile u64 *)&elem->key);
	}
	rcu_read_unlock_trace();
}

static void use_table(int cpu)
{
	(void)cpu;
	while (!__atomic_load_n(&table.stop, __ATOMIC_RELAXED)) {
		unsigned int burst = thread_random(100);

		switch (thread_random(4)) {
		case 0:
			read_rcu();
			break;
		case 1:
			read_trace();
			break;
		case 2:
			while (burst--)
				update();
			break;
		default:
			while (burst--)
				replace(thread_random(SLOTS), NULL);
			break;
		}
	}
}

static void nmi_uses_table(int cpu)
{
	(void)cpu;
	update();
	replace(thread_random(SLOTS), NULL);
}

/* ---- the tests ---- */

static void start_engine(void)
{
	shim_nr_cpus = CPUS;
	domain_register_thread();
	rcu_start();
	workers_start();
}

static void check_all_gone(void)
{
	struct bpf_mem_alloc_totals totals;
	int i;

	for (i = 0; i < GRACE_S * 100; i++) {
		bpf_mem_alloc_read_totals(&totals);
		if (!totals.allocators)
			break;
		usleep(10000);
	}
	if (totals.allocators || totals.slab_taken != totals.slab_returned)
		shim_fail("%llu allocators are left, %llu objects taken, %llu returned",
			  totals.allocators, totals.slab_taken, totals.slab_returned);
	bpf_mem_alloc_exit();
	if (__atomic_load_n(&slab.live, __ATOMIC_RELAXED))
		shim_fail("%ld allocations are left", slab.live);
}

static unsigned int seconds(void)
{
	return env_number("SECS", 1);
}

/* ThreadSanitizer holds signals back until they are NMIs no more. */
#ifdef SHIM_TSAN
#define NMIS	false
#else
#define NMIS	true
#endif

START_TEST(stress)
{
	int i, size;

	table.flavor = &flavors[_i];
	size = table.flavor->classes ? 0 : sizeof(struct elem);
	start_engine();
	ck_assert_int_eq(bpf_mem_alloc_init(&table.ma, size, table.flavor->flags), 0);
	cpu_nmi_fn = nmi_uses_table;
	cpus_start(CPUS, use_table, NMIS);
	sleep(seconds());
	set_alloc_failures(50);
	usleep(200000);
	set_alloc_failures(0);
	__atomic_store_n(&table.stop, 1, __ATOMIC_RELAXED);
	cpus_wait_idle();
	/* The CPUs take no part any more, except for their interrupts. */
	bpf_mem_alloc_destroy(&table.ma);
	for (i = 0; i < SLOTS; i++)
		bpf_mem_cache_raw_free(table.slots[i]);
	check_all_gone();
	cpus_stop();
}

/* Each CPU sets up allocators, uses and destroys them, as fast as it can. */
static void come_and_go(int cpu)
{
	void *ptrs[100];
	size_t i;

	while (!__atomic_load_n(&table.stop, __ATOMIC_RELAXED)) {
		struct bpf_mem_alloc ma;
		unsigned int flags = flavors[thread_random(ARRAY_SIZE(flavors))].flags;

		if (bpf_mem_alloc_init(&ma, 8 << cpu, flags))
			continue;
		for (i = 0; i < ARRAY_SIZE(ptrs); i++)
			ptrs[i] = bpf_mem_cache_alloc(&ma);
		for (i = 0; i < ARRAY_SIZE(ptrs); i++)
			if (thread_random(2))
				bpf_mem_cache_free(&ma, ptrs[i]);
			else
				bpf_mem_cache_free_rcu(&ma, ptrs[i]);
		if (!thread_random(8))
			usleep(thread_random(20000));
		bpf_mem_alloc_destroy(&ma);
	}
}

static void ignore_allocator(const struct bpf_mem_alloc_stats *stats, void *arg)
{
	u64 *taken = arg;

	*taken += stats->slab_taken;
}

START_TEST(life_cycles)
{
	unsigned int i;
	u64 taken = 0;

	start_engine();
	cpus_start(CPUS, come_and_go, false);
	for (i = 0; i < seconds() * 100; i++) {
		bpf_mem_alloc_for_each(ignore_allocator, &taken);
		usleep(10000);
	}
	__atomic_store_n(&table.stop, 1, __ATOMIC_RELAXED);
	cpus_wait_idle();
	ck_assert_uint_gt(taken, 0);
	check_all_gone();
	cpus_stop();
}

int main(void)
{
	Suite *suite = suite_create("threads");
	TCase *tcase = tcase_create("stress");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 60 + seconds());
	tcase_add_loop_test(tcase, stress, 0, ARRAY_SIZE(flavors));
	tcase_add_test(tcase, life_cycles);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return !!failed;
}
