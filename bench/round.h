/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One round of a row: a case on a flavor, measured once on a map of its own.
 */
#ifndef BENCH_ROUND_H
#define BENCH_ROUND_H

#include <stdbool.h>
#include "graces.h"
#include "maps.h"
#include "producers.h"
#include "progs/bench_state.h"

struct bench_case {
	const char *name;	/* of the BPF program too */
	enum pattern pattern;
};

struct round_options {
	const char *objects;	/* folder of the BPF objects */
	double secs;
	unsigned int producers;
	unsigned int keys;	/* of a producer */
	bool bystander;		/* on the CPU after the producers' */
	unsigned int graces;	/* a second that are waited for besides */
	struct map_shape shape;
};

struct memory_sample {
	double secs;		/* since measuring began; negative: warm-up */
	long long bytes;
};

struct round_result {
	/* loops per second, by producer */
	double rate[BENCH_MAX_PRODUCERS];
	double secs;
	double drain_secs;
	double memory_avg;
	long long memory_peak;
	struct memory_sample *samples;
	unsigned int nr_samples;
	double bystander_us;	/* late at 99 of 100 wake-ups, or less */
	struct graces_seen graces;
	int threads_before;
	int threads_peak;
	int threads_after;
	char threads_new[512];	/* names of those that came and stayed */
	/* bpf_ma.ko's counters: all zero for the kernel's own maps */
	struct module_totals whole;	/* from before the map to after it */
	struct module_totals measured;	/* while measuring */
	char failure[128];	/* empty: the figures are good */
	bool undrained;		/* no further round can be measured */
};

/*
 * Returns -errno, with the reason printed, if nothing could be measured. A
 * result that must not be believed has its failure set instead. The caller
 * frees the samples.
 */
int run_round(const struct bench_case *bench_case, const struct flavor *flavor,
	      const struct round_options *options, struct round_result *result);

#endif /* BENCH_ROUND_H */
