/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _BPF_MA_ALLOCATOR_H
#define _BPF_MA_ALLOCATOR_H

void bpf_mem_alloc_exit(void);

#endif
