/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the suites share: how a test is declared, how it fails, and the helpers
 * of the files beside this one.
 */
#ifndef TEST_PROGS_H
#define TEST_PROGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "../progs/map_ops.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define DEBUGFS		"/sys/kernel/debug/"

/* ---- tests; test_progs.c ---- */

/**
 * struct suite - what SUITES= selects
 * @name: name
 * @on_demand: not run unless it is named
 * @collect: calls add_test() for every test
 * @setup: before the first of them, may be NULL; false: all have failed
 * @teardown: after the last, may be NULL
 */
struct suite {
	const char *name;
	bool on_demand;
	void (*collect)(void);
	bool (*setup)(void);
	void (*teardown)(void);
};

extern const struct suite api_suite, reuse_suite, slab_suite, lost_suite,
	context_suite, map_suite, idle_suite, stress_suite;

/* Appends a test to the suite that is being collected. */
void add_test(void (*fn)(const void *arg), const void *arg, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Appends the test module's tests of a suite. */
void add_module_tests(const char *suite);

/* As the last one: a test that unloads the test module. */
void add_module_exit(void);

/* Outcome of the test that runs, or of the set-up; main thread only. */
void fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void fail_check(const char *file, int line, const char *cond, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void skip(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
bool failed(void);

/* False, and the test has failed, when @cond is false. */
#define CHECK(cond, ...)						\
({									\
	bool ok_ = (cond);						\
									\
	if (!ok_)							\
		fail_check(__FILE__, __LINE__, #cond, __VA_ARGS__);		\
	ok_;								\
})

/* Options of the suite stress. */
extern unsigned int stress_secs, stress_seed;

/* ---- files, modules, time; util.c ---- */

int write_file(const char *path, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
ssize_t read_file(const char *path, char *buf, size_t size);
int load_module(const char *path, const char *params);
int unload_module(const char *name);
uint64_t now_ms(void);
unsigned int timeout_factor(void);
bool kernel_is_rt(void);
/* When a wait of @ms for something that is bound to come has failed. */
uint64_t deadline_ms(unsigned int ms);
void sleep_ms(unsigned int ms);
bool pin_to_cpu(int cpu);
int nr_cpus(void);
/* The test has failed if the CPU does not go there; main thread only. */
void set_online(int cpu, bool online);

/* A thread on a CPU that calls @fn until it is stopped. */
struct loop;
struct loop *loop_start(int cpu, void (*fn)(void *arg), void *arg);
void loop_stop(struct loop *loop);

/* ---- memory cgroups; cgroup.c ---- */

bool cgroup_create(const char *name);
void cgroup_remove(const char *name);
bool cgroup_set_max(const char *name, const char *max);
long long cgroup_current(const char *name);
/* Calls @fn in a process that sits in the cgroup; false when that failed. */
bool cgroup_run(const char *name, int (*fn)(const void *arg), const void *arg);

/* ---- the module under test; maps.c ---- */

extern const char * const flavors[];
#define NR_FLAVORS	6
#define NR_MA_FLAVORS	4	/* the first ones: without the baselines */

#define MODULE_PATH	"/selftests/bpf_ma.ko"
#define MODULE_PARAMS	"poison=1"

/* A line of the file allocators, field by field. */
struct allocator_stats {
	unsigned long long id, flags, size, slab_taken, slab_returned, free,
		wait_rcu, wait_trace, dead, slab_bytes, peak_bytes, batches,
		refills, depot_gets, depot_puts, robbed, failures, nested;
};

int map_create(unsigned int id, const char *flavor, unsigned int value_size,
	       unsigned int max_entries);
int map_destroy(unsigned int id);
long long module_total(const char *name);
/* Of the allocator that was created last. */
bool allocator_stats(struct allocator_stats *stats);
/* Waits until no map and no allocator is left and nothing is missing. */
bool all_home(void);
/* Fails the test unless all_home(). */
void check_all_home(void);

/* Whether the kernel has bpf_rcu_read_lock(). */
bool has_rcu_lock(void);

/* readers.bpf.c; NULL and a failure when it does not load. */
struct readers_bpf;
struct readers_bpf *readers_load(void);

/* map_ops.bpf.c; loaded on demand, until map_ops_unload() */
bool map_ops_load(void);
void map_ops_unload(void);
/* They return op->err, or -ENOEXEC when the program could not run. */
int map_update(struct map_op *op);
int map_delete(struct map_op *op);
int map_lookup(struct map_op *op);
int map_iterate(struct map_op *op);
int map_iterate_wrongly(struct map_op *op);
/* The same for a range of keys in one run, errors counted. */
int update_keys(unsigned int id, unsigned int first, unsigned int count);
int delete_keys(unsigned int id, unsigned int first, unsigned int count);

int run_prog(int fd, void *ctx, size_t size);

/* ---- the test module; test_module.c ---- */

bool test_module_load(void);
/* A line of steps.c; its value, or a negative error. */
long test_module_step(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* ---- the kernel's fault injection; failslab.c ---- */

/*
 * Slab fails where our modules call it. False when this kernel cannot do that.
 */
bool failslab_start(unsigned int percent);
/* Returns how many allocations have failed. */
unsigned long long failslab_stop(void);

#endif /* TEST_PROGS_H */
