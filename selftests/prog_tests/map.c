// SPDX-License-Identifier: GPL-2.0-only
/*
 * Suite map: the semantics of the module's map, as programs see them through
 * the kfuncs. What belongs to maps as a whole is in map_life.c.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "map_suite.h"
#include "test_progs.h"

#define MAP	11
#define ENTRIES	1000

enum { ANY, NOEXIST, EXIST };

static bool create(const char *flavor, unsigned int value_size)
{
	int err = map_create(MAP, flavor, value_size, ENTRIES);

	return CHECK(!err, "create: %s", strerror(-err));
}

static void destroy(void)
{
	map_destroy(MAP);
	check_all_home();
}

static long long map_count(unsigned int id)
{
	char buf[4096], *line, *save = NULL;
	unsigned int found;
	long long count;

	if (!CHECK(read_file(DEBUGFS "bpf_ma/maps", buf, sizeof(buf)) > 0, "no list of maps"))
		return -1;
	strtok_r(buf, "\n", &save);
	while ((line = strtok_r(NULL, "\n", &save)))
		if (sscanf(line, "%u %*s %*u %*u %lld", &found, &count) == 2 && found == id)
			return count;
	return -1;
}

static int update(unsigned int key, unsigned long long value, unsigned long long flags)
{
	struct map_op op = {
		.id = MAP, .key = key, .value_size = 8, .value = value, .flags = flags,
	};

	return map_update(&op);
}

static int delete(unsigned int key)
{
	struct map_op op = { .id = MAP, .key = key };

	return map_delete(&op);
}

/* -1 when there is no such key. */
static long long lookup(unsigned int key)
{
	struct map_op op = { .id = MAP, .key = key };

	if (map_lookup(&op))
		return -1;
	CHECK(op.key == key, "lookup of key %u found %u", key, op.key);
	return op.value;
}

#define EXPECT(call, want)						\
do {									\
	long long got_ = (call);					\
									\
	CHECK(got_ == (want), "it is %lld, not %s", got_, #want);	\
} while (0)

static void update_flags(const void *arg)
{
	if (!create(arg, 8))
		return;
	EXPECT(update(1, 10, EXIST), -ENOENT);
	EXPECT(lookup(1), -1);
	EXPECT(update(1, 11, NOEXIST), 0);
	EXPECT(lookup(1), 11);
	EXPECT(update(1, 12, NOEXIST), -EEXIST);
	EXPECT(lookup(1), 11);
	EXPECT(update(1, 13, EXIST), 0);
	EXPECT(lookup(1), 13);
	EXPECT(update(1, 14, ANY), 0);
	EXPECT(lookup(1), 14);
	EXPECT(update(2, 20, ANY), 0);
	EXPECT(lookup(2), 20);
	EXPECT(update(1, 15, 3), -EINVAL);
	EXPECT(update(1, 15, 4 /* BPF_F_LOCK */), -EINVAL);
	EXPECT(update(1, 15, 1ULL << 63), -EINVAL);
	EXPECT(lookup(1), 14);
	EXPECT(map_count(MAP), 2);
	EXPECT(delete(1), 0);
	EXPECT(delete(1), -ENOENT);
	EXPECT(lookup(1), -1);
	EXPECT(update(1, 16, EXIST), -ENOENT);
	EXPECT(update(0, 1, ANY), 0);
	EXPECT(update(~0U, 2, ANY), 0);
	EXPECT(lookup(0), 1);
	EXPECT(lookup(~0U), 2);
	EXPECT(map_count(MAP), 3);
	destroy();
}

static void max_entries(const void *arg)
{
	int i;

	if (!create(arg, 8))
		return;
	for (i = 0; i < ENTRIES; i++)
		EXPECT(update(i, i, NOEXIST), 0);
	EXPECT(update(ENTRIES, 0, ANY), -E2BIG);
	EXPECT(update(ENTRIES, 0, NOEXIST), -E2BIG);
	EXPECT(map_count(MAP), ENTRIES);
	/* A full map still takes a new value, and a new key for an old one. */
	EXPECT(update(5, 55, ANY), 0);
	EXPECT(update(6, 66, EXIST), 0);
	EXPECT(lookup(5), 55);
	EXPECT(delete(7), 0);
	EXPECT(update(ENTRIES, 77, ANY), 0);
	EXPECT(update(7, 0, ANY), -E2BIG);
	EXPECT(map_count(MAP), ENTRIES);
	for (i = 0; i <= ENTRIES; i++)
		EXPECT(delete(i), i == 7 ? -ENOENT : 0);
	EXPECT(map_count(MAP), 0);
	destroy();
}

static int iterate(unsigned int *key, bool next)
{
	struct map_op op = { .id = MAP, .key = *key, .flags = next };
	int err = map_iterate(&op);

	*key = op.key;
	return err;
}

static void iteration(const void *arg)
{
	static unsigned char seen[ENTRIES];
	unsigned int key = 0, steps = 0;
	struct map_op op = { .id = MAP };
	int err, i;

	if (!create(arg, 8))
		return;
	EXPECT(iterate(&key, false), -ENOENT);
	EXPECT(iterate(&key, true), -ENOENT);
	EXPECT(update_keys(MAP, 0, ENTRIES), 0);
	memset(seen, 0, sizeof(seen));
	for (err = iterate(&key, false); !err && steps <= ENTRIES; err = iterate(&key, true)) {
		steps++;
		if (CHECK(key < ENTRIES, "key %u", key))
			seen[key]++;
	}
	CHECK(err == -ENOENT, "ends with %d", err);
	CHECK(steps == ENTRIES, "%u keys of %d", steps, ENTRIES);
	for (i = 0; i < ENTRIES; i++)
		CHECK(seen[i] == 1, "key %d seen %d times", i, seen[i]);
	/* A key that is not there starts again. */
	key = ENTRIES + 5;
	EXPECT(iterate(&key, true), 0);
	CHECK(key < ENTRIES, "key %u", key);
	EXPECT(map_iterate_wrongly(&op), -EINVAL);
	op.flags = 1;
	EXPECT(map_iterate_wrongly(&op), -EINVAL);
	destroy();
}

/* The first word of the value comes back whatever lies behind it. */
static void value_sizes(const void *arg)
{
	static const unsigned int sizes[] = { 1, 7, 8, 9, 64, 120, 121, 1000, 2047, 2048 };
	unsigned int i, key;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct map_op op = { .id = MAP, .value = 0x42 };

		if (!create(arg, sizes[i]))
			return;
		op.value_size = sizes[i] + 1 <= MAP_OP_VALUE_MAX ? sizes[i] + 1 : 1;
		EXPECT(map_update(&op), -EINVAL);
		op.value_size = sizes[i] - 1;
		EXPECT(map_update(&op), -EINVAL);
		op.value_size = sizes[i];
		for (key = 0; key < 100; key++) {
			op.key = key;
			EXPECT(map_update(&op), 0);
			EXPECT(lookup(key), 0x42);
		}
		map_destroy(MAP);
	}
	check_all_home();
}

