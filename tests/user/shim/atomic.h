/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Marked accesses and atomics.
 *
 * Each is a place where another CPU or an NMI makes a difference, and tells
 * the engine so.
 */
#ifndef _SHIM_ATOMIC_H
#define _SHIM_ATOMIC_H

#include "types.h"

/* Something may happen here, before the next access. */
#ifdef SHIM_LEAN
static inline void shim_point(void)
{
}
#else
void shim_point(void);
#endif

#define barrier()							\
do {									\
	shim_point();							\
	__asm__ volatile("" ::: "memory");				\
} while (0)

#define READ_ONCE(x)							\
({									\
	shim_point();							\
	__atomic_load_n(&(x), __ATOMIC_RELAXED);			\
})
#define WRITE_ONCE(x, v)						\
do {									\
	__typeof__(x) _v = (v);						\
									\
	shim_point();							\
	__atomic_store_n(&(x), _v, __ATOMIC_RELAXED);			\
} while (0)
#define smp_load_acquire(p)						\
({									\
	shim_point();							\
	__atomic_load_n(p, __ATOMIC_ACQUIRE);				\
})
#define smp_store_release(p, v)						\
do {									\
	__typeof__(*(p)) _v = (v);					\
									\
	shim_point();							\
	__atomic_store_n(p, _v, __ATOMIC_RELEASE);			\
} while (0)
#define xchg(p, v)							\
({									\
	__typeof__(*(p)) _v = (v);					\
									\
	shim_point();							\
	__atomic_exchange_n(p, _v, __ATOMIC_SEQ_CST);			\
})

#define smp_rmb()		__atomic_thread_fence(__ATOMIC_ACQUIRE)
/* The atomic operations here are all fully ordered. */
#define smp_mb__before_atomic()	shim_point()

/* A read that is allowed to race. */
#ifdef SHIM_TSAN
void AnnotateIgnoreReadsBegin(const char *file, int line);
void AnnotateIgnoreReadsEnd(const char *file, int line);
void AnnotateHappensBefore(const char *file, int line, const volatile void *what);
void AnnotateHappensAfter(const char *file, int line, const volatile void *what);

#define data_race(expr)							\
({									\
	AnnotateIgnoreReadsBegin(__FILE__, __LINE__);			\
	__auto_type _value = (expr);					\
	AnnotateIgnoreReadsEnd(__FILE__, __LINE__);			\
	_value;								\
})
#else
#define data_race(expr)							\
({									\
	shim_point();							\
	(expr);								\
})
#endif

typedef struct {
	long value;
} atomic_long_t;

static inline long atomic_long_read(const atomic_long_t *v)
{
	shim_point();
	return __atomic_load_n(&v->value, __ATOMIC_RELAXED);
}

static inline long atomic_long_add_return(long n, atomic_long_t *v)
{
	shim_point();
	return __atomic_add_fetch(&v->value, n, __ATOMIC_SEQ_CST);
}

static inline void atomic_long_add(long n, atomic_long_t *v)
{
	atomic_long_add_return(n, v);
}

static inline void atomic_long_inc(atomic_long_t *v)
{
	atomic_long_add_return(1, v);
}

static inline void atomic_long_dec(atomic_long_t *v)
{
	atomic_long_add_return(-1, v);
}

#endif
