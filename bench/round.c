// SPDX-License-Identifier: GPL-2.0-only
/*
 * One round of a row: a case on a flavor, measured once on a map of its own.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bystander.h"
#include "cgroup.h"
#include "kthreads.h"
#include "programs.h"
#include "round.h"
#include "util.h"

#define WARM_UP_SECS 0.3
#define SAMPLE_SECS 0.05

struct run {
	const struct round_options *options;
	struct round_result *result;
	struct cgroup cgroup;
	struct bench_map map;
	struct programs programs;
	struct kthreads_watch threads;
};

static int sample(struct run *run, double begin)
{
	struct round_result *result = run->result;
	struct memory_sample *s = &result->samples[result->nr_samples++];

	s->secs = now_secs() - begin;
	s->bytes = cgroup_memory(&run->cgroup);
	if (s->bytes < 0) {
		fprintf(stderr, "cannot read memory.current of %s: %s\n",
			run->cgroup.path, strerror(-s->bytes));
		return s->bytes;
	}
	kthreads_watch_sample(&run->threads);
	return 0;
}

static int sample_until(struct run *run, double end, double begin)
{
	int err = 0;

	for (double next = now_secs(); !err && next < end;
	     next += SAMPLE_SECS) {
		sleep_secs(next - now_secs());
		err = sample(run, begin);
	}
	sleep_secs(end - now_secs());
	return err;
}

static int read_totals(const struct run *run, struct module_totals *totals)
{
	memset(totals, 0, sizeof(*totals));
	return run->map.flavor->module ? read_module_totals(totals) : 0;
}

static void totals_since(struct module_totals *totals,
			 const struct module_totals *before)
{
	totals->maps_live -= before->maps_live;
	totals->slab_taken -= before->slab_taken;
	totals->slab_returned -= before->slab_returned;
	totals->gp_normal -= before->gp_normal;
	totals->gp_expedited -= before->gp_expedited;
	totals->gp_trace -= before->gp_trace;
}

static __u64 loops_of(const struct run *run, unsigned int producer)
{
	const volatile __u64 *loops =
		&run->programs.state->producers[producer].loops;

	return *loops;
}

static void read_loops(const struct run *run, double *loops)
{
	for (unsigned int i = 0; i < run->options->producers; i++)
		loops[i] = loops_of(run, i);
}

static int measure(struct run *run)
{
	struct round_result *result = run->result;
	double begin = now_secs() + WARM_UP_SECS;
	double before[BENCH_MAX_PRODUCERS];
	struct module_totals totals;
	double took;
	int err;

	err = sample_until(run, begin, begin) ?: read_totals(run, &totals);
	if (err)
		return err;
	begin = now_secs();
	read_loops(run, before);

	err = sample_until(run, begin + run->options->secs, begin);
	if (err)
		return err;
	read_loops(run, result->rate);
	took = now_secs() - begin;
	result->secs = took;
	for (unsigned int i = 0; i < run->options->producers; i++)
		result->rate[i] = (result->rate[i] - before[i]) / took;

	err = read_totals(run, &result->measured);
	totals_since(&result->measured, &totals);
	return err;
}

/* Somebody waits for grace periods while the producers are measured. */
static int measure_with_graces(struct run *run)
{
	struct graces *graces;
	int err;

	if (!run->options->graces)
		return measure(run);
	graces = graces_start(run->options->graces);
	if (!graces)
		return -EAGAIN;
	err = measure(run);
	run->result->graces = graces_stop(graces);
	return err;
}

/* The bystander sleeps and wakes while the producers are measured. */
static int measure_both(struct run *run)
{
	struct bystander *bystander;
	int err;

	if (!run->options->bystander)
		return measure_with_graces(run);
	bystander = bystander_start(run->options->producers,
				    run->options->secs + WARM_UP_SECS);
	if (!bystander)
		return -EAGAIN;
	err = measure_with_graces(run);
	run->result->bystander_us = bystander_stop(bystander);
	return err;
}

