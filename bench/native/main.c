// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pairs of an allocation and a free, as the cases of the hash map benchmark ask for
 * them, on threads that are pinned to a core each.  Every row takes a turn in each
 * round; what a round came to is a record of lines "NAME VALUE...", ended by an
 * empty one, on standard output.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "threads.h"
#include "quiescent.h"
#include "ring.h"
#include "bpf_mem_alloc.h"
#include "allocator.h"
#include "../../tests/user/shim/env.h"

#define LOOP		64	/* operations in one run of a program */
#define SPINS		256	/* before a waiting thread gives way */
#define WARM_UP_MS	200
#define SLICE_MS	50u
#define TRIES		20	/* for a round that nobody disturbs */
#define REST_MS		200	/* before the next */
#define HAND_OVERS	10000	/* to and fro, for their average */
#define GRACE_S		20
#define APART		((size_t)128)	/* two cache lines: cores fetch them in pairs */

struct worker {
	u64 pairs;
	void **objs;
} ____cacheline_aligned;

static struct worker workers[SHIM_CPUS_MAX];

/* Of two threads: whose turn it is, and how long the other takes to see that. */
static struct {
	int turn;
	u64 hand_over_ns;
} ____cacheline_aligned pairs[SHIM_CPUS_MAX / 2];

static struct {
	struct bpf_mem_alloc ma;
	const struct bench_case *bench_case;
	const struct flavor *flavor;
	unsigned int live;
	unsigned int size;
	unsigned int ring;	/* objects that wait in one, of each thread */
	bool ring_auto;		/* as many as waited in reuse-after-rcu-gp */
	cpu_set_t cores;
	int stop;
} run;

/* The last one has its turn last, the others by turns. */
static const struct flavor {
	const char *name;
	unsigned int flags;
	bool ring;		/* not the allocator, see ring.h */
} flavors[] = {
	{ "normal", 0 },
	{ "reuse-after-rcu-gp", BPF_MA_REUSE_AFTER_RCU_GP },
	{ "ring", .ring = true },
};

static void say(const char *before, const char *fmt, va_list args)
{
	fputs(before, stderr);
	vfprintf(stderr, fmt, args);
	fputc('\n', stderr);
}

void shim_fail(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say("bench-native: ", fmt, args);
	va_end(args);
	exit(1);
}

void shim_warn(const char *file, int line, const char *fmt, ...)
{
	va_list args;

	fprintf(stderr, "bench-native: WARNING at %s:%d", file, line);
	va_start(args, fmt);
	say(": ", fmt, args);
	va_end(args);
	_exit(1);
}

/* ---- what a thread does ---- */

static bool stopped(void)
{
	return __atomic_load_n(&run.stop, __ATOMIC_RELAXED);
}

/* The compiler makes two of all that is told which it is. */
static __always_inline void *object_new(bool ring)
{
	void *ptr = ring ? ring_alloc() : bpf_mem_cache_alloc(&run.ma);

	if (!ptr)
		shim_fail("an allocation failed");
	return memset(ptr, 1, run.size);
}

static __always_inline void object_free(void *ptr, bool ring)
{
	if (ring)
		ring_free(ptr);
	else
		bpf_mem_cache_free(&run.ma, ptr);
}

/* A program is an RCU read-side section, the way to the next one is none. */
static void program_begin(void)
{
	rcu_read_lock();
}

static void program_end(void)
{
	rcu_read_unlock();
	domain_quiescent();
}

static void count(struct worker *w, unsigned int n)
{
	__atomic_store_n(&w->pairs, w->pairs + n, __ATOMIC_RELAXED);
}

static __always_inline void allocate_all(struct worker *w, bool ring)
{
	unsigned int i, end;

	for (i = 0; i < run.live;) {
		program_begin();
		for (end = min(i + LOOP, run.live); i < end; i++)
			w->objs[i] = object_new(ring);
		program_end();
	}
}

