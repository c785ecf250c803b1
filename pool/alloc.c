/* SPDX-License-Identifier: MIT */
/*
 * pool/alloc.c - memory by size
 *
 * A size up to 32 KiB has a class, and a class is a pool: allocating is
 * finding the pool in a table and popping its record.  Freeing reads the
 * class from the page map and pushes.  Above that a block is a span of its own,
 * straight from the page heap.
 *
 * Under Valgrind and ASan a block is cut to the size that was asked for: the
 * class is chosen for TOOL_REDZONE more bytes, and the asked size is written
 * into the last eight bytes of the slot, where only these tools' paths look.
 */
#include <errno.h>
#include <string.h>

#include <percu/alloc.h>

#include "pool/block.h"
#include "pool/hits.h"
#include "pool/retire.h"
#include "sys/report.h"

/* Tools only: where a slot of that many bytes keeps the size asked for. */
static size_t *asked_of(const void *ptr, size_t slot)
{
	return (size_t *)((char *)(uintptr_t)ptr + slot - sizeof(size_t));
}

/*
 * To Valgrind this word is in the redzone of the block behind it as well, and
 * another thread that gets or puts that one closes it at any moment.
 */
void asked_write(void *ptr, size_t slot, size_t size)
{
	tool_unidle(asked_of(ptr, slot), sizeof(size_t));
	tool_hush();
	*asked_of(ptr, slot) = size;
	tool_unhush();
	tool_idle(asked_of(ptr, slot), sizeof(size_t));
}

size_t asked_read(const void *ptr, size_t slot)
{
	size_t size;

	tool_unidle(asked_of(ptr, slot), sizeof(size_t));
	tool_hush();
	size = *asked_of(ptr, slot);
	tool_unhush();
	tool_idle(asked_of(ptr, slot), sizeof(size_t));
	return size;
}

__attribute__((noinline, noreturn, cold)) void
block_misuse(const char *fn, const struct span *s, const void *ptr)
{
	if (s && span_kind(s) == SPAN_SLAB)
		report_misuse("%s(%p): belongs to pool %s", fn, ptr,
			      ((struct percu_pool *)s->slab->owner)->name);
	/* Of a block that has gone back to the heap nothing else is left. */
	if (arena_of((uintptr_t)ptr))
		report_misuse("%s(%p): no block is there; was it freed before?",
			      fn, ptr);
	report_misuse("%s(%p): percu did not hand it out", fn, ptr);
}

/* Allocation. --------------------------------------------------------------- */

/* Tools see a block of the size asked for. */
static void *class_get_checked(unsigned int c, size_t size)
{
	void *ptr = pool_get_slow(&class_pool[c]);

	if (ptr && tool_redzone()) {
		asked_write(ptr, class_size[c], size);
		tool_out(ptr, size, false);
	}
	return ptr;
}

__attribute__((noinline, cold)) void *block_alloc(size_t size)
{
	bool zero;

	pool_init();
	if (size <= CLASS_MAX && padded(size) <= CLASS_MAX)
		return class_get_checked(block_class(padded(size)), size);
	return large_alloc(1, size, &zero);
}

/* Over 1 KiB: another table. */
static __attribute__((noinline)) void *alloc_medium(size_t size)
{
	void *ptr;

	if (hit_alloc_medium(size, &ptr))
		return ptr;
	return block_alloc(size);
}

PERCU_API __attribute__((aligned(CACHE_LINE))) void *percu_alloc(size_t size)
{
	struct class_hits *h = hits();
	void *ptr;

	if (unlikely(size > CLASS_SMALL_MAX))
		return alloc_medium(size);
	if (hit_alloc(h, size, &ptr))
		return ptr;
	return block_alloc(size);
}

PERCU_API void *percu_zalloc(size_t size)
{
	bool zero = false;
	void *ptr;

	if (size > CLASS_MAX)
		ptr = large_alloc(1, size, &zero);
	else
		ptr = percu_alloc(size);
	if (ptr && !zero)
		memset(ptr, 0, size);
	return ptr;
}

/*
 * Spans begin on a page, so the objects of a class whose size is a multiple
 * of the alignment are aligned.  A power of two is such a class.
 */
