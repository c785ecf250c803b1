// SPDX-License-Identifier: MIT
/* stress/text.c - numbers as people read them */
#include <stdio.h>
#include "stress.h"

struct numeral num_count(uint64_t n)
{
	struct numeral digits, out;
	int len = snprintf(digits.s, sizeof(digits.s), "%llu",
			   (unsigned long long)n);
	int o = 0;

	for (int i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			out.s[o++] = ',';
		out.s[o++] = digits.s[i];
	}
	out.s[o] = '\0';
	return out;
}

struct numeral num_bytes(uint64_t n)
{
	static const char *const unit[] = { "kB", "MB", "GB", "TB" };
	double x = (double)n / 1e3;
	struct numeral out;
	unsigned int u = 0;

	for (; x >= 999.95 && u < ARRAY_SIZE(unit) - 1; u++)
		x /= 1e3;
	snprintf(out.s, sizeof(out.s), "%.1f %s", x, unit[u]);
	return out;
}

struct numeral num_percent(uint64_t part, uint64_t whole)
{
	struct numeral out;

	if (whole)
		snprintf(out.s, sizeof(out.s), "%.2f%%",
			 100.0 * (double)part / (double)whole);
	else
		snprintf(out.s, sizeof(out.s), "-");
	return out;
}

bool text_flushed(void)
{
	if (!fflush(stdout) && !ferror(stdout))
		return true;
	fprintf(stderr, "percu-stress: stdout cannot be written\n");
	return false;
}
