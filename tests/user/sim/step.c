// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events at instruction boundaries, such as NMIs: the CPU's trap flag stops after
 * every instruction.  At those of memalloc.c the event happens to a child process,
 * which goes on to the end, while the parent steps to the next.  A child takes a
 * millisecond: unless the environment has STEPS, there is one for the first visit of
 * each instruction and for some of the later ones.
 *
 * The Makefile puts the code of memalloc.c into a section of its own.
 */
#define _GNU_SOURCE
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../shim/env.h"
#include "sched.h"

#ifdef SIM_STEPS

#define TRAP_FLAG	0x100UL
#define TEXT_MAX	(512 << 10)
#define LATER_VISITS	64	/* one in so many */

static unsigned long nr_steps, nr_children;
static bool stepping, in_child, all_steps;
static bool visited[TEXT_MAX];
static void (*step_event)(void);

static void set_trap_flag(bool on)
{
	if (on)
		__asm__ volatile("pushfq; orq %0, (%%rsp); popfq"
				 :: "i"(TRAP_FLAG) : "cc", "memory");
	else
		__asm__ volatile("pushfq; andq %0, (%%rsp); popfq"
				 :: "i"(~TRAP_FLAG) : "cc", "memory");
}

static bool is_wanted(unsigned long offset)
{
	bool first = !visited[offset];

	visited[offset] = true;
	return first || all_steps || nr_steps % LATER_VISITS == 0;
}

static void at_instruction(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	const char *ip = (const char *)uc->uc_mcontext.gregs[REG_RIP];
	int status;
	pid_t pid;

	(void)sig;
	(void)info;
	if (ip < __start_memalloc_text || ip >= __stop_memalloc_text)
		return;
	nr_steps++;
	if (!is_wanted(ip - __start_memalloc_text))
		return;
	nr_children++;
	pid = fork();
	if (pid < 0)
		shim_fail("no process for step %lu", nr_steps);
	if (pid) {
		if (waitpid(pid, &status, 0) != pid || status)
			shim_fail("event at step %lu, memalloc_text+%#lx: see above", nr_steps,
				  (unsigned long)(ip - __start_memalloc_text));
		return;
	}
	in_child = true;
	stepping = false;
	uc->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
	step_event();
}

void step_pause(void)
{
	if (stepping)
		set_trap_flag(false);
}

void step_resume(void)
{
	if (stepping)
		set_trap_flag(true);
}

/* A child has told why; the parent fails with it. */
void step_failed(void)
{
	if (in_child)
		_exit(1);
}

/* Returns how many events there were; @finish checks what is left. */
unsigned long step_through(void (*run)(void), void (*finish)(void), void (*event)(void))
{
	struct sigaction action = {
		.sa_sigaction = at_instruction, .sa_flags = SA_SIGINFO };

	if (__stop_memalloc_text - __start_memalloc_text > TEXT_MAX)
		shim_fail("more code than there is room for notes about");
	sigaction(SIGTRAP, &action, NULL);
	nr_steps = 0;
	nr_children = 0;
	all_steps = env_has("STEPS");
	step_event = event;
	stepping = true;
	set_trap_flag(true);
	run();
	step_pause();
	stepping = false;
	finish();
	if (in_child)
		_exit(0);
	return nr_children;
}

#else

void step_pause(void)
{
}

void step_resume(void)
{
}

void step_failed(void)
{
}

#endif
