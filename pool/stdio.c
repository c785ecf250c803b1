/* SPDX-License-Identifier: MIT */
/*
 * pool/stdio.c - at fork, stdio's lock comes before percu's
 *
 * glibc's fork() takes the lock of stdio's list of files after the handlers of
 * pthread_atfork(), and its own malloc's locks after that.  Percu's are taken
 * by a handler, which is before; and so three threads can wait for each other:
 * who forks has percu's locks and wants the list; who flushes all files has the
 * list and wants one file; who reads that file has it, and wants memory.
 *
 * So the handler takes the list first.  glibc takes it once more: it is
 * recursive.  Reclaimers are parked before, for their callbacks may close files.
 *
 * Another C library has no such names, and what its fork() does is its own.
 */
#include <features.h>

#include "pool/pool.h"

#ifdef __GLIBC__

/* glibc exports them, for GNU's libstdc++ of old; no header has them. */
extern void _IO_list_lock(void) __attribute__((weak));
extern void _IO_list_unlock(void) __attribute__((weak));
extern void _IO_list_resetlock(void) __attribute__((weak));

static bool have(void)
{
	return _IO_list_lock && _IO_list_unlock && _IO_list_resetlock;
}

void stdio_before_fork(void)
{
	if (have())
		_IO_list_lock();
}

void stdio_after_fork_parent(void)
{
	if (have())
		_IO_list_unlock();
}

/* As glibc has done, if there were threads. */
void stdio_after_fork_child(void)
{
	if (have())
		_IO_list_resetlock();
}

#else

void stdio_before_fork(void)
{
}

void stdio_after_fork_parent(void)
{
}

void stdio_after_fork_child(void)
{
}

#endif
