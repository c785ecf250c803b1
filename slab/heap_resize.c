/* SPDX-License-Identifier: MIT */
/*
 * slab/heap_resize.c - the span of a large block gets another length
 *
 * Whoever has the block has its span: nobody else looks at its length or frees
 * it meanwhile.  What is looked up by page, by neighbours and by who holds a
 * wild pointer, changes under the heap lock as always.
 *
 * A span with a mapping of its own gives its tail back to the system at once, as
 * it goes itself when it is freed.  It moves by mremap(): to addresses that were
 * reserved first, because a span starts at a multiple of our page, which the
 * system does not know.  It puts the pages there in one call that also makes
 * the mapping longer, so that it stays one mapping and can be moved again.
 *
 * The lock is held over that call.  The old addresses may be anybody's from
 * the moment of the move, other threads of the program included, but an arena
 * learns of new ones under the lock, when the old have been forgotten.
 *
 * If the system fails, it may have unmapped the reservation before: it is
 * forgotten and never touched again.  The block is where it was.
 */
#include "slab/arena.h"
#include "slab/heap.h"
#include "slab/meta.h"
#include "slab/runs.h"
#include "sys/delay.h"
#include "sys/os.h"

/* Forgotten first, as in direct_free(); for the tail's addresses too. */
static void direct_cut(struct span *s, size_t npages)
{
	uint32_t old = s->npages;

	npages = arena_bytes(npages) >> PAGE_SHIFT_;
	if (npages >= old)
		return;
	lock_take(&heap.lock, LOCK_HEAP);
	arena_forget(s->start + (npages << PAGE_SHIFT_), old - npages);
	heap.sys -= old - npages;
	heap.inuse -= old - npages;
	s->npages = (uint32_t)npages;
	lock_give(&heap.lock, LOCK_HEAP);
	delay_step();
	arena_unmap_tail(s->start, old, npages);
}

void heap_cut(struct span *s, size_t npages)
{
	struct span *tail;

	s->least = 0;
	if (s->direct) {
		direct_cut(s, npages);
		return;
	}
	tail = meta_alloc(sizeof(*tail));
	if (!tail) {
		s->least = (uint32_t)npages;
		return;
	}
	tail->start = s->start + (npages << PAGE_SHIFT_);
	tail->npages = s->npages - (uint32_t)npages;
	lock_take(&heap.lock, LOCK_HEAP);
	s->npages = (uint32_t)npages;
	span_free_locked(tail, heap.cycle);
	lock_give(&heap.lock, LOCK_HEAP);
}

bool heap_extend(struct span *s, size_t npages)
{
	size_t more = npages - s->npages;
	uintptr_t end = s->start + ((uintptr_t)s->npages << PAGE_SHIFT_);
	struct span *run = NULL;

	if (s->direct)
		return false;
	lock_take(&heap.lock, LOCK_HEAP);
	run = run_behind(s);
	if (run && (run->npages < more || arena_commit(end, more)))
		run = NULL;
	if (run) {
		run_take(run);
		span_gain(s, end, more, 0);
		s->npages = (uint32_t)npages;
		s->least = 0;
		run_behead(run, more);
	}
	lock_give(&heap.lock, LOCK_HEAP);
	return run;
}

/* Pages with their bits and figures become those of a span at start. */
static void pages_moved(struct span *s, struct span *to)
{
	heap.sys += to->npages - s->npages;
	heap.inuse -= s->npages;
	heap.released += to->npages;
	arena_forget(s->start, s->npages);
	pages_set(to->start, to->npages, PAGE_COMMITTED);
	span_gain(to, to->start, to->npages, 0);
}

struct span *heap_move(struct span *s, size_t npages)
{
	size_t unit = npages >= MOVE_UNIT ? MOVE_UNIT : 1;
	struct span *to;
	bool moved;

	if (!s->direct || npages > UINT32_MAX ||
	    !(to = meta_alloc(sizeof(*to))))
		return NULL;
	npages = arena_bytes(npages) >> PAGE_SHIFT_;
	to->direct = true;
	to->kind = SPAN_LARGE;
	to->npages = (uint32_t)npages;
	lock_take(&heap.lock, LOCK_HEAP);
	to->start = arena_reserve(npages, unit << PAGE_SHIFT_);
	moved = to->start && !os_move((void *)s->start, arena_bytes(s->npages),
				      (void *)to->start, arena_bytes(npages));
	if (moved)
		pages_moved(s, to);
	else if (to->start)
		arena_forget(to->start, npages);
	lock_give(&heap.lock, LOCK_HEAP);
	meta_free(moved ? s : to, sizeof(*s));
	return moved ? to : NULL;
}
