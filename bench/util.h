/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Small helpers of the runner: files of /sys and /proc, commands, threads, time.
 */
#ifndef BENCH_UTIL_H
#define BENCH_UTIL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/*
 * All of these return 0 or -errno. What went wrong, and with what, has been
 * printed to standard error by then.
 */
int write_file(const char *path, const char *text);
int read_file(const char *path, char *buf, size_t size);

/* Whether a list such as "cpu memory pids" holds the word. */
bool has_word(const char *list, const char *word);

/*
 * Runs a command and waits for it; with a cgroup, inside that cgroup (a
 * directory), so that what the command creates is charged there. The command's
 * standard output goes nowhere.
 */
int run_command(const char *cgroup, char *const argv[]);

/* Writes text to a file from a short-lived process inside a cgroup. */
int write_file_in_cgroup(const char *cgroup, const char *path,
			 const char *text);

/* A thread that stays on one CPU. 0 or an error number; prints nothing. */
int thread_start_on(unsigned int cpu, pthread_t *thread, void *(*fn)(void *arg),
		    void *arg);

#define NS_PER_SEC 1000000000ULL

/* CLOCK_MONOTONIC. */
unsigned long long now_ns(void);
double now_secs(void);
void sleep_until(unsigned long long ns);
void sleep_secs(double secs);

#endif /* BENCH_UTIL_H */
