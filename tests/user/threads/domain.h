/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Two domains of userspace-rcu: RCU and RCU-tasks-trace.
 *
 * Apart from the shim, for both have rcu_read_lock() and others.
 */
#ifndef _THREADS_DOMAIN_H
#define _THREADS_DOMAIN_H

enum domain { DOMAIN_RCU, DOMAIN_TRACE, DOMAINS };

void domain_register_thread(void);
void domain_unregister_thread(void);
void domain_read_lock(enum domain domain);
void domain_read_unlock(enum domain domain);
void domain_synchronize(enum domain domain);

#endif
