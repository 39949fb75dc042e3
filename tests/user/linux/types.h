/* SPDX-License-Identifier: GPL-2.0-only */
/* Stands in for the kernel's header of this name; system headers want their own. */
#include_next <linux/types.h>
#include "../shim/types.h"
