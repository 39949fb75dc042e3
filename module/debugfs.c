// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files in debugfs, directory bpf_ma: how user space makes, removes and
 * watches maps.
 *
 *   create      write "ID FLAVOR VALUE_SIZE MAX_ENTRIES"
 *   destroy     write "ID"
 *   maps        one line per map
 *   totals      sums since insmod, "NAME VALUE"
 *   allocators  one line per allocator
 *
 * One write is one command.  A command that is not understood changes nothing
 * and logs what would have been; other failures are the write's errno alone:
 * -EEXIST for an ID in use, -ENOENT for one that is not, -ENOMEM.
 */
#include <linux/ctype.h>
#include <linux/debugfs.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "debugfs.h"
#include "map.h"

#define LINE_MAX_LEN	127

static struct dentry *dir;
static bool poison_elems;	/* set before the first file exists */

/* ---- commands ---- */

/* The command in one write, without its newline; the caller kfree()s it. */
static char *read_line(const char *what, const char __user *ubuf, size_t len)
{
	char *line;

	if (len > LINE_MAX_LEN) {
		pr_err("%s: %zu bytes written, at most %d are accepted\n",
		       what, len, LINE_MAX_LEN);
		return ERR_PTR(-EINVAL);
	}
	line = memdup_user_nul(ubuf, len);
	if (IS_ERR(line))
		return line;
	if (len && line[len - 1] == '\n')
		line[--len] = '\0';
	if (strlen(line) != len || strchr(line, '\n')) {
		pr_err("%s: one line of text per write is accepted\n", what);
		kfree(line);
		return ERR_PTR(-EINVAL);
	}
	return line;
}

/* Split at blanks; returns how many words there are, of which @max are stored. */
static int split_words(char *line, char **words, int max)
{
	int nr = 0;
	char *word;

	while ((word = strsep(&line, " \t"))) {
		if (!*word)
			continue;
		if (nr < max)
			words[nr] = word;
		nr++;
	}
	return nr;
}

static int parse_u32(const char *what, const char *word, u32 min, u32 max, u32 *val)
{
	if (isdigit(word[0]) && !kstrtou32(word, 10, val) && *val >= min && *val <= max)
		return 0;
	pr_err("%s \"%*pE\": a number from %u to %u is accepted\n",
	       what, (int)strlen(word), word, min, max);
	return -EINVAL;
}

static int parse_flavor(const char *word, u32 *flavor)
{
	const char * const *names = bpf_ma_flavor_names;
	int i = match_string(names, BPF_MA_FLAVORS, word);

	BUILD_BUG_ON(BPF_MA_FLAVORS != 7);
	if (i < 0) {
		pr_err("create: FLAVOR \"%*pE\": %s, %s, %s, %s, %s, %s or %s is accepted\n",
		       (int)strlen(word), word, names[0], names[1], names[2],
		       names[3], names[4], names[5], names[6]);
		return -EINVAL;
	}
	*flavor = i;
	return 0;
}

static int create_map(char *line)
{
	u32 id, flavor, value_size, max_entries;
	char *words[4];

	if (split_words(line, words, 4) != 4) {
		pr_err("create: \"ID FLAVOR VALUE_SIZE MAX_ENTRIES\" is accepted\n");
		return -EINVAL;
	}
	if (parse_u32("create: ID", words[0], 0, BPF_MA_MAPS_MAX - 1, &id) ||
	    parse_flavor(words[1], &flavor) ||
	    parse_u32("create: VALUE_SIZE", words[2], 1, BPF_MA_VALUE_SIZE_MAX, &value_size) ||
	    parse_u32("create: MAX_ENTRIES", words[3], 1, BPF_MA_ENTRIES_MAX, &max_entries))
		return -EINVAL;

	return bpf_ma_create(id, flavor, value_size, max_entries, poison_elems);
}

static int destroy_map(char *line)
{
	char *words[1];
	u32 id;

	if (split_words(line, words, 1) != 1) {
		pr_err("destroy: \"ID\" is accepted\n");
		return -EINVAL;
	}
	if (parse_u32("destroy: ID", words[0], 0, BPF_MA_MAPS_MAX - 1, &id))
		return -EINVAL;
	return bpf_ma_destroy(id);
}

