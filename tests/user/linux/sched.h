/* SPDX-License-Identifier: GPL-2.0-only */
/* Stands in for the kernel's header of this name, for memalloc.c alone. */
#define current		shim_current()
