/* SPDX-License-Identifier: MIT */
/*
 * sys/os.c - pages, files and the clock, each behind its fault point
 *
 * Address space and memory are two things here.  A reservation is private,
 * anonymous, inaccessible and not accounted; commit makes a part of it
 * readable and writable, and it is still backed page by page, on first touch;
 * release drops the pages and keeps the part accessible, so that what was
 * released needs no second commit.
 *
 * Everything works before main() and inside malloc(): no stdio, no
 * allocation, no lock.  What a free path may call leaves errno alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "sys/os.h"
#include "sys/tool.h"

/* Linux 5.17; the headers may be older than the kernel. */
#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#endif
#ifndef PR_SET_VMA_ANON_NAME
#define PR_SET_VMA_ANON_NAME 0
#endif

size_t os_page_size(void)
{
	return (size_t)getpagesize();
}

/*
 * Shows as [anon:percu] in /proc/self/maps.  A kernel without the option
 * refuses, which is no failure: hence no fault point.
 */
static void os_name(void *p, size_t size)
{
	static bool refused; /* (a) */
	int saved = errno;

	/* Relaxed: who does not see it yet asks once more. */
	if (__atomic_load_n(&refused, __ATOMIC_RELAXED))
		return;
	if (prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, (unsigned long)p,
		  (unsigned long)size, (unsigned long)"percu") &&
	    errno == EINVAL)
		__atomic_store_n(&refused, true, __ATOMIC_RELAXED);
	errno = saved;
}

static void *os_mmap(enum os_call call, size_t size, int prot)
{
	void *p;

	if (os_fault(call))
		return NULL;
	tool_map_begin();
	p = mmap(NULL, size, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		 -1, 0);
	tool_map_end();
	if (p == MAP_FAILED) {
		errno = ENOMEM; /* what percu promises, whoever refused */
		return NULL;
	}
	return p;
}

/* Takes align - page too much, and gives back what lies around the fit. */
static void *os_reserve_trim(size_t size, size_t align)
{
	size_t slack, total, head;
	char *p;

	slack = align - os_page_size();
	if (__builtin_add_overflow(size, slack, &total)) {
		errno = ENOMEM;
		return NULL;
	}
	p = os_mmap(OS_RESERVE, total, PROT_NONE);
	if (!p)
		return NULL;
	head = -(uintptr_t)p & (align - 1);
	/* A piece that will not unmap is address space lost, no more. */
	if (head)
		os_unmap(p, head);
	if (head < slack)
		os_unmap(p + head + size, slack - head);
	return p + head;
}

/**
 * os_reserve() - take address space
 * @size: bytes, a multiple of the page size
 * @align: bytes, a power of two
 *
 * The exact size is tried first: the kernel puts mappings side by side, so
 * that where one of size @align was aligned, the next one is too.
 *
 * Return: inaccessible address space at a multiple of @align; NULL and errno.
 */
void *os_reserve(size_t size, size_t align)
{
	void *p = os_mmap(OS_RESERVE, size, PROT_NONE);

	if (p && (uintptr_t)p & (align - 1)) {
		os_unmap(p, size);
		p = os_reserve_trim(size, align);
	}
	if (p)
		os_name(p, size);
	return p;
}

int os_commit(void *p, size_t size)
{
	int saved = errno, err = 0;

	if (os_fault(OS_COMMIT) || mprotect(p, size, PROT_READ | PROT_WRITE))
		err = -errno;
	errno = saved;
	return err;
}

/*
 * Locked pages (mlockall()) are refused with -EINVAL and stay: a program that
 * locks its memory does not want the page faults that would follow.
 */
int os_release(void *p, size_t size)
{
	int saved = errno, err = 0;

	if (os_fault(OS_RELEASE) || madvise(p, size, MADV_DONTNEED))
		err = -errno;
	errno = saved;
	return err;
}

void *os_map(size_t size)
{
	void *p = os_mmap(OS_MAP, size, PROT_READ | PROT_WRITE);

	if (p)
		os_name(p, size);
	return p;
}

