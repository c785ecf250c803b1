/* SPDX-License-Identifier: MIT */
/*
 * slab/runs.c - the heap's free runs: bins, best fit, coalescing
 *
 * Runs of 1 to 127 pages have a bin for each length; longer ones, four bins a
 * doubling.  A bitmap of the bins that are not empty leads from one to the
 * next.  An exact bin's first run is a best fit.  Of a bin of several lengths
 * at most LOOK_MAX runs are looked at and the shortest that fits is taken, so
 * that a search is bounded however fragmented the heap is; the price is that
 * a fit far down in a list may be missed, and the heap grows instead.
 *
 * A run that holds memory enters its bin in front, one that holds none at the
 * back: memory that is there is used before memory that must be faulted in.
 *
 * Within an arena two free runs are never neighbours.  Runs do not merge
 * across the border of an arena, so none is longer than one.
 *
 * The longest run is most of an arena as a rule, and what is cut from it and
 * merges with it again is a few pages: so both touch the bits of these pages
 * only, and a run keeps count of those that hold memory.
 *
 * Lock order: the caller holds LOCK_HEAP; LOCK_META is taken inside it.
 */
#include <errno.h>

#include "slab/arena.h"
#include "slab/meta.h"
#include "slab/runs.h"
#include "sys/report.h"

enum {
	NR_EXACT = 127, /* bins of one length: 1 .. 127 pages */
	EXACT_BITS = 7,
	NR_BINS = NR_EXACT + (ARENA_SHIFT - PAGE_SHIFT_ - EXACT_BITS) * 4 + 1,
	NR_BIN_WORDS = (NR_BINS + 63) / 64,
	LOOK_MAX = 16,
};

/* heap lock */
static struct list bins[NR_BINS];
static uint64_t filled[NR_BIN_WORDS];
static uint64_t nr_runs;

/* Once is enough: a second time would lose the runs. */
void runs_init(void)
{
	if (bins[0].next)
		return;
	for (unsigned int b = 0; b < NR_BINS; b++)
		list_init(&bins[b]);
}

uint64_t runs_count(void)
{
	return nr_runs;
}

static struct span *to_run(struct list *l)
{
	return list_entry(l, struct span, list);
}

static unsigned int bin_of(uint32_t n)
{
	unsigned int lg;

	if (n <= NR_EXACT)
		return n - 1;
	lg = 31 - (unsigned int)__builtin_clz(n);
	return NR_EXACT + (lg - EXACT_BITS) * 4 + (n >> (lg - 2) & 3);
}

/* The first bin from b on that is not empty, or NR_BINS. */
static unsigned int bin_next(unsigned int b)
{
	uint64_t word;

	if (b >= NR_BINS)
		return NR_BINS;
	word = filled[b / 64] & UINT64_MAX << b % 64;
	for (unsigned int w = b / 64;; word = filled[w]) {
		if (word)
			return w * 64 + (unsigned int)__builtin_ctzll(word);
		if (++w == NR_BIN_WORDS)
			return NR_BINS;
	}
}

static void bin_add(struct span *s)
{
	unsigned int b = bin_of(s->npages);

	if (s->resident)
		list_add(&s->list, &bins[b]);
	else
		list_add_tail(&s->list, &bins[b]);
	filled[b / 64] |= (uint64_t)1 << b % 64;
	nr_runs++;
}

static void bin_del(struct span *s)
{
	unsigned int b = bin_of(s->npages);

	list_del(&s->list);
	if (list_empty(&bins[b]))
		filled[b / 64] &= ~((uint64_t)1 << b % 64);
	nr_runs--;
}

static bool run_fits(const struct span *s, size_t n, size_t align)
{
	uintptr_t unit = (uintptr_t)align << PAGE_SHIFT_;
	uintptr_t first = (s->start + unit - 1) & ~(unit - 1);

	return first + ((uintptr_t)n << PAGE_SHIFT_) <=
	       s->start + ((uintptr_t)s->npages << PAGE_SHIFT_);
}

static struct span *bin_best(unsigned int b, size_t n, size_t align)
{
	struct span *best = NULL;
	int looked = 0;

	list_for_each (l, &bins[b]) {
		struct span *s = to_run(l);

		if ((!best || s->npages < best->npages) &&
		    run_fits(s, n, align))
			best = s;
		if (++looked == LOOK_MAX || (best && b < NR_EXACT))
			break;
	}
	return best;
}

struct span *run_find(size_t n, size_t align)
{
	struct span *s;

	for (unsigned int b = bin_next(bin_of((uint32_t)n)); b < NR_BINS;
	     b = bin_next(b + 1)) {
		s = bin_best(b, n, align);
		if (s)
			return s;
	}
	return NULL;
}

