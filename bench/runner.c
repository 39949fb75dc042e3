// SPDX-License-Identifier: GPL-2.0-only
/*
 * The benchmark inside the VM: options, the order of the rounds, the record of
 * their results.
 */
#include <argp.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cgroup.h"
#include "graces.h"
#include "programs.h"
#include "round.h"
#include "util.h"

#define MAX_SECS 3600
#define MAX_ROUNDS 100
#define SETTLE_SECS 0.1

static const struct bench_case cases[] = {
	{ "no_op", SAME_CALL },
	{ "overwrite", SAME_CALL },
	{ "batch_add_batch_del", ADD_THEN_DELETE },
	{ "add_del_on_diff_cpu", PAIRS },
};

struct options {
	const struct bench_case *cases[ARRAY_SIZE(cases)];
	unsigned int nr_cases;
	const struct flavor *flavors[16];
	unsigned int nr_flavors;
	double secs;
	unsigned int rounds;
	const char *out;
	struct round_options round;
};

static const struct argp_option argp_options[] = {
	{ "cases", 'c', "A,B", 0, "cases to run (default: all)", 0 },
	{ "flavors", 'f', "X,Y", 0,
	  "flavors to compare (default: all but ring that need no patched kernel)", 0 },
	{ "secs", 's', "SECS", 0,
	  "seconds to measure each row, over all rounds (default 5)", 0 },
	{ "rounds", 'r', "N", 0, "rounds (default 3)", 0 },
	{ "cpus", 'n', "N", 0,
	  "producers, on CPUs 0 to N - 1 (default: every CPU)", 0 },
	{ "value-size", 'v', "BYTES", 0, "size of the values (default 8)", 0 },
	{ "keys", 'k', "N", 0,
	  "keys of each producer, a multiple of 64 (default 64)", 0 },
	{ "maps", 'm', "N", 0,
	  "maps that the producers use by turns (default 1)", 0 },
	{ "bystander", 'y', NULL, 0,
	  "measure how late a thread wakes on the CPU after the producers'", 0 },
	{ "graces", 'g', "N", 0,
	  "expedited grace periods a second that a thread waits for (default 0)", 0 },
	{ "objects", 'b', "DIR", 0,
	  "where kernel_map.bpf.o and module_map.bpf.o are (default .)", 0 },
	{ "out", 'o', "FILE", 0, "where to record the results", 0 },
	{ 0 }
};

static const char argp_doc[] =
	"Measures hash maps of several allocators under BPF programs.\n"
	"\vNeeds root, cgroup v2, bpffs and bpftool, and bpf_ma.ko and debugfs\n"
	"for all flavors but those of the kernel's own map.\n";

static void refuse_name(const char *what, const char *name)
{
	fprintf(stderr, "unknown %s '%s': accepted are", what, name);
	if (!strcmp(what, "case"))
		for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++)
			fprintf(stderr, " %s", cases[i].name);
	else
		for (unsigned int i = 0; i < nr_flavors; i++)
			fprintf(stderr, " %s", flavors[i].name);
	fputc('\n', stderr);
	exit(2);
}

static const struct bench_case *find_case(const char *name)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++)
		if (!strcmp(cases[i].name, name))
			return &cases[i];
	return NULL;
}

static void parse_cases(struct options *options, char *list)
{
	options->nr_cases = 0;
	for (char *name; (name = strsep(&list, ","));) {
		const struct bench_case *found = find_case(name);

		if (!found)
			refuse_name("case", name);
		if (options->nr_cases == ARRAY_SIZE(options->cases)) {
			fprintf(stderr, "a case is named twice\n");
			exit(2);
		}
		options->cases[options->nr_cases++] = found;
	}
}

