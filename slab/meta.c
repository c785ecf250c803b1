/* SPDX-License-Identifier: MIT */
/*
 * slab/meta.c - memory for percu's own records
 *
 * A bump allocator over regions from the system, and a list of what was freed
 * for each size.  Nothing goes back to the system: whoever follows a stale
 * pointer to a record finds a record, and never a hole.
 *
 * Regions grow from 256 KiB with what is mapped already, up to 4 MiB, so that
 * a small program stays small and a large one makes few calls; where the
 * system refuses, a smaller one is asked for, down to the request itself.
 * What is left of a region when the next one is mapped goes to the lists.
 *
 * Sizes: multiples of 64 bytes up to 256, then powers of two up to 32 KiB.
 * Above (an arena, a pool's records) they are whole pages of 8 KiB, there are
 * few of them, and a list of all sizes is searched for an equal one.
 *
 * Lock order: LOCK_META is the last.
 *
 * Words
 *	piece	a block of records' memory, free or not
 *	region	what one call to the system gave
 *	shelf	the list of free pieces of one size
 */
#include <stdbool.h>
#include <string.h>

#include "slab/meta.h"
#include "sys/lock.h"
#include "sys/os.h"
#include "sys/tool.h"

enum {
	META_ALIGN = 64,
	META_LINEAR_MAX = 256,
	META_SHELF_MAX = 32768,
	META_PAGE = 8192,
	META_STEP_MIN = 256 << 10,
	META_STEP_MAX = 4 << 20,
	NR_SHELVES = 4 + 7, /* 64 128 192 256, 512 .. 32768 */
};

struct piece {
	struct piece *next;
	size_t size;
};

static struct {
	struct lock lock;
	/* under lock */
	char *bump, *end;
	struct piece *shelf[NR_SHELVES];
	struct piece *large; /* pieces above META_SHELF_MAX */
	uint64_t mapped;
	/* (a) */
	int64_t others; /* meta_account() */
} meta;

static size_t round_up(size_t n, size_t unit)
{
	return (n + unit - 1) & ~(unit - 1);
}

/* The size that a request gets; 0 if no request can be that large. */
static size_t piece_size(size_t size)
{
	if (size <= META_LINEAR_MAX)
		return size ? round_up(size, META_ALIGN) : META_ALIGN;
	if (size <= META_SHELF_MAX)
		return (size_t)1 << (64 - __builtin_clzll(size - 1));
	return size > PTRDIFF_MAX ? 0 : round_up(size, META_PAGE);
}

/* For what piece_size() returned, at most META_SHELF_MAX. */
static unsigned int shelf_of(size_t size)
{
	if (size <= META_LINEAR_MAX)
		return (unsigned int)(size / META_ALIGN - 1);
	return 4 + (unsigned int)(__builtin_ctzll(size) - 9);
}

static void piece_put(void *p, size_t size)
{
	struct piece *piece = p, **head = &meta.large;

	if (size <= META_SHELF_MAX)
		head = &meta.shelf[shelf_of(size)];
	if (tool.valgrind) /* what it points to is not reachable by it */
		memset(piece, 0, size);
	piece->size = size;
	piece->next = *head;
	*head = piece;
}

/* A freed piece, cleared again; NULL if there is none of this size. */
static void *piece_get(size_t size)
{
	struct piece **head = &meta.large, *piece;

	if (size <= META_SHELF_MAX)
		head = &meta.shelf[shelf_of(size)];
	while (*head && (*head)->size != size)
		head = &(*head)->next;
	piece = *head;
	if (!piece)
		return NULL;
	*head = piece->next;
	memset(piece, 0, size);
	return piece;
}

/* What is left of the region becomes pieces, the largest that fit. */
static void region_retire(void)
{
	while (meta.end - meta.bump >= META_ALIGN) {
		size_t left = (size_t)(meta.end - meta.bump), size;

		if (left >= META_SHELF_MAX)
			size = META_SHELF_MAX;
		else if (left >= META_LINEAR_MAX)
			size = (size_t)1 << (63 - __builtin_clzll(left));
		else
			size = left & ~(size_t)(META_ALIGN - 1);
		piece_put(meta.bump, size);
		meta.bump += size;
	}
}

static bool region_map(size_t need)
{
	size_t step = META_STEP_MIN, least = round_up(need, os_page_size());
	char *p;

	while (step < META_STEP_MAX && step * 4 <= meta.mapped)
		step *= 2;
	if (step < least)
		step = least;
	while (!(p = os_map(step))) {
		if (step == least)
			return false;
		step = step / 2 > least ? round_up(step / 2, os_page_size()) :
					  least;
	}
	tool_root(p, step);
	meta.mapped += step;
	region_retire();
	meta.bump = p;
	meta.end = p + step;
	return true;
}

void *meta_alloc(size_t size)
{
	void *p = NULL;

	size = piece_size(size);
	if (!size)
		return NULL;
	lock_take(&meta.lock, LOCK_META);
	p = piece_get(size);
	if (!p &&
	    ((size_t)(meta.end - meta.bump) >= size || region_map(size))) {
		p = meta.bump;
		meta.bump += size;
	}
	lock_give(&meta.lock, LOCK_META);
	return p;
}

void meta_stock(size_t size)
{
	lock_take(&meta.lock, LOCK_META);
	while ((size_t)(meta.end - meta.bump) < size && !region_map(size))
		size /= 2;
	lock_give(&meta.lock, LOCK_META);
}

void meta_free(void *p, size_t size)
{
	if (!p)
		return;
	lock_take(&meta.lock, LOCK_META);
	piece_put(p, piece_size(size));
	lock_give(&meta.lock, LOCK_META);
}

/* Relaxed: a figure, which orders nothing. */
void meta_account(ptrdiff_t bytes)
{
	__atomic_add_fetch(&meta.others, bytes, __ATOMIC_RELAXED);
}

uint64_t meta_sys(void)
{
	uint64_t mapped;

	lock_take(&meta.lock, LOCK_META);
	mapped = meta.mapped;
	lock_give(&meta.lock, LOCK_META);
	return mapped +
	       (uint64_t)__atomic_load_n(&meta.others, __ATOMIC_RELAXED);
}

void meta_lock(void)
{
	lock_take(&meta.lock, LOCK_META);
}

void meta_unlock(void)
{
	lock_give(&meta.lock, LOCK_META);
}

void meta_lock_reinit(void)
{
	meta_unlock(); /* TSan wants it given by who took it */
	lock_init(&meta.lock);
}
