/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The two files of suite idle.
 */
#ifndef IDLE_SUITE_H
#define IDLE_SUITE_H

void collect_late_readers(void);

#endif /* IDLE_SUITE_H */
