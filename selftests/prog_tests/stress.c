// SPDX-License-Identifier: GPL-2.0-only
/*
 * Suite stress: everything at once. The test module has every context use
 * allocators of its own; meanwhile programs use maps of bpf_ma.ko, nested ones
 * in what the allocator calls included, others hold elements, maps come and go,
 * a memory cgroup is at its limit, CPUs come and go, and slab fails.
 *
 * The first test does it, the others look at what was counted: what was to
 * happen has, and what must not has not.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../progs/readers.h"
#include "nested_progs.h"
#include "readers.skel.h"
#include "test_progs.h"

#define MAPS		8	/* IDs from 0 on; the first half without baselines */
#define RCU_MAP		8	/* of the readers within RCU read-side sections */
#define TRACE_MAP	9	/* of the reader that sleeps */
#define LIMITED_MAP	10
#define NO_MAP		(-ENODEV)
#define KEYS		2048
#define CGROUP		"stress"
#define FIRST_CGROUP	"stress_first"
#define FILE_STRESS	DEBUGFS "bpf_ma_test/stress"

unsigned int stress_secs = 30, stress_seed = 1;

static unsigned int next_random(unsigned int *state)
{
	*state = *state * 1664525 + 1013904223;
	/* The lower the bit, the sooner it repeats itself. */
	return *state >> 8 ^ *state >> 20;
}

/* ---- counters: the test module's and those of this file ---- */

static struct counter {
	char aspect[32], name[32], rule[8];
	long long value;
} counters[64];
static unsigned int nr_counters;

static void add_counter(const char *aspect, const char *name, const char *rule, long long value)
{
	struct counter *c = &counters[nr_counters];

	if (nr_counters == ARRAY_SIZE(counters)) {
		fail("more than %zu counters", ARRAY_SIZE(counters));
		return;
	}
	nr_counters++;
	snprintf(c->aspect, sizeof(c->aspect), "%s", aspect);
	snprintf(c->name, sizeof(c->name), "%s", name);
	snprintf(c->rule, sizeof(c->rule), "%s", rule);
	c->value = value;
}

