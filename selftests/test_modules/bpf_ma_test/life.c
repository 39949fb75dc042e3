// SPDX-License-Identifier: GPL-2.0-only
/*
 * Suite api: how objects leave an allocator: frees of nothing, raw frees before
 * and after the destroy, the destructor.
 */
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/percpu.h>
#include <linux/slab.h>

#include "test.h"

static void free_nothing(struct ma_run *run)
{
	struct bpf_mem_alloc ma;

	if (!ma_setup(run, &ma, 0))
		return;
	bpf_mem_free(&ma, NULL);
	bpf_mem_free_rcu(&ma, NULL);
	bpf_mem_alloc_destroy(&ma);
	if (!ma_setup(run, &ma, 64))
		return;
	bpf_mem_cache_free(&ma, NULL);
	bpf_mem_cache_free_rcu(&ma, NULL);
	bpf_mem_cache_raw_free(NULL);
	bpf_mem_alloc_destroy(&ma);
}

static void raw_free(struct ma_run *run)
{
	struct bpf_mem_alloc_stats before, after;
	struct bpf_mem_alloc_totals others, t;
	struct bpf_mem_alloc ma;
	void *early, *late;
	unsigned long deadline;
	u64 missing;

	bpf_mem_alloc_read_totals(&others);
	if (!ma_setup(run, &ma, 64))
		return;
	early = bpf_mem_cache_alloc(&ma);
	late = bpf_mem_cache_alloc(&ma);
	ma_settle(&ma, &before, 2);
	bpf_mem_cache_raw_free(early);
	bpf_mem_alloc_read_stats(&ma, &after);
	MA_CHECK(run, after.slab_returned == before.slab_returned + 1,
		 "%llu returned before, %llu after", before.slab_returned, after.slab_returned);

	/* The one object that may outlive the handle keeps the rest alive. */
	deadline = ma_deadline(10);
	bpf_mem_alloc_destroy(&ma);
	do {
		msleep(20);
		bpf_mem_alloc_read_totals(&t);
		missing = t.slab_taken - t.slab_returned - others.slab_taken +
			  others.slab_returned;
	} while (missing > 1 && time_before(jiffies, deadline));
	/* Time for what must not happen. */
	msleep(200);
	bpf_mem_alloc_read_totals(&t);
	MA_CHECK(run, t.allocators == others.allocators + 1, "%llu allocators, %llu before",
		 t.allocators, others.allocators);
	MA_CHECK(run, missing == 1, "%llu objects missing, and one is out", missing);
	bpf_mem_cache_raw_free(late);
}

/* ---- destructor ---- */

#define LIVE	0x11ce11ce11ce11ceULL
#define DEAD	0xdeaddeaddeaddeadULL

struct dtor_log {
	atomic_t calls;
	atomic_t twice;		/* for an object that it had been called for */
	atomic_t strange;	/* neither one of ours nor zeroed */
	atomic_t late;		/* after the context was freed */
	atomic_t ctx_freed;
};

static void log_dtor(struct dtor_log *log, u64 *obj)
{
	atomic_inc(&log->calls);
	if (*obj == DEAD)
		atomic_inc(&log->twice);
	else if (*obj && *obj != LIVE)
		atomic_inc(&log->strange);
	if (atomic_read(&log->ctx_freed))
		atomic_inc(&log->late);
	*obj = DEAD;
}

static void fixed_dtor(void *obj, void *ctx)
{
	log_dtor(ctx, obj);
}

static void percpu_dtor(void *obj, void *ctx)
{
	log_dtor(ctx, per_cpu_ptr(*(void __percpu **)obj, 0));
}

static void free_ctx(void *ctx)
{
	struct dtor_log *log = ctx;

	atomic_inc(&log->ctx_freed);
}

static void check_log(struct ma_run *run, struct dtor_log *log, u64 returned)
{
	MA_CHECK(run, atomic_read(&log->calls) == returned, "%d calls for %llu objects",
		 atomic_read(&log->calls), returned);
	MA_CHECK(run, !atomic_read(&log->twice), "%d objects twice", atomic_read(&log->twice));
	MA_CHECK(run, !atomic_read(&log->strange), "%d wrong addresses",
		 atomic_read(&log->strange));
	MA_CHECK(run, !atomic_read(&log->late), "%d calls after the context was freed",
		 atomic_read(&log->late));
	MA_CHECK(run, atomic_read(&log->ctx_freed) == 1, "context freed %d times",
		 atomic_read(&log->ctx_freed));
}

#define DTOR_OBJS	600

static void run_dtor(struct ma_run *run, unsigned int flags,
		     void (*dtor)(void *obj, void *ctx), u64 *(*word)(void *obj))
{
	struct bpf_mem_alloc_totals home;
	struct dtor_log log = {};
	struct bpf_mem_alloc ma;
	void **objs;
	int n, err;

	objs = kvcalloc(DTOR_OBJS, sizeof(*objs), GFP_KERNEL);
	err = bpf_mem_alloc_init(&ma, 64, run->flavor->flags | flags);
	if (!MA_CHECK(run, objs && !err, "set-up: %d", err))
		goto out;
	bpf_mem_alloc_set_dtor(&ma, dtor, free_ctx, &log);
	for (n = 0; n < DTOR_OBJS; n++) {
		objs[n] = bpf_mem_cache_alloc(&ma);
		if (objs[n])
			*word(objs[n]) = LIVE;
	}
	for (n = 0; n < DTOR_OBJS; n++) {
		if (n % 100 == 7)
			bpf_mem_cache_raw_free(objs[n]);
		else if (objs[n])
			ma_free(run->flavor, &ma, objs[n]);
	}
	bpf_mem_alloc_destroy(&ma);
	if (MA_CHECK(run, ma_all_home(&home), "not everything came back"))
		check_log(run, &log, home.slab_returned);
out:
	kvfree(objs);
}

static u64 *fixed_word(void *obj)
{
	return obj;
}

static u64 *percpu_word(void *obj)
{
	return per_cpu_ptr(*(void __percpu **)obj, 0);
}

static void destructor(struct ma_run *run)
{
	run_dtor(run, 0, fixed_dtor, fixed_word);
}

static void percpu_destructor(struct ma_run *run)
{
	run_dtor(run, BPF_MA_PERCPU, percpu_dtor, percpu_word);
}

/* Without a context to free there is nothing to call at the end. */
static void destructor_without_ctx(struct ma_run *run)
{
	struct dtor_log log = {};
	struct bpf_mem_alloc_totals t;
	struct bpf_mem_alloc ma;

	if (!ma_setup(run, &ma, 64))
		return;
	bpf_mem_alloc_set_dtor(&ma, fixed_dtor, NULL, &log);
	bpf_mem_cache_free(&ma, bpf_mem_cache_alloc(&ma));
	bpf_mem_alloc_destroy(&ma);
	ma_all_home(&t);
	MA_CHECK(run, atomic_read(&log.calls), "not called");
}

static const struct ma_test tests[] = {
	MA_TEST(free_nothing),
	MA_TEST_EACH_FLAVOR(raw_free),
	MA_TEST_EACH_FLAVOR(destructor),
	MA_TEST_EACH_FLAVOR(percpu_destructor),
	MA_TEST(destructor_without_ctx),
};

const struct ma_suite ma_life_suite = {
	.name = "api",
	.tests = tests,
	.nr = ARRAY_SIZE(tests),
};
