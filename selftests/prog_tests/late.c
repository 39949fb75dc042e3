// SPDX-License-Identifier: GPL-2.0-only
/*
 * Of suite idle: a reader that is late. While it stays in its read-side section
 * nothing that is freed can be reused, so memory grows at the rate of the frees,
 * and by no more than that; and one second after it left, that memory is back in
 * slab although the load goes on.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../progs/readers.h"
#include "idle_suite.h"
#include "readers.skel.h"
#include "test_progs.h"

#define MAP		7
#define HELD		KEY_FIRST
#define WARM_UP_MS	500
#define USUAL_MS	500
#define HOLD_MS		200
#define BACK_MS		1000
#define AFTER_MS	300
#define SAMPLE_MS	5
/*
 * What was freed during the hold is reusable after two grace periods: the one
 * that the reader held up, which is too old for it, and the next, before which
 * the allocator rests for an eighth of what the first took. This is for the two
 * of them without the rest, with whoever has to be scheduled for them: their
 * threads may have to wait for several ticks.
 */
#define GRACE_MS	25
/*
 * A host that takes a CPU away at the wrong moment is no fault of the allocator:
 * one good attempt will do. Nor is one on which the load frees too little while the
 * reader holds; that is no result at all.
 */
#define ATTEMPTS	5
#define MIB		(1024.0 * 1024)

static struct readers_bpf *readers;
/* Elements: in all, during the hold, and from its begin until all could be reused. */
static uint64_t freed, freed_held, freed_waiting;

struct sample {
	uint64_t at_ms;
	uint64_t bytes;		/* that slab has given */
	uint64_t peak;		/* the most it ever had, as refills saw it */
	uint64_t obj_bytes;
};

struct measured {
	uint64_t usual;		/* most before the hold */
	uint64_t peak;		/* most from its begin to one second after its end */
	uint64_t after;		/* least in the time that follows */
	uint64_t held;		/* bytes freed during the hold */
	uint64_t waiting;	/* bytes freed from its begin until all could be reused */
	uint64_t slack;
	double hold_ms;
	double rate, held_rate;	/* bytes freed per ms, before the hold and during it */
	unsigned int back_ms;	/* from its end to the usual level, 0 if it was not seen */
};

static uint64_t ms_of(uint64_t ns)
{
	return ns / 1000000;
}

/*
 * What comes from slab at once, and what a CPU may let wait without asking for a
 * grace period, is less than this: such a difference means nothing.
 */
static uint64_t slack_bytes(void)
{
	char line[32];

	if (!CHECK(read_file("/sys/module/bpf_ma/parameters/expedite_bytes", line,
			     sizeof(line)) > 0, "no expedite_bytes"))
		return 0;
	return strtoull(line, NULL, 10);
}

/* What is as good as the usual level. */
static uint64_t calm(const struct measured *m)
{
	return m->usual + m->usual / 2 + m->slack;
}

