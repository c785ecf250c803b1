/* SPDX-License-Identifier: MIT */
/*
 * tests/test_malloc_oom.c - each call of the system's fails, from the start on
 *
 * The malloc under test calls the system through functions of the C library,
 * and this program has its own in their place: the n-th call of one of them
 * fails, once or for good.  n goes up until a run has fewer of them.  Each run
 * is a process of its own (the program calls itself), for many of the calls are
 * made before main().
 *
 * The law: a NULL with ENOMEM or a block; what was there before is whole; all
 * can be freed; and when the system gives again, so does malloc.
 */
#include <stdarg.h>
#if __has_include(<sys/rseq.h>)
#include <sys/rseq.h>
#endif
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/mallocs.h"

enum {
	BLOCKS = 1000,
	EXIT_FINE = 0,
	EXIT_BROKEN = 9,
	EXIT_NOT_REACHED = 10
};

static const char *const calls[] = { "mmap",   "mprotect", "madvise",
				     "munmap", "mremap",   "membarrier" };
enum {
	MEMBARRIER = 5
};
#define NR_CALLS (sizeof(calls) / sizeof(*calls))

static struct {
	int call; /* 0: not looked for; -1: none */
	bool forever;
	unsigned long nth, seen, fired;
} fault;

/* FAULT=mmap:3:1; before main(), so without what may allocate. */
static void fault_find(void)
{
	const char *s = getenv("FAULT"), *colon = s ? strchr(s, ':') : NULL;

	fault.call = -1;
	for (size_t i = 0; colon && i < NR_CALLS; i++)
		if (!strncmp(s, calls[i], (size_t)(colon - s)))
			fault.call = (int)i + 1;
	if (!colon)
		return;
	for (s = colon + 1; *s >= '0' && *s <= '9'; s++)
		fault.nth = fault.nth * 10 + (unsigned long)(*s - '0');
	fault.forever = s[1] == '1';
}

static bool fails(int call)
{
	if (!fault.call)
		fault_find();
	if (fault.call != call + 1)
		return false;
	fault.seen++;
	if (fault.seen != fault.nth &&
	    !(fault.forever && fault.seen > fault.nth))
		return false;
	fault.fired++;
	errno = call == MEMBARRIER ? EPERM : ENOMEM;
	return true;
}

#define OURS __attribute__((visibility("default")))

OURS void *mmap(void *p, size_t n, int prot, int flags, int fd, off_t off)
{
	return fails(0) ? MAP_FAILED :
			  (void *)syscall(SYS_mmap, p, n, prot, flags, fd, off);
}

OURS int mprotect(void *p, size_t n, int prot)
{
	return fails(1) ? -1 : (int)syscall(SYS_mprotect, p, n, prot);
}

OURS int madvise(void *p, size_t n, int advice)
{
	return fails(2) ? -1 : (int)syscall(SYS_madvise, p, n, advice);
}

OURS int munmap(void *p, size_t n)
{
	return fails(3) ? -1 : (int)syscall(SYS_munmap, p, n);
}

OURS void *mremap(void *p, size_t n, size_t new_n, int flags, ...)
{
	va_list ap;
	void *to;

	va_start(ap, flags);
	to = va_arg(ap, void *);
	va_end(ap);
	return fails(4) ? MAP_FAILED :
			  (void *)syscall(SYS_mremap, p, n, new_n, flags, to);
}

/* Inline in libc, and the one call that percu makes by number and can do without. */
OURS long syscall(long number, ...)
{
	long a[6], ret;
	va_list ap;

	va_start(ap, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (number == SYS_membarrier && fails(MEMBARRIER))
		return -1;
	register long r10 __asm__("r10") = a[3];
	register long r8 __asm__("r8") = a[4];
	register long r9 __asm__("r9") = a[5];

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(number), "D"(a[0]), "S"(a[1]), "d"(a[2]),
			   "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	if (ret < 0 && ret > -4096) {
		errno = (int)-ret;
		return -1;
	}
	return ret;
}

/* One run. ---------------------------------------------------------------------- */

static struct {
	unsigned char *p;
	size_t size;
} block[BLOCKS];

static bool whole(unsigned int i)
{
	return !block[i].p || block_whole(block[i].p, block[i].size, i);
}

