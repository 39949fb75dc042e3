// SPDX-License-Identifier: GPL-2.0-only
/*
 * What happened lately: told when something fails, or as it happens when the
 * environment has VERBOSE.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../shim/env.h"
#include "sched.h"

#define EVENTS	300

struct event {
	unsigned long step;
	int cpu;
	const char *ctx;
	const char *fmt;
	unsigned long args[2];
};

static struct event events[EVENTS];
static unsigned long nr_events;
static bool verbose;
static u64 log_seed;
static char repeat[64];

void sim_set_repeat(const char *suite, const char *tcase)
{
	snprintf(repeat, sizeof(repeat), "SUITES=%s CK_RUN_CASE=%s ", suite, tcase);
}

void sim_log_reset(u64 seed)
{
	nr_events = 0;
	log_seed = seed;
	verbose = env_has("VERBOSE");
}

static void print_event(const struct event *event)
{
	fprintf(stderr, "# %6lu CPU %d %-10s ", event->step, event->cpu, event->ctx);
	fprintf(stderr, event->fmt, event->args[0], event->args[1]);
	fputc('\n', stderr);
}

void sim_log_event(const char *fmt, const unsigned long args[2])
{
	struct event *event = &events[nr_events++ % EVENTS];

	*event = (struct event){
		.step = sim.steps, .cpu = sim.current->cpu, .ctx = sim.current->name,
		.fmt = fmt, .args = { args[0], args[1] },
	};
	if (verbose)
		print_event(event);
}

static void print_log(void)
{
	unsigned long i = nr_events > EVENTS ? nr_events - EVENTS : 0;

	for (; i < nr_events; i++)
		print_event(&events[i % EVENTS]);
}

void shim_fail(const char *fmt, ...)
{
	char why[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(why, sizeof(why), fmt, args);
	va_end(args);
	sim.on = false;
	if (!verbose)
		print_log();
	fprintf(stderr, "# %s\n", why);
	step_failed();
	if (repeat[0])
		ck_abort_msg("%s (repeat: make run-sim-gcc VERBOSE=1 %sSEED=%llu)",
			     why, repeat, log_seed);
	ck_abort_msg("%s", why);
	abort();
}

void shim_warn(const char *file, int line, const char *fmt, ...)
{
	char why[192];
	va_list args;

	va_start(args, fmt);
	vsnprintf(why, sizeof(why), fmt, args);
	va_end(args);
	if (sim.expected_warnings && sim.expected_warnings--)
		return;
	shim_fail("WARNING at %s:%d: %s", file, line, why);
}