void *block_alloc_aligned(size_t align, size_t size)
{
	bool zero;

	if (align <= 16)
		return percu_alloc(size < align ? align : size);
	pool_init(); /* whether there is a tool */
	if (align <= PAGE_SIZE_ && padded(size) <= CLASS_MAX &&
	    size <= CLASS_MAX)
		for (unsigned int c = block_class(padded(size)); c < NR_CLASSES;
		     c++)
			if (class_size[c] % align == 0)
				return tool_redzone() ?
					       class_get_checked(c, size) :
					       percu_alloc(class_size[c]);
	return large_alloc(align, size, &zero);
}

PERCU_API void *percu_alloc_aligned(size_t align, size_t size)
{
	if (align == 0 || (align & (align - 1)) || align > ALIGN_MAX) {
		errno = EINVAL;
		return NULL;
	}
	return block_alloc_aligned(align, size);
}

/* Freeing. ------------------------------------------------------------------- */

static void class_put(struct span *s, void *ptr, void *site)
{
	unsigned int c = s->slab->class_ - 1u;

	if (tool_redzone()) {
		slab_check(&class_pool[c].slab, ptr);
		if (s->state[span_index(s, ptr)] & OBJ_OUT)
			tool_back(ptr, asked_read(ptr, s->size));
	}
	pool_put_from(&class_pool[c], ptr, site);
}

/* site: where the caller freed it, for reports. */
__attribute__((noinline, cold)) void block_free(const char *fn, void *ptr,
						void *site)
{
	struct span *s = span_of(ptr);
	int err = errno;

	if (!ptr)
		return;
	if (block_large(s) && in_handler())
		parked_add(NULL, ptr, NULL, NULL);
	else if (block_large(s))
		large_free(fn, s, ptr);
	else if (block_small(s))
		class_put(s, ptr, site);
	else
		block_misuse(fn, s, ptr);
	errno = err;
}

/* Tools: a block of a class has waited for readers, and comes back. */
void class_back(void *ptr)
{
	if (tool_redzone())
		tool_back(ptr, asked_read(ptr, span_of(ptr)->size));
}

static __attribute__((noinline)) void
free_rcu_slow(void *ptr, const struct rcu_flavor_struct *flavor, void *site)
{
	struct span *s = span_of(ptr);

	if (!ptr)
		return;
	if (block_large(s)) {
		large_leave("percu_free_rcu", s, ptr);
		retire_from(&large_pool, ptr, flavor, site, NULL);
	} else if (block_small(s)) {
		slab_check(s->slab, ptr);
		retire_from(s->slab->owner, ptr, flavor, site, NULL);
	} else {
		block_misuse("percu_free_rcu", s, ptr);
	}
}

static __attribute__((noinline, cold)) void free_slow(void *ptr, void *site)
{
	block_free("percu_free", ptr, site);
}

PERCU_API __attribute__((aligned(CACHE_LINE))) void percu_free(void *ptr)
{
	if (likely(hit_free(ptr)))
		return;
	free_slow(ptr, __builtin_return_address(0));
}

PERCU_API __attribute__((aligned(CACHE_LINE))) void
percu_free_rcu_flavor(void *ptr, const struct rcu_flavor_struct *flavor)
{
	uintptr_t p = (uintptr_t)ptr;
	struct arena *a = arena_of(p);
	struct retire *r;
	unsigned int c = 0;

	if (likely(a)) /* Relaxed: as in percu_free(). */
		c = __atomic_load_n(
			&a->class[(p >> PAGE_SHIFT_) & (ARENA_PAGES - 1)],
			__ATOMIC_RELAXED);
	r = &class_pool[c ? c - 1 : 0].retire;
	if (likely(c &&
		   __atomic_load_n(&r->flavor, __ATOMIC_RELAXED) == flavor &&
		   percu_record_push(&r->front, ptr)))
		return;
	free_rcu_slow(ptr, flavor, __builtin_return_address(0));
}

/* The class of a block of that size, plus one; 0 for a large block. */
static unsigned int class_for(size_t size)
{
	if (size > CLASS_MAX || padded(size) > CLASS_MAX)
		return 0;
	return block_class(padded(size)) + 1;
}

/*
 * All large sizes come here; in debug and under tools, where the front is the
 * dummy, the small ones too.
 */
