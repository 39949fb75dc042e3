// SPDX-License-Identifier: GPL-2.0-only
/* Reference counts that must not come back from zero. */
#include "atomic.h"
#include "fail.h"

void refcount_inc(refcount_t *r)
{
	shim_point();
	if (__atomic_fetch_add(&r->refs, 1, __ATOMIC_RELAXED) <= 0)
		shim_fail("refcount: taken from zero");
}

bool refcount_dec_and_test(refcount_t *r)
{
	int left;

	shim_point();
	left = __atomic_sub_fetch(&r->refs, 1, __ATOMIC_ACQ_REL);
	if (left < 0)
		shim_fail("refcount: dropped below zero");
	return !left;
}