/* Never written, so however long it is, its memory is the kernel's zero page. */
void *os_map_zero(size_t size)
{
	void *p = os_mmap(OS_MAP, size, PROT_READ);

	if (p)
		os_name(p, size);
	return p;
}

/*
 * Unmapping out of the middle of a mapping can fail for want of a descriptor
 * in the kernel.  Then the addresses are lost, but not the memory.
 */
void os_unmap(void *p, size_t size)
{
	int saved = errno;

	if (os_fault(OS_UNMAP) || munmap(p, size))
		madvise(p, size, MADV_DONTNEED);
	errno = saved;
}

int os_move(void *p, size_t size, void *to, size_t new_size)
{
	int saved = errno, err = 0;

	if (os_fault(OS_MOVE) ||
	    mremap(p, size, new_size, MREMAP_MAYMOVE | MREMAP_FIXED, to) ==
		    MAP_FAILED)
		err = -errno;
	errno = saved;
	return err;
}

uint64_t os_clock_coarse(void)
{
	struct timespec ts;

	/* Cannot fail: the clock is as old as Linux 2.6.32. */
	clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

uint64_t os_clock(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/*
 * Where the main thread may run, and not where the caller may: a worker that
 * is kept on a CPU must not have to share it with what it has started.
 */
static int thread_create(pthread_t *thread, void *(*fn)(void *), void *arg)
{
	pthread_attr_t attr;
	cpu_set_t cpus;
	int err = EINVAL;

	pthread_attr_init(&attr);
	if (!sched_getaffinity(getpid(), sizeof(cpus), &cpus) &&
	    !pthread_attr_setaffinity_np(&attr, sizeof(cpus), &cpus))
		err = pthread_create(thread, &attr, fn, arg);
	pthread_attr_destroy(&attr);
	if (err == EINVAL) /* these CPUs are not to be had: as the caller */
		err = pthread_create(thread, NULL, fn, arg);
	return err;
}

/* The mask is inherited: blocked here, no signal finds the thread without. */
int os_thread(pthread_t *thread, void *(*fn)(void *), void *arg,
	      const char *name)
{
	sigset_t all, old;
	int err;

	if (os_fault(OS_THREAD))
		return -errno;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = thread_create(thread, fn, arg);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (!err)
		pthread_setname_np(*thread, name);
	return -err;
}

bool os_thread_join(pthread_t thread, uint64_t until)
{
	struct timespec ts;
	uint64_t now = os_clock(), at;

	/* By the wall clock: gcc 12's TSan does not know pthread_clockjoin_np(). */
	clock_gettime(CLOCK_REALTIME, &ts);
	at = (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
	at += until > now ? until - now : 0;
	ts = (struct timespec){ (time_t)(at / 1000000000),
				(long)(at % 1000000000) };
	return pthread_timedjoin_np(thread, NULL, &ts) == 0;
}

int os_cancel_off(void)
{
	int was;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &was);
	return was;
}

void os_cancel_on(int was)
{
	pthread_setcancelstate(was, &was);
}

/* A full descriptor that does not block is -EAGAIN: nobody waits in here. */
int os_write(int fd, const char *buf, size_t len)
{
	int saved = errno, err = 0;
	ssize_t n;

	while (len) {
		n = os_fault(OS_WRITE) ? -1 : write(fd, buf, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			err = n ? -errno : -EIO;
			break;
		}
		buf += n;
		len -= (size_t)n;
	}
	errno = saved;
	return err;
}

/* Reads until the buffer is full or the file ends. */
static ssize_t os_read_all(int fd, char *buf, size_t size)
{
	size_t len = 0;
	ssize_t n;

	while (len < size) {
		n = read(fd, buf + len, size - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			break;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

ssize_t os_read_file(const char *path, char *buf, size_t size)
{
	int saved = errno, fd;
	ssize_t len;

	fd = os_fault(OS_OPEN) ? -1 : open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		len = -errno;
		goto out;
	}
	len = os_read_all(fd, buf, size);
	if (len == (ssize_t)size)
		len = -E2BIG;
	if (len >= 0)
		buf[len] = '\0';
	close(fd);
out:
	errno = saved;
	return len;
}