static __always_inline void free_all(struct worker *w, struct worker *owner, bool ring)
{
	unsigned int i, begin, end;

	for (i = 0; i < run.live;) {
		program_begin();
		begin = i;
		for (end = min(i + LOOP, run.live); i < end; i++) {
			object_free(owner->objs[i], ring);
			owner->objs[i] = NULL;
		}
		program_end();
		count(w, end - begin);
	}
}

static __always_inline void overwrite_of(int cpu, bool ring)
{
	struct worker *w = &workers[cpu];
	unsigned int n, i = 0;
	void *old;

	allocate_all(w, ring);
	while (!stopped()) {
		program_begin();
		for (n = 0; n < LOOP; n++) {
			old = w->objs[i];
			w->objs[i] = object_new(ring);
			object_free(old, ring);
			i = i + 1 < run.live ? i + 1 : 0;
		}
		program_end();
		count(w, LOOP);
	}
}

static __always_inline void batch_of(int cpu, bool ring)
{
	struct worker *w = &workers[cpu];

	while (!stopped()) {
		allocate_all(w, ring);
		free_all(w, w, ring);
	}
}

static void overwrite(int cpu)
{
	overwrite_of(cpu, false);
}

static void ring_overwrite(int cpu)
{
	overwrite_of(cpu, true);
}

static void batch_add_batch_del(int cpu)
{
	batch_of(cpu, false);
}

static void ring_batch(int cpu)
{
	batch_of(cpu, true);
}

static u64 clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

static void hand_over(int *turn, int mine, unsigned int times)
{
	while (times--) {
		while (__atomic_load_n(turn, __ATOMIC_ACQUIRE) != mine)
			__builtin_ia32_pause();
		__atomic_store_n(turn, !mine, __ATOMIC_RELEASE);
	}
}

/*
 * How near two cores are to each other depends on where a hypervisor has put them,
 * which may be another place in the next round.
 */
static void measure_hand_over(int cpu)
{
	int *turn = &pairs[cpu / 2].turn, mine = cpu & 1;
	u64 from;

	/* The other may not have begun yet. */
	hand_over(turn, mine, 1);
	from = clock_ns(CLOCK_MONOTONIC);
	hand_over(turn, mine, HAND_OVERS);
	if (mine)
		pairs[cpu / 2].hand_over_ns =
			(clock_ns(CLOCK_MONOTONIC) - from) / (2 * HAND_OVERS);
}

/* Returns whether it came to be; interrupts are let in meanwhile. */
static bool wait_for_turn(const int *turn, int mine)
{
	unsigned int spins = 0;
	unsigned long flags;

	while (__atomic_load_n(turn, __ATOMIC_ACQUIRE) != mine) {
		if (stopped())
			return false;
		local_irq_save(flags);
		local_irq_restore(flags);
		domain_quiescent();
		if (++spins % SPINS)
			__builtin_ia32_pause();
		else
			sched_yield();
	}
	return true;
}

static void add_del_on_diff_cpu(int cpu)
{
	struct worker *w = &workers[cpu], *adder = &workers[cpu & ~1];
	int *turn = &pairs[cpu / 2].turn, mine = cpu & 1;

	while (!stopped() && wait_for_turn(turn, mine)) {
		if (mine)
			free_all(w, adder, false);
		else
			allocate_all(adder, false);
		__atomic_store_n(turn, !mine, __ATOMIC_RELEASE);
	}
}

static const struct bench_case {
	const char *name;
	void (*fn)(int cpu);
	void (*ring_fn)(int cpu);	/* NULL: frees on another thread, which no ring can */
} bench_cases[] = {
	{ "overwrite", overwrite, ring_overwrite },
	{ "batch_add_batch_del", batch_add_batch_del, ring_batch },
	{ "add_del_on_diff_cpu", add_del_on_diff_cpu },
};

