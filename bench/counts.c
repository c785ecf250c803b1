/* SPDX-License-Identifier: MIT */
/*
 * bench/counts.c - the instructions of a hit
 *
 * Counted in the disassembly by scripts/golden.sh, in whose words --counts has
 * them: a function a line, behind its name the instructions, loads, stores,
 * branches, locked ones and calls.  A locked instruction may cost a pair as
 * little as a fifteenth, and nobody would see that in times: so they are held
 * to be none.  How many instructions there are is held to what one compiler
 * makes of the source, to the last of them; another's are shown and no more.
 */
#include <stdio.h>

#include "bench/bench.h"
#include "bench/cases.h"

#if defined(__x86_64__) && __GNUC__ == 12 && !defined(__clang__) && \
	!defined(PERCU_DEBUG)
#define HELD 1
#else
#define HELD 0
#endif

static void rows(const char *fn, unsigned int n, unsigned int dear)
{
	char name[ROW_NAME];

	snprintf(name, sizeof(name), HELD ? "%s" : "%s, as built here", fn);
	row_figure("counts", NO_X, name, n, "");
	snprintf(name, sizeof(name), "%s, locked or calls", fn);
	row_figure("counts", NO_X, name, dear, "");
	if (!HELD)
		row_skip("counts", fn, "what is held is of gcc 12, on x86-64");
}

bool case_counts(void)
{
	FILE *f = opt.counts ? fopen(opt.counts, "r") : NULL;
	unsigned int n, locked, calls;
	char line[256], fn[40];

	row_title("counts", "instructions of a hit, entry to return", "");
	if (!f) {
		row_skip("counts", "counts",
			 "nothing was disassembled (--counts)");
		return true;
	}
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%39s %u %*u %*u %*u %u %u", fn, &n, &locked,
			   &calls) == 4 &&
		    fn[0] != '#')
			rows(fn, n, locked + calls);
	fclose(f);
	return true;
}
