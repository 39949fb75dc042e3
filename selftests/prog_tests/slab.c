// SPDX-License-Identifier: GPL-2.0-only
/*
 * Suite guarantee-slab: a sleepable program that holds an element outside of
 * RCU read-side sections may see it reused, never given back to slab. bpf_ma.ko
 * is loaded with poison=1, so memory that went back shows. The same from the
 * test module, where the allocator's destructor tells.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "../progs/readers.h"
#include "readers.skel.h"
#include "test_progs.h"

#define MAP	7
#define KEY	KEY_FIRST
#define KEYS	5000
#define OTHERS	(KEY_FIRST + 50000)

static struct readers_bpf *readers;

static void *read_fn(void *arg)
{
	int err = run_prog(bpf_program__fd(readers->progs.sleeping_reader), NULL, 0);

	return (void *)(long)err;
}

static bool holding(void)
{
	return __atomic_load_n(&readers->bss->state.holding, __ATOMIC_ACQUIRE);
}

static bool found(void)
{
	return __atomic_load_n(&readers->bss->state.found, __ATOMIC_ACQUIRE);
}

static void let_go(void)
{
	__atomic_store_n(&readers->bss->state.let_go, 1, __ATOMIC_RELEASE);
}

static void reader_join(pthread_t thread)
{
	void *err;

	pthread_join(thread, &err);
	CHECK(!err, "cannot run the reader: %s", strerror(-(long)err));
}

/* Starts the sleeping reader, and returns when it has found its element. */
static bool reader_start(pthread_t *thread, unsigned int hold_ms)
{
	uint64_t deadline = deadline_ms(5000);

	memset(&readers->bss->state, 0, sizeof(readers->bss->state));
	readers->bss->state.id = MAP;
	readers->bss->state.key = KEY;
	readers->bss->state.hold_ms = hold_ms;
	if (!CHECK(!pthread_create(thread, NULL, read_fn, NULL), "no thread"))
		return false;
	while (!found() && now_ms() < deadline)
		sleep_ms(1);
	if (found())
		return true;
	reader_join(*thread);
	return CHECK(false, "the reader %s", found() ? "came too late" : "found no key");
}

/* Objects on their way to slab, waited for because of when they show up. */
static unsigned long long wait_for_surplus(unsigned int ms)
{
	uint64_t deadline = deadline_ms(ms);
	struct allocator_stats s = {};

	while (allocator_stats(&s) && !s.wait_trace && now_ms() < deadline)
		sleep_ms(20);
	return s.wait_trace;
}

/* Returns early when the reader saw memory that went back to slab. */
static void wait_for_freed_reads(unsigned int ms)
{
	const volatile struct reader_state *state = &readers->bss->state;
	uint64_t end = now_ms() + ms;

	while (!state->poisoned && !state->garbage && now_ms() < end)
		sleep_ms(20);
}

static bool create_full_map(const char *flavor)
{
	int err = map_create(MAP, flavor, 8, 2 * KEYS);

	if (!CHECK(!err, "create: %s", strerror(-err)))
		return false;
	return CHECK(!update_keys(MAP, KEY, KEYS), "cannot fill the map");
}

/*
 * While the reader sleeps: everything is deleted and idle, so the allocator
 * wants to give it back; then the map goes, too.
 */
static void empty_and_destroy(const void *arg)
{
	const struct reader_state *state = &readers->bss->state;
	unsigned long long surplus, freed_reads;
	const char *flavor = arg;
	bool gives_back = !strcmp(flavor, "free-after-rcu-gp");
	pthread_t thread;

	if (!create_full_map(flavor))
		return;
	if (!reader_start(&thread, 60000)) {
		map_destroy(MAP);
		return;
	}
	delete_keys(MAP, KEY, KEYS);
	surplus = gives_back ? 0 : wait_for_surplus(2500);
	map_destroy(MAP);
	wait_for_freed_reads(gives_back ? 5000 * timeout_factor() : 500);
	CHECK(holding(), "the reader did not last");
	let_go();
	reader_join(thread);
	freed_reads = state->poisoned + state->garbage;

	note("%llu reads, %llu of freed memory, %llu of reused; surplus %llu",
	     (unsigned long long)state->reads, freed_reads,
	     (unsigned long long)state->reused, surplus);
	if (gives_back) {
		CHECK(freed_reads, "no read saw memory that went back: nothing would be noticed");
	} else {
		CHECK(!freed_reads, "%llu of %llu reads saw memory that went back to slab",
		      freed_reads, (unsigned long long)state->reads);
		CHECK(surplus, "nothing was on its way to slab: nothing was provoked");
	}
	check_all_home();
}

/* Never without the key: the reader has to find it. */
static void churn(void *arg)
{
	update_keys(MAP, KEY, 1);
	update_keys(MAP, OTHERS, 64);
	update_keys(MAP, KEY, 1);
	delete_keys(MAP, OTHERS, 64);
}

/* Reuse is what such a program has to expect, and does see. */
static void sees_reuse(const void *arg)
{
	const struct reader_state *state = &readers->bss->state;
	const char *flavor = arg;
	unsigned long long reused = 0, freed_reads = 0;
	uint64_t start = now_ms(), deadline = deadline_ms(10000);
	struct loop *writer;
	pthread_t thread;

	if (!create_full_map(flavor))
		return;
	writer = loop_start(-1, churn, NULL);
	while (!reused && !freed_reads && now_ms() < deadline) {
		if (!reader_start(&thread, 300))
			break;
		reader_join(thread);
		reused = state->reused;
		freed_reads = state->poisoned + state->garbage;
	}
	loop_stop(writer);
	map_destroy(MAP);
	note("reuse seen after %llu ms", (unsigned long long)(now_ms() - start));
	CHECK(reused, "no reuse was seen");
	CHECK(!freed_reads, "%llu reads saw memory that went back to slab", freed_reads);
	check_all_home();
}

static void collect(void)
{
	static const char * const reusing[] = { "normal", "reuse-after-rcu-gp", "free-rcu" };
	unsigned int i;

	add_module_tests("guarantee-slab");
	for (i = 0; i < NR_MA_FLAVORS; i++)
		add_test(empty_and_destroy, flavors[i], "empty_and_destroy:%s", flavors[i]);
	for (i = 0; i < ARRAY_SIZE(reusing); i++)
		add_test(sees_reuse, reusing[i], "sees_reuse:%s", reusing[i]);
	add_module_exit();
}

static bool setup(void)
{
	readers = readers_load();
	return readers && map_ops_load();
}

static void teardown(void)
{
	readers_bpf__destroy(readers);
	map_ops_unload();
}

const struct suite slab_suite = {
	.name = "guarantee-slab",
	.collect = collect,
	.setup = setup,
	.teardown = teardown,
};
