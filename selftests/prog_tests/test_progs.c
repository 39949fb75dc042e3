// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs suites and reports in KTAP, one subtest per suite, on standard output
 * and in the file that -o names. Exit status 0 means that every test ran,
 * whatever its result.
 */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/libbpf.h>

#include "test_progs.h"

static const struct suite * const suites[] = {
	&api_suite, &reuse_suite, &slab_suite, &lost_suite, &context_suite,
	&map_suite, &idle_suite, &stress_suite,
};

#define TESTS_MAX	256

static struct test {
	char name[80];
	void (*fn)(const void *arg);
	const void *arg;
} tests[TESTS_MAX];
static unsigned int nr_tests;

static enum { OK, FAILED, SKIPPED } outcome;
static char text[512];

static FILE *report_file;

/* ---- reports ---- */

static void report(const char *fmt, ...)
	__attribute__((format(printf, 1, 2)));
static void report(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	if (report_file) {
		va_start(args, fmt);
		vfprintf(report_file, fmt, args);
		va_end(args);
	}
}

static void set_text(const char *fmt, va_list args)
{
	vsnprintf(text, sizeof(text), fmt, args);
}

void fail(const char *fmt, ...)
{
	va_list args;

	if (outcome == FAILED)
		return;
	outcome = FAILED;
	va_start(args, fmt);
	set_text(fmt, args);
	va_end(args);
}

void fail_check(const char *file, int line, const char *cond, const char *fmt, ...)
{
	va_list args;
	size_t n;

	if (outcome == FAILED)
		return;
	outcome = FAILED;
	n = snprintf(text, sizeof(text), "%s:%d: not %s: ", file, line, cond);
	if (n >= sizeof(text))
		return;
	va_start(args, fmt);
	vsnprintf(text + n, sizeof(text) - n, fmt, args);
	va_end(args);
}

void skip(const char *fmt, ...)
{
	va_list args;

	if (outcome == FAILED)
		return;
	outcome = SKIPPED;
	va_start(args, fmt);
	set_text(fmt, args);
	va_end(args);
}

void note(const char *fmt, ...)
{
	va_list args;

	if (outcome != OK)
		return;
	va_start(args, fmt);
	set_text(fmt, args);
	va_end(args);
}

bool failed(void)
{
	return outcome == FAILED;
}

/* ---- tests ---- */

void add_test(void (*fn)(const void *arg), const void *arg, const char *fmt, ...)
{
	struct test *test = &tests[nr_tests];
	va_list args;

	if (nr_tests == TESTS_MAX) {
		fprintf(stderr, "test_progs: more than %d tests in a suite\n", TESTS_MAX);
		exit(1);
	}
	nr_tests++;
	va_start(args, fmt);
	vsnprintf(test->name, sizeof(test->name), fmt, args);
	va_end(args);
	test->fn = fn;
	test->arg = arg;
}

static bool run_test(unsigned int number, const struct test *test, bool set_up)
{
	/* A failed set-up is the failure of each test. */
	if (set_up) {
		outcome = OK;
		text[0] = '\0';
		test->fn(test->arg);
	}
	if (text[0] && outcome != SKIPPED)
		report("    # %s: %s\n", test->name, text);
	report("    %s %u %s", outcome == FAILED ? "not ok" : "ok", number, test->name);
	if (outcome == SKIPPED)
		report(" # SKIP %s", text);
	report("\n");
	return outcome != FAILED;
}

static bool run_suite(unsigned int number, const struct suite *suite)
{
	bool set_up, ok = true;
	unsigned int i;

	outcome = OK;
	text[0] = '\0';
	nr_tests = 0;
	suite->collect();
	set_up = !failed() && (!suite->setup || suite->setup());
	report("    KTAP version 1\n    # Subtest: %s\n    1..%u\n", suite->name, nr_tests);
	if (!set_up)
		fail("set-up of the suite failed");
	for (i = 0; i < nr_tests; i++)
		ok &= run_test(i + 1, &tests[i], set_up);
	if (suite->teardown)
		suite->teardown();
	ok &= nr_tests > 0;
	report("%s %u %s\n", ok ? "ok" : "not ok", number, suite->name);
	return ok;
}

static const struct suite *find_suite(const char *name)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(suites); i++)
		if (!strcmp(suites[i]->name, name))
			return suites[i];
	return NULL;
}

static void list_suites(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(suites); i++)
		puts(suites[i]->name);
}

static bool parse_number(char option, const char *word, unsigned int *number)
{
	char *end;
	unsigned long n = strtoul(word, &end, 10);

	*number = n;
	if (*word >= '0' && *word <= '9' && !*end && n == *number)
		return true;
	fprintf(stderr, "test_progs: -%c '%s': a number is accepted\n", option, word);
	return false;
}

static void usage(FILE *to)
{
	fputs("Usage: test_progs [-l] [-o FILE] [-s SECS] [-r SEED] [SUITE...]\n\n"
	      "Runs the suites named, or all but stress. -l lists them, -o writes the report\n"
	      "to FILE too. -s and -r are for stress: how long, and the seed of its choices.\n",
	      to);
}

int main(int argc, char **argv)
{
	const struct suite *selected[ARRAY_SIZE(suites)];
	unsigned int i, n = 0;
	int option;

	while ((option = getopt(argc, argv, "hlo:s:r:")) != -1) {
		switch (option) {
		case 'h':
			usage(stdout);
			return 0;
		case 'l':
			list_suites();
			return 0;
		case 'o':
			report_file = fopen(optarg, "w");
			if (!report_file) {
				perror(optarg);
				return 1;
			}
			break;
		case 's':
			if (!parse_number('s', optarg, &stress_secs))
				return 2;
			break;
		case 'r':
			if (!parse_number('r', optarg, &stress_seed))
				return 2;
			break;
		default:
			usage(stderr);
			return 2;
		}
	}
	if (argc - optind > (int)ARRAY_SIZE(selected)) {
		fprintf(stderr, "test_progs: a suite is named twice\n");
		return 2;
	}
	for (i = optind; i < (unsigned int)argc; i++) {
		selected[n] = find_suite(argv[i]);
		if (!selected[n++]) {
			fprintf(stderr, "test_progs: no suite '%s': -l lists them\n", argv[i]);
			return 2;
		}
	}
	for (i = 0; optind == argc && i < ARRAY_SIZE(suites); i++)
		if (!suites[i]->on_demand)
			selected[n++] = suites[i];

	/* What was reported must be on its way if the kernel dies of the next test. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (report_file)
		setvbuf(report_file, NULL, _IOLBF, 0);
	libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
	report("KTAP version 1\n1..%u\n", n);
	for (i = 0; i < n; i++)
		run_suite(i + 1, selected[i]);
	return report_file && fclose(report_file) ? 1 : 0;
}
