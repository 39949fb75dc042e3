/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The benchmark's cases, one program each. The file that includes this one
 * defines before it: map_ref, map_open(), map_update() and map_delete().
 * map_open() gets the number of a map, which is 0 unless there are several.
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
				     __u32 number, __u32 first, __u64 flags)
{
	map_ref map = map_open(number);

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
					__u32 number, __u32 first)
{
	map_ref map = map_open(number);

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
	ADD_THEN_DELETE,
	ADD_OR_DELETE,
};

/* Each pass over the keys is on the next map; what was added is deleted there. */
static __always_inline __u32 map_number(const struct bench_producer *producer,
					enum bench_case bench_case)
{
	if (bench_state.maps == 1)
		return 0;
	if (bench_case == ADD_THEN_DELETE)
		return producer->passes / 2 % bench_state.maps;
	return producer->passes % bench_state.maps;
}

static __always_inline void advance(struct bench_producer *producer)
{
	producer->loops++;
	producer->position += BENCH_OPS_PER_LOOP;
	if (producer->position < bench_state.keys)
		return;
	producer->position = 0;
	producer->passes++;
}

static __always_inline int run_case(const __u64 *args,
				    enum bench_case bench_case)
{
	const struct pt_regs *regs = (const void *)args[0];
	unsigned long arg = regs->di;
	struct bench_producer *producer;
	__u32 first, number;

	if ((arg & BENCH_ARG_MARK_MASK) != BENCH_ARG_MARK)
		return 0;

	producer = &bench_state.producers[arg & BENCH_ARG_INDEX_MASK];
	first = (arg >> BENCH_ARG_KEYS_SHIFT) & BENCH_ARG_INDEX_MASK;
	first = first * bench_state.keys + producer->position;
	number = map_number(producer, bench_case);

	if (bench_case == OVERWRITE)
		add_keys(producer, number, first, BPF_ANY);
	else if (bench_case != NO_OP && (arg & BENCH_ARG_DELETE))
		delete_keys(producer, number, first);
	else if (bench_case != NO_OP)
		add_keys(producer, number, first, BPF_NOEXIST);

	advance(producer);
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
	return run_case(args, ADD_THEN_DELETE);
}

SEC("fentry/__x64_sys_getpgid")
int add_del_on_diff_cpu(__u64 *args)
{
	return run_case(args, ADD_OR_DELETE);
}

#endif /* BENCH_CASES_BPF_H */
