// SPDX-License-Identifier: GPL-2.0-only
/*
 * Programs that hold an element of a map and look again and again whether it
 * still is what they looked up: in an RCU read-side section of the program's
 * own (sleepable), of the kernel's (fentry), and in none; and one that writes.
 */
#include "bpf_ma.bpf.h"
#include "readers.h"

struct pt_regs {
	unsigned long di;
} __attribute__((preserve_access_index));

struct reader_state state;

struct held {
	struct bpf_ma_elem *e;
	__u32 key;
	__u64 value;
	__u64 until;
};

/* Returns whether the element is still the same. */
static __always_inline void look(struct bpf_ma_elem *e, __u32 want, __u64 value)
{
	__u32 key = *(volatile __u32 *)__builtin_preserve_access_index(&e->key);
	__u64 now = *(volatile __u64 *)__builtin_preserve_access_index(&e->value[0]);

	state.reads++;
	if (key == want && now == value)
		return;
	state.last_key = key;
	if (key == POISON_KEY)
		state.poisoned++;
	else if (key < KEY_FIRST || key > KEY_LAST)
		state.garbage++;
	else
		state.reused++;
}

static long look_again(__u32 i, struct held *held)
{
	struct bpf_ma_elem *e = held->e;

	if (!e || *(volatile __u32 *)&state.let_go)
		return 1;
	look(e, held->key, held->value);
	return bpf_ktime_get_ns() >= held->until;
}

#define SLEEP_MS	20

static long look_and_sleep(__u32 i, struct held *held)
{
	if (look_again(i, held))
		return 1;
	bpf_ma_msleep(SLEEP_MS);
	return 0;
}

static __always_inline void hold(struct bpf_ma_elem *e, __u32 key, void *fn)
{
	__u64 began = bpf_ktime_get_ns();
	struct held held = {
		.e = e,
		.key = key,
		.value = e->value[0],
		.until = began + state.hold_ms * 1000000ULL,
	};

	state.found++;
	state.began = began;
	state.holding = 1;
	bpf_loop(1 << 23, fn, &held, 0);
	state.holding = 0;
	state.ended = bpf_ktime_get_ns();
}

SEC("fentry/__x64_sys_getpgid")
int fentry_reader(__u64 *ctx)
{
	struct pt_regs *regs = (void *)ctx[0];
	struct bpf_ma_elem *e;
	struct bpf_ma_map *map;

	if (regs->di != READER_PID)
		return 0;
	map = bpf_ma_map_get(state.id);
	if (!map)
		return 0;
	e = bpf_ma_map_lookup(map, state.key);
	if (e)
		hold(e, state.key, look_again);
	return 0;
}

static long overwrite(__u32 i, void *unused)
{
	struct bpf_ma_map *map = bpf_ma_map_get(state.id);
	__u64 value[WRITER_VALUE / 8] = { i };

	if (!map)
		return 1;
	if (!bpf_ma_map_update(map, KEY_FIRST + 1 + i, value, sizeof(value), BPF_ANY))
		state.writes++;
	return 0;
}

/* Not sleepable: no RCU tasks trace grace period waits for it. */
SEC("fentry/__x64_sys_getpgid")
int fentry_writer(__u64 *ctx)
{
	struct pt_regs *regs = (void *)ctx[0];

	if (regs->di == WRITER_PID)
		bpf_loop(WRITER_KEYS, overwrite, NULL, 0);
	return 0;
}

SEC("syscall")
int rcu_reader(void *ctx)
{
	struct bpf_ma_elem *e;
	struct bpf_ma_map *map;

	bpf_rcu_read_lock();
	map = bpf_ma_map_get(state.id);
	if (map) {
		e = bpf_ma_map_lookup(map, state.key);
		if (e)
			hold(e, state.key, look_again);
	}
	bpf_rcu_read_unlock();
	return 0;
}

/* Nothing but the program's RCU tasks trace section protects the element. */
SEC("syscall")
int sleeping_reader(void *ctx)
{
	struct bpf_ma_elem *e = bpf_ma_map_lookup_sleepable(state.id, state.key);

	if (e)
		hold(e, state.key, look_and_sleep);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
