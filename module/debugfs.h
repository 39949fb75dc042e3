/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The module's files in debugfs; debugfs.c lists them.
 */
#ifndef _BPF_MA_DEBUGFS_H
#define _BPF_MA_DEBUGFS_H

#include <linux/types.h>

int bpf_ma_debugfs_init(bool poison);
void bpf_ma_debugfs_exit(void);

#endif /* _BPF_MA_DEBUGFS_H */
