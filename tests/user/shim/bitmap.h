/* SPDX-License-Identifier: GPL-2.0-only */
/* Bitmaps of no more bits than a word has. */
#ifndef _SHIM_BITMAP_H
#define _SHIM_BITMAP_H

#include "types.h"

#define DECLARE_BITMAP(name, bits)					\
	unsigned long name[1];						\
	_Static_assert((bits) <= 8 * sizeof(long), "bitmap too large")

#define bitmap_zero(map, bits)		((void)((map)[0] = 0))
#define bitmap_empty(map, bits)		(!(map)[0])
#define __set_bit(bit, map)		((void)((map)[0] |= 1UL << (bit)))
#define for_each_set_bit(bit, map, size)				\
	for ((bit) = 0; (bit) < (size); (bit)++)			\
		if ((map)[0] & (1UL << (bit)))

#endif
