// SPDX-License-Identifier: GPL-2.0-only
/*
 * Drives bpf_ma_test.ko, whose tests and steps are reached through debugfs.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test_progs.h"

#define DIR	DEBUGFS "bpf_ma_test/"

bool test_module_load(void)
{
	char params[32];
	int err;

	snprintf(params, sizeof(params), "timeout_factor=%u", timeout_factor());
	err = load_module("/selftests/bpf_ma_test.ko", params);

	return CHECK(!err || err == -EEXIST, "bpf_ma_test.ko: %s", strerror(-err));
}

/*
 * The module's exit warns of what is missing, and the kernel panics of that. A
 * test that lost something has said so: the others are still to run.
 */
static void unload(const void *arg)
{
	char line[32];
	int err;

	CHECK(read_file(DIR "missing", line, sizeof(line)) > 0, "no %smissing", DIR);
	if (!CHECK(!atoi(line), "%d objects are missing", atoi(line)))
		return;
	err = unload_module("bpf_ma_test");
	CHECK(!err, "rmmod: %s", strerror(-err));
}

void add_module_exit(void)
{
	add_test(unload, NULL, "test_module_exit");
}

/* The word and the text that the last run or step left. */
static bool read_result(char *word, size_t size, char *result, size_t result_size)
{
	char *space;

	if (!CHECK(read_file(DIR "result", result, result_size) > 0, "no result"))
		return false;
	result[strcspn(result, "\n")] = '\0';
	space = strchr(result, ' ');
	if (!CHECK(space, "result '%s'", result))
		return false;
	*space = '\0';
	snprintf(word, size, "%s", result);
	memmove(result, space + 1, strlen(space + 1) + 1);
	return true;
}

static void run_in_module(const void *arg)
{
	char word[16], result[256];
	int err = write_file(DIR "run", "%s", (const char *)arg);

	if (!CHECK(!err, "%s: %s", (const char *)arg, strerror(-err)) ||
	    !read_result(word, sizeof(word), result, sizeof(result)))
		return;
	if (!strcmp(word, "skip"))
		skip("%s", result);
	else if (!strcmp(word, "ok"))
		note("%s", result);
	else
		fail("%s", result);
}

void add_module_tests(const char *suite)
{
	static char list[16384];
	char *line, *save = NULL;
	size_t len = strlen(suite);
	int found = 0;

	if (!test_module_load() ||
	    !CHECK(read_file(DIR "list", list, sizeof(list)) > 0, "no list of tests"))
		return;
	/* The tests of a suite keep pointers into the list: one at a time. */
	for (line = strtok_r(list, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (strncmp(line, suite, len) || line[len] != ' ')
			continue;
		add_test(run_in_module, line, "%s", line + len + 1);
		found++;
	}
	CHECK(found, "bpf_ma_test.ko has no tests of suite %s", suite);
}

long test_module_step(const char *fmt, ...)
{
	char line[64], word[16], result[256];
	va_list args;
	int err;

	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	err = write_file(DIR "step", "%s", line);
	if (err)
		return err;
	if (!read_result(word, sizeof(word), result, sizeof(result)))
		return -1;
	return atol(result);
}
