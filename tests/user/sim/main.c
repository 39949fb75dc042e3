// SPDX-License-Identifier: GPL-2.0-only
/* Runs the suites that are named, or all; prints TAP. */
#include <stdio.h>
#include <stdlib.h>

#include "suites.h"

static const struct {
	const char *name;
	struct Suite *(*create)(void);
} suites[] = {
	{ "api", suite_api },
	{ "classes", suite_classes },
	{ "flavors", suite_flavors },
	{ "idle", suite_idle },
	{ "nested", suite_nested },
	{ "failures", suite_failures },
	{ "destroy", suite_destroy },
	{ "interleave", suite_interleave },
};

void start_quietly(int cpus)
{
	sim_start(&(struct sim_config){
		.cpus = cpus,
		.gp_ns = { 20 * NSEC_PER_MSEC, NSEC_PER_MSEC, 45 * NSEC_PER_MSEC },
	}, 0);
}

static bool wanted(const char *name, int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++)
		if (!strcmp(argv[i], name))
			return true;
	return argc < 2;
}

static int find(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(suites); i++)
		if (!strcmp(suites[i].name, name))
			return 0;
	fprintf(stderr, "%s: no suite; there are", name);
	for (i = 0; i < ARRAY_SIZE(suites); i++)
		fprintf(stderr, " %s", suites[i].name);
	fputc('\n', stderr);
	return 2;
}

int main(int argc, char **argv)
{
	SRunner *runner = srunner_create(NULL);
	int failed;
	size_t i;

	for (i = 1; i < (size_t)argc; i++)
		if (find(argv[i]))
			return 2;
	/* Complain about bad numbers here, and not in each test. */
	env_number("SEED", 0);
	env_number("RUNS", 0);
	for (i = 0; i < ARRAY_SIZE(suites); i++)
		if (wanted(suites[i].name, argc, argv))
			srunner_add_suite(runner, suites[i].create());
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return !!failed;
}
