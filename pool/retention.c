/* SPDX-License-Identifier: MIT */
/*
 * pool/retention.c - what small views of large blocks keep alive
 */
#include "pool/retention.h"

struct retention_place retention_place[RETENTION_PLACES];

/* Relaxed: see retention_count(). */
static uint64_t figure(const uint64_t *of)
{
	return __atomic_load_n(of, __ATOMIC_RELAXED);
}

/* What was counted out may have been seen before what was counted in. */
static uint64_t settled(uint64_t sum)
{
	return (int64_t)sum < 0 ? 0 : sum;
}

void retention_read(struct retention *sum)
{
	struct retention s = { 0 };

	for (int i = 0; i < RETENTION_PLACES; i++) {
		const struct retention_place *r = &retention_place[i];

		s.slices += figure(&r->more);
		s.blocks += figure(&r->blocks);
		s.shown += figure(&r->shown);
		s.held += figure(&r->held);
		s.clones += figure(&r->clones);
	}
	*sum = (struct retention){ .slices = settled(s.slices + s.blocks),
				   .blocks = settled(s.blocks),
				   .shown = settled(s.shown),
				   .held = settled(s.held),
				   .clones = s.clones };
}
