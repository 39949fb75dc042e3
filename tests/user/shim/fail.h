/* SPDX-License-Identifier: GPL-2.0-only */
/* How the shim says that memalloc.c did what must not be done. */
#ifndef _SHIM_FAIL_H
#define _SHIM_FAIL_H

#include <stdbool.h>

/* Of the engine: all logical CPUs are on one thread. */
extern const bool shim_single_threaded;

void shim_fail(const char *fmt, ...)
	__attribute__((noreturn, format(printf, 1, 2)));

#endif