static __attribute__((noinline, cold)) void free_sized_slow(void *ptr,
							    size_t size)
{
	struct span *s = span_of(ptr);

	if (block_small(s) && s->slab->class_ != class_for(size))
		report_misuse("pool %s: %p was freed as %zu bytes",
			      ((struct percu_pool *)s->slab->owner)->name, ptr,
			      size);
	if (block_large(s) && (class_for(size) || !large_fits(s, size)))
		report_misuse(
			"a block of %zu bytes, %p, was freed as %zu bytes",
			slot_of(s), ptr, size);
	block_free("percu_free", ptr, __builtin_return_address(0));
}

/* Over 1 KiB, as alloc_medium(). */
static __attribute__((noinline)) void free_sized_medium(void *ptr, size_t size)
{
	struct class_hits *h = hits();

	if (likely(ptr && size <= CLASS_MAX) &&
	    hit_push(h, large_class(h, size), ptr))
		return;
	free_sized_slow(ptr, size);
}

PERCU_API __attribute__((aligned(CACHE_LINE))) void
percu_free_sized(void *ptr, size_t size)
{
	struct class_hits *h = hits();

	if (unlikely(size > CLASS_SMALL_MAX))
		return free_sized_medium(ptr, size);
	if (likely(ptr) && hit_push(h, small_class(h, size), ptr))
		return;
	free_sized_slow(ptr, size);
}

/* The rest. -------------------------------------------------------------------- */

/* It does not say more than it can see: in release, not whether it is out. */
static void small_check(const struct span *s, const void *ptr)
{
	uint32_t i = slab_check(s->slab, ptr);
	char where[REPORT_SITE_MAX];

	if (likely(!class_pool[0].checked) ||
	    s->state[i] & (OBJ_OUT | OBJ_RETIRED))
		return;
	if (s->site && s->site[i])
		report_misuse(
			"pool %s: %p is used after it was put, first at %s",
			s->slab->name, ptr, report_site(s->site[i], where));
	report_misuse("pool %s: %p is used after it was put", s->slab->name,
		      ptr);
}

size_t block_usable(const char *fn, const void *ptr)
{
	const struct span *s = span_of(ptr);

	if (block_large(s))
		large_check(fn, s, ptr);
	else if (block_small(s))
		small_check(s, ptr);
	else
		block_misuse(fn, s, ptr);
	if (tool_redzone())
		return asked_read(ptr, slot_of(s));
	return slot_of(s);
}

PERCU_API size_t percu_usable_size(const void *ptr)
{
	return ptr ? block_usable("percu_usable_size", ptr) : 0;
}

PERCU_API size_t percu_good_size(size_t size)
{
	if (size > SIZE_LIMIT)
		return 0;
	if (tool_redzone())
		return size;
	if (size <= CLASS_MAX)
		return class_size[block_class(size)];
	return (size + PAGE_SIZE_ - 1) & ~((size_t)PAGE_SIZE_ - 1);
}

/*
 * A block stays only in the class of its new size, so that the size that was
 * asked for last always names its class (percu_free_sized()).  Large blocks,
 * which are looked up by page, may stay half empty.
 */
static bool stays(size_t old, size_t size)
{
	size_t good = percu_good_size(size);

	if (tool_redzone())
		return false;
	return good == old ||
	       (size > CLASS_MAX && good < old && good >= old / 2);
}

/*
 * What a large block has to be copied for: an eighth more, so that one that
 * grows by a little each time is copied seldom.  Pages that are not touched
 * cost nothing.
 */
static size_t grown(size_t old, size_t size)
{
	if (old <= CLASS_MAX || size <= old || size > SIZE_LIMIT ||
	    tool_redzone())
		return size;
	return size + size / 8;
}

/* ptr is not NULL. */
void *block_realloc(const char *fn, void *ptr, size_t size, void *site)
{
	size_t old = block_usable(fn, ptr);
	struct span *s;
	void *new;

	if (stays(old, size))
		return ptr;
	s = span_of(ptr);
	if (size > CLASS_MAX && block_large(s) &&
	    (new = large_resize(s, ptr, size)))
		return new;
	new = percu_alloc(grown(old, size));
	if (!new)
		return NULL;
	memcpy(new, ptr, size < old ? size : old);
	if (unlikely(class_pool[0].checked))
		block_free(fn, ptr, site);
	else
		percu_free(ptr);
	return new;
}

PERCU_API void *percu_realloc(void *ptr, size_t size)
{
	if (!ptr)
		return percu_alloc(size);
	return block_realloc("percu_realloc", ptr, size,
			     __builtin_return_address(0));
}
