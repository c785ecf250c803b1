/* SPDX-License-Identifier: MIT */
/*
 * pool/retention.h - what small views of large blocks keep alive
 *
 * The figures of percu/buf.h.  They are kept down here, where the statistics
 * are printed, and counted by the layer above, which has the views.
 *
 * Each thread counts in a place of a table that its address chooses: most
 * threads have one to themselves, and none waits for another.  A place holds
 * differences, for what one thread counts in another counts out; only all
 * places together mean something.
 */
#ifndef PERCU_POOL_RETENTION_H
#define PERCU_POOL_RETENTION_H

#include <stddef.h>
#include <stdint.h>

#include "sys/hidden.h"
#include "sys/lock.h"

enum {
	RETENTION_SHIFT = 6,
	RETENTION_PLACES = 1 << RETENTION_SHIFT,
};

/* The meaning of each is struct percu_slice_stats'. */
struct retention {
	uint64_t slices, blocks, shown, held, clones;
};

/* (a) all of it, modulo 2^64 */
struct retention_place {
	uint64_t blocks, more; /* more: slices beyond one a block */
	uint64_t shown, held, clones;
} __attribute__((aligned(64)));

extern struct retention_place retention_place[RETENTION_PLACES] HIDDEN;

/* All places together; a figure that is below 0 for a moment reads as 0. */
void retention_read(struct retention *sum);

/* locks_held stands for whatever a thread has of its own. */
static inline struct retention_place *retention_here(void)
{
	uint64_t hash = (uintptr_t)&locks_held * 0x9e3779b97f4a7c15u;

	return &retention_place[hash >> (64 - RETENTION_SHIFT)];
}

/* Relaxed: a figure, of which nothing else is concluded. */
static inline void retention_count(uint64_t *figure, uint64_t n)
{
	__atomic_fetch_add(figure, n, __ATOMIC_RELAXED);
}

/* A block begins with one slice, and ends with one. */
static inline void retention_block_in(size_t bytes, size_t len)
{
	struct retention_place *r = retention_here();

	retention_count(&r->blocks, 1);
	retention_count(&r->held, bytes);
	retention_count(&r->shown, len);
}

static inline void retention_block_out(size_t bytes, size_t len)
{
	struct retention_place *r = retention_here();

	retention_count(&r->blocks, -(uint64_t)1);
	retention_count(&r->held, -(uint64_t)bytes);
	retention_count(&r->shown, -(uint64_t)len);
}

/* One more of a block that has some, and one less that is not the last. */
static inline void retention_slice_in(size_t len)
{
	struct retention_place *r = retention_here();

	retention_count(&r->more, 1);
	retention_count(&r->shown, len);
}

static inline void retention_slice_out(size_t len)
{
	struct retention_place *r = retention_here();

	retention_count(&r->more, -(uint64_t)1);
	retention_count(&r->shown, -(uint64_t)len);
}

static inline void retention_clone(void)
{
	retention_count(&retention_here()->clones, 1);
}

#endif /* PERCU_POOL_RETENTION_H */
