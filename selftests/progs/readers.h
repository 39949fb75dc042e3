/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What readers.bpf.c and its callers share.
 */
#ifndef READERS_H
#define READERS_H

#include <linux/types.h>

/* bpf_ma.ko with poison=1 writes this over the key of what goes back to slab. */
#define POISON_KEY	0xdeadbeefU

/* All keys of a reader's map lie in this range, so any other is no key at all. */
#define KEY_FIRST	100000U
#define KEY_LAST	(KEY_FIRST + 99999U)

/* getpgid(2)'s argument that makes fentry_reader run. */
#define READER_PID	0x5a5a0001
/* And that which makes fentry_writer overwrite so many keys from KEY_FIRST + 1 on. */
#define WRITER_PID	0x5a5a0002
#define WRITER_KEYS	64
#define WRITER_VALUE	64	/* bytes, the map's value size */

/*
 * @key of map @id is held for @hold_ms, or until @let_go; what the reader saw
 * meanwhile.
 */
struct reader_state {
	__u32 id;
	__u32 key;
	__u32 hold_ms;
	__u32 let_go;
	__u32 holding;		/* the reader has its element */
	__u32 last_key;		/* of a read that was reused or worse */
	__u64 began;		/* bpf_ktime_get_ns() when it had it first */
	__u64 ended;		/* and when it had done with it; 0 before */
	__u64 found;		/* runs that found the key */
	__u64 reads;
	__u64 reused;		/* reads of another key, or of another value */
	__u64 poisoned;
	__u64 garbage;		/* reads of what can be no key */
	__u64 writes;		/* by fentry_writer */
};

#endif /* READERS_H */
