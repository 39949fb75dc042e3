// SPDX-License-Identifier: GPL-2.0-only
/*
 * Suite guarantee-context: allocation and free work in hard and soft
 * interrupts, with interrupts off, and across a migration; where the refill
 * can run, an allocation does not return NULL.
 */
#include <linux/delay.h>
#include <linux/hrtimer.h>
#include <linux/kthread.h>
#include <linux/sched.h>

#include "test.h"

#define SIZE		56
#define IN_IRQ		16	/* fewer than a CPU's low watermark */
/*
 * From interrupt to interrupt there has to be time for a refill.  On PREEMPT_RT
 * that is a thread, which the interrupts interrupt as well.
 */
#define PERIOD		((IS_ENABLED(CONFIG_PREEMPT_RT) ? 1000 : 100) * NSEC_PER_USEC)

/*
 * Allocations of @n interrupts that may find nothing: none, but on PREEMPT_RT, where
 * the thread may wait for a lock that a CPU holds which its host does not run, and
 * an interrupt cannot wait.
 */
#define MAY_FAIL(n)	(IS_ENABLED(CONFIG_PREEMPT_RT) ? (n) * IN_IRQ / 100 : 0)

struct context {
	const struct ma_flavor *flavor;
	struct bpf_mem_alloc ma;
	struct hrtimer timer;
	bool stop;
	atomic_t runs;
	atomic_t interrupts;
	atomic_t nulls;
	atomic_t interrupt_nulls;
};

static struct context *context_new(struct ma_run *run)
{
	struct context *c = kzalloc(sizeof(*c), GFP_KERNEL);

	if (!MA_CHECK(run, c, "no memory"))
		return NULL;
	c->flavor = run->flavor;
	if (ma_setup(run, &c->ma, SIZE))
		return c;
	kfree(c);
	return NULL;
}

static void context_end(struct context *c)
{
	bpf_mem_alloc_destroy(&c->ma);
	kfree(c);
}

static void take_and_give(struct context *c, int n)
{
	void *objs[IN_IRQ];
	int i;

	for (i = 0; i < n; i++) {
		objs[i] = bpf_mem_cache_alloc(&c->ma);
		if (!objs[i])
			atomic_inc(in_task() ? &c->nulls : &c->interrupt_nulls);
	}
	for (i = 0; i < n; i++)
		if (objs[i])
			ma_free(c->flavor, &c->ma, objs[i]);
	atomic_inc(&c->runs);
}

/* Objects for the first interrupt: an allocator starts with a few per CPU. */
static int warm_up(void *arg)
{
	struct context *c = arg;

	take_and_give(c, 8);
	msleep(20);
	return 0;
}

/*
 * On PREEMPT_RT the refill is a thread, too, which waits for locks of slab; without a
 * pause, this one takes more than slab can give, and an interrupt finds nothing left.
 */
static int task_load(void *arg)
{
	struct context *c = arg;

	while (!kthread_should_stop()) {
		take_and_give(c, 8);
		if (IS_ENABLED(CONFIG_PREEMPT_RT))
			usleep_range(20, 50);
		else
			cond_resched();
	}
	return 0;
}

/* ---- interrupts ---- */

static enum hrtimer_restart timer_fn(struct hrtimer *timer)
{
	struct context *c = container_of(timer, struct context, timer);

	take_and_give(c, IN_IRQ);
	atomic_inc(&c->interrupts);
	/* From now on, or on a slow machine the next one would follow at once. */
	hrtimer_set_expires(timer, ktime_add_ns(ktime_get(), ma_stretch(PERIOD)));
	return READ_ONCE(c->stop) ? HRTIMER_NORESTART : HRTIMER_RESTART;
}

/* The timer interrupts a thread that does the same on its CPU. */
static void interrupt_threads(struct ma_run *run, enum hrtimer_mode mode)
{
	struct context *c = context_new(run);
	struct task_struct *threads[2] = {};
	unsigned long deadline = ma_deadline(5);
	int cpu, i, n = 0;

	if (!c)
		return;
	for_each_online_cpu(cpu) {
		ma_run_on(cpu, warm_up, c);
		if (n < ARRAY_SIZE(threads))
			threads[n++] = ma_thread_start(cpu, task_load, c);
	}
	hrtimer_init(&c->timer, CLOCK_MONOTONIC, mode);
	c->timer.function = timer_fn;
	hrtimer_start(&c->timer, ns_to_ktime(0), mode);
	do
		msleep(500);
	while (atomic_read(&c->interrupts) <= 100 && time_before(jiffies, deadline));
	WRITE_ONCE(c->stop, true);
	hrtimer_cancel(&c->timer);
	for (i = 0; i < n; i++)
		MA_CHECK(run, !ma_thread_stop(threads[i]), "thread %d", i);
	ma_note(run, "%d interrupts, %d runs", atomic_read(&c->interrupts),
		atomic_read(&c->runs));
	MA_CHECK(run, !atomic_read(&c->nulls), "%d times NULL in %d runs",
		 atomic_read(&c->nulls), atomic_read(&c->runs));
	MA_CHECK(run, atomic_read(&c->interrupt_nulls) <= MAY_FAIL(atomic_read(&c->interrupts)),
		 "%d times NULL in %d interrupts", atomic_read(&c->interrupt_nulls),
		 atomic_read(&c->interrupts));
	MA_CHECK(run, atomic_read(&c->interrupts) > 100, "%d interrupts",
		 atomic_read(&c->interrupts));
	context_end(c);
}

