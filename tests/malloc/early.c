/* SPDX-License-Identifier: MIT */
/*
 * tests/malloc/early.c - allocates before anybody else, and inside percu's start
 *
 * Preloaded beside percu.  Its constructor comes first, and its open(), which
 * percu calls while it sets itself up, allocates as dlsym() and its like do in
 * such libraries.  One block of each is kept and freed at the end.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static char *from_open, *from_constructor;
static unsigned int opens;

static void die(const char *what)
{
	dprintf(2, "early: %s\n", what);
	_exit(9);
}

static char *make(void)
{
	char *p = malloc(10), *q = calloc(7, 11);

	if (!p || !q || (uintptr_t)p % 16 || (uintptr_t)q % 16)
		die("no block");
	for (int i = 0; i < 77; i++)
		if (q[i])
			die("calloc");
	free(q);
	strcpy(p, "percu");
	p = realloc(p, 60000);
	if (!p || strcmp(p, "percu"))
		die("realloc");
	return p;
}

int open(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	va_start(ap, flags);
	if (flags & (O_CREAT | O_TMPFILE))
		mode = va_arg(ap, mode_t);
	va_end(ap);
	if (!opens++) {
		from_open = make();
		/* One of them is at the very end of what they are cut from. */
		for (int i = 0; i < 20000; i++)
			free(malloc(0));
	}
	return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

__attribute__((constructor(101))) static void start(void)
{
	from_constructor = make();
}

__attribute__((destructor)) static void end(void)
{
	if (!from_open || strcmp(from_open, "percu"))
		die("what open() has allocated");
	if (strcmp(from_constructor, "percu"))
		die("what the constructor has allocated");
	from_open = realloc(from_open, 100000);
	if (!from_open || strcmp(from_open, "percu"))
		die("realloc at the end");
	free(from_open);
	free(from_constructor);
	dprintf(1, "early: ok\n");
}
