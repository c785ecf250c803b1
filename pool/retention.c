/* SPDX-License-Identifier: MIT */
/*
 * pool/retention.c - what small views of large blocks keep alive
 */
#include "pool/retention.h"

struct retention_place retention_place[RETENTION_PLACES];

enum {
	NR_FIGURES = sizeof(struct retention) / sizeof(uint64_t)
};

void retention_read(struct retention *sum)
{
	uint64_t total[NR_FIGURES] = { 0 };

	/* Relaxed: see retention_count(). */
	for (int i = 0; i < RETENTION_PLACES; i++) {
		const uint64_t *figure = &retention_place[i].sum.slices;

		for (int f = 0; f < NR_FIGURES; f++)
			total[f] +=
				__atomic_load_n(&figure[f], __ATOMIC_RELAXED);
	}
	/* What was counted out may be seen before what was counted in. */
	for (int f = 0; f < NR_FIGURES; f++)
		if ((int64_t)total[f] < 0)
			total[f] = 0;
	*sum = (struct retention){ total[0], total[1], total[2], total[3],
				   total[4] };
}
