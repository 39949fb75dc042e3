// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files, modules, time, and threads on a CPU.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "test_progs.h"

/* One write(2), as debugfs files want it; 0 or a negative errno. */
int write_file(const char *path, const char *fmt, ...)
{
	char line[256];
	va_list args;
	int fd, len, err = 0;

	va_start(args, fmt);
	len = vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, line, len) != len)
		err = errno ? -errno : -EIO;
	close(fd);
	return err;
}

/* The whole file as a string; its length or a negative errno. */
ssize_t read_file(const char *path, char *buf, size_t size)
{
	size_t len = 0;
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	while (len < size - 1) {
		n = read(fd, buf + len, size - 1 - len);
		if (n <= 0)
			break;
		len += n;
	}
	buf[len] = '\0';
	close(fd);
	return len;
}

int load_module(const char *path, const char *params)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (syscall(SYS_finit_module, fd, params, 0))
		err = -errno;
	close(fd);
	return err;
}

int unload_module(const char *name)
{
	return syscall(SYS_delete_module, name, O_NONBLOCK) ? -errno : 0;
}

uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ULL + ts.tv_nsec / 1000000;
}

/*
 * By which a wait for something that is bound to come is stretched: a kernel
 * that checks each access is slow.
 */
unsigned int timeout_factor(void)
{
	const char *factor = getenv("BPF_MA_TIMEOUT_FACTOR");

	return factor ? strtoul(factor, NULL, 10) : 1;
}

/* PREEMPT_RT says so in this file, which other kernels do not have. */
bool kernel_is_rt(void)
{
	return !access("/sys/kernel/realtime", F_OK);
}

uint64_t deadline_ms(unsigned int ms)
{
	return now_ms() + ms * timeout_factor();
}

void sleep_ms(unsigned int ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000L };

	nanosleep(&ts, NULL);
}

/* The calling thread; any CPU when @cpu is negative. */
bool pin_to_cpu(int cpu)
{
	cpu_set_t set;
	int i;

	CPU_ZERO(&set);
	for (i = 0; i < CPU_SETSIZE; i++)
		if (cpu < 0 || i == cpu)
			CPU_SET(i, &set);
	return !sched_setaffinity(0, sizeof(set), &set);
}

int nr_cpus(void)
{
	return sysconf(_SC_NPROCESSORS_ONLN);
}

void set_online(int cpu, bool online)
{
	char path[64];
	int err;

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/online", cpu);
	err = write_file(path, "%d", online);
	CHECK(!err, "CPU %d does not go %s: %s", cpu, online ? "on" : "off", strerror(-err));
}

struct loop {
	pthread_t thread;
	int cpu;
	void (*fn)(void *arg);
	void *arg;
	bool stop;
};

static void *loop_fn(void *arg)
{
	struct loop *loop = arg;

	pin_to_cpu(loop->cpu);
	while (!__atomic_load_n(&loop->stop, __ATOMIC_RELAXED)) {
		loop->fn(loop->arg);
		/*
		 * A CPU that is to go offline moves its threads where they pass
		 * the scheduler, and not where a program runs.
		 */
		sched_yield();
	}
	return NULL;
}

struct loop *loop_start(int cpu, void (*fn)(void *arg), void *arg)
{
	struct loop *loop = calloc(1, sizeof(*loop));

	if (!CHECK(loop, "no memory"))
		return NULL;
	*loop = (struct loop){ .cpu = cpu, .fn = fn, .arg = arg };
	if (!CHECK(!pthread_create(&loop->thread, NULL, loop_fn, loop), "no thread")) {
		free(loop);
		return NULL;
	}
	return loop;
}

void loop_stop(struct loop *loop)
{
	if (!loop)
		return;
	__atomic_store_n(&loop->stop, true, __ATOMIC_RELAXED);
	pthread_join(loop->thread, NULL);
	free(loop);
}
