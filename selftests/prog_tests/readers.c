// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loads readers.bpf.c as far as this kernel can run it.
 */
#include <errno.h>
#include <string.h>

#include "../progs/readers.h"
#include "readers.skel.h"
#include "test_progs.h"

/* NULL, and the test has failed, when they do not load. */
struct readers_bpf *readers_load(void)
{
	struct readers_bpf *readers = readers_bpf__open();

	if (!CHECK(readers, "readers.bpf.c: %s", strerror(errno)))
		return NULL;
	bpf_program__set_autoload(readers->progs.rcu_reader, has_rcu_lock());
	if (CHECK(!readers_bpf__load(readers), "readers.bpf.c does not load: %s",
		  strerror(errno)))
		return readers;
	readers_bpf__destroy(readers);
	return NULL;
}
