/* SPDX-License-Identifier: GPL-2.0-only */
/* Coroutines: a stack and the registers to go on with. */
#ifndef _SIM_FIBER_H
#define _SIM_FIBER_H

#include <stddef.h>
#include <ucontext.h>

struct fiber {
	ucontext_t uc;
	void *stack;
	size_t stack_size;
	void *fake_stack;	/* AddressSanitizer's */
};

/* The stack that the caller is on becomes @fiber. */
void fiber_adopt(struct fiber *fiber);
/* @fn runs when @fiber is switched to, and must not return. */
void fiber_create(struct fiber *fiber, void (*fn)(void));
void fiber_switch(struct fiber *from, struct fiber *to);

#endif