static void parse_flavors(struct options *options, char *list)
{
	options->nr_flavors = 0;
	for (char *name; (name = strsep(&list, ","));) {
		const struct flavor *found = find_flavor(name);

		if (!found)
			refuse_name("flavor", name);
		if (options->nr_flavors == nr_flavors) {
			fprintf(stderr, "a flavor is named twice\n");
			exit(2);
		}
		options->flavors[options->nr_flavors++] = found;
	}
}

static double parse_number(const char *what, const char *text, double min,
			   double max, bool whole)
{
	char *end;
	double number = strtod(text, &end);

	if (end == text || *end || !(number >= min && number <= max) ||
	    (whole && number != floor(number))) {
		fprintf(stderr, "%s '%s': accepted is %s from %g to %g\n", what,
			text, whole ? "a whole number" : "a number", min, max);
		exit(2);
	}
	return number;
}

static unsigned int parse_keys(const char *arg)
{
	unsigned int keys = parse_number("--keys", arg, BENCH_OPS_PER_LOOP,
					 BENCH_MAX_KEYS, true);

	if (keys % BENCH_OPS_PER_LOOP) {
		fprintf(stderr, "--keys '%s': accepted is a multiple of %d\n", arg,
			BENCH_OPS_PER_LOOP);
		exit(2);
	}
	return keys;
}

static unsigned int max_producers(void)
{
	long online = sysconf(_SC_NPROCESSORS_ONLN);

	return online < BENCH_MAX_PRODUCERS ? online : BENCH_MAX_PRODUCERS;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 'c':
		parse_cases(options, arg);
		return 0;
	case 'f':
		parse_flavors(options, arg);
		return 0;
	case 's':
		options->secs = parse_number("--secs", arg, 0.1, MAX_SECS,
					     false);
		return 0;
	case 'r':
		options->rounds = parse_number("--rounds", arg, 1, MAX_ROUNDS,
					       true);
		return 0;
	case 'n':
		options->round.producers = parse_number("--cpus", arg, 1,
							max_producers(), true);
		return 0;
	case 'v':
		options->round.shape.value_size =
			parse_number("--value-size", arg, 1, BENCH_MAX_VALUE_SIZE, true);
		return 0;
	case 'k':
		options->round.keys = parse_keys(arg);
		return 0;
	case 'm':
		options->round.shape.maps =
			parse_number("--maps", arg, 1, BENCH_MAX_MAPS, true);
		return 0;
	case 'y':
		options->round.bystander = true;
		return 0;
	case 'g':
		options->round.graces =
			parse_number("--graces", arg, 0, BENCH_MAX_GRACES, true);
		return 0;
	case 'b':
		options->round.objects = arg;
		return 0;
	case 'o':
		options->out = arg;
		return 0;
	case ARGP_KEY_ARG:
		fprintf(stderr, "unexpected argument '%s'\n", arg);
		exit(2);
	}
	return ARGP_ERR_UNKNOWN;
}

static void check_options(const struct options *options)
{
	for (unsigned int i = 0; i < options->nr_cases; i++)
		if (options->cases[i]->pattern == PAIRS &&
		    options->round.producers % 2) {
			fprintf(stderr,
				"case %s needs producers in pairs: --cpus %u is odd, accepted is an even number\n",
				options->cases[i]->name,
				options->round.producers);
			exit(2);
		}
	for (unsigned int i = 0; i < options->nr_flavors; i++)
		if (options->round.shape.maps > 1 && !options->flavors[i]->module) {
			fprintf(stderr, "--maps %u: flavor %s has one map only\n",
				options->round.shape.maps, options->flavors[i]->name);
			exit(2);
		}
	if (options->round.bystander && options->round.producers >= max_producers()) {
		fprintf(stderr,
			"--bystander needs a CPU that no producer runs on: --cpus %u, accepted is %u at most\n",
			options->round.producers, max_producers() - 1);
		exit(2);
	}
}

