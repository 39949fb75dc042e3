// SPDX-License-Identifier: GPL-2.0-only
/*
 * The test module's files in debugfs, directory bpf_ma_test: user space asks
 * for one test at a time, so that it runs in the memory cgroup, with the
 * affinity and at the moment that the asker chose.
 *
 *   list    "SUITE TEST", one line per test
 *   run     write "SUITE TEST": runs it
 *   step    write a line of steps.c
 *   stress  write a line of stress.c; read its counters
 *   missing objects taken from slab that have not gone back
 *   result  of the last run or step: "ok", "skip" or "fail", and a text
 */
#include <linux/bitops.h>
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "module/allocator.h"
#include "test.h"

static const struct ma_suite * const suites[] = {
	&ma_init_suite, &ma_sizes_suite, &ma_percpu_suite, &ma_life_suite,
	&ma_stats_suite, &ma_reuse_suite, &ma_reuse_stress_suite,
	&ma_nested_suite, &ma_slab_suite, &ma_lost_suite, &ma_hotplug_suite,
	&ma_context_suite, &ma_nmi_suite,
};

static DEFINE_MUTEX(run_lock);	/* one test at a time; protects result */
static char result[256];
static struct dentry *dir;

/* ---- results ---- */

void ma_fail(struct ma_run *run, const char *cond, int line, const char *fmt, ...)
{
	va_list args;
	int n;

	if (run->failed)
		return;
	run->failed = true;
	n = scnprintf(run->text, sizeof(run->text), "line %d: not %s: ", line, cond);
	va_start(args, fmt);
	vscnprintf(run->text + n, sizeof(run->text) - n, fmt, args);
	va_end(args);
}

void ma_note(struct ma_run *run, const char *fmt, ...)
{
	va_list args;

	if (run->failed)
		return;
	va_start(args, fmt);
	vscnprintf(run->text, sizeof(run->text), fmt, args);
	va_end(args);
}

void ma_skip(struct ma_run *run, const char *fmt, ...)
{
	va_list args;

	run->skipped = true;
	va_start(args, fmt);
	vscnprintf(run->text, sizeof(run->text), fmt, args);
	va_end(args);
}

/* ---- running ---- */

typedef bool (*test_visitor)(const char *suite, const char *name, const struct ma_test *test,
			     const struct ma_flavor *flavor, void *arg);

/*
 * Calls @fn for every test and flavor, until it returns false: with the names
 * of the suite and, in full, of the test.
 */
static void walk_tests(test_visitor fn, void *arg)
{
	const struct ma_test *test;
	char name[64];
	int i, j, f;

	for (i = 0; i < ARRAY_SIZE(suites); i++) {
		for (j = 0; j < suites[i]->nr; j++) {
			test = &suites[i]->tests[j];
			if (!test->flavors && !fn(suites[i]->name, test->name, test, NULL, arg))
				return;
			for_each_set_bit(f, &test->flavors, MA_NR_FLAVORS) {
				scnprintf(name, sizeof(name), "%s:%s", test->name,
					  ma_flavors[f].name);
				if (!fn(suites[i]->name, name, test, &ma_flavors[f], arg))
					return;
			}
		}
	}
}

struct wanted {
	const char *suite;
	const char *name;
	const struct ma_test *test;
	const struct ma_flavor *flavor;
};

static bool is_wanted(const char *suite, const char *name, const struct ma_test *test,
		      const struct ma_flavor *flavor, void *arg)
{
	struct wanted *wanted = arg;

	if (strcmp(suite, wanted->suite) || strcmp(name, wanted->name))
		return true;
	wanted->test = test;
	wanted->flavor = flavor;
	return false;
}

/* Every test destroys its allocators: after each, nothing may be missing. */
static void check_home(struct ma_run *run)
{
	struct bpf_mem_alloc_totals t;

	MA_CHECK(run, ma_all_home(&t), "%llu allocators left, %llu taken, %llu returned",
		 t.allocators, t.slab_taken, t.slab_returned);
}