static void hardirq(struct ma_run *run)
{
	interrupt_threads(run, HRTIMER_MODE_REL_HARD);
}

static void softirq(struct ma_run *run)
{
	interrupt_threads(run, HRTIMER_MODE_REL_SOFT);
}

/* ---- interrupts off ---- */

static void irqs_off(struct ma_run *run)
{
	struct context *c = context_new(run);
	unsigned long flags;
	int n, got = 0;
	void **objs;

	objs = kcalloc(4096, sizeof(*objs), GFP_KERNEL);
	if (!c || !MA_CHECK(run, objs, "no memory"))
		goto out;
	for (n = 0; n < 1000; n++) {
		local_irq_save(flags);
		take_and_give(c, 4);
		local_irq_restore(flags);
	}
	MA_CHECK(run, !atomic_read(&c->nulls), "%d times NULL", atomic_read(&c->nulls));
	/* No refill can come: the list runs out, and that is all that happens. */
	local_irq_save(flags);
	while (got < 4096 && (objs[got] = bpf_mem_cache_alloc(&c->ma)))
		got++;
	local_irq_restore(flags);
	MA_CHECK(run, got < 4096, "%d objects without a refill", got);
	objs[got] = bpf_mem_cache_alloc(&c->ma);
	if (MA_CHECK(run, objs[got], "NULL with interrupts on again"))
		got++;
	while (got)
		ma_free(c->flavor, &c->ma, objs[--got]);
out:
	kfree(objs);
	if (c)
		context_end(c);
}

/* ---- threads ---- */

static int migrate_fn(void *arg)
{
	struct context *c = arg;
	int cpu, n;
	void *obj;

	for (n = 0; n < 200; n++) {
		obj = bpf_mem_cache_alloc(&c->ma);
		if (!obj)
			atomic_inc(&c->nulls);
		for_each_online_cpu(cpu) {
			if (cpu == raw_smp_processor_id())
				continue;
			set_cpus_allowed_ptr(current, cpumask_of(cpu));
			break;
		}
		if (obj)
			ma_free(c->flavor, &c->ma, obj);
	}
	return 0;
}

static void migration(struct ma_run *run)
{
	struct context *c;

	if (num_online_cpus() < 2) {
		ma_skip(run, "needs two CPUs");
		return;
	}
	c = context_new(run);
	if (!c)
		return;
	ma_run_on(-1, migrate_fn, c);
	MA_CHECK(run, !atomic_read(&c->nulls), "%d times NULL", atomic_read(&c->nulls));
	context_end(c);
}

#define ALLOCS	100000
#define PIPE	1024

struct pipe {
	struct context *c;
	void *objs[PIPE];
	unsigned int head, tail;
};

static int pipe_free(void *arg)
{
	struct pipe *p = arg;

	while (p->tail < ALLOCS) {
		/* pairs with the release in pipe_alloc(): the slot is filled */
		if (p->tail == smp_load_acquire(&p->head)) {
			cond_resched();
			continue;
		}
		ma_free(p->c->flavor, &p->c->ma, p->objs[p->tail % PIPE]);
		/* pairs with the acquire in pipe_alloc(): the slot is read */
		smp_store_release(&p->tail, p->tail + 1);
	}
	return 0;
}

/* Returns how many of its allocations were NULL. */
static int pipe_alloc(void *arg)
{
	struct pipe *p = arg;
	int nulls = 0;

	while (p->head < ALLOCS) {
		void *obj;

		/* pairs with the release in pipe_free(): the slot may be filled */
		if (p->head - smp_load_acquire(&p->tail) == PIPE) {
			cond_resched();
			continue;
		}
		obj = bpf_mem_cache_alloc(&p->c->ma);
		if (!obj && ++nulls < 1000)
			continue;
		p->objs[p->head % PIPE] = obj;
		/* pairs with the acquire in pipe_free(): the slot can be read */
		smp_store_release(&p->head, p->head + 1);
	}
	return nulls;
}

/* One CPU only allocates and the other only frees: nothing balances by itself. */
static void never_null(struct ma_run *run)
{
	int cpu, other, nulls;
	struct task_struct *task;
	struct pipe *p;

	cpu = cpumask_first(cpu_online_mask);
	other = ma_other_cpu(cpu);
	if (other < 0) {
		ma_skip(run, "needs two CPUs");
		return;
	}
	p = kvzalloc(sizeof(*p), GFP_KERNEL);
	if (!MA_CHECK(run, p, "no memory"))
		return;
	p->c = context_new(run);
	if (p->c) {
		task = ma_thread_start(other, pipe_free, p);
		nulls = ma_run_on(cpu, pipe_alloc, p);
		ma_thread_stop(task);
		MA_CHECK(run, !nulls, "%d of %d allocations were NULL", nulls, ALLOCS);
		context_end(p->c);
	}
	kvfree(p);
}

static const struct ma_test tests[] = {
	MA_TEST_EACH_FLAVOR(hardirq),
	MA_TEST_EACH_FLAVOR(softirq),
	MA_TEST_EACH_FLAVOR(irqs_off),
	MA_TEST_EACH_FLAVOR(migration),
	MA_TEST_EACH_FLAVOR(never_null),
};

const struct ma_suite ma_context_suite = {
	.name = "guarantee-context",
	.tests = tests,
	.nr = ARRAY_SIZE(tests),
};