static ssize_t run_command(const char *what, int (*command)(char *line),
			   const char __user *ubuf, size_t len)
{
	char *line = read_line(what, ubuf, len);
	int err;

	if (IS_ERR(line))
		return PTR_ERR(line);
	err = command(line);
	kfree(line);
	return err ?: len;
}

static ssize_t create_write(struct file *file, const char __user *ubuf, size_t len,
			    loff_t *ppos)
{
	return run_command("create", create_map, ubuf, len);
}

static ssize_t destroy_write(struct file *file, const char __user *ubuf, size_t len,
			     loff_t *ppos)
{
	return run_command("destroy", destroy_map, ubuf, len);
}

static const struct file_operations create_fops = {
	.owner	= THIS_MODULE,
	.open	= simple_open,
	.write	= create_write,
	.llseek	= noop_llseek,
};

static const struct file_operations destroy_fops = {
	.owner	= THIS_MODULE,
	.open	= simple_open,
	.write	= destroy_write,
	.llseek	= noop_llseek,
};

/* ---- reports ---- */

static void show_map(struct bpf_ma_map *map, void *arg)
{
	seq_printf(arg, "%u %s %u %u %d\n", map->id, bpf_ma_flavor_names[map->flavor],
		   map->value_size, map->max_entries, atomic_read(&map->count));
}

static int maps_show(struct seq_file *m, void *unused)
{
	seq_puts(m, "id flavor value_size max_entries count\n");
	bpf_ma_for_each(show_map, m);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(maps);

static int totals_show(struct seq_file *m, void *unused)
{
	struct bpf_ma_totals t;

	bpf_ma_read_totals(&t);
	seq_printf(m, "maps_live %llu\n", t.maps_live);
	seq_printf(m, "allocators_live %llu\n", t.ma.allocators);
	seq_printf(m, "slab_taken %llu\n", t.ma.slab_taken);
	seq_printf(m, "slab_returned %llu\n", t.ma.slab_returned);
	seq_printf(m, "gp_normal %llu\n", t.ma.gp_normal);
	seq_printf(m, "gp_expedited %llu\n", t.ma.gp_expedited);
	seq_printf(m, "gp_trace %llu\n", t.ma.gp_trace);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(totals);

static void show_allocator(const struct bpf_mem_alloc_stats *s, void *arg)
{
	seq_printf(arg, "%llu %#x %u %llu %llu %llu %llu %llu %llu %llu %llu %llu %llu %llu %llu %llu %llu %llu\n",
		   s->id, s->flags, s->size, s->slab_taken, s->slab_returned, s->free,
		   s->wait_rcu, s->wait_trace, s->dead, s->slab_bytes, s->peak_bytes,
		   s->batches, s->refills, s->depot_gets, s->depot_puts, s->robbed,
		   s->failures, s->nested);
}

static int allocators_show(struct seq_file *m, void *unused)
{
	seq_puts(m, "id flags size slab_taken slab_returned free wait_rcu wait_trace dead slab_bytes peak_bytes batches refills depot_gets depot_puts robbed failures nested\n");
	bpf_mem_alloc_for_each(show_allocator, m);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(allocators);

/**
 * bpf_ma_debugfs_init() - make the files
 * @poison: whether maps poison elements that go back to slab
 *
 * User space can make maps as soon as this returns, or before.
 *
 * Return: 0 or a negative error.
 */
int bpf_ma_debugfs_init(bool poison)
{
	poison_elems = poison;
	dir = debugfs_create_dir("bpf_ma", NULL);
	if (IS_ERR(dir))
		return PTR_ERR(dir);
	debugfs_create_file("create", 0200, dir, NULL, &create_fops);
	debugfs_create_file("destroy", 0200, dir, NULL, &destroy_fops);
	debugfs_create_file("maps", 0400, dir, NULL, &maps_fops);
	debugfs_create_file("totals", 0400, dir, NULL, &totals_fops);
	debugfs_create_file("allocators", 0400, dir, NULL, &allocators_fops);
	return 0;
}

/**
 * bpf_ma_debugfs_exit() - remove the files and wait for their users
 */
void bpf_ma_debugfs_exit(void)
{
	debugfs_remove(dir);
}
