/* SPDX-License-Identifier: MIT */
/* The figures may not have been written. */
/* expect: -Wunused-result */
/* expect-clang: -Wunused-result */
#include <percu/stats.h>

void report(void)
{
	percu_stats_write(2, PERCU_STATS_TEXT);
}
