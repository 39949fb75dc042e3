/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * API(type, name, (parameters)): the function exists and is of this type.
 */
#ifndef _BPF_MA_API_H
#define _BPF_MA_API_H

#include <linux/build_bug.h>
#include <linux/compiler.h>

#define API(type, name, parameters)			\
	static_assert(__same_type(name, type parameters),	\
		      "bpf_ma: " #name "() differs from tests/api")

#endif /* _BPF_MA_API_H */
