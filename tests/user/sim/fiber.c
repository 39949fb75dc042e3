// SPDX-License-Identifier: GPL-2.0-only
/* Coroutines by ucontext, such that AddressSanitizer can follow. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "../shim/fail.h"
#include "../shim/types.h"
#include "fiber.h"

#define STACK_SIZE	(256 << 10)

#ifdef SHIM_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>

static void leave(struct fiber *from, struct fiber *to)
{
	__sanitizer_start_switch_fiber(&from->fake_stack, to->stack, to->stack_size);
}

static void arrive(struct fiber *fiber)
{
	__sanitizer_finish_switch_fiber(fiber->fake_stack, NULL, NULL);
}

/* A coroutine that was given up left its frames behind. */
static void clean(struct fiber *fiber)
{
	__asan_unpoison_memory_region(fiber->stack, fiber->stack_size);
}
#else
static void leave(struct fiber *from, struct fiber *to)
{
	(void)from;
	(void)to;
}

static void arrive(struct fiber *fiber)
{
	(void)fiber;
}

static void clean(struct fiber *fiber)
{
	(void)fiber;
}
#endif

/* makecontext() passes no pointers. */
static struct fiber *starting;
static void (*starting_fn)(void);

static void fiber_start(void)
{
	struct fiber *fiber = starting;

	arrive(fiber);
	starting_fn();
	shim_fail("a coroutine returned");
}

void fiber_adopt(struct fiber *fiber)
{
	pthread_attr_t attr;

	if (pthread_getattr_np(pthread_self(), &attr) ||
	    pthread_attr_getstack(&attr, &fiber->stack, &fiber->stack_size))
		shim_fail("no bounds of the stack to be had");
	pthread_attr_destroy(&attr);
}

void fiber_create(struct fiber *fiber, void (*fn)(void))
{
	if (!fiber->stack) {
		fiber->stack_size = STACK_SIZE;
		fiber->stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
		if (fiber->stack == MAP_FAILED)
			shim_fail("no memory for a stack");
	}
	clean(fiber);
	fiber->fake_stack = NULL;
	getcontext(&fiber->uc);
	fiber->uc.uc_stack.ss_sp = fiber->stack;
	fiber->uc.uc_stack.ss_size = fiber->stack_size;
	fiber->uc.uc_link = NULL;
	starting_fn = fn;
	makecontext(&fiber->uc, fiber_start, 0);
}

void fiber_switch(struct fiber *from, struct fiber *to)
{
	starting = to;
	leave(from, to);
	swapcontext(&from->uc, &to->uc);
	arrive(from);
}
