/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The programs of nested.bpf.c, for the suites that attach them; context.c.
 */
#ifndef NESTED_PROGS_H
#define NESTED_PROGS_H

#include "../progs/nested.h"
#include "nested.skel.h"

/* Those that this kernel has a place for; NULL with errno. */
struct nested_bpf *nested_load(void);
/* Fills in up to NESTED_PLACES @links, and returns how many. */
int nested_attach(struct nested_bpf *nested, struct bpf_link **links);
/* Of all places. */
struct nested_counts nested_sum(const struct nested_state *state);

#endif /* NESTED_PROGS_H */
