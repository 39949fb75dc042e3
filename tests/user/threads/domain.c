// SPDX-License-Identifier: GPL-2.0-only
/* The two domains, and what ThreadSanitizer cannot see of their ordering. */
#include <urcu/urcu-mb.h>
#include <urcu/urcu-memb.h>

#include "../shim/atomic.h"
#include "domain.h"

#ifndef SHIM_TSAN
#define AnnotateHappensBefore(file, line, what)	((void)(what))
#define AnnotateHappensAfter(file, line, what)	((void)(what))
#endif

/* Sections that ended before, and that begin after, a grace period. */
static char ended[DOMAINS], begun[DOMAINS];
static __thread unsigned int depth[DOMAINS];

void domain_register_thread(void)
{
	urcu_memb_register_thread();
	urcu_mb_register_thread();
}

void domain_unregister_thread(void)
{
	urcu_memb_unregister_thread();
	urcu_mb_unregister_thread();
}

void domain_read_lock(enum domain domain)
{
	if (domain == DOMAIN_RCU)
		urcu_memb_read_lock();
	else
		urcu_mb_read_lock();
	if (!depth[domain]++)
		AnnotateHappensAfter(__FILE__, __LINE__, &begun[domain]);
}

void domain_read_unlock(enum domain domain)
{
	if (!--depth[domain])
		AnnotateHappensBefore(__FILE__, __LINE__, &ended[domain]);
	if (domain == DOMAIN_RCU)
		urcu_memb_read_unlock();
	else
		urcu_mb_read_unlock();
}

void domain_synchronize(enum domain domain)
{
	AnnotateHappensBefore(__FILE__, __LINE__, &begun[domain]);
	if (domain == DOMAIN_RCU)
		urcu_memb_synchronize_rcu();
	else
		urcu_mb_synchronize_rcu();
	AnnotateHappensAfter(__FILE__, __LINE__, &ended[domain]);
}
