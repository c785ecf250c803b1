/* SPDX-License-Identifier: MIT */
/*
 * malloc/fork.c - stdio's lock comes before percu's
 *
 * glibc's fork() takes the lock of stdio's list of files after the handlers of
 * pthread_atfork(), and its own malloc's locks after that.  Percu's are taken
 * by a handler, which is before; and so three threads can wait for each other:
 * who forks has percu's locks and wants the list; who flushes all files has the
 * list and wants one file; who reads that file has it, and wants memory.
 *
 * So the list is taken first, by a handler that runs before percu's because it
 * was registered after.  glibc takes it once more: it is recursive.
 */
#include <pthread.h>

#include "malloc/malloc.h"

#ifdef __GLIBC__

#include <sys/single_threaded.h>

/* glibc exports them, for GNU's libstdc++ of old; no header has them. */
extern void _IO_list_lock(void) __attribute__((weak));
extern void _IO_list_unlock(void) __attribute__((weak));
extern void _IO_list_resetlock(void) __attribute__((weak));

static bool taken; /* by who has the lock */

static void before(void)
{
	if (__libc_single_threaded)
		return;
	_IO_list_lock();
	taken = true;
}

static void after_parent(void)
{
	if (!taken)
		return;
	taken = false;
	_IO_list_unlock();
}

static void after_child(void)
{
	if (!taken)
		return;
	taken = false;
	_IO_list_resetlock(); /* as glibc has, if there were threads */
}

void fork_start(void)
{
	if (_IO_list_lock && _IO_list_unlock && _IO_list_resetlock)
		pthread_atfork(before, after_parent, after_child);
}

#else

void fork_start(void)
{
}

#endif