/* The core of that number among those that this process may use. */
static void pin(int cpu)
{
	int core, left = cpu;
	cpu_set_t set;

	for (core = 0; core < CPU_SETSIZE; core++) {
		if (!CPU_ISSET(core, &run.cores) || left--)
			continue;
		CPU_ZERO(&set);
		CPU_SET(core, &set);
		if (!sched_setaffinity(0, sizeof(set), &set))
			return;
		break;
	}
	shim_fail("cannot run on a core of its own: CPU %d", cpu);
}

static void work_on(int cpu)
{
	pin(cpu);
	measure_hand_over(cpu);
	domain_busy();
	if (run.flavor->ring) {
		ring_enter(cpu);
		run.bench_case->ring_fn(cpu);
	} else {
		run.bench_case->fn(cpu);
	}
	domain_idle();
}

/* ---- measuring ---- */

enum {
	NS, OURS_NS, GPS_PASSED, GP_NORMAL, GP_EXPEDITED, GP_TRACE,
	BATCHES, REFILLS, DEPOT_GETS, ROBBED, FROM_SLAB, FAILURES, COUNTERS
};

static const char * const counter_names[COUNTERS] = {
	"ns", "ours_ns", "gps_passed", "gp_normal", "gp_expedited", "gp_trace",
	"batches", "refills", "depot_gets", "robbed", "from_slab", "failures",
};

/* Freed objects of all threads, summed up over samples. */
static struct {
	u64 samples;
	u64 waiting;		/* for a grace period */
	u64 peak;		/* of those */
	u64 ready;		/* to be taken */
} freed;

/* Who overwrites has one more for a moment than are live. */
static unsigned int ring_objects(void)
{
	return run.live + run.ring + 1;
}

static u64 ring_bytes(void)
{
	return (u64)ring_objects() * (sizeof(struct llist_node) + run.size) * shim_nr_cpus;
}

struct sample {
	u64 counters[COUNTERS];
	u64 pairs[SHIM_CPUS_MAX];
};

static void read_stats(struct bpf_mem_alloc_stats *stats)
{
	if (run.flavor->ring)
		*stats = (struct bpf_mem_alloc_stats) {
			.wait_rcu = (u64)run.ring * shim_nr_cpus,
			.peak_bytes = ring_bytes(),
		};
	else
		bpf_mem_alloc_read_stats(&run.ma, stats);
}

static void count_freed(const struct bpf_mem_alloc_stats *stats)
{
	freed.samples++;
	freed.waiting += stats->wait_rcu;
	freed.peak = max(freed.peak, stats->wait_rcu);
	freed.ready += stats->free;
}

static void take_sample(struct sample *s)
{
	struct bpf_mem_alloc_totals totals;
	struct bpf_mem_alloc_stats stats;
	int cpu;

	bpf_mem_alloc_read_totals(&totals);
	read_stats(&stats);
	count_freed(&stats);
	for_each_possible_cpu(cpu)
		s->pairs[cpu] = __atomic_load_n(&workers[cpu].pairs, __ATOMIC_RELAXED);
	memcpy(s->counters, (u64 [COUNTERS]) {
		clock_ns(CLOCK_MONOTONIC), clock_ns(CLOCK_PROCESS_CPUTIME_ID),
		rcu_gps_passed(), totals.gp_normal, totals.gp_expedited, totals.gp_trace,
		stats.batches, stats.refills, stats.depot_gets, stats.robbed,
		stats.slab_taken, stats.failures,
	}, sizeof(s->counters));
}

/* Whether the cores were ours, but for what the rest of a quiet machine takes. */
static bool undisturbed(const struct sample *from, const struct sample *to)
{
	return to->counters[OURS_NS] - from->counters[OURS_NS] >=
	       (to->counters[NS] - from->counters[NS]) * shim_nr_cpus / 10 * 9;
}

/*
 * Lets the threads work for a while.  A thread that is kept from its core holds up
 * grace periods, as it would not in a kernel, and what piles up meanwhile is there
 * for long: the sooner this gives up the better, unless it must not.
 */
