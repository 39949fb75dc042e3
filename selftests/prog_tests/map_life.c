// SPDX-License-Identifier: GPL-2.0-only
/*
 * Suite map, second part: maps come and go, bad commands, the module itself.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "map_suite.h"
#include "test_progs.h"

#define MAP	21
#define NO_MAP	(-ENODEV)	/* what map_ops.bpf.c says when there is none */
#define CGROUP	"selftest_map"
#define RING_OBJECTS "/sys/module/bpf_ma/parameters/ring_objects"

/* ---- the kernel's log ---- */

static int log_open(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	CHECK(fd >= 0 && !lseek(fd, 0, SEEK_END), "no kernel log: %s", strerror(errno));
	return fd;
}

/* Whether a line since log_open() or the last call has @word in it. */
static bool logged(int fd, const char *word)
{
	char line[1024];
	bool found = false;
	ssize_t n;

	while ((n = read(fd, line, sizeof(line) - 1)) > 0) {
		line[n] = '\0';
		found |= !!strstr(line, word);
	}
	return found;
}

/* ---- commands ---- */

struct command {
	const char *file;
	const char *line;
	int err;
	const char *named;	/* what the log says is accepted, for -EINVAL */
};

static const struct command bad_commands[] = {
	{ "create", "", -EINVAL, "ID FLAVOR VALUE_SIZE MAX_ENTRIES" },
	{ "create", "1 normal 8", -EINVAL, "ID FLAVOR VALUE_SIZE MAX_ENTRIES" },
	{ "create", "1 normal 8 100 7", -EINVAL, "ID FLAVOR VALUE_SIZE MAX_ENTRIES" },
	{ "create", "1 normal 8 100\n2 normal 8 100", -EINVAL, "one line" },
	{ "create", "1 reuse 8 100", -EINVAL, "reuse-after-rcu-gp" },
	{ "create", "1 kernel 8 100", -EINVAL, "call-rcu-free" },
	{ "create", "1 rings 8 100", -EINVAL, "ring is accepted" },
	{ "create", "1 NORMAL 8 100", -EINVAL, "free-rcu" },
	{ "create", "1024 normal 8 100", -EINVAL, "from 0 to 1023" },
	{ "create", "-1 normal 8 100", -EINVAL, "from 0 to 1023" },
	{ "create", "x normal 8 100", -EINVAL, "from 0 to 1023" },
	{ "create", "1 normal 0 100", -EINVAL, "from 1 to 2048" },
	{ "create", "1 normal 2049 100", -EINVAL, "from 1 to 2048" },
	{ "create", "1 normal 8x 100", -EINVAL, "from 1 to 2048" },
	{ "create", "1 normal 8 0", -EINVAL, "from 1 to 1048576" },
	{ "create", "1 normal 8 1048577", -EINVAL, "from 1 to 1048576" },
	{ "create", "1 normal 8 4294967297", -EINVAL, "from 1 to 1048576" },
	{ "create", "1 normal 8 100x", -EINVAL, "from 1 to 1048576" },
	{ "destroy", "", -EINVAL, "ID" },
	{ "destroy", "21 22", -EINVAL, "ID" },
	{ "destroy", "1024", -EINVAL, "from 0 to 1023" },
	{ "destroy", "x", -EINVAL, "from 0 to 1023" },
	{ "destroy", "1023", -ENOENT, NULL },
};

static void bad_command(const void *arg)
{
	const struct command *c = arg;
	char path[64];
	int err, log = log_open();

	snprintf(path, sizeof(path), DEBUGFS "bpf_ma/%s", c->file);
	err = write_file(path, "%s", c->line);
	CHECK(err == c->err, "'%s' to %s: %d, not %d", c->line, c->file, err, c->err);
	CHECK(!c->named || logged(log, c->named), "the log does not name '%s'", c->named);
	CHECK(module_total("maps_live") == 0, "%lld maps came of it", module_total("maps_live"));
	close(log);
}

static void id_in_use(const void *arg)
{
	int err;

	CHECK(!map_create(MAP, "normal", 8, 10), "create");
	CHECK(map_create(MAP, "reuse-after-rcu-gp", 16, 10) == -EEXIST, "create again");
	err = update_keys(MAP, 0, 5);
	CHECK(!err, "the first map has changed: %s", strerror(-err));
	CHECK(!map_destroy(MAP), "destroy");
	CHECK(map_destroy(MAP) == -ENOENT, "destroy again");
	/* The ID is free at once, though the first map is still being taken apart. */
	CHECK(!map_create(MAP, "normal", 8, 10), "create with the same ID");
	CHECK(delete_keys(MAP, 0, 1) == -ENOENT, "the old map's keys are in the new one");
	CHECK(!map_destroy(MAP), "destroy");
	check_all_home();
}