static int run_test(char *line)
{
	struct wanted wanted = { .suite = strsep(&line, " "), .name = line ?: "" };
	struct ma_run run = {};

	walk_tests(is_wanted, &wanted);
	if (!wanted.test) {
		pr_err("run: \"SUITE TEST\" of the file list is accepted\n");
		return -ENOENT;
	}
	run.flavor = wanted.flavor;
	ma_mark_home();
	wanted.test->fn(&run);
	check_home(&run);
	scnprintf(result, sizeof(result), "%s %s\n",
		  run.failed ? "fail" : run.skipped ? "skip" : "ok", run.text);
	return 0;
}

static int run_step(char *line)
{
	return ma_step(line, result, sizeof(result));
}

/* ---- files ---- */

static ssize_t run_line(int (*fn)(char *line), const char __user *ubuf, size_t len)
{
	char *line;
	int err;

	if (len > 127)
		return -EINVAL;
	line = memdup_user_nul(ubuf, len);
	if (IS_ERR(line))
		return PTR_ERR(line);
	mutex_lock(&run_lock);
	err = fn(strim(line));
	mutex_unlock(&run_lock);
	kfree(line);
	return err ?: len;
}

static ssize_t stress_write(struct file *file, const char __user *ubuf, size_t len,
			    loff_t *ppos)
{
	return run_line(ma_stress, ubuf, len);
}

static ssize_t run_write(struct file *file, const char __user *ubuf, size_t len,
			 loff_t *ppos)
{
	return run_line(run_test, ubuf, len);
}

static ssize_t step_write(struct file *file, const char __user *ubuf, size_t len,
			  loff_t *ppos)
{
	return run_line(run_step, ubuf, len);
}

static const struct file_operations run_fops = {
	.owner	= THIS_MODULE,
	.open	= simple_open,
	.write	= run_write,
};

static const struct file_operations step_fops = {
	.owner	= THIS_MODULE,
	.open	= simple_open,
	.write	= step_write,
};

static bool show_test(const char *suite, const char *name, const struct ma_test *test,
		      const struct ma_flavor *flavor, void *arg)
{
	seq_printf(arg, "%s %s\n", suite, name);
	return true;
}

static int list_show(struct seq_file *m, void *unused)
{
	walk_tests(show_test, m);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(list);

static int missing_show(struct seq_file *m, void *unused)
{
	struct bpf_mem_alloc_totals t;

	bpf_mem_alloc_read_totals(&t);
	seq_printf(m, "%llu\n", t.slab_taken - t.slab_returned);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(missing);

static int result_show(struct seq_file *m, void *unused)
{
	mutex_lock(&run_lock);
	seq_puts(m, result);
	mutex_unlock(&run_lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(result);

static int stress_show(struct seq_file *m, void *unused)
{
	ma_stress_show(m);
	return 0;
}

static int stress_open(struct inode *inode, struct file *file)
{
	return single_open(file, stress_show, NULL);
}

static const struct file_operations stress_fops = {
	.owner	 = THIS_MODULE,
	.open	 = stress_open,
	.read	 = seq_read,
	.write	 = stress_write,
	.llseek	 = seq_lseek,
	.release = single_release,
};

static int __init ma_test_init(void)
{
	dir = debugfs_create_dir("bpf_ma_test", NULL);
	if (IS_ERR(dir))
		return PTR_ERR(dir);
	debugfs_create_file("list", 0400, dir, NULL, &list_fops);
	debugfs_create_file("missing", 0400, dir, NULL, &missing_fops);
	debugfs_create_file("result", 0400, dir, NULL, &result_fops);
	debugfs_create_file("run", 0200, dir, NULL, &run_fops);
	debugfs_create_file("step", 0200, dir, NULL, &step_fops);
	debugfs_create_file("stress", 0600, dir, NULL, &stress_fops);
	return 0;
}

static void __exit ma_test_exit(void)
{
	struct bpf_mem_alloc_totals t;

	debugfs_remove(dir);
	ma_steps_exit();
	ma_stress_exit();
	bpf_mem_alloc_exit();
	bpf_mem_alloc_read_totals(&t);
	WARN(t.slab_taken != t.slab_returned, "%llu objects taken from slab, %llu returned\n",
	     t.slab_taken, t.slab_returned);
}

module_init(ma_test_init);
module_exit(ma_test_exit);
MODULE_DESCRIPTION("Tests of the BPF memory allocator's interface");
MODULE_LICENSE("GPL");
