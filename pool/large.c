/* SPDX-License-Identifier: MIT */
/*
 * pool/large.c - blocks over 32 KiB, each a span of its own
 */
#include <errno.h>

#include "pool/block.h"
#include "slab/heap.h"
#include "sys/report.h"

enum {
	GROW_DIRECT = (2 << 20) / PAGE_SIZE_ /* pages */
};

struct large_stats large_stats;

/* Large blocks that wait for a grace period are released through it. */
struct percu_pool large_pool;

void *large_alloc(size_t align, size_t size, bool *zero)
{
	size_t npages, slot;
	struct span *s;
	void *ptr;

	if (size > SIZE_LIMIT || in_handler()) {
		errno = size > SIZE_LIMIT ? ENOMEM : EAGAIN;
		return NULL;
	}
	pool_init();
	npages = (padded(size ? size : 1) + PAGE_SIZE_ - 1) >> PAGE_SHIFT_;
	align = align <= PAGE_SIZE_ ? 1 : align >> PAGE_SHIFT_;
	s = heap_alloc(npages, align, SPAN_LARGE, 0, zero);
	if (!s) {
		errno = ENOMEM;
		return NULL;
	}
	slot = slot_of(s);
	ptr = (void *)s->start;
	counter_add(&large_stats.mallocs, 1);
	counter_add(&large_stats.bytes_in, slot);
	if (tool_redzone()) {
		tool_idle(ptr, slot);
		asked_write(ptr, slot, size);
		tool_out(ptr, size, *zero);
	}
	tool_acquire(ptr);
	return ptr;
}

void large_check(const char *fn, const struct span *s, const void *ptr)
{
	if (unlikely(s->start != (uintptr_t)ptr))
		report_misuse("%s(%p): points into a block of %zu bytes at %p",
			      fn, ptr, slot_of(s), (void *)s->start);
}

/* It is out no more; fn says how. */
void large_leave(const char *fn, struct span *s, void *ptr)
{
	uint8_t kind = SPAN_LARGE;

	large_check(fn, s, ptr);
	/* Of two threads that free one block, one finds it. */
	if (!__atomic_compare_exchange_n(&s->kind, &kind, SPAN_LEAVING, false,
					 __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		block_misuse(fn, NULL, ptr);
	counter_add(&large_stats.frees, 1);
	counter_add(&large_stats.bytes_out, slot_of(s));
	tool_release(ptr);
}

/* Nobody sees it any more: it goes back to the heap. */
static void large_return(void *ptr, void *arg)
{
	struct span *s = span_of(ptr);
	size_t slot = slot_of(s);

	(void)arg;
	if (tool_redzone())
		tool_back(ptr, asked_read(ptr, slot));
	/* In the heap it stays out of bounds; elsewhere it is not percu's. */
	if (s->direct)
		tool_unidle(ptr, slot);
	counter_add(&large_stats.bytes_back, slot);
	heap_free(s, heap_cycle());
}

void large_free(const char *fn, struct span *s, void *ptr)
{
	large_leave(fn, s, ptr);
	large_return(ptr, NULL);
}

void large_setup(void)
{
	static const struct percu_pool_attr attr = { .name = "large",
						     .destroy = large_return };

	pool_setup(&large_pool, &attr);
	large_pool.release = true;
	list_add_tail(&large_pool.pools, &pools.list);
	__atomic_store_n(&large_pool.magic, POOL_ALIVE, __ATOMIC_RELEASE);
}

/* Bytes of large blocks that wait. */
uint64_t large_bytes(void *const *objs, size_t n)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < n; i++)
		bytes += slot_of(span_of(objs[i]));
	return bytes;
}

/* The block is copied once, to where it need not be copied again. */
static struct span *large_promote(struct span *s, size_t npages)
{
	struct span *to;

	if (s->direct || npages < GROW_DIRECT)
		return NULL;
	to = heap_alloc_direct(npages);
	if (!to)
		return NULL;
	memcpy((void *)to->start, (void *)s->start, slot_of(s));
	heap_free(s, heap_cycle());
	return to;
}

/*
 * Smaller: the tail goes back, to the heap or the system.  Larger: what is free
 * behind it, or, from GROW_DIRECT on, a mapping of its own, whose pages the
 * system moves.  By an eighth more than is asked for: what grows will grow again.
 */
void *large_resize(struct span *s, void *ptr, size_t size)
{
	size_t old = slot_of(s), slot;
	struct span *to = s;

	if (size > SIZE_LIMIT || in_handler() || tool_any())
		return NULL;
	size = (size + PAGE_SIZE_ - 1) >> PAGE_SHIFT_;
	if (size < s->npages)
		heap_cut(s, size);
	else if (!heap_extend(s, size) &&
		 !(to = heap_move(s, size + size / 8)) &&
		 !(to = large_promote(s, size + size / 8)))
		return NULL;
	slot = slot_of(to);
	/* Both only grow. */
	counter_add(&large_stats.bytes_in, slot > old ? slot - old : 0);
	counter_add(&large_stats.bytes_out, slot < old ? old - slot : 0);
	counter_add(&large_stats.bytes_back, slot < old ? old - slot : 0);
	return to == s ? ptr : (void *)to->start;
}

/*
 * Can the block have been asked for with this size?  See stays().  One that was
 * to shrink and could not has been asked for with less than its slot tells.
 */
bool large_fits(const struct span *s, size_t size)
{
	size_t slot = slot_of(s), page = s->direct ? DIRECT_ROUND : PAGE_SIZE_;
	size_t least = s->least ? (size_t)s->least << PAGE_SHIFT_ : slot;

	return size <= slot && size + page + TOOL_REDZONE >= least / 2;
}