static void read_module_counters(void)
{
	char buf[4096], *line, *save = NULL, aspect[32], name[32], rule[8];
	long long value;

	if (!CHECK(read_file(FILE_STRESS, buf, sizeof(buf)) > 0, "no %s", FILE_STRESS))
		return;
	for (line = strtok_r(buf, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (CHECK(sscanf(line, "%31s %31s %7s %lld", aspect, name, rule, &value) == 4,
			  "counter '%s'", line))
			add_counter(aspect, name, rule, value);
}

/* ---- programs that use the maps ---- */

struct user {
	unsigned int rnd;
	unsigned long long done, absent, busy, no_memory, other;
	int err;	/* the last of the other ones */
};

static void tally(struct user *user, int err)
{
	switch (err) {
	case 0:
		user->done++;
		break;
	case NO_MAP:
	case -ENOENT:
		user->absent++;
		break;
	case -EBUSY:
		user->busy++;
		break;
	case -ENOMEM:
		user->no_memory++;
		break;
	default:
		user->other++;
		user->err = err;
	}
}

static void use_maps(void *arg)
{
	struct user *user = arg;
	struct map_op op = {
		.id = next_random(&user->rnd) % MAPS,
		.key = next_random(&user->rnd) % KEYS,
	};
	unsigned int count = 1 + next_random(&user->rnd) % 64;

	switch (next_random(&user->rnd) % 8) {
	case 0:
		tally(user, map_lookup(&op));
		break;
	case 1:
		op.flags = next_random(&user->rnd) % 2;
		tally(user, map_iterate(&op));
		break;
	case 2:
	case 3:
	case 4:
		tally(user, delete_keys(op.id, op.key, count));
		break;
	default:
		tally(user, update_keys(op.id, op.key, count));
	}
}

/* ---- programs that hold elements ---- */

static struct readers_bpf *rcu_reader, *trace_reader;

static const char * const rcu_flavors[] = {
	"reuse-after-rcu-gp", "free-after-rcu-gp", "free-rcu",
};

static const char * const trace_flavors[] = {
	"normal", "reuse-after-rcu-gp", "free-rcu",
};

static void hold_in_rcu(void *arg)
{
	syscall(SYS_getpgid, READER_PID);
	run_prog(bpf_program__fd(rcu_reader->progs.rcu_reader), NULL, 0);
}

static void hold_asleep(void *arg)
{
	run_prog(bpf_program__fd(trace_reader->progs.sleeping_reader), NULL, 0);
	sleep_ms(1);
}

/* Each key is missing only for a moment: the readers are to find it. */
static void rewrite_held(void *arg)
{
	unsigned int id;

	for (id = RCU_MAP; id <= TRACE_MAP; id++) {
		delete_keys(id, KEY_FIRST, 1);
		update_keys(id, KEY_FIRST, 1);
		update_keys(id, KEY_FIRST + 100, 32);
		update_keys(id, KEY_FIRST, 1);
		delete_keys(id, KEY_FIRST + 100, 32);
	}
}

static bool load_reader(struct readers_bpf **reader, unsigned int id, unsigned int hold_ms)
{
	*reader = readers_load();
	if (!*reader)
		return false;
	(*reader)->bss->state.id = id;
	(*reader)->bss->state.key = KEY_FIRST;
	(*reader)->bss->state.hold_ms = hold_ms;
	return true;
}

/* ---- what the main thread does ---- */

static struct nested_bpf *nested;
static unsigned int rnd;

static struct {
	bool present[LIMITED_MAP + 1];
	unsigned long long created, not_created, destroyed, limits, hotplugs;
} did;

static void create(unsigned int id, const char *flavor)
{
	int err = map_create(id, flavor, 8, 2 * KEYS);

	did.created += !err;
	did.not_created += err == -ENOMEM;
	did.present[id] = !err;
	CHECK(!err || err == -ENOMEM, "create: %s", strerror(-err));
}

/* Where kmalloc() fails, the command may. */
static void destroy(unsigned int id)
{
	int err;

	do
		err = map_destroy(id);
	while (err == -ENOMEM);
	CHECK(!err, "destroy: %s", strerror(-err));
	did.destroyed++;
	did.present[id] = false;
}

static const char *flavor_for(unsigned int id, unsigned int n)
{
	if (id == RCU_MAP)
		return rcu_flavors[n % ARRAY_SIZE(rcu_flavors)];
	if (id == TRACE_MAP)
		return trace_flavors[n % ARRAY_SIZE(trace_flavors)];
	return flavors[n % (id < MAPS / 2 ? NR_MA_FLAVORS : NR_FLAVORS)];
}

static void map_comes_or_goes(void)
{
	unsigned int id = next_random(&rnd) % (TRACE_MAP + 1);

	/* They are there more often than not. */
	if (!did.present[id])
		create(id, flavor_for(id, next_random(&rnd)));
	else if (!(next_random(&rnd) % 4))
		destroy(id);
	/* Those flavors that a program may use wherever it is attached. */
	nested->bss->state.id = next_random(&rnd) % (MAPS / 2);
}

/* In a process of the cgroup. */
static int create_limited(const void *arg)
{
	int err;

	do
		err = map_create(LIMITED_MAP, arg, MAP_OP_VALUE_MAX, 1024);
	while (err == -ENOMEM);
	return err;
}

static void reach_limit(void)
{
	const char *flavor = flavors[next_random(&rnd) % NR_FLAVORS];
	struct map_op op = { .id = LIMITED_MAP, .value_size = MAP_OP_VALUE_MAX };

	if (!cgroup_create(CGROUP))
		return;
	if (cgroup_run(CGROUP, create_limited, flavor) && cgroup_set_max(CGROUP, "1M")) {
		while (op.key < 1024 && !map_update(&op))
			op.key++;
		did.limits += op.err == -ENOMEM;
		delete_keys(LIMITED_MAP, 0, op.key);
		destroy(LIMITED_MAP);
	}
	cgroup_remove(CGROUP);
}

static void cpu_goes_and_comes(void)
{
	int cpus = nr_cpus(), cpu;

	if (cpus < 2)
		return;
	cpu = 1 + next_random(&rnd) % (cpus - 1);
	set_online(cpu, false);
	sleep_ms(next_random(&rnd) % 300);
	set_online(cpu, true);
	did.hotplugs += !failed();
}

/* A sign of life on the console, at the start and every now and then. */
static void show_progress(uint64_t start)
{
	static unsigned int next;
	unsigned int secs = (now_ms() - start) / 1000;

	if (secs < next)
		return;
	next = secs + 30;
	fprintf(stderr, "stress: %u of %u s\n", secs, stress_secs);
}

static void do_all(void)
{
	uint64_t start = now_ms(), end = start + stress_secs * 1000ULL;
	unsigned int round;

	for (round = 0; now_ms() < end && !failed(); round++) {
		show_progress(start);
		/* Each once in any case. */
		switch (round < 2 ? round : next_random(&rnd) % 32) {
		case 0:
			cpu_goes_and_comes();
			break;
		case 1:
			reach_limit();
			break;
		default:
			map_comes_or_goes();
		}
		sleep_ms(next_random(&rnd) % 40);
	}
}

/* ---- the run ---- */

static struct user users[3];
static bool has_failslab;

static void count_nested(int programs)
{
	struct nested_counts all = nested_sum(&nested->bss->state);

	add_counter("nested_programs", "attached", "some", programs);
	add_counter("nested_programs", "runs", "some", all.runs);
	add_counter("nested_programs", "no_memory", "any", all.no_memory);
	add_counter("nested_programs", "busy", "any", all.busy);
	add_counter("nested_programs", "other_errors", "none", all.other);
}

static void count_users(void)
{
	struct user all = {};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(users); i++) {
		all.done += users[i].done;
		all.absent += users[i].absent;
		all.busy += users[i].busy;
		all.no_memory += users[i].no_memory;
		all.other += users[i].other;
		if (users[i].other)
			all.err = users[i].err;
	}
	add_counter("programs", "done", "some", all.done);
	add_counter("programs", "absent", "some", all.absent);
	add_counter("programs", "busy", "any", all.busy);
	add_counter("programs", "no_memory", "any", all.no_memory);
	add_counter("programs", "other_errors", "none", all.other);
	add_counter("programs", "last_of_them", "any", all.err);
}

static void count_readers(void)
{
	const struct reader_state *s = &rcu_reader->bss->state;

	add_counter("reading_programs", "held", "some", s->found);
	add_counter("reading_programs", "reads", "some", s->reads);
	add_counter("reading_programs", "reused", "none", s->reused);
	add_counter("reading_programs", "went_to_slab", "none", s->poisoned + s->garbage);
	s = &trace_reader->bss->state;
	add_counter("reading_programs", "slept_with", "some", s->found);
	add_counter("reading_programs", "reused_asleep", "any", s->reused);
	add_counter("reading_programs", "went_to_slab_asleep", "none", s->poisoned + s->garbage);
}

static void count_main(void)
{
	add_counter("maps", "created", "some", did.created);
	add_counter("maps", "not_created", "any", did.not_created);
	add_counter("maps", "destroyed", "some", did.destroyed);
	add_counter("cpu_hotplug", "went_and_came", nr_cpus() > 1 ? "some" : "any", did.hotplugs);
	add_counter("slab_failures", "memory_limit_reached", "some", did.limits);
}

static void run_loops(void)
{
	struct loop *loops[ARRAY_SIZE(users) + 3];
	unsigned int i, n = 0;

	for (i = 0; i < ARRAY_SIZE(users); i++) {
		users[i].rnd = next_random(&rnd);
		loops[n++] = loop_start(-1, use_maps, &users[i]);
	}
	loops[n++] = loop_start(-1, hold_in_rcu, NULL);
	loops[n++] = loop_start(-1, hold_asleep, NULL);
	loops[n++] = loop_start(-1, rewrite_held, NULL);
	do_all();
	while (n)
		loop_stop(loops[--n]);
}

static void everything(const void *arg)
{
	struct bpf_link *links[NESTED_PLACES];
	unsigned int id;
	int err, programs;

	note("SECS=%u SEED=%u", stress_secs, stress_seed);
	rnd = stress_seed;
	nested->bss->state.tgid = getpid();
	programs = nested_attach(nested, links);
	err = write_file(FILE_STRESS, "start %u", next_random(&rnd));
	if (CHECK(!err, "start: %s", strerror(-err))) {
		has_failslab = failslab_start(2);
		run_loops();
		if (has_failslab)
			add_counter("slab_failures", "by_failslab", "some", failslab_stop());
		err = write_file(FILE_STRESS, "stop");
		CHECK(!err, "stop: %s", strerror(-err));
	}
	for (id = 0; id < ARRAY_SIZE(did.present); id++)
		if (did.present[id])
			destroy(id);
	read_module_counters();
	count_users();
	count_nested(programs);
	count_readers();
	count_main();
	while (programs)
		bpf_link__destroy(links[--programs]);
}

static void look_at(const void *arg)
{
	const char *aspect = arg;
	char text[512] = "";
	struct counter *c;
	size_t len = 0;

	for (c = counters; c < counters + nr_counters && len < sizeof(text); c++)
		if (!strcmp(c->aspect, aspect))
			len += snprintf(text + len, sizeof(text) - len, "%s%s %lld",
					len ? ", " : "", c->name, c->value);
	if (!strcmp(aspect, "slab_failures") && !has_failslab && len < sizeof(text))
		snprintf(text + len, sizeof(text) - len, ", no failslab in this kernel");
	note("%s", text);
	CHECK(len, "nothing was counted");
	for (c = counters; c < counters + nr_counters; c++) {
		if (strcmp(c->aspect, aspect))
			continue;
		CHECK(strcmp(c->rule, "some") || c->value > 0, "%s never happened: %s", c->name,
		      text);
		CHECK(strcmp(c->rule, "none") || !c->value, "%s %lld: %s", c->name, c->value,
		      text);
	}
}

static void maps_home(const void *arg)
{
	check_all_home();
	note("%lld objects taken and returned, %lld expedited grace periods",
	     module_total("slab_taken"), module_total("gp_expedited"));
}

/* ---- the suite ---- */

static const char * const aspects[] = {
	"contexts", "allocators", "owners", "rcu_readers", "trace_readers", "slab_failures",
	"programs", "nested_programs", "reading_programs", "maps", "cpu_hotplug",
};

static void collect(void)
{
	unsigned int i;

	add_test(everything, NULL, "everything_at_once");
	for (i = 0; i < ARRAY_SIZE(aspects); i++)
		add_test(look_at, aspects[i], "%s", aspects[i]);
	add_test(maps_home, NULL, "maps_home");
	add_module_exit();
}

static bool setup(void)
{
	/*
	 * With the first one the kernel patches slab for it, with the last one
	 * back. To patch it while it runs is more than some emulators can take.
	 */
	if (!cgroup_create(FIRST_CGROUP) || !test_module_load() || !map_ops_load() ||
	    !load_reader(&rcu_reader, RCU_MAP, 3) ||
	    !load_reader(&trace_reader, TRACE_MAP, 50))
		return false;
	/* The other one's is not wanted: the two programs would share a call. */
	if (!CHECK(!readers_bpf__attach(rcu_reader), "does not attach: %s", strerror(errno)))
		return false;
	nested = nested_load();
	return CHECK(nested, "nested.bpf.c does not load: %s", strerror(errno));
}

static void teardown(void)
{
	nested_bpf__destroy(nested);
	readers_bpf__destroy(rcu_reader);
	readers_bpf__destroy(trace_reader);
	map_ops_unload();
	cgroup_remove(FIRST_CGROUP);
}

const struct suite stress_suite = {
	.name = "stress",
	.on_demand = true,
	.collect = collect,
	.setup = setup,
	.teardown = teardown,
};
