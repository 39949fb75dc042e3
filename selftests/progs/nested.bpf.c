// SPDX-License-Identifier: GPL-2.0-only
/*
 * Programs attached to what the allocator itself calls, with its lists in use
 * or with locks held, that update and delete in a map of the same allocator.
 */
#include "bpf_ma.bpf.h"
#include "nested.h"

struct nested_state state;

static __always_inline void count(struct nested_counts *counts, int err)
{
	switch (err) {
	case 0:
		break;
	case -12 /* ENOMEM */:
		__sync_fetch_and_add(&counts->no_memory, 1);
		break;
	case -16 /* EBUSY */:
		__sync_fetch_and_add(&counts->busy, 1);
		break;
	default:
		__sync_fetch_and_add(&counts->other, 1);
	}
}

/*
 * Where slab itself is at work, for the locks that it takes on a kernel that
 * checks each access, and where an allocation by one of these programs looks for
 * a batch that is ready, only once in eight times: a program that took an object
 * for each one would eat up every refill as it is made.
 */
static __always_inline bool leaves_alone(enum nested_place place)
{
	switch (place) {
	case PLACE_poll_state_synchronize_rcu_full:
	case PLACE_tp_kmalloc:
	case PLACE_tp_kfree:
	case PLACE_tp_kmem_cache_alloc:
	case PLACE_tp_kmem_cache_free:
	case PLACE_tp_contention_begin:
	case PLACE_tp_contention_end:
		return bpf_get_prandom_u32() % 8;
	default:
		return false;
	}
}

static __always_inline int update_and_delete(enum nested_place place)
{
	struct nested_counts *counts = &state.counts[place];
	struct bpf_ma_map *map;
	__u64 value = place;
	__u32 key;
	int err;

	if (bpf_get_current_pid_tgid() >> 32 != state.tgid || leaves_alone(place))
		return 0;
	map = bpf_ma_map_get(state.id);
	if (!map)
		return 0;
	/* Not shared with another place or CPU: whoever updates also deletes. */
	key = NESTED_KEY_FIRST + place * 64 + (bpf_get_smp_processor_id() & 63);
	__sync_fetch_and_add(&counts->runs, 1);
	err = bpf_ma_map_update(map, key, &value, sizeof(value), BPF_ANY);
	count(counts, err);
	if (!err)
		count(counts, bpf_ma_map_delete(map, key));
	return 0;
}

#define ON_FENTRY(name)				\
SEC("fentry/" #name)				\
int on_##name(void *ctx)			\
{						\
	return update_and_delete(PLACE_##name);	\
}

#define ON_TRACEPOINT(name)			\
SEC("tp_btf/" #name)				\
int on_tp_##name(void *ctx)			\
{						\
	return update_and_delete(PLACE_tp_##name);	\
}

NESTED_FENTRIES(ON_FENTRY)
NESTED_TRACEPOINTS(ON_TRACEPOINT)

char LICENSE[] SEC("license") = "GPL";
