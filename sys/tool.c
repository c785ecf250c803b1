/* SPDX-License-Identifier: MIT */
/*
 * sys/tool.c - telling Valgrind, ASan and TSan what the library does
 *
 * The sanitizers' entry points are weak: they are there if the program was
 * built with the sanitizer.  Valgrind's client requests are a few harmless
 * instructions elsewhere; without its header the library is built without
 * them.
 *
 * Valgrind sees an object that is out as a block from malloc, with the stack
 * of the get; one that is back as a freed block, with the stack of the put.
 */
#include "sys/tool.h"

#if defined(__has_include)
#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#define HAS_MEMCHECK 1
#endif
#endif
#ifndef HAS_MEMCHECK
#define HAS_MEMCHECK 0
#endif

#define WEAK __attribute__((weak, visibility("default")))

extern WEAK void __asan_poison_memory_region(const volatile void *p, size_t n);
extern WEAK void __asan_unpoison_memory_region(const volatile void *p,
					       size_t n);
extern WEAK void __lsan_register_root_region(const void *p, size_t n);
extern WEAK void __lsan_unregister_root_region(const void *p, size_t n);
extern WEAK void __tsan_acquire(void *p);
extern WEAK void __tsan_release(void *p);

struct tool tool;

void tool_init(void)
{
#if HAS_MEMCHECK
	tool.valgrind = RUNNING_ON_VALGRIND;
#endif
	tool.asan = &__asan_poison_memory_region &&
		    &__asan_unpoison_memory_region;
	tool.tsan = &__tsan_acquire && &__tsan_release;
}

void tool_acquire(void *obj)
{
	if (tool.tsan)
		__tsan_acquire(obj);
}

void tool_release(void *obj)
{
	if (tool.tsan)
		__tsan_release(obj);
}

void tool_out(void *obj, size_t size, bool defined)
{
	if (tool.asan)
		__asan_unpoison_memory_region(obj, size);
#if HAS_MEMCHECK
	if (tool.valgrind)
		VALGRIND_MALLOCLIKE_BLOCK(obj, size, TOOL_REDZONE, defined);
#else
	(void)defined;
#endif
}

void tool_back(void *obj, size_t size)
{
	if (tool.asan)
		__asan_poison_memory_region(obj, size);
#if HAS_MEMCHECK
	if (tool.valgrind)
		VALGRIND_FREELIKE_BLOCK(obj, TOOL_REDZONE);
#endif
}

void tool_idle(void *obj, size_t size)
{
	if (tool.asan)
		__asan_poison_memory_region(obj, size);
#if HAS_MEMCHECK
	if (tool.valgrind)
		VALGRIND_MAKE_MEM_NOACCESS(obj, size);
#endif
}

void tool_unidle(void *obj, size_t size)
{
	if (tool.asan)
		__asan_unpoison_memory_region(obj, size);
#if HAS_MEMCHECK
	if (tool.valgrind)
		VALGRIND_MAKE_MEM_DEFINED(obj, size);
#endif
}

void tool_forget(void *p, size_t size)
{
#if HAS_MEMCHECK
	if (tool.valgrind)
		VALGRIND_MAKE_MEM_UNDEFINED(p, size);
#else
	(void)p;
	(void)size;
#endif
}

/*
 * LSan looks for pointers in what comes from malloc(), and else only in what it
 * is told of.  Idle objects are poisoned, and so are passed over.
 */
void tool_root(void *p, size_t size)
{
	if (&__lsan_register_root_region)
		__lsan_register_root_region(p, size);
}

void tool_unroot(void *p, size_t size)
{
	if (&__lsan_unregister_root_region)
		__lsan_unregister_root_region(p, size);
}
