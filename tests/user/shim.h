/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel as memalloc.c sees it, in user space.
 *
 * What is declared in shim/ has two implementations: sim/ runs all logical CPUs
 * on one thread and decides what happens next, threads/ makes every CPU a thread.
 *
 * SHIM_LEAN leaves out what is there to find bugs and costs time, for whoever
 * measures: nothing happens between two accesses that does not happen by itself.
 */
#ifndef _SHIM_H
#define _SHIM_H

#include "shim/types.h"
#include "shim/atomic.h"
#include "shim/list.h"
#include "shim/bitmap.h"
#include "shim/cpu.h"
#include "shim/lock.h"
#include "shim/rcu.h"
#include "shim/time.h"
#include "shim/work.h"
#include "shim/slab.h"
#include "shim/memcg.h"

#define module_param(name, type, perm)	extern int shim_module_param
#define MODULE_PARM_DESC(name, desc)	extern int shim_module_param

/* A warning of the kernel is a failure here. */
void shim_warn(const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#define WARN(cond, ...)							\
({									\
	bool _warn = (cond);						\
									\
	if (_warn)							\
		shim_warn(__FILE__, __LINE__, __VA_ARGS__);		\
	_warn;								\
})
#define WARN_ON_ONCE(cond)	WARN(cond, "%s", #cond)

#endif
