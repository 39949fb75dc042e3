/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of the allocator's interface share: how a test is declared,
 * how it fails, and helpers of lib.c.
 */
#ifndef _BPF_MA_TEST_H
#define _BPF_MA_TEST_H

#include <linux/bits.h>
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/types.h>

#include "bpf_mem_alloc.h"

/**
 * struct ma_flavor - a way to allocate and free
 * @name: as everywhere in the project
 * @flags: for bpf_mem_alloc_init()
 * @free_rcu: frees go through the _rcu functions
 */
struct ma_flavor {
	const char *name;
	unsigned int flags;
	bool free_rcu;
};

enum {
	MA_NORMAL,
	MA_REUSE,
	MA_FREE_AFTER,
	MA_FREE_RCU,
	MA_NR_FLAVORS,
};

extern const struct ma_flavor ma_flavors[MA_NR_FLAVORS];

struct ma_run;

/**
 * struct ma_test - a test, or one for each of several flavors
 * @name: unique in its suite; the full name has the flavor behind it
 * @fn: the test
 * @flavors: bits of the flavors that it is run for; 0 for a test that is about
 *	none in particular
 */
struct ma_test {
	const char *name;
	void (*fn)(struct ma_run *run);
	unsigned long flavors;
};

struct ma_suite {
	const char *name;
	const struct ma_test *tests;
	unsigned int nr;
};

#define MA_TEST(fn)			{ #fn, fn, 0 }
#define MA_TEST_FLAVORS(fn, bits)	{ #fn, fn, bits }
#define MA_TEST_EACH_FLAVOR(fn)		{ #fn, fn, GENMASK(MA_NR_FLAVORS - 1, 0) }

/* One suite may be spread over several files. */
extern const struct ma_suite ma_init_suite, ma_sizes_suite, ma_percpu_suite,
	ma_life_suite, ma_stats_suite, ma_reuse_suite, ma_reuse_stress_suite,
	ma_nested_suite, ma_slab_suite, ma_lost_suite, ma_hotplug_suite,
	ma_context_suite, ma_nmi_suite;

/**
 * struct ma_run - one run of a test
 * @flavor: one of the test's, or NULL
 * @failed: set once, with the reason in @text
 * @skipped: set instead of running, with the reason in @text
 * @text: reason, or what was counted, for the log
 */
struct ma_run {
	const struct ma_flavor *flavor;
	bool failed;
	bool skipped;
	char text[160];
};

__printf(4, 5)
void ma_fail(struct ma_run *run, const char *cond, int line, const char *fmt, ...);
__printf(2, 3)
void ma_note(struct ma_run *run, const char *fmt, ...);
__printf(2, 3)
void ma_skip(struct ma_run *run, const char *fmt, ...);

/* False, and the run has failed, when @cond is false. Process context. */
#define MA_CHECK(run, cond, fmt, ...)					\
({									\
	bool __ok = (cond);						\
									\
	if (!__ok)							\
		ma_fail(run, #cond, __LINE__, fmt, ##__VA_ARGS__);	\
	__ok;								\
})

/* lib.c */
bool ma_setup(struct ma_run *run, struct bpf_mem_alloc *ma, int size);
void ma_free(const struct ma_flavor *flavor, struct bpf_mem_alloc *ma, void *obj);
void ma_mark_home(void);
/* In any unit, by as much as this kernel is slower than others. */
unsigned long ma_stretch(unsigned long duration);
/* Jiffies at which a wait for something that is bound to come has failed. */
unsigned long ma_deadline(unsigned int seconds);
bool ma_all_home(struct bpf_mem_alloc_totals *totals);
bool ma_settle(struct bpf_mem_alloc *ma, struct bpf_mem_alloc_stats *stats, u64 live);
int ma_other_cpu(int cpu);

/* Runs @fn on @cpu in a thread of its own and waits for its result. */
int ma_run_on(int cpu, int (*fn)(void *arg), void *arg);

/* As ma_run_on() without waiting; ma_thread_stop() does that. */
struct task_struct *ma_thread_start(int cpu, int (*fn)(void *arg), void *arg);
int ma_thread_stop(struct task_struct *task);

/* A number below 2^24; @state is any number at first. */
static inline u32 ma_random(u32 *state)
{
	*state = *state * 1664525 + 1013904223;
	/* The lower the bit, the sooner it repeats itself. */
	return *state >> 8 ^ *state >> 20;
}

/* nmi.c */
void ma_send_nmi(int cpu);

/* stress.c */
struct seq_file;
int ma_stress(char *line);
void ma_stress_show(struct seq_file *m);
void ma_stress_exit(void);

/* steps.c */
int ma_step(char *line, char *result, size_t size);
void ma_steps_exit(void);

#endif /* _BPF_MA_TEST_H */
