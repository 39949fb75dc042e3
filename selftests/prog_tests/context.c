// SPDX-License-Identifier: GPL-2.0-only
/*
 * Suite guarantee-context: programs attached to functions that the allocator
 * calls, some with its lists in use or its locks held, use it themselves while
 * all CPUs are busy with it. Interrupts and NMIs are in the test module.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <bpf/btf.h>

#include "../progs/nested.h"
#include "nested_progs.h"
#include "test_progs.h"

#define MAP	7
#define LOAD_MS	1500

static const char * const place_names[] = {
#define X(name)	#name,
	NESTED_FENTRIES(X)
#undef X
#define X(name)	"tracepoint " #name,
	NESTED_TRACEPOINTS(X)
#undef X
};

struct load {
	unsigned int first;
	unsigned long long errors;
	int err;
};

static void count_error(struct load *load, int err)
{
	if (!err)
		return;
	load->errors++;
	load->err = err;
}

static void overwrite_and_delete(void *arg)
{
	struct load *load = arg;
	int i;

	for (i = 0; i < 4; i++)
		count_error(load, update_keys(MAP, load->first, 64));
	count_error(load, delete_keys(MAP, load->first, 64));
}

/* A kernel may lack one of the functions, or not allow to trace it. */
struct nested_bpf *nested_load(void)
{
	struct nested_bpf *nested = nested_bpf__open();
	struct bpf_program *prog;
	struct btf *btf;

	if (!nested)
		return NULL;
	btf = btf__load_vmlinux_btf();
	bpf_object__for_each_program(prog, nested->obj) {
		const char *function = bpf_program__section_name(prog);

		if (strncmp(function, "fentry/", 7))
			continue;
		if (btf__find_by_name_kind(btf, function + 7, BTF_KIND_FUNC) < 0)
			bpf_program__set_autoload(prog, false);
	}
	btf__free(btf);
	if (nested_bpf__load(nested)) {
		nested_bpf__destroy(nested);
		return NULL;
	}
	return nested;
}

/* Returns how many of the programs are attached; not each function can be traced. */
int nested_attach(struct nested_bpf *nested, struct bpf_link **links)
{
	char untraced[256] = "";
	struct bpf_program *prog;
	int n = 0;

	bpf_object__for_each_program(prog, nested->obj) {
		if (!bpf_program__autoload(prog))
			continue;
		links[n] = bpf_program__attach(prog);
		if (links[n])
			n++;
		else
			snprintf(untraced + strlen(untraced), sizeof(untraced) - strlen(untraced),
				 " %s", bpf_program__section_name(prog));
	}
	CHECK(n > 10, "%d programs attach, these do not:%s", n, untraced);
	return n;
}

struct nested_counts nested_sum(const struct nested_state *state)
{
	struct nested_counts all = {};
	unsigned int i;

	for (i = 0; i < NESTED_PLACES; i++) {
		all.runs += state->counts[i].runs;
		all.no_memory += state->counts[i].no_memory;
		all.busy += state->counts[i].busy;
		all.other += state->counts[i].other;
	}
	return all;
}

static void report(const struct nested_state *state, int programs, const struct load *loads,
		   unsigned int nr_loads)
{
	struct nested_counts all = nested_sum(state);
	unsigned int i, worst = 0;

	for (i = 0; i < NESTED_PLACES; i++)
		if (state->counts[i].no_memory > state->counts[worst].no_memory)
			worst = i;
	note("%d programs, %llu runs, %llu busy, %llu without memory, most of these in %s",
	     programs, all.runs, all.busy, all.no_memory, place_names[worst]);
	CHECK(all.runs > 100, "%llu runs of %d programs", all.runs, programs);
	/* What they find is a small reserve, but it has to be there every time. */
	CHECK(all.no_memory < all.runs / 10,
	      "%llu of %llu runs found no object, most of them in %s",
	      all.no_memory, all.runs, place_names[worst]);
	CHECK(!all.other, "%llu errors that are neither -ENOMEM nor -EBUSY", all.other);
	for (i = 0; i < nr_loads; i++)
		CHECK(!loads[i].errors, "%llu errors of the programs underneath, the last is %d",
		      loads[i].errors, loads[i].err);
}

static void nested_programs(const void *arg)
{
	struct load loads[2] = { { .first = 0 }, { .first = 1000 } };
	struct loop *loops[2];
	struct bpf_link *links[NESTED_PLACES];
	struct nested_bpf *nested;
	int err, programs;
	unsigned int i;

	nested = nested_load();
	if (!CHECK(nested, "nested.bpf.c does not load: %s", strerror(errno)))
		return;
	err = map_create(MAP, arg, 8, 4096);
	if (!CHECK(!err, "create: %s", strerror(-err)))
		goto out;
	nested->bss->state.id = MAP;
	nested->bss->state.tgid = getpid();
	programs = nested_attach(nested, links);
	for (i = 0; i < ARRAY_SIZE(loops); i++)
		loops[i] = loop_start(i % nr_cpus(), overwrite_and_delete, &loads[i]);
	sleep_ms(LOAD_MS);
	for (i = 0; i < ARRAY_SIZE(loops); i++)
		loop_stop(loops[i]);
	report(&nested->bss->state, programs, loads, ARRAY_SIZE(loads));
	/* Still attached, so that what the destroy calls has its programs, too. */
	map_destroy(MAP);
	check_all_home();
	while (programs)
		bpf_link__destroy(links[--programs]);
out:
	nested_bpf__destroy(nested);
}

static void collect(void)
{
	unsigned int i;

	add_module_tests("guarantee-context");
	for (i = 0; i < NR_MA_FLAVORS; i++)
		add_test(nested_programs, flavors[i], "nested_programs:%s", flavors[i]);
	add_module_exit();
}

const struct suite context_suite = {
	.name = "guarantee-context",
	.collect = collect,
	.setup = map_ops_load,
	.teardown = map_ops_unload,
};
