/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The benchmark's cases, one program each. The file that includes this one
 * defines before it: map_ref, map_open(), map_update() and map_delete().
 *
 * One run of a program is one loop: BENCH_OPS_PER_LOOP map operations.
 */
#ifndef BENCH_CASES_BPF_H
#define BENCH_CASES_BPF_H

struct pt_regs {
	unsigned long di;
} __attribute__((preserve_access_index));

static __always_inline void count_error(struct bench_producer *producer,
					long err)
{
	if (!producer->errors++)
		producer->first_error = err;
}

static __always_inline void add_keys(struct bench_producer *producer,
				     __u32 first, __u64 flags)
{
	map_ref map = map_open();

	if (!map) {
		count_error(producer, -2 /* ENOENT */);
		return;
	}
	for (int i = 0; i < BENCH_OPS_PER_LOOP; i++) {
		long err = map_update(map, first + i, flags);

		if (err)
			count_error(producer, err);
	}
}

static __always_inline void delete_keys(struct bench_producer *producer,
					__u32 first)
{
	map_ref map = map_open();

	if (!map) {
		count_error(producer, -2 /* ENOENT */);
		return;
	}
	for (int i = 0; i < BENCH_OPS_PER_LOOP; i++) {
		long err = map_delete(map, first + i);

		if (err)
			count_error(producer, err);
	}
}

enum bench_case {
	NO_OP,
	OVERWRITE,
	ADD_OR_DELETE,
};

static __always_inline int run_case(const __u64 *args,
				    enum bench_case bench_case)
{
	const struct pt_regs *regs = (const void *)args[0];
	unsigned long arg = regs->di;
	struct bench_producer *producer;
	__u32 first;

	if ((arg & BENCH_ARG_MARK_MASK) != BENCH_ARG_MARK)
		return 0;

	producer = &bench_state.producers[arg & BENCH_ARG_INDEX_MASK];
	first = (arg >> BENCH_ARG_KEYS_SHIFT) & BENCH_ARG_INDEX_MASK;
	first *= BENCH_OPS_PER_LOOP;

	if (bench_case == OVERWRITE)
		add_keys(producer, first, BPF_ANY);
	else if (bench_case == ADD_OR_DELETE && (arg & BENCH_ARG_DELETE))
		delete_keys(producer, first);
	else if (bench_case == ADD_OR_DELETE)
		add_keys(producer, first, BPF_NOEXIST);

	producer->loops++;
	return 0;
}

SEC("fentry/__x64_sys_getpgid")
int no_op(__u64 *args)
{
	return run_case(args, NO_OP);
}

SEC("fentry/__x64_sys_getpgid")
int overwrite(__u64 *args)
{
	return run_case(args, OVERWRITE);
}

SEC("fentry/__x64_sys_getpgid")
int batch_add_batch_del(__u64 *args)
{
	return run_case(args, ADD_OR_DELETE);
}

SEC("fentry/__x64_sys_getpgid")
int add_del_on_diff_cpu(__u64 *args)
{
	return run_case(args, ADD_OR_DELETE);
}

#endif /* BENCH_CASES_BPF_H */
