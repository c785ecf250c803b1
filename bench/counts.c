/* SPDX-License-Identifier: MIT */
/*
 * bench/counts.c - the instructions of a hit
 *
 * Counted in the disassembly by scripts/golden.sh, in whose words --counts has
 * them: a function a line, and the number behind its name.
 */
#include <stdio.h>

#include "bench/bench.h"
#include "bench/cases.h"

bool case_counts(void)
{
	FILE *f = opt.counts ? fopen(opt.counts, "r") : NULL;
	char line[256], name[64];
	unsigned int n;

	row_title("counts", "instructions of a hit, entry to return", "");
	if (!f) {
		row_skip("counts", "instructions",
			 "nothing was disassembled (--counts)");
		return true;
	}
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%63s %u", name, &n) == 2 && name[0] != '#')
			row_figure("counts", NO_X, name, n, "");
	fclose(f);
	return true;
}
