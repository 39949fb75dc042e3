// SPDX-License-Identifier: GPL-2.0-only
/*
 * This kernel's own allocator against the interface.
 */
#include <linux/bpf_mem_alloc.h>
#include <linux/gfp.h>

#include "api.h"

#define FLAGS bool percpu
#include "interface.h"