/* One map of each flavor, the same keys in all of them. */
static void several_maps(const void *arg)
{
	unsigned int i;

	for (i = 0; i < NR_FLAVORS; i++)
		EXPECT(map_create(MAP + i, flavors[i], 8, ENTRIES), 0);
	for (i = 0; i < NR_FLAVORS; i++)
		EXPECT(update_keys(MAP + i, 0, 100 + i), 0);
	for (i = 0; i < NR_FLAVORS; i++)
		EXPECT(map_count(MAP + i), 100 + i);
	EXPECT(delete_keys(MAP + 2, 0, 102), 0);
	EXPECT(map_destroy(MAP + 4), 0);
	for (i = 0; i < NR_FLAVORS; i++) {
		if (i == 2)
			EXPECT(map_count(MAP + i), 0);
		else if (i == 4)
			EXPECT(map_count(MAP + i), -1);
		else
			EXPECT(map_count(MAP + i), 100 + i);
	}
	for (i = 0; i < NR_FLAVORS; i++)
		if (i != 4)
			EXPECT(map_destroy(MAP + i), 0);
	check_all_home();
}

static void collect(void)
{
	static const struct {
		const char *name;
		void (*fn)(const void *arg);
	} each_flavor[] = {
		{ "update_flags", update_flags },
		{ "max_entries", max_entries },
		{ "iteration", iteration },
		{ "value_sizes", value_sizes },
	};
	unsigned int test, flavor;

	for (test = 0; test < ARRAY_SIZE(each_flavor); test++) {
		for (flavor = 0; flavor < NR_FLAVORS; flavor++)
			add_test(each_flavor[test].fn, flavors[flavor], "%s:%s",
				 each_flavor[test].name, flavors[flavor]);
		add_test(each_flavor[test].fn, "ring", "%s:ring", each_flavor[test].name);
	}
	add_test(several_maps, NULL, "several_maps");
	collect_map_life();
}

const struct suite map_suite = {
	.name = "map",
	.collect = collect,
	.setup = map_ops_load,
	.teardown = map_ops_unload,
};
