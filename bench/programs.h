/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The BPF programs of the cases: loaded and pinned by bpftool, one attached.
 */
#ifndef BENCH_PROGRAMS_H
#define BENCH_PROGRAMS_H

#include "maps.h"
#include "progs/bench_state.h"

struct programs {
	struct bench_state *state;	/* their .bss, shared with them */
	int link_fd;
};

/* Takes the objects (kernel_map.bpf.o, module_map.bpf.o) from a folder. */
int programs_attach(struct programs *programs, const char *folder,
		    const struct bench_map *map, const char *name,
		    const struct map_shape *shape, unsigned int keys);

/* Unloads them too. */
void programs_detach(struct programs *programs);

/* Removes the pins; none there is no error. */
int programs_unpin(void);

#endif /* BENCH_PROGRAMS_H */