static uintptr_t run_end(const struct span *s)
{
	return s->start + ((uintptr_t)s->npages << PAGE_SHIFT_);
}

/*
 * s, the new run, is one of left and right, which touch; the other one is in
 * a bin, and its pages become s's.  The entries on both sides of the seam go;
 * the caller enters the whole.
 */
static void run_join(struct span *s, struct span *left, struct span *right)
{
	struct span *other = s == left ? right : left;

	bin_del(other);
	map_set_page(right->start - PAGE_SIZE_, NULL);
	map_set_page(right->start, NULL);
	s->start = left->start;
	s->npages += other->npages;
	s->resident += other->resident;
	meta_free(other, sizeof(*other));
}

/* Relaxed: a large block's owner makes it leave without the lock, never free. */
static bool span_free(const struct span *s)
{
	return __atomic_load_n(&s->kind, __ATOMIC_RELAXED) == SPAN_FREE;
}

/* A run as it is, with its bits: into the map and a bin. */
static void run_enter(struct span *s)
{
	s->kind = SPAN_FREE;
	s->slab = NULL;
	map_set_page(s->start, s);
	map_set_page(run_end(s) - PAGE_SIZE_, s);
	bin_add(s);
}

struct span *run_add(struct span *s)
{
	struct span *left = map_neighbour(s->start - PAGE_SIZE_, s->start);
	struct span *right = map_neighbour(run_end(s), run_end(s) - PAGE_SIZE_);

	s->resident = (uint32_t)pages_count(s->start, s->npages, PAGE_RESIDENT);
	pages_set(s->start, s->npages, PAGE_IDLE);
	if (left && span_free(left))
		run_join(s, left, s);
	if (right && span_free(right))
		run_join(s, s, right);
	run_enter(s);
	return s;
}

struct span *run_behind(const struct span *s)
{
	struct span *run = map_neighbour(run_end(s), run_end(s) - PAGE_SIZE_);

	return run && span_free(run) ? run : NULL;
}

/* Pages of a run leave it: of those that stay, how many are resident? */
static uint32_t run_lose(struct span *run, uintptr_t start, size_t n)
{
	bin_del(run);
	pages_clear(start, n, PAGE_IDLE);
	return run->resident - (uint32_t)pages_count(start, n, PAGE_RESIDENT);
}

void run_behead(struct span *run, size_t n)
{
	run->resident = run_lose(run, run->start, n);
	map_set_page(run->start, NULL);
	run->start += n << PAGE_SHIFT_;
	run->npages -= (uint32_t)n;
	if (run->npages) {
		run_enter(run);
		return;
	}
	map_set_page(run->start - PAGE_SIZE_, NULL);
	meta_free(run, sizeof(*run));
}

void run_split(struct span *run, uintptr_t first, size_t n, struct span *before,
	       struct span *behind)
{
	uint32_t resident = run_lose(run, first, n);
	uintptr_t end = first + ((uintptr_t)n << PAGE_SHIFT_);

	if (before) {
		before->start = run->start;
		before->npages =
			(uint32_t)((first - run->start) >> PAGE_SHIFT_);
		before->resident = (uint32_t)pages_count(
			before->start, before->npages, PAGE_RESIDENT);
		resident -= before->resident;
		run_enter(before);
	}
	if (behind) {
		behind->start = end;
		behind->npages =
			(uint32_t)((run_end(run) - end) >> PAGE_SHIFT_);
		behind->resident = resident;
		run_enter(behind);
	}
	run->start = first;
	run->npages = (uint32_t)n;
}

void run_take(struct span *s)
{
	bin_del(s);
	pages_clear(s->start, s->npages, PAGE_IDLE);
}

int64_t runs_check(void)
{
	int64_t count = 0;

	for (unsigned int b = 0; b < NR_BINS; b++) {
		bool bit = filled[b / 64] >> b % 64 & 1;

		list_for_each (l, &bins[b]) {
			struct span *s = to_run(l);

			count++;
			if (s->kind == SPAN_FREE && bin_of(s->npages) == b &&
			    span_of((void *)s->start) == s &&
			    s->resident == pages_count(s->start, s->npages,
						       PAGE_RESIDENT))
				continue;
			report_warn(
				"heap: bin %u holds %u pages, kind %u, at %p",
				b, s->npages, s->kind, (void *)s->start);
			return -EUCLEAN;
		}
		if (bit == list_empty(&bins[b])) {
			report_warn("heap: bin %u and its bit disagree", b);
			return -EUCLEAN;
		}
	}
	return count;
}
