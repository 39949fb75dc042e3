// SPDX-License-Identifier: GPL-2.0-only
/*
 * bpf_mem_alloc.h of this project against the interface.
 */
#include "module/prefix.h"
#include <linux/gfp.h>

#include "bpf_mem_alloc.h"
#include "api.h"

#define FLAGS unsigned int flags
#include "interface.h"