static size_t size_for(unsigned int i, unsigned int round)
{
	if (i % 100 == 99)
		return ((size_t)1 << (15 + (i / 100 + round) % 8)) + i;
	return (i * 37 + round * 1001) % 5000;
}

/* False: it broke a law. */
static bool get(unsigned int i, unsigned int round)
{
	size_t size = size_for(i, round);
	bool again = block[i].p && i % 3;
	unsigned char *p;

	errno = 0;
	if (again)
		p = realloc(block[i].p, size + 1);
	else if (i % 7 == 0)
		p = calloc(1, size + 1);
	else if (i % 11 == 0)
		p = memalign(4096, size + 1);
	else
		p = malloc(size + 1);
	if (!p)
		return errno == ENOMEM && fault.fired;
	if (again &&
	    !block_is(p, size < block[i].size ? size : block[i].size, i))
		return false;
	if (!again)
		free(block[i].p);
	block[i].p = p;
	block[i].size = size + 1;
	block_fill(p, size + 1, i);
	return true;
}

/* By mremap(), from the second time on. */
static bool grow(void)
{
	size_t size = 2 << 20;
	unsigned char *p = malloc(size), *wall = malloc(40000), *q;
	bool good = p || fault.fired;
	if (p)
		block_fill(p, size, 1);
	for (int i = 0; i < 4 && p; i++) {
		q = realloc(p, size + size / 2);
		if (!q)
			good = errno == ENOMEM && fault.fired;
		p = q ? q : p;
		good = good && block_whole(p, size, 1);
		if (!q)
			break;
		size += size / 2;
		block_fill(p, size, 1);
	}
	free(p);
	free(wall); /* it was behind p */
	return good;
}

static int one_run(void)
{
	bool good = true;

	for (unsigned int round = 0; round < 3; round++) {
		for (unsigned int i = 0; i < BLOCKS; i++)
			good = good && get(i, round);
		good = good && grow();
		for (unsigned int i = 0; i < BLOCKS; i++)
			good = good && whole(i);
		for (unsigned int i = round % 2; i < BLOCKS; i += 2) {
			free(block[i].p);
			block[i].p = NULL;
		}
		malloc_trim(0);
	}
	fault.forever = false; /* the system gives again */
	fault.nth = 0;
	for (unsigned int i = 0; i < BLOCKS; i++)
		good = good && get(i, 9) && block[i].p && whole(i);
	for (unsigned int i = 0; i < BLOCKS; i++)
		free(block[i].p);
	if (!good)
		return EXIT_BROKEN;
	return fault.fired ? EXIT_FINE : EXIT_NOT_REACHED;
}

/* All runs. ----------------------------------------------------------------------- */

static const char *program;

static int run(const char *what)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		setenv("FAULT", what, 1);
		execl(program, program, (char *)NULL);
		_exit(1);
	}
	if (waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -status;
}

/* Without it there is nothing to fence. */
static bool has_rseq(void)
{
#if __has_include(<sys/rseq.h>)
	return __rseq_size != 0;
#else
	return false;
#endif
}

static void fail_each(size_t call, bool forever)
{
	unsigned long most = check_short() ? 6 : 12, n, fired = 0;
	int status = 0;

	for (n = 1; n <= most && status != EXIT_NOT_REACHED; n++) {
		char what[40];

		snprintf(what, sizeof(what), "%s:%lu:%d", calls[call], n,
			 forever);
		status = run(what);
		fired += status == EXIT_FINE;
		if (status != EXIT_FINE && status != EXIT_NOT_REACHED) {
			printf("FAULT=%s: %d\n", what, status);
			CU_FAIL("a run with a fault");
		}
	}
	printf("(%s: %lu) ", calls[call], fired);
	CU_ASSERT(fired > 0 || (call == MEMBARRIER && !has_rseq()));
}

static void test_once(void)
{
	for (size_t call = 0; call < NR_CALLS; call++)
		fail_each(call, false);
}

static void test_forever(void)
{
	for (size_t call = 0; call < NR_CALLS; call++)
		fail_each(call, true);
}

static const CU_TestInfo tests[] = { { "each call fails once", test_once },
				     { "each call fails from there on",
				       test_forever },
				     CU_TEST_INFO_NULL };

int main(int argc, char **argv)
{
	mallocs_valgrind();
	if (getenv("FAULT"))
		return one_run();
	program = argc ? argv[0] : "/proc/self/exe";
	return check_main("malloc without memory", tests);
}
