/* SPDX-License-Identifier: GPL-2.0-only */
/* Types, attributes and small helpers. */
#ifndef _SHIM_TYPES_H
#define _SHIM_TYPES_H

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Which sanitizer is at work: gcc defines a macro, clang has a feature. */
#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define SHIM_ASAN
#elif __has_feature(thread_sanitizer)
#define SHIM_TSAN
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define SHIM_ASAN
#elif defined(__SANITIZE_THREAD__)
#define SHIM_TSAN
#endif

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef unsigned long long u64;
typedef long long s64;
typedef unsigned int gfp_t;

#define __percpu
#define notrace
#define noinline		__attribute__((noinline))
#undef __always_inline
#ifdef SHIM_NO_INLINE	/* coverage counts each branch once, not per caller */
#define __always_inline		inline
#else
#define __always_inline		inline __attribute__((always_inline))
#endif
#define ____cacheline_aligned	__attribute__((aligned(64)))
#define __aligned(bytes)	__attribute__((aligned(bytes)))
#define likely(x)		__builtin_expect(!!(x), 1)
#define unlikely(x)		__builtin_expect(!!(x), 0)

#define container_of(ptr, type, member) \
	((type *)((char *)(ptr) - offsetof(type, member)))
#define struct_size(p, member, n) \
	(sizeof(*(p)) + (n) * sizeof((p)->member[0]))
#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))

#define min_t(type, a, b)						\
({									\
	type _a = (a);							\
	type _b = (b);							\
									\
	_a < _b ? _a : _b;						\
})
#define max_t(type, a, b)						\
({									\
	type _a = (a);							\
	type _b = (b);							\
									\
	_a > _b ? _a : _b;						\
})
#define min(a, b)		min_t(__typeof__(a), a, b)
#define max(a, b)		max_t(__typeof__(a), a, b)

static inline int fls(unsigned int x)
{
	return x ? 32 - __builtin_clz(x) : 0;
}

#endif
