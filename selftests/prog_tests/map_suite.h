/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The two files of suite map.
 */
#ifndef MAP_SUITE_H
#define MAP_SUITE_H

void collect_map_life(void);

#endif /* MAP_SUITE_H */