/* Elements would pile up on one CPU, and the other run out of them. */
static void check_pairs(const struct options *options)
{
	for (unsigned int c = 0; c < options->nr_cases; c++)
		for (unsigned int f = 0; f < options->nr_flavors; f++)
			if (options->cases[c]->pattern == PAIRS &&
			    options->flavors[f]->own_cpu) {
				fprintf(stderr,
					"case %s: not with flavor %s, whose elements have to be freed where they were allocated\n",
					options->cases[c]->name,
					options->flavors[f]->name);
				exit(2);
			}
}

static void check_graces(const struct options *options)
{
	if (options->round.graces && sysconf(_SC_NPROCESSORS_ONLN) < 2) {
		fprintf(stderr,
			"--graces %u needs two CPUs: with one online nobody waits for a grace period\n",
			options->round.graces);
		exit(2);
	}
}

static int check_flavors(const struct options *options)
{
	int err = 0;

	for (unsigned int i = 0; i < options->nr_flavors && !err; i++)
		err = flavor_check(options->flavors[i]);
	return err;
}

static double mean_kops(const struct round_result *result,
			unsigned int producers)
{
	double sum = 0;

	for (unsigned int i = 0; i < producers; i++)
		sum += result->rate[i] / 1000;
	return sum / producers;
}

/* Lines of a name and its values; an empty line ends the record. */
static void record_round(FILE *out, const struct options *options,
			 unsigned int round, const struct bench_case *bench_case,
			 const struct flavor *flavor,
			 const struct round_result *result)
{
	fprintf(out, "case %s\nflavor %s\nround %u\n", bench_case->name,
		flavor->name, round);
	fprintf(out, "secs %.3f\ndrain_secs %.3f\n", result->secs,
		result->drain_secs);
	fprintf(out, "kops");
	for (unsigned int i = 0; i < options->round.producers; i++)
		fprintf(out, " %.4f", result->rate[i] / 1000);
	fprintf(out, "\nmem_avg_bytes %.0f\nmem_peak_bytes %lld\n",
		result->memory_avg, result->memory_peak);
	fprintf(out, "threads %d %d %d\n", result->threads_before,
		result->threads_peak, result->threads_after);
	fprintf(out, "threads_new %s\n", result->threads_new);
	if (options->round.bystander)
		fprintf(out, "bystander_us %.1f\n", result->bystander_us);
	if (options->round.graces)
		fprintf(out, "graces %.1f %.3f %.3f\n", result->graces.per_sec,
			result->graces.mean_ms, result->graces.max_ms);
	if (flavor->module) {
		fprintf(out, "slab %lld %lld\n", result->whole.slab_taken,
			result->whole.slab_returned);
		fprintf(out, "grace_periods %lld %lld %lld\n",
			result->measured.gp_normal,
			result->measured.gp_expedited,
			result->measured.gp_trace);
	}
	fprintf(out, "memory_secs");
	for (unsigned int i = 0; i < result->nr_samples; i++)
		fprintf(out, " %.3f", result->samples[i].secs);
	fprintf(out, "\nmemory_bytes");
	for (unsigned int i = 0; i < result->nr_samples; i++)
		fprintf(out, " %lld", result->samples[i].bytes);
	fputc('\n', out);
	if (result->failure[0])
		fprintf(out, "failure %s\n", result->failure);
	fputc('\n', out);
	fflush(out);
}

static void show_progress(const struct options *options, unsigned int round,
			  const struct bench_case *bench_case,
			  const struct flavor *flavor,
			  const struct round_result *result)
{
	if (round)
		printf("round %u/%u", round, options->rounds);
	else
		printf("discarded");
	printf("  %-19s  %-18s  ", bench_case->name, flavor->name);
	if (result->failure[0])
		printf("FAILED: %s\n", result->failure);
	else
		printf("%8.2f k/s  %8.2f MiB  drained in %.2f s\n",
		       mean_kops(result, options->round.producers),
		       result->memory_avg / (1 << 20), result->drain_secs);
	fflush(stdout);
}

