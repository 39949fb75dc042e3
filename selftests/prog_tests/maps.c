// SPDX-License-Identifier: GPL-2.0-only
/*
 * Drives the module under test: its files in debugfs, and its map through the
 * programs of map_ops.bpf.c.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "map_ops.skel.h"
#include "test_progs.h"

#define DIR	DEBUGFS "bpf_ma/"

const char * const flavors[NR_FLAVORS] = {
	"normal", "reuse-after-rcu-gp", "free-after-rcu-gp", "free-rcu",
	"none", "call-rcu-free",
};

/* ---- debugfs ---- */

int map_create(unsigned int id, const char *flavor, unsigned int value_size,
	       unsigned int max_entries)
{
	return write_file(DIR "create", "%u %s %u %u\n", id, flavor, value_size, max_entries);
}

int map_destroy(unsigned int id)
{
	return write_file(DIR "destroy", "%u\n", id);
}

/* -1 when there is no such line. */
long long module_total(const char *name)
{
	char buf[1024], *line, *save = NULL;
	size_t len = strlen(name);

	if (read_file(DIR "totals", buf, sizeof(buf)) < 0)
		return -1;
	for (line = strtok_r(buf, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (!strncmp(line, name, len) && line[len] == ' ')
			return atoll(line + len);
	return -1;
}

bool allocator_stats(struct allocator_stats *s)
{
	unsigned long long *field = &s->id;
	char buf[16384], *line, *end;
	unsigned int i;

	if (!CHECK(read_file(DIR "allocators", buf, sizeof(buf)) > 0, "no statistics"))
		return false;
	buf[strlen(buf) - 1] = '\0';
	line = strrchr(buf, '\n');
	end = line ? line + 1 : buf;
	for (i = 0; i < sizeof(*s) / sizeof(*field); i++)
		field[i] = strtoull(end, &end, 0);
	return CHECK(line && !*end, "line of statistics '%s'", line ? line : buf);
}

bool all_home(void)
{
	uint64_t deadline = deadline_ms(15000);

	do {
		if (!module_total("maps_live") && !module_total("allocators_live") &&
		    module_total("slab_taken") == module_total("slab_returned"))
			return true;
		sleep_ms(20);
	} while (now_ms() < deadline);
	return false;
}

void check_all_home(void)
{
	CHECK(all_home(), "%lld maps and %lld allocators left, %lld objects taken, %lld returned",
	      module_total("maps_live"), module_total("allocators_live"),
	      module_total("slab_taken"), module_total("slab_returned"));
}

/* ---- operations ---- */

static struct map_ops_bpf *map_ops;

/* Whether a program can take RCU's lock. */
bool has_rcu_lock(void)
{
	struct btf *btf = btf__load_vmlinux_btf();
	bool has = btf__find_by_name_kind(btf, "bpf_rcu_read_lock", BTF_KIND_FUNC) > 0;

	btf__free(btf);
	return has;
}

bool map_ops_load(void)
{
	if (map_ops)
		return true;
	map_ops = map_ops_bpf__open();
	if (!CHECK(map_ops, "map_ops.bpf.c: %s", strerror(errno)))
		return false;
	map_ops->rodata->has_rcu_lock = has_rcu_lock();
	if (CHECK(!map_ops_bpf__load(map_ops), "map_ops.bpf.c does not load: %s",
		  strerror(errno)))
		return true;
	map_ops_unload();
	return false;
}

void map_ops_unload(void)
{
	map_ops_bpf__destroy(map_ops);
	map_ops = NULL;
}

/* 0, or a negative errno when the program could not run. */
int run_prog(int fd, void *ctx, size_t size)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = ctx, .ctx_size_in = size);

	return bpf_prog_test_run_opts(fd, &opts) ? -errno : 0;
}

static int run_op(const struct bpf_program *prog, struct map_op *op)
{
	if (run_prog(bpf_program__fd(prog), op, sizeof(*op)))
		return -ENOEXEC;
	return op->err;
}

int map_update(struct map_op *op)
{
	op->count = 1;
	return run_op(map_ops->progs.update, op);
}

int map_delete(struct map_op *op)
{
	op->count = 1;
	return run_op(map_ops->progs.delete, op);
}

int map_lookup(struct map_op *op)
{
	return run_op(map_ops->progs.lookup, op);
}

int map_iterate(struct map_op *op)
{
	return run_op(map_ops->progs.iterate, op);
}

int map_iterate_wrongly(struct map_op *op)
{
	return run_op(map_ops->progs.iterate_wrongly, op);
}

/*
 * On PREEMPT_RT the refill is a thread, which may have to wait for a lock of slab's,
 * and which the scheduler lets other tasks run before for 50 ms of each second.
 * What a program finds meanwhile may be nothing, but not for long.
 */
int update_keys(unsigned int id, unsigned int first, unsigned int count)
{
	uint64_t deadline = deadline_ms(200);
	static unsigned long long value;
	struct map_op op = {
		.id = id, .key = first, .value_size = 8,
		.value = __atomic_add_fetch(&value, 1ULL << 32, __ATOMIC_RELAXED),
	};
	int err;

	for (;;) {
		op.count = count;
		err = run_op(map_ops->progs.update, &op);
		if (err != -ENOMEM || !kernel_is_rt() || now_ms() >= deadline)
			return err;
		sleep_ms(1);
	}
}

int delete_keys(unsigned int id, unsigned int first, unsigned int count)
{
	struct map_op op = { .id = id, .key = first, .count = count };

	return run_op(map_ops->progs.delete, &op);
}
