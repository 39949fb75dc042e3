// SPDX-License-Identifier: GPL-2.0-only
/*
 * Suite guarantee-reuse: a program that looked an element up in an RCU
 * read-side section sees that element unchanged until the section ends, while
 * another CPU deletes and re-adds its key. The same from the test module.
 */
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../progs/readers.h"
#include "readers.skel.h"
#include "test_progs.h"

#define MAP	7
#define KEY	KEY_FIRST
#define OTHERS	(KEY_FIRST + 100)
#define LIMIT_MS	1000

static struct readers_bpf *readers;

/* The key is missing only for a moment: the reader is to find it. */
static void delete_and_add(void *arg)
{
	delete_keys(MAP, KEY, 1);
	update_keys(MAP, OTHERS, 4);
	update_keys(MAP, KEY, 1);
	update_keys(MAP, OTHERS + 4, 60);
	update_keys(MAP, KEY, 1);
	delete_keys(MAP, OTHERS, 64);
}

static void read_in_fentry(void)
{
	syscall(SYS_getpgid, READER_PID);
}

static void read_in_syscall_prog(void)
{
	int err = run_prog(bpf_program__fd(readers->progs.rcu_reader), NULL, 0);

	CHECK(!err, "cannot run the reader: %s", strerror(-err));
}

struct way {
	const char *name;
	void (*read)(void);
	bool needs_rcu_lock;
};

static const struct way ways[] = {
	{ "fentry", read_in_fentry, false },
	{ "sleepable", read_in_syscall_prog, true },
};

struct reuse_case {
	const struct way *way;
	const char *flavor;
	bool reuses;
};

static void read_for_a_while(const struct reuse_case *c)
{
	struct reader_state *state = &readers->bss->state;
	uint64_t end;

	memset(state, 0, sizeof(*state));
	state->id = MAP;
	state->key = KEY;
	state->hold_ms = 20;
	end = c->reuses ? deadline_ms(LIMIT_MS) : now_ms() + LIMIT_MS;
	do
		c->way->read();
	while (now_ms() < end && !(c->reuses && state->reused));
}

static void held_element(const void *arg)
{
	struct reader_state *state = &readers->bss->state;
	const struct reuse_case *c = arg;
	struct loop *writer;
	int err;

	if (nr_cpus() < 2) {
		skip("needs two CPUs");
		return;
	}
	if (c->way->needs_rcu_lock && !bpf_program__autoload(readers->progs.rcu_reader)) {
		skip("the kernel has no bpf_rcu_read_lock()");
		return;
	}
	err = map_create(MAP, c->flavor, 8, 4096);
	if (!CHECK(!err, "create: %s", strerror(-err)))
		return;
	update_keys(MAP, KEY, 1);
	pin_to_cpu(0);
	writer = loop_start(1, delete_and_add, NULL);
	read_for_a_while(c);
	loop_stop(writer);
	pin_to_cpu(-1);
	map_destroy(MAP);

	note("%llu elements held, %llu reads, %llu of them saw reuse",
	     (unsigned long long)state->found, (unsigned long long)state->reads,
	     (unsigned long long)state->reused);
	CHECK(state->found && state->reads > state->found, "%llu elements, %llu reads",
	      (unsigned long long)state->found, (unsigned long long)state->reads);
	if (c->reuses)
		CHECK(state->reused, "no reuse within %u ms: nothing was provoked",
		      LIMIT_MS * timeout_factor());
	else
		CHECK(!state->reused, "%llu reads saw reuse, the last saw key %u",
		      (unsigned long long)state->reused, state->last_key);
	CHECK(!state->poisoned && !state->garbage, "%llu reads of freed memory",
	      (unsigned long long)(state->poisoned + state->garbage));
	check_all_home();
}

static struct reuse_case cases[ARRAY_SIZE(ways) * NR_FLAVORS];

static void collect(void)
{
	unsigned int way, flavor, n = 0;

	add_module_tests("guarantee-reuse");
	for (way = 0; way < ARRAY_SIZE(ways); way++) {
		for (flavor = 0; flavor < NR_FLAVORS; flavor++) {
			cases[n] = (struct reuse_case){
				&ways[way], flavors[flavor], !strcmp(flavors[flavor], "normal"),
			};
			add_test(held_element, &cases[n], "held_by_%s:%s", ways[way].name,
				 flavors[flavor]);
			n++;
		}
	}
	add_module_exit();
}

static bool setup(void)
{
	readers = readers_load();
	return readers &&
	       CHECK(!readers_bpf__attach(readers), "does not attach: %s", strerror(errno)) &&
	       map_ops_load();
}

static void teardown(void)
{
	readers_bpf__destroy(readers);
	map_ops_unload();
}

const struct suite reuse_suite = {
	.name = "guarantee-reuse",
	.collect = collect,
	.setup = setup,
	.teardown = teardown,
};