static bool pass_time(unsigned int msecs, bool give_up)
{
	static struct sample samples[2];
	unsigned int n, slice;

	take_sample(&samples[0]);
	for (n = 0; msecs; msecs -= slice) {
		struct sample *from = &samples[n % 2], *to = &samples[++n % 2];

		slice = min(msecs, SLICE_MS);
		usleep(slice * 1000);
		take_sample(to);
		if (give_up && !undisturbed(from, to))
			return false;
	}
	return true;
}

static void free_what_is_left(void)
{
	unsigned int i;
	int cpu;

	for_each_possible_cpu(cpu) {
		for (i = 0; i < run.live; i++)
			if (run.flavor->ring)
				ring_give_back(workers[cpu].objs[i]);
			else
				bpf_mem_cache_raw_free(workers[cpu].objs[i]);
		free(workers[cpu].objs);
	}
}

/* Of the allocator, or of the rings. */
static void read_totals(struct bpf_mem_alloc_totals *totals)
{
	bpf_mem_alloc_read_totals(totals);
	if (run.flavor->ring) {
		totals->slab_taken = ring_totals.taken;
		totals->slab_returned = ring_totals.returned;
	}
}

static void wait_until_home(struct bpf_mem_alloc_totals *totals)
{
	int i;

	for (i = 0; i < GRACE_S * 1000; i++) {
		read_totals(totals);
		if (!totals->allocators)
			return;
		usleep(1000);
	}
	shim_fail("%llu allocators are left, %llu objects taken, %llu returned",
		  totals->allocators, totals->slab_taken, totals->slab_returned);
}

/* Of the two that are the farthest from each other. */
static u64 slowest_hand_over(void)
{
	u64 slowest = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		slowest = max(slowest, pairs[cpu / 2].hand_over_ns);
	return slowest;
}

static void record(const struct sample *from, const struct sample *to,
		   unsigned int tries, u64 peak_bytes)
{
	int i;

	for (i = 0; i < COUNTERS; i++)
		printf("%s %llu\n", counter_names[i], to->counters[i] - from->counters[i]);
	printf("tries %u\npeak_bytes %llu\n", tries, peak_bytes);
	printf("hand_over_ns %llu\n", slowest_hand_over());
	printf("waiting %llu\nwaiting_peak %llu\nready %llu\npairs",
	       freed.waiting / freed.samples, freed.peak, freed.ready / freed.samples);
	for_each_possible_cpu(i)
		printf(" %llu", to->pairs[i] - from->pairs[i]);
	putchar('\n');
}

/* Cleared, and no other thread has a part of its cache lines. */
static void **pointers(unsigned int nr)
{
	size_t bytes = (nr * sizeof(void *) + APART - 1) / APART * APART;
	void **all = aligned_alloc(APART, bytes);

	if (!all)
		shim_fail("no memory for %u pointers", nr);
	return memset(all, 0, bytes);
}

static void begin(void)
{
	int cpu;

	if (run.flavor->ring)
		rings_create(ring_objects(), run.size);
	else if (bpf_mem_alloc_init(&run.ma, run.size, run.flavor->flags))
		shim_fail("no allocator of %u bytes to be had", run.size);
	memset(pairs, 0, sizeof(pairs));
	for_each_possible_cpu(cpu) {
		workers[cpu].pairs = 0;
		workers[cpu].objs = pointers(run.live);
	}
	__atomic_store_n(&run.stop, 0, __ATOMIC_RELAXED);
	cpus_start(shim_nr_cpus, work_on, false);
}

static void end(struct bpf_mem_alloc_totals *after)
{
	if (run.flavor->ring)
		rings_destroy();
	else
		bpf_mem_alloc_destroy(&run.ma);
	free_what_is_left();
	/* Until then a CPU may be called. */
	wait_until_home(after);
	cpus_stop();
}