static void borders(const void *arg)
{
	CHECK(!map_create(0, "normal", 1, 1), "smallest");
	CHECK(!map_create(1023, "reuse-after-rcu-gp", 2048, 1048576), "largest");
	CHECK(!map_destroy(0) && !map_destroy(1023), "destroy");
	check_all_home();
}

/* ---- life ---- */

static void no_map(const void *arg)
{
	CHECK(update_keys(MAP, 0, 1) == NO_MAP, "an update found a map");
	CHECK(delete_keys(5000, 0, 1) == NO_MAP, "a delete found a map of an impossible ID");
}

struct user {
	unsigned int first;
	unsigned long long done, without, strange;
};

static void use_map(void *arg)
{
	struct user *user = arg;
	int err = update_keys(MAP, user->first, 64);

	if (!err)
		err = delete_keys(MAP, user->first, 64);
	/* The map may have been replaced by an empty one in between. */
	if (err == NO_MAP || err == -ENOENT)
		user->without++;
	else if (err)
		user->strange++;
	else
		user->done++;
}

static bool met_both(const struct user *user)
{
	return __atomic_load_n(&user->done, __ATOMIC_RELAXED) &&
	       __atomic_load_n(&user->without, __ATOMIC_RELAXED);
}

/*
 * Programs that run meanwhile see the map, or none, and go on. Ten times at
 * least, and until each of them came across both.
 */
static void destroy_under_programs(const void *arg)
{
	struct user users[2] = { { .first = 0 }, { .first = 1000 } };
	uint64_t deadline = deadline_ms(5000);
	struct loop *loops[2];
	unsigned int i, round;

	for (i = 0; i < ARRAY_SIZE(loops); i++)
		loops[i] = loop_start(i % nr_cpus(), use_map, &users[i]);
	for (round = 0; round < 10 || (!(met_both(&users[0]) && met_both(&users[1])) &&
				       now_ms() < deadline); round++) {
		CHECK(!map_create(MAP, arg, 8, 4096), "create %u", round);
		sleep_ms(30);
		CHECK(!map_destroy(MAP), "destroy %u", round);
		sleep_ms(5);
	}
	for (i = 0; i < ARRAY_SIZE(loops); i++)
		loop_stop(loops[i]);
	for (i = 0; i < ARRAY_SIZE(users); i++) {
		CHECK(users[i].done && users[i].without, "%llu runs with a map, %llu without",
		      users[i].done, users[i].without);
		CHECK(!users[i].strange, "%llu strange errors", users[i].strange);
	}
	check_all_home();
}

/* With two elements free on each CPU: when there are none, and too many. */
static void small_rings(const void *arg)
{
	long long taken = module_total("slab_taken");

	CHECK(!write_file(RING_OBJECTS, "2"), "2 elements are refused");
	CHECK(!map_create(MAP, "ring", 8, 100), "create");
	taken = module_total("slab_taken") - taken;
	CHECK(taken >= 2 * nr_cpus() && taken % 2 == 0, "%lld elements taken", taken);

	pin_to_cpu(0);
	CHECK(!update_keys(MAP, 0, 2), "there are two elements");
	CHECK(update_keys(MAP, 2, 1) == -ENOMEM, "there is a third");
	CHECK(update_keys(MAP, 0, 1) == -ENOMEM, "there is one to replace with");
	CHECK(!delete_keys(MAP, 0, 1) && !update_keys(MAP, 2, 1), "it does not come back");
	if (nr_cpus() > 1) {
		pin_to_cpu(1);
		CHECK(!update_keys(MAP, 3, 2), "the second CPU has none");
		CHECK(!delete_keys(MAP, 1, 4), "delete on one what was added on two");
		CHECK(!update_keys(MAP, 0, 2), "the ring is not full");
		CHECK(update_keys(MAP, 2, 1) == -ENOMEM, "it holds more than it can");
	}
	pin_to_cpu(-1);
	CHECK(!map_destroy(MAP), "destroy");
	check_all_home();
	CHECK(!write_file(RING_OBJECTS, "4096"), "4096 elements are refused");
}

