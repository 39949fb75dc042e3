// SPDX-License-Identifier: GPL-2.0-only
/*
 * Suite guarantee-reuse: readers hold objects for a random while, on every CPU,
 * as writers in threads and in hard interrupts replace them. Finds what goes
 * wrong between two batches, two CPUs or two grace periods.
 */
#include <linux/delay.h>
#include <linux/hrtimer.h>
#include <linux/kthread.h>
#include <linux/random.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>

#include "test.h"

#define SLOTS		64
#define SECONDS_MAX	10
#define IRQ_PERIOD_NS	(200 * NSEC_PER_USEC)

struct obj {
	u64 slot;
	u64 gen;
	u64 copy;	/* of gen, at the other end */
};

struct stress {
	const struct ma_flavor *flavor;
	struct bpf_mem_alloc ma;
	struct obj *slots[SLOTS];
	atomic64_t gen;
	atomic_t reads;
	atomic_t writes;
	atomic_t changed;
	struct hrtimer timer;
};

static void replace(struct stress *s, u32 i)
{
	struct obj *obj = bpf_mem_cache_alloc(&s->ma);

	if (!obj)
		return;
	obj->slot = i;
	obj->gen = atomic64_inc_return(&s->gen);
	obj->copy = obj->gen;
	obj = xchg(&s->slots[i], obj);
	if (obj)
		ma_free(s->flavor, &s->ma, obj);
	atomic_inc(&s->writes);
}

static int writer(void *arg)
{
	u32 n, seed = get_random_u32();
	struct stress *s = arg;

	while (!kthread_should_stop()) {
		for (n = 0; n < 100; n++)
			replace(s, ma_random(&seed) % SLOTS);
		cond_resched();
	}
	return 0;
}

static enum hrtimer_restart write_in_irq(struct hrtimer *timer)
{
	struct stress *s = container_of(timer, struct stress, timer);
	u32 n, seed = ktime_get_ns();

	for (n = 0; n < 8; n++)
		replace(s, ma_random(&seed) % SLOTS);
	hrtimer_forward_now(timer, ns_to_ktime(IRQ_PERIOD_NS));
	return HRTIMER_RESTART;
}

static bool changes(const struct obj *obj, u32 i, unsigned int hold_us)
{
	u64 gen = READ_ONCE(obj->gen);

	if (READ_ONCE(obj->slot) != i || READ_ONCE(obj->copy) != gen)
		return true;
	udelay(hold_us);
	return READ_ONCE(obj->gen) != gen || READ_ONCE(obj->slot) != i ||
	       READ_ONCE(obj->copy) != gen;
}

static int reader(void *arg)
{
	u32 seed = get_random_u32();
	struct stress *s = arg;

	while (!kthread_should_stop()) {
		u32 i = ma_random(&seed) % SLOTS;
		struct obj *obj;

		rcu_read_lock();
		/* pairs with xchg() in replace(): the object is filled in */
		obj = smp_load_acquire(&s->slots[i]);
		if (obj && changes(obj, i, ma_random(&seed) % 1000))
			atomic_inc(&s->changed);
		rcu_read_unlock();
		atomic_inc(&s->reads);
		cond_resched();
	}
	return 0;
}

static bool did_enough(const struct stress *s)
{
	return atomic_read(&s->reads) > 100 && atomic_read(&s->writes) > 1000;
}

/* For a second, or on a slow machine for as long as it takes. */
static void run_threads(struct ma_run *run, struct stress *s)
{
	struct task_struct *threads[8];
	int cpu, i, n = 0, secs = 0;

	for_each_online_cpu(cpu) {
		if (n + 2 > ARRAY_SIZE(threads))
			break;
		threads[n++] = ma_thread_start(cpu, reader, s);
		threads[n++] = ma_thread_start(cpu, writer, s);
	}
	hrtimer_init(&s->timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
	s->timer.function = write_in_irq;
	hrtimer_start(&s->timer, ns_to_ktime(IRQ_PERIOD_NS), HRTIMER_MODE_REL_HARD);
	do {
		ssleep(1);
	} while (++secs < SECONDS_MAX && !did_enough(s));
	hrtimer_cancel(&s->timer);
	for (i = 0; i < n; i++)
		MA_CHECK(run, !ma_thread_stop(threads[i]), "thread %d", i);
}

static void random_holds(struct ma_run *run)
{
	struct stress *s = kzalloc(sizeof(*s), GFP_KERNEL);
	int i, changed;

	if (!MA_CHECK(run, s, "no memory"))
		return;
	s->flavor = run->flavor;
	if (!ma_setup(run, &s->ma, sizeof(struct obj)))
		goto out;
	run_threads(run, s);
	for (i = 0; i < SLOTS; i++)
		if (s->slots[i])
			ma_free(run->flavor, &s->ma, s->slots[i]);
	bpf_mem_alloc_destroy(&s->ma);

	changed = atomic_read(&s->changed);
	ma_note(run, "%d reads, %d writes, %d objects changed under their reader",
		atomic_read(&s->reads), atomic_read(&s->writes), changed);
	if (run->flavor == &ma_flavors[MA_NORMAL])
		MA_CHECK(run, changed, "no reader saw reuse: nothing was provoked");
	else
		MA_CHECK(run, !changed, "%d of %d objects changed under their reader", changed,
			 atomic_read(&s->reads));
	MA_CHECK(run, did_enough(s), "%d reads, %d writes in %d s", atomic_read(&s->reads),
		 atomic_read(&s->writes), SECONDS_MAX);
out:
	kfree(s);
}

static const struct ma_test tests[] = {
	MA_TEST_EACH_FLAVOR(random_holds),
};

const struct ma_suite ma_reuse_stress_suite = {
	.name = "guarantee-reuse",
	.tests = tests,
	.nr = ARRAY_SIZE(tests),
};
