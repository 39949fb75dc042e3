/* SPDX-License-Identifier: GPL-2.0-only */
/* What a CPU says to the RCU of this benchmark, see domain.c. */
#ifndef _NATIVE_QUIESCENT_H
#define _NATIVE_QUIESCENT_H

/* From here on the thread is read-side, except at each call of domain_quiescent(). */
void domain_busy(void);
void domain_quiescent(void);
void domain_idle(void);

#endif