static void summarize_memory(struct round_result *result)
{
	unsigned int measured = 0;
	double sum = 0;

	for (unsigned int i = 0; i < result->nr_samples; i++) {
		const struct memory_sample *s = &result->samples[i];

		if (s->secs < 0)
			continue;
		measured++;
		sum += s->bytes;
		if (s->bytes > result->memory_peak)
			result->memory_peak = s->bytes;
	}
	result->memory_avg = measured ? sum / measured : 0;
}

/* A producer that failed or stood still makes figures that are lies. */
static void check_producers(struct run *run)
{
	struct round_result *result = run->result;

	for (unsigned int i = 0; i < run->options->producers; i++) {
		const struct bench_producer *p =
			&run->programs.state->producers[i];

		if (p->errors)
			snprintf(result->failure, sizeof(result->failure),
				 "%llu map operations of producer %u failed: %s",
				 (unsigned long long)p->errors, i,
				 strerror(-p->first_error));
		else if (!result->rate[i])
			snprintf(result->failure, sizeof(result->failure),
				 "producer %u did not run", i);
	}
}

static int run_producers(struct run *run, enum pattern pattern)
{
	struct producers *producers;
	int err;

	producers = producers_start(run->options->producers, pattern,
				    run->options->keys);
	if (!producers)
		return -EAGAIN;
	err = kthreads_watch_start(&run->threads) ?: measure_both(run);
	producers_stop(producers);
	run->result->threads_peak = run->threads.peak;
	if (!err) {
		check_producers(run);
		summarize_memory(run->result);
	}
	return err;
}

static int run_on_map(struct run *run, const struct bench_case *bench_case)
{
	int err;

	err = cgroup_settle(&run->cgroup) ?:
	      programs_attach(&run->programs, run->options->objects,
			      &run->map, bench_case->name, &run->options->shape,
			      run->options->keys);
	if (err)
		return err;
	err = run_producers(run, bench_case->pattern);
	programs_detach(&run->programs);
	return err;
}

static int drain(struct run *run)
{
	struct round_result *result = run->result;
	double begin = now_secs();
	int err;

	err = map_destroy(&run->map);
	if (err)
		return err;
	err = map_wait_drained(&run->map, &run->cgroup);
	if (err == -ETIMEDOUT) {
		result->undrained = true;
		snprintf(result->failure, sizeof(result->failure),
			 "the destroyed map is not drained after %.0f s",
			 now_secs() - begin);
		err = 0;
	}
	result->drain_secs = now_secs() - begin;
	err = err ?: read_totals(run, &result->whole);
	totals_since(&result->whole, &run->map.before);
	return err;
}

static int compare_threads(struct round_result *result,
			   const struct kthreads *before)
{
	struct kthreads after;
	int err;

	err = kthreads_read(&after);
	if (err)
		return err;
	result->threads_before = before->count;
	result->threads_after = after.count;
	kthreads_new(&after, before, result->threads_new,
		     sizeof(result->threads_new));
	kthreads_free(&after);
	return 0;
}

int run_round(const struct bench_case *bench_case, const struct flavor *flavor,
	      const struct round_options *options, struct round_result *result)
{
	static unsigned int number;
	struct run run = { .options = options, .result = result };
	unsigned int max_samples =
		(options->secs + WARM_UP_SECS) / SAMPLE_SECS + 4;
	struct kthreads before;
	int err, drain_err;

	memset(result, 0, sizeof(*result));
	result->samples = calloc(max_samples, sizeof(*result->samples));
	if (!result->samples)
		return -ENOMEM;

	err = kthreads_read(&before);
	if (err)
		return err;
	err = cgroup_create(&run.cgroup, number++);
	if (err)
		goto free_before;
	err = map_create(&run.map, flavor, &options->shape, &run.cgroup);
	if (!err) {
		err = run_on_map(&run, bench_case);
		drain_err = drain(&run);
		err = err ?: drain_err;
	}
	err = cgroup_remove(&run.cgroup) ?: err;
	err = err ?: compare_threads(result, &before);
free_before:
	kthreads_free(&before);
	return err;
}