static uint64_t count(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

static uint64_t reader_began(void)
{
	return __atomic_load_n(&readers->bss->state.began, __ATOMIC_ACQUIRE);
}

static uint64_t reader_ended(void)
{
	return __atomic_load_n(&readers->bss->state.ended, __ATOMIC_ACQUIRE);
}

/* When all that was freed during the hold can be reused; the reader has left. */
static uint64_t usable_ms(void)
{
	uint64_t ended = reader_ended();

	return ms_of(ended + (ended - reader_began()) / 8) + GRACE_MS * timeout_factor();
}

static void overwrite(void *arg)
{
	const volatile struct reader_state *state = &readers->bss->state;
	uint64_t before = state->writes, writes;
	bool began = reader_began();

	syscall(SYS_getpgid, WRITER_PID);
	writes = state->writes - before;
	__atomic_add_fetch(&freed, writes, __ATOMIC_RELAXED);
	if (!began)
		return;
	if (!reader_ended())
		__atomic_add_fetch(&freed_held, writes, __ATOMIC_RELAXED);
	if (!reader_ended() || now_ms() < usable_ms())
		__atomic_add_fetch(&freed_waiting, writes, __ATOMIC_RELAXED);
}

static void *read_fn(void *arg)
{
	pin_to_cpu(0);
	syscall(SYS_getpgid, READER_PID);
	return NULL;
}

static bool sample(struct sample *s)
{
	struct allocator_stats stats;

	sleep_ms(SAMPLE_MS);
	if (!allocator_stats(&stats))
		return false;
	s->at_ms = now_ms();
	s->bytes = stats.slab_bytes;
	s->peak = stats.peak_bytes;
	s->obj_bytes = s->bytes / (stats.slab_taken - stats.slab_returned);
	return true;
}

/* Samples for @ms; their extremes, the rate, and the last of them in @s. */
static bool watch(struct sample *s, unsigned int ms, uint64_t *least, uint64_t *most,
		  double *rate)
{
	uint64_t begin = now_ms(), before = count(&freed);

	*least = UINT64_MAX;
	*most = 0;
	do {
		if (!sample(s))
			return false;
		if (s->bytes < *least)
			*least = s->bytes;
		if (s->bytes > *most)
			*most = s->bytes;
	} while (now_ms() < begin + ms);
	*rate = (double)(count(&freed) - before) * s->obj_bytes / (now_ms() - begin);
	return true;
}

/*
 * The way back to slab takes up to two RCU tasks trace grace periods. On PREEMPT_RT,
 * where these interrupt no CPU for half a second, each takes that and more.
 */
static unsigned int back_ms(void)
{
	return kernel_is_rt() ? 3 * BACK_MS : BACK_MS;
}

/* From the begin of the hold to one second after it; @peak is from before it. */
static bool watch_hold(struct measured *m, struct sample *s, uint64_t peak)
{
	uint64_t deadline = deadline_ms(10000), ended = 0;
	unsigned int late_ms = back_ms();

	do {
		if (!sample(s))
			return false;
		if (s->bytes > m->peak)
			m->peak = s->bytes;
		if (s->peak > peak && s->peak > m->peak)
			m->peak = s->peak;
		ended = ms_of(reader_ended());
		if (!ended) {
			if (!CHECK(s->at_ms < deadline, "the reader does not come back"))
				return false;
			continue;
		}
		if (!m->back_ms && s->at_ms >= usable_ms() && s->bytes <= calm(m))
			m->back_ms = s->at_ms - ended;
		/* A slow kernel gets more time, if it needs it. */
		if (s->at_ms >= ended + late_ms && s->bytes > calm(m))
			late_ms = back_ms() * timeout_factor();
	} while (!ended || s->at_ms < usable_ms() || s->at_ms < ended + late_ms);
	return true;
}

static bool measure_hold(struct measured *m, struct sample *s)
{
	pthread_t reader;
	bool ok;

	if (!CHECK(!pthread_create(&reader, NULL, read_fn, NULL), "no thread"))
		return false;
	ok = watch_hold(m, s, s->peak);
	pthread_join(reader, NULL);
	m->hold_ms = (reader_ended() - reader_began()) / 1e6;
	m->held = count(&freed_held) * s->obj_bytes;
	m->held_rate = m->held / m->hold_ms;
	m->waiting = count(&freed_waiting) * s->obj_bytes;
	return ok;
}

static bool measure_with_load(struct measured *m)
{
	uint64_t least, most;
	struct sample s;
	double rate;

	if (!watch(&s, WARM_UP_MS, &least, &most, &rate) ||
	    !watch(&s, USUAL_MS, &least, &m->usual, &m->rate))
		return false;
	/* What was freed in the one may be the level of the other. */
	if (rate > m->rate)
		m->rate = rate;
	return measure_hold(m, &s) && watch(&s, AFTER_MS, &m->after, &most, &rate);
}

/* False when it could not be measured, and the test has failed. */
static bool measure(struct measured *m, const char *flavor)
{
	struct reader_state *state = &readers->bss->state;
	struct loop *writer;
	struct map_op op;
	bool ok;
	int err;

	memset(state, 0, sizeof(*state));
	state->id = MAP;
	state->key = HELD;
	state->hold_ms = HOLD_MS;
	freed_held = 0;
	freed_waiting = 0;
	*m = (struct measured){ .slack = slack_bytes() };
	err = map_create(MAP, flavor, WRITER_VALUE, 4096);
	if (!CHECK(!err, "create: %s", strerror(-err)))
		return false;
	op = (struct map_op){ .id = MAP, .key = HELD, .value_size = WRITER_VALUE };
	CHECK(!map_update(&op), "the key to be held: %s", strerror(-op.err));
	/* CPU 0 is the reader's, which many a kernel does not preempt. */
	pin_to_cpu(1);
	writer = loop_start(1, overwrite, NULL);
	ok = writer && measure_with_load(m);
	loop_stop(writer);
	pin_to_cpu(-1);
	map_destroy(MAP);
	check_all_home();
	return ok;
}

/* The most that it may have. */
static uint64_t limit(const struct measured *m, bool waits)
{
	return waits ? m->usual + m->waiting + m->slack : calm(m);
}

/* Nothing that was freed during the hold can be reused before its end. */
static bool shows(const struct measured *m)
{
	return m->held > calm(m);
}

/* A load with which next to nothing is freed proves nothing. */
static bool stands_still(const struct measured *m)
{
	uint64_t least = 4 * m->slack;

	return m->held < least || m->rate * HOLD_MS < least || m->held_rate < m->rate / 10;
}

static const char too_little[] = "too little was freed while the reader held";

/* What is wrong with the figures, or NULL. */
static const char *verdict(const struct measured *m, bool waits)
{
	if (stands_still(m))
		return too_little;
	if (m->usual >= m->rate * HOLD_MS / 2 * timeout_factor())
		return "it always has as much as if there were a late reader";
	if (!shows(m))
		return too_little;
	if (waits && m->peak <= calm(m))
		return "it did not grow, although all that was freed had to wait";
	if (m->peak > limit(m, waits))
		return waits ? "it grew on when the reader had left" :
			       "it grew, although it waits for no reader";
	if (m->after > calm(m))
		return "it stays high";
	return NULL;
}

static void late_reader(const void *arg)
{
	bool waits = strcmp(arg, "normal");
	unsigned int attempt = 0;
	const char *wrong;
	struct measured m;
	char figures[256];

	if (nr_cpus() < 2) {
		skip("needs two CPUs");
		return;
	}
	do {
		if (!measure(&m, arg))
			return;
		wrong = verdict(&m, waits);
	} while (++attempt < ATTEMPTS && wrong);

	snprintf(figures, sizeof(figures),
		 "usual %.2f MiB at %.1f MiB/s; held for %.0f ms at %.1f MiB/s, peak %.2f MiB of %.2f; back after %u ms, then %.2f MiB of %.2f",
		 m.usual / MIB, m.rate * 1000 / MIB, m.hold_ms, m.held_rate * 1000 / MIB,
		 m.peak / MIB, limit(&m, waits) / MIB, m.back_ms, m.after / MIB,
		 calm(&m) / MIB);
	if (wrong == too_little)
		skip("%s, in attempt %u: %s", wrong, attempt, figures);
	else if (CHECK(!wrong, "%s, in attempt %u: %s", wrong, attempt, figures))
		note("%s; attempt %u", figures, attempt);
}

/* Each loads the programs, for the other tests of the suite need none of them. */
static void with_reader(const void *arg)
{
	readers = readers_load();
	if (!readers)
		return;
	if (CHECK(!readers_bpf__attach(readers), "does not attach: %s", strerror(errno)))
		late_reader(arg);
	readers_bpf__destroy(readers);
}

void collect_late_readers(void)
{
	unsigned int i;

	for (i = 0; i < NR_MA_FLAVORS; i++)
		add_test(with_reader, flavors[i], "late_reader:%s", flavors[i]);
}
