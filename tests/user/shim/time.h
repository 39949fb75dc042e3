/* SPDX-License-Identifier: GPL-2.0-only */
/* Jiffies and the local clock. */
#ifndef _SHIM_TIME_H
#define _SHIM_TIME_H

#include "types.h"

#define HZ			1000
#define NSEC_PER_USEC		1000L
#define NSEC_PER_MSEC		1000000L
#define NSEC_PER_SEC		1000000000L
#define msecs_to_jiffies(ms)	((unsigned long)(ms))

/* As after the boot of a 64-bit kernel, five minutes before 32 bits overflow. */
#define INITIAL_JIFFIES		((unsigned long)(unsigned int)(-300 * HZ))

u64 local_clock(void);		/* ns, from 1 on */
void msleep(unsigned int ms);

#define jiffies			(INITIAL_JIFFIES + (unsigned long)(local_clock() / NSEC_PER_MSEC))
#define time_before(a, b)	((long)((a) - (b)) < 0)
#define time_after_eq(a, b)	((long)((a) - (b)) >= 0)

#endif
