/* SPDX-License-Identifier: GPL-2.0-only */
/* The suites of the deterministic engine. */
#ifndef _SIM_SUITES_H
#define _SIM_SUITES_H

#include <check.h>

#include "../shim/env.h"
#include "heap.h"

struct Suite *suite_api(void);
struct Suite *suite_classes(void);
struct Suite *suite_flavors(void);
struct Suite *suite_nested(void);
struct Suite *suite_failures(void);
struct Suite *suite_destroy(void);
struct Suite *suite_idle(void);
struct Suite *suite_interleave(void);

/* A run without surprises on @cpus CPUs, grace periods as long as on a machine. */
void start_quietly(int cpus);

/*
 * 4096 bytes with their header: a low watermark of 2, a high one of 6, refills of 4,
 * and 14 to a magazine that waits.  So many frees as FEW_FULL close a batch.
 */
#define FEW		4088
#define FEW_LOW		2
#define FEW_HIGH	6
#define FEW_FULL	16

#define add_tests(suite, name, seconds, ...)				\
do {									\
	const TTest * const _tests[] = { __VA_ARGS__ };			\
	TCase *_tcase = tcase_create(name);				\
									\
	tcase_set_timeout(_tcase, seconds);				\
	for (size_t _i = 0; _i < ARRAY_SIZE(_tests); _i++)		\
		tcase_add_test(_tcase, _tests[_i]);			\
	suite_add_tcase(suite, _tcase);					\
} while (0)

#endif
