/* SPDX-License-Identifier: MIT */
/*
 * percu/compiler.h - what the public declarations ask of the compiler
 *
 * The attributes below are the contract of each function in a form that gcc's
 * analyzer and clang can check: who frees what, how large it is, what may not
 * be NULL, what may not be ignored.  A compiler that does not know one of them
 * sees nothing.
 */
#ifndef PERCU_COMPILER_H
#define PERCU_COMPILER_H

#ifdef __cplusplus
#define PERCU_BEGIN_DECLS extern "C" {
#define PERCU_END_DECLS   }
#else
#define PERCU_BEGIN_DECLS
#define PERCU_END_DECLS
#endif

/* malloc with a deallocator is gcc's alone (11 and later). */
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 11
#define PERCU_FREED_BY(fn, arg) __attribute__((__malloc__(fn, arg)))
#else
#define PERCU_FREED_BY(fn, arg)
#endif

#if defined(__GNUC__)
#define PERCU_MALLOC         __attribute__((__malloc__))
#define PERCU_ALLOC_SIZE(n)  __attribute__((__alloc_size__(n)))
#define PERCU_ALLOC_ALIGN(n) __attribute__((__alloc_align__(n)))
#define PERCU_MUST_CHECK     __attribute__((__warn_unused_result__))
#define PERCU_NONNULL(...)   __attribute__((__nonnull__(__VA_ARGS__)))
#define PERCU_COLD           __attribute__((__cold__))
#else
#define PERCU_MALLOC
#define PERCU_ALLOC_SIZE(n)
#define PERCU_ALLOC_ALIGN(n)
#define PERCU_MUST_CHECK
#define PERCU_NONNULL(...)
#define PERCU_COLD
#endif

/*
 * A call through the PLT costs as much as the whole fast path.  noplt makes
 * position-independent callers call through the GOT instead.
 */
#if defined(__GNUC__) && !defined(__clang__)
#define PERCU_NOPLT __attribute__((__noplt__))
#else
#define PERCU_NOPLT
#endif

#if defined(__GNUC__)
#define PERCU_API __attribute__((__visibility__("default"))) PERCU_NOPLT
#else
#define PERCU_API
#endif

#endif /* PERCU_COMPILER_H */
