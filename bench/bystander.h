/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The bystander: a thread that sleeps and wakes on a CPU of its own and has
 * nothing to do with the maps. How late it wakes is what a flavor costs others.
 */
#ifndef BENCH_BYSTANDER_H
#define BENCH_BYSTANDER_H

struct bystander;

/* For at most @secs seconds. NULL after printing what went wrong. */
struct bystander *bystander_start(unsigned int cpu, double secs);

/* Stops it; microseconds by which 99 of 100 wake-ups were late, or less. */
double bystander_stop(struct bystander *bystander);

#endif /* BENCH_BYSTANDER_H */