/* Whether the figures are good, or -errno if it makes no sense to go on. */
static int one_round(const struct options *options, FILE *out,
		     unsigned int round, const struct bench_case *bench_case,
		     const struct flavor *flavor)
{
	struct round_result result;
	int err;

	err = run_round(bench_case, flavor, &options->round, &result);
	if (err) {
		fprintf(stderr, "round %u, case %s, flavor %s: %s\n", round,
			bench_case->name, flavor->name, strerror(-err));
	} else {
		show_progress(options, round, bench_case, flavor, &result);
		if (out)
			record_round(out, options, round, bench_case, flavor,
				     &result);
		if (result.undrained)
			err = -ETIMEDOUT;
	}
	free(result.samples);
	return err ?: !result.failure[0];
}

/*
 * A short round of every flavor, thrown away: the first use of a code path is
 * slow under emulation, and the kernel's shared worker pools grow to the size
 * that the load needs, which would be taken for threads that a flavor adds.
 */
static int settle(const struct options *options)
{
	const struct bench_case *last = options->cases[options->nr_cases - 1];
	struct options brief = *options;

	brief.round.secs = SETTLE_SECS;
	for (unsigned int f = 0; f < options->nr_flavors; f++) {
		int ret = one_round(&brief, NULL, 0, last, options->flavors[f]);

		if (ret < 0)
			return ret;
	}
	return 0;
}

/* Flavors take turns, so that a machine that slows down slows all of them. */
static int all_rounds(const struct options *options, FILE *out)
{
	bool good = true;

	if (settle(options))
		return 1;
	for (unsigned int round = 1; round <= options->rounds; round++)
		for (unsigned int c = 0; c < options->nr_cases; c++)
			for (unsigned int f = 0; f < options->nr_flavors; f++) {
				int ret = one_round(options, out, round,
						    options->cases[c],
						    options->flavors[f]);

				if (ret < 0)
					return 1;
				good = good && ret;
			}
	return !good;
}

static void default_options(struct options *options)
{
	memset(options, 0, sizeof(*options));
	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++)
		options->cases[options->nr_cases++] = &cases[i];
	for (unsigned int i = 0; i < nr_flavors; i++)
		if (!flavors[i].hash_flavor && !flavors[i].own_cpu)
			options->flavors[options->nr_flavors++] = &flavors[i];
	options->secs = 5;
	options->rounds = 3;
	options->round.objects = ".";
	options->round.producers = max_producers();
	options->round.keys = BENCH_OPS_PER_LOOP;
	options->round.shape.value_size = 8;
	options->round.shape.maps = 1;
}

static void set_entries(struct round_options *round)
{
	unsigned int entries = round->producers * round->keys;

	round->shape.entries = entries < BENCH_MIN_ENTRIES ? BENCH_MIN_ENTRIES : entries;
}

int main(int argc, char **argv)
{
	const struct argp argp = {
		.options = argp_options,
		.parser = parse_option,
		.doc = argp_doc,
	};
	struct options options;
	FILE *out = NULL;
	int failed;

	default_options(&options);
	argp_err_exit_status = 2;
	if (argp_parse(&argp, argc, argv, 0, NULL, &options))
		return 2;
	check_options(&options);
	check_pairs(&options);
	check_graces(&options);
	set_entries(&options.round);
	options.round.secs = options.secs / options.rounds;

	if (geteuid()) {
		fprintf(stderr, "needs root\n");
		return 2;
	}
	if (options.out) {
		out = fopen(options.out, "we");
		if (!out) {
			fprintf(stderr, "cannot write %s: %s\n", options.out,
				strerror(errno));
			return 2;
		}
	}
	if (cgroup_setup() || programs_unpin() ||
	    check_flavors(&options) || maps_setup())
		return 2;

	failed = all_rounds(&options, out);
	if (out && fclose(out)) {
		fprintf(stderr, "cannot write %s: %s\n", options.out,
			strerror(errno));
		return 1;
	}
	return failed;
}
