/* SPDX-License-Identifier: MIT */
/*
 * tests/override/main.c - what the tree's parts took came from percu
 *
 *	main		runs them
 *	main free	frees what libc has allocated: misuse
 *	main realloc	reallocates it: misuse
 */
#include <percu/stats.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tree.h"

static struct percu_memstats now(void)
{
	struct percu_memstats ms;

	percu_memstats(&ms);
	return ms;
}

/* took: blocks that the part says it had; it got no fewer, and none is out. */
static void check(const char *part, int took, const struct percu_memstats *was)
{
	struct percu_memstats is = now();
	unsigned long long calls = is.mallocs - was->mallocs;

	printf("%s: %llu blocks, %lld bytes still out\n", part, calls,
	       (long long)(is.alloc - was->alloc));
	if (took < 0 || calls < (unsigned long long)took ||
	    is.alloc != was->alloc) {
		printf("%s: failed, its work says %d\n", part, took);
		exit(1);
	}
}

int main(int argc, char **argv)
{
	struct percu_memstats was = now();
	char *libcs = libcs_directory();

	if (argc > 1 && !strcmp(argv[1], "free"))
		free_it(libcs);
	if (argc > 1 && !strcmp(argv[1], "realloc"))
		libcs = realloc_it(libcs);
	free_libcs(libcs);
	check("libc's", 0, &was);
	check("blocks", blocks_part(), &was);
	was = now();
	check("text", text_part(argv[0]), &was);
	was = now();
	check("late", late_part(), &was);
#ifdef CXX
	was = now();
	check("c++", cxx_part(), &was);
#endif
	return 0;
}