/* Returns whether there is a result: on the last try, whatever it is. */
static bool measure(unsigned int msecs, unsigned int tries)
{
	struct bpf_mem_alloc_totals before, after;
	struct bpf_mem_alloc_stats stats;
	static struct sample from, to;
	bool done;

	read_totals(&before);
	begin();
	done = pass_time(WARM_UP_MS, tries < TRIES);
	memset(&freed, 0, sizeof(freed));
	take_sample(&from);
	done = done && pass_time(msecs, tries < TRIES);
	take_sample(&to);
	__atomic_store_n(&run.stop, 1, __ATOMIC_RELAXED);
	cpus_wait_idle();
	read_stats(&stats);
	end(&after);
	if (!done)
		return false;
	if (run.ring_auto && run.flavor->flags == BPF_MA_REUSE_AFTER_RCU_GP)
		run.ring = freed.waiting / freed.samples / shim_nr_cpus;
	record(&from, &to, tries, stats.peak_bytes);
	printf("slab %llu %llu\n\n", after.slab_taken - before.slab_taken,
	       after.slab_returned - before.slab_returned);
	fflush(stdout);
	return true;
}

/* ---- rows ---- */

static void set_row(char *row)
{
	char *live = strchr(row, '/');
	size_t i;

	if (!live || sscanf(live, "/%u", &run.live) != 1 || !run.live)
		goto bad;
	for (i = 0; i < ARRAY_SIZE(bench_cases); i++) {
		run.bench_case = &bench_cases[i];
		if (strlen(run.bench_case->name) == live - row &&
		    !memcmp(run.bench_case->name, row, live - row))
			return;
	}
bad:
	shim_fail("row '%s': accepted is CASE/LIVE", row);
}

/* Who comes first in one round comes after the other in the next. */
static const struct flavor *whose_turn(unsigned int round, unsigned int turn)
{
	const unsigned int last = ARRAY_SIZE(flavors) - 1;

	return &flavors[turn == last || round % 2 ? turn : last - 1 - turn];
}

static void run_row(char *row, unsigned int round, unsigned int msecs)
{
	unsigned int tries;
	size_t i;

	set_row(row);
	for (i = 0; i < ARRAY_SIZE(flavors); i++) {
		run.flavor = whose_turn(round, i);
		if (run.flavor->ring && !run.bench_case->ring_fn)
			continue;
		printf("round %u\ncase %s\nlive %u\nflavor %s\n", round,
		       run.bench_case->name, run.live, run.flavor->name);
		for (tries = 1; !measure(msecs, tries); tries++)
			usleep(REST_MS * 1000);
	}
}

static void set_ring(void)
{
	const char *ring = getenv("RING");

	run.ring_auto = ring && !strcmp(ring, "auto");
	if (!run.ring_auto)
		run.ring = env_number("RING", 0);
}

static void usage(FILE *to)
{
	fputs("Usage: pairs CASE/LIVE...\n"
	      "Called by bench/native/run; THREADS, SIZE, ROUNDS, MSECS and RING from the environment.\n",
	      to);
}

int main(int argc, char **argv)
{
	unsigned int rounds = env_number("ROUNDS", 5), msecs = env_number("MSECS", 1000);
	unsigned int round;
	int i;

	if (argc < 2 || argv[1][0] == '-') {
		bool help = argc == 2 && !strcmp(argv[1], "--help");

		usage(help ? stdout : stderr);
		return help ? 0 : 2;
	}
	run.size = env_number("SIZE", 96);
	set_ring();
	shim_nr_cpus = env_number("THREADS", 2);
	if (sched_getaffinity(0, sizeof(run.cores), &run.cores) ||
	    shim_nr_cpus > min(CPU_COUNT(&run.cores), SHIM_CPUS_MAX))
		shim_fail("there are no cores for %d threads", shim_nr_cpus);
	domain_register_thread();
	rcu_start();
	workers_start();
	for (round = 1; round <= rounds; round++)
		for (i = 1; i < argc; i++)
			run_row(argv[i], round, msecs);
	bpf_mem_alloc_exit();
	return 0;
}
