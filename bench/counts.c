/* SPDX-License-Identifier: MIT */
/*
 * bench/counts.c - the instructions of a hit
 *
 * Counted in the disassembly by scripts/golden.sh, in whose words --counts has
 * them: a function a line, behind its name the instructions, loads, stores,
 * branches, locked ones and calls.  A locked instruction may cost a pair as
 * little as a fifteenth, and nobody would see that in times: so they are held
 * to be none.
 */
#include <stdio.h>

#include "bench/bench.h"
#include "bench/cases.h"

bool case_counts(void)
{
	FILE *f = opt.counts ? fopen(opt.counts, "r") : NULL;
	char line[256], name[40], dear[64];
	unsigned int n, locked, calls;

	row_title("counts", "instructions of a hit, entry to return", "");
	if (!f) {
		row_skip("counts", "instructions",
			 "nothing was disassembled (--counts)");
		return true;
	}
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%39s %u %*u %*u %*u %u %u", name, &n, &locked,
			   &calls) == 4 &&
		    name[0] != '#') {
			snprintf(dear, sizeof(dear), "%s, locked or calls",
				 name);
			row_figure("counts", NO_X, name, n, "");
			row_figure("counts", NO_X, dear, locked + calls, "");
		}
	fclose(f);
	return true;
}