static void bad_ring(const void *arg)
{
	static const char * const bad[] = { "0", "-1", "1048577", "4294967297", "x", "" };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK(write_file(RING_OBJECTS, "%s\n", bad[i]) < 0, "'%s' is accepted", bad[i]);
}

static int create_in_cgroup(const void *arg)
{
	return map_create(MAP, arg, 1024, 4096);
}

static void charges_creator(const void *arg)
{
	struct map_op op = { .id = MAP, .value_size = 1024 };
	long long empty, full;

	if (!cgroup_create(CGROUP) || !cgroup_run(CGROUP, create_in_cgroup, arg))
		return;
	empty = cgroup_current(CGROUP);
	CHECK(empty >= 4096 * 16, "an empty map with 4096 buckets is charged %lld bytes", empty);
	for (op.key = 0; op.key < 2000; op.key++)
		CHECK(!map_update(&op), "update %u: %d", op.key, op.err);
	full = cgroup_current(CGROUP);
	CHECK(full - empty >= 2000 * 1024, "2000 values of 1 KiB are charged %lld bytes",
	      full - empty);
	map_destroy(MAP);
	check_all_home();
	full = cgroup_current(CGROUP);
	CHECK(full < (1 << 20), "%lld bytes still charged after the destroy", full);
	cgroup_remove(CGROUP);
}

/* ---- the module ---- */

static void second_insmod(const void *arg)
{
	int err = load_module(MODULE_PATH, MODULE_PARAMS);

	CHECK(err == -EEXIST, "second insmod: %d", err);
	CHECK(module_total("maps_live") == 0, "the first one does not answer");
}

static void rmmod_refused(const void *arg)
{
	int err = unload_module("bpf_ma");

	CHECK(err == -EWOULDBLOCK, "rmmod with programs loaded: %d", err);
	CHECK(!map_create(MAP, "normal", 8, 100), "create");
	CHECK(!update_keys(MAP, 0, 100), "update");
	CHECK(!map_destroy(MAP), "destroy");
	check_all_home();
}

/* With maps and with all that waits behind them; the exit warns of a leak. */
static void rmmod_with_maps(const void *arg)
{
	unsigned int i;
	int err;

	for (i = 0; i < NR_FLAVORS; i++) {
		CHECK(!map_create(MAP + i, flavors[i], 8, 4096), "create %s", flavors[i]);
		CHECK(!update_keys(MAP + i, 0, 4000), "update");
		CHECK(!delete_keys(MAP + i, 0, 2000), "delete");
	}
	map_ops_unload();
	/* Programs go after a grace period, and with them their references. */
	for (i = 0; i < 100; i++) {
		err = unload_module("bpf_ma");
		if (err != -EWOULDBLOCK)
			break;
		sleep_ms(50);
	}
	CHECK(!err, "rmmod: %s", strerror(-err));
	CHECK(access(DEBUGFS "bpf_ma", F_OK), "its files are still there");
	err = load_module(MODULE_PATH, MODULE_PARAMS);
	CHECK(!err, "insmod: %s", strerror(-err));
	map_ops_load();
	CHECK(module_total("slab_taken") == 0, "the totals do not start again");
}

/* ---- the list ---- */

static const char *first_line(const char *line)
{
	static char word[32];

	snprintf(word, sizeof(word), "%.*s", (int)strcspn(line, "\n"), line);
	return word;
}

void collect_map_life(void)
{
	unsigned int i;

	add_test(no_map, NULL, "no_map");
	for (i = 0; i < ARRAY_SIZE(bad_commands); i++)
		add_test(bad_command, &bad_commands[i], "bad_command %s '%s'",
			 bad_commands[i].file, first_line(bad_commands[i].line));
	add_test(id_in_use, NULL, "id_in_use");
	add_test(borders, NULL, "borders");
	for (i = 0; i < NR_FLAVORS; i++)
		add_test(destroy_under_programs, flavors[i], "destroy_under_programs:%s",
			 flavors[i]);
	for (i = 0; i < NR_FLAVORS; i++)
		add_test(charges_creator, flavors[i], "charges_creator:%s", flavors[i]);
	add_test(small_rings, NULL, "small_rings");
	add_test(bad_ring, NULL, "bad_ring");
	add_test(second_insmod, NULL, "second_insmod");
	add_test(rmmod_refused, NULL, "rmmod_refused");
	add_test(rmmod_with_maps, NULL, "rmmod_with_maps");
}
