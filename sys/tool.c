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
#include <dlfcn.h>
#include <string.h>

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
extern WEAK void __tsan_ignore_thread_begin(void);
extern WEAK void __tsan_ignore_thread_end(void);

struct tool tool;

/* (c) after tool_init(): glibc's own, and not those that TSan put before them. */
static int (*mutex_lock)(pthread_mutex_t *m) = pthread_mutex_lock;
static int (*mutex_unlock)(pthread_mutex_t *m) = pthread_mutex_unlock;

static void unseen_init(void)
{
	void *libc = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
	void *lock, *unlock;

	if (!libc)
		return;
	lock = dlsym(libc, "pthread_mutex_lock");
	unlock = dlsym(libc, "pthread_mutex_unlock");
	if (lock && unlock) {
		memcpy(&mutex_lock, &lock, sizeof(lock));
		memcpy(&mutex_unlock, &unlock, sizeof(unlock));
	}
	dlclose(libc);
}

void tool_init(void)
{
#if HAS_MEMCHECK
	tool.valgrind = RUNNING_ON_VALGRIND;
#endif
	tool.asan = &__asan_poison_memory_region &&
		    &__asan_unpoison_memory_region;
	tool.tsan = &__tsan_acquire && &__tsan_release;
	if (tool.tsan)
		unseen_init();
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

void tool_hush(void)
{
#if HAS_MEMCHECK
	if (tool.valgrind)
		VALGRIND_DISABLE_ERROR_REPORTING;
#endif
}

void tool_unhush(void)
{
#if HAS_MEMCHECK
	if (tool.valgrind)
		VALGRIND_ENABLE_ERROR_REPORTING;
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

void tool_map_begin(void)
{
	if (&__tsan_ignore_thread_begin && &__tsan_ignore_thread_end)
		__tsan_ignore_thread_begin();
}

void tool_map_end(void)
{
	if (&__tsan_ignore_thread_begin && &__tsan_ignore_thread_end)
		__tsan_ignore_thread_end();
}

void tool_lock_unseen(pthread_mutex_t *m)
{
	mutex_lock(m);
}

void tool_unlock_unseen(pthread_mutex_t *m)
{
	mutex_unlock(m);
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
