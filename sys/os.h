/* SPDX-License-Identifier: MIT */
/*
 * sys/os.h - the one seam between percu and the operating system
 *
 * Every call that percu makes of the system passes os_fault() first, so that
 * a test can make the n-th call fail, once or from then on, and can count how
 * many there are to fail.  A failed call looks to the caller exactly as if
 * the system had refused it.
 */
#ifndef PERCU_SYS_OS_H
#define PERCU_SYS_OS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What can fail.  A mask of 1 << these selects what a test wants to fail. */
enum os_call {
	OS_RESERVE,    /* mmap of address space */
	OS_COMMIT,     /* mprotect: address space becomes memory */
	OS_RELEASE,    /* madvise: memory becomes address space */
	OS_MAP,        /* mmap of memory for percu's own records */
	OS_UNMAP,      /* munmap */
	OS_MOVE,       /* mremap */
	OS_MEMBARRIER, /* the fence of a remote drain */
	OS_OPEN,       /* /sys, at start only */
	OS_DUP,        /* the private stderr, at start only */
	OS_WRITE,      /* statistics and reports */
	OS_THREAD,     /* pthread_create */
	OS_NR_CALLS
};

/* Fault points (tests only; costs one relaxed load a system call else). */
void os_fault_arm(unsigned int mask, unsigned long nth, bool forever);
/* nth from 1; 0 counts and fails none */
void os_fault_disarm(void);
unsigned long os_fault_seen(void);  /* calls in the mask since arming */
unsigned long os_fault_fired(void); /* how many of them were made to fail */
bool os_fault(enum os_call call);   /* true: fail now, errno is set */

/*
 * Pages.  Sizes and addresses are multiples of os_page_size(), except where
 * said.  NULL and ENOMEM, or -errno, on failure; nothing is half done.
 */
size_t os_page_size(void);
void *os_reserve(size_t size, size_t align); /* inaccessible, aligned */
int os_commit(void *p, size_t size);         /* readable and writable now */
int os_release(void *p, size_t size);        /* reads as zero when next used */
void *os_map(size_t size);                   /* zeroed, lazily backed */
void *os_map_zero(size_t size);              /* reads as zero, not writable */
void os_unmap(void *p, size_t size);
/*
 * A whole mapping goes elsewhere, to where the caller has reserved, and grows:
 * 0, or -errno, and then what lay at to may be gone.
 */
int os_move(void *p, size_t size, void *to, size_t new_size);

/* Monotonic time in nanoseconds, to about a millisecond and cheap. */
uint64_t os_clock_coarse(void);

uint64_t os_clock(void); /* the same to the nanosecond */

/*
 * A thread that blocks every signal, named so for people: 0 or -errno.  Join:
 * waits for its end until that time of os_clock(); false if it goes on.
 */
int os_thread(pthread_t *thread, void *(*fn)(void *), void *arg,
	      const char *name);
bool os_thread_join(pthread_t thread, uint64_t until);

/*
 * Between the two this thread is not cancelled: where it waits or writes it
 * would leave what it holds.  Off gives what on takes.
 */
int os_cancel_off(void);
void os_cancel_on(int was);

/* Writes it all to fd, through EINTR and short writes: 0 or -errno. */
int os_write(int fd, const char *buf, size_t len);

/* A whole small file and a '\0': its length, or -errno (-E2BIG: too long). */
ssize_t os_read_file(const char *path, char *buf, size_t size);

#endif /* PERCU_SYS_OS_H */
