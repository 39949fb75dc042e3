// SPDX-License-Identifier: GPL-2.0-only
/*
 * Small helpers of the runner: files of /sys and /proc, commands, threads, time.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "util.h"

int write_file(const char *path, const char *text)
{
	size_t len = strlen(text);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int err = 0;

	if (fd < 0 || write(fd, text, len) != (ssize_t)len) {
		err = -errno;
		fprintf(stderr, "cannot write '%s' to %s: %s\n", text, path,
			strerror(errno));
	}
	if (fd >= 0)
		close(fd);
	return err;
}

int read_file(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = 0;
	size_t used = 0;
	int err = 0;

	if (fd >= 0) {
		while (used < size - 1 &&
		       (len = read(fd, buf + used, size - 1 - used)) > 0)
			used += len;
	}
	buf[used] = '\0';
	if (fd < 0 || len < 0) {
		err = -errno;
		fprintf(stderr, "cannot read %s: %s\n", path, strerror(errno));
	}
	if (fd >= 0)
		close(fd);
	return err;
}

bool has_word(const char *list, const char *word)
{
	size_t len = strlen(word);

	while (*list) {
		size_t n = strcspn(list, "\n ");

		if (n == len && !strncmp(list, word, len))
			return true;
		list += n;
		list += strspn(list, "\n ");
	}
	return false;
}

static int enter_cgroup(const char *cgroup)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup);
	return write_file(path, "0");
}

static int wait_for(pid_t pid, const char *what)
{
	int status;

	if (waitpid(pid, &status, 0) < 0)
		return -errno;
	if (!WIFEXITED(status) || WEXITSTATUS(status)) {
		fprintf(stderr, "%s failed\n", what);
		return -EIO;
	}
	return 0;
}

int run_command(const char *cgroup, char *const argv[])
{
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (!pid) {
		int null = open("/dev/null", O_WRONLY);

		/* It must not go on beside the next run. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (cgroup && enter_cgroup(cgroup))
			_exit(1);
		dup2(null, STDOUT_FILENO);
		execvp(argv[0], argv);
		fprintf(stderr, "cannot run %s: %s\n", argv[0],
			strerror(errno));
		_exit(1);
	}
	return wait_for(pid, argv[0]);
}

int write_file_in_cgroup(const char *cgroup, const char *path,
			 const char *text)
{
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (!pid)
		_exit(enter_cgroup(cgroup) || write_file(path, text));
	return wait_for(pid, path);
}

int thread_start_on(unsigned int cpu, pthread_t *thread, void *(*fn)(void *arg),
		    void *arg)
{
	pthread_attr_t attr;
	cpu_set_t cpus;
	int err;

	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	pthread_attr_init(&attr);
	pthread_attr_setaffinity_np(&attr, sizeof(cpus), &cpus);
	err = pthread_create(thread, &attr, fn, arg);
	pthread_attr_destroy(&attr);
	return err;
}

unsigned long long now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NS_PER_SEC + now.tv_nsec;
}

double now_secs(void)
{
	return now_ns() / 1e9;
}

void sleep_until(unsigned long long ns)
{
	struct timespec when = { .tv_sec = ns / NS_PER_SEC, .tv_nsec = ns % NS_PER_SEC };

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &when, NULL);
}

void sleep_secs(double secs)
{
	struct timespec ts;

	if (secs <= 0)
		return;
	ts.tv_sec = secs;
	ts.tv_nsec = (secs - ts.tv_sec) * 1e9;
	nanosleep(&ts, NULL);
}
