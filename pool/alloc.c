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

#include "pool/pool.h"
#include "pool/retire.h"
#include "slab/heap.h"
#include "sys/report.h"
#include "sys/tool.h"

enum {
	ALIGN_MAX = 32 << 20,
	DIRECT_ROUND = 65536, /* the largest system page there is */
};
#define SIZE_LIMIT ((size_t)1 << 46) /* no address space is larger */

struct large_stats large_stats;

/* Large blocks that wait for a grace period are released through it. */
struct percu_pool large_pool;

/* What is asked for, and what tools want on top. */
static size_t padded(size_t size)
{
	return size + (tool_redzone() ? TOOL_REDZONE : 0);
}

/* Tools only: where a slot of that many bytes keeps the size asked for. */
static size_t *asked_of(const void *ptr, size_t slot)
{
	return (size_t *)((char *)(uintptr_t)ptr + slot - sizeof(size_t));
}

static size_t slot_of(const struct span *s)
{
	if (span_kind(s) == SPAN_SLAB)
		return s->size;
	return (size_t)s->npages << PAGE_SHIFT_;
}

/*
 * To Valgrind this word is in the redzone of the block behind it as well, and
 * another thread that gets or puts that one closes it at any moment.
 */
static void asked_write(void *ptr, size_t slot, size_t size)
{
	tool_unidle(asked_of(ptr, slot), sizeof(size_t));
	tool_hush();
	*asked_of(ptr, slot) = size;
	tool_unhush();
	tool_idle(asked_of(ptr, slot), sizeof(size_t));
}

static size_t asked_read(const void *ptr, size_t slot)
{
	size_t size;

	tool_unidle(asked_of(ptr, slot), sizeof(size_t));
	tool_hush();
	size = *asked_of(ptr, slot);
	tool_unhush();
	tool_idle(asked_of(ptr, slot), sizeof(size_t));
	return size;
}

/* Large blocks. ------------------------------------------------------------ */

static void *large_alloc(size_t align, size_t size, bool *zero)
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

static __attribute__((noinline, noreturn, cold)) void
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

static void large_check(const char *fn, const struct span *s, const void *ptr)
{
	if (unlikely(s->start != (uintptr_t)ptr))
		report_misuse("%s(%p): points into a block of %zu bytes at %p",
			      fn, ptr, slot_of(s), (void *)s->start);
}

/* It is out no more; fn says how. */
static void large_leave(const char *fn, struct span *s, void *ptr)
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

static void large_free(struct span *s, void *ptr)
{
	large_leave("percu_free", s, ptr);
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

static __attribute__((noinline, cold)) void *alloc_slow(size_t size)
{
	bool zero;

	pool_init();
	if (size <= CLASS_MAX && padded(size) <= CLASS_MAX)
		return class_get_checked(class_of(padded(size)), size);
	return large_alloc(1, size, &zero);
}

/* One register for all of it: compilers would rather have one a field. */
static inline struct class_hits *hits(void)
{
	struct class_hits *h = &class_hits;

	__asm__("" : "+r"(h));
	return h;
}

/* Acquire: pairs with hits_open().  0 until then. */
static inline unsigned int small_class(const struct class_hits *h, size_t size)
{
	return __atomic_load_n(&h->small[(size + 7) / 8], __ATOMIC_ACQUIRE);
}

static inline unsigned int large_class(const struct class_hits *h, size_t size)
{
	return __atomic_load_n(&h->large[(size + 127) / 128], __ATOMIC_ACQUIRE);
}

static inline bool hit_pop(struct class_hits *h, unsigned int c, void **ptr)
{
	return likely(c) && likely(percu_base_pop(&h->front, &h->base[c], ptr));
}

static inline bool hit_push(struct class_hits *h, unsigned int c, void *ptr)
{
	return likely(c) &&
	       likely(percu_base_push(&h->front, &h->base[c], ptr));
}

/* Over 1 KiB: another table. */
static __attribute__((noinline)) void *alloc_medium(size_t size)
{
	struct class_hits *h = hits();
	void *ptr;

	if (likely(size <= CLASS_MAX) && hit_pop(h, large_class(h, size), &ptr))
		return ptr;
	return alloc_slow(size);
}

PERCU_API __attribute__((aligned(CACHE_LINE))) void *percu_alloc(size_t size)
{
	struct class_hits *h = hits();
	void *ptr;

	if (unlikely(size > CLASS_SMALL_MAX))
		return alloc_medium(size);
	if (hit_pop(h, small_class(h, size), &ptr))
		return ptr;
	return alloc_slow(size);
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
PERCU_API void *percu_alloc_aligned(size_t align, size_t size)
{
	bool zero;

	if (align == 0 || (align & (align - 1)) || align > ALIGN_MAX) {
		errno = EINVAL;
		return NULL;
	}
	if (align <= 16)
		return percu_alloc(size < align ? align : size);
	pool_init(); /* whether there is a tool */
	if (align <= PAGE_SIZE_ && padded(size) <= CLASS_MAX &&
	    size <= CLASS_MAX)
		for (unsigned int c = class_of(padded(size)); c < NR_CLASSES;
		     c++)
			if (class_size[c] % align == 0)
				return tool_redzone() ?
					       class_get_checked(c, size) :
					       percu_alloc(class_size[c]);
	return large_alloc(align, size, &zero);
}

/* Freeing. ------------------------------------------------------------------- */

static bool block_large(const struct span *s)
{
	return s && span_kind(s) == SPAN_LARGE;
}

static bool block_small(const struct span *s)
{
	return s && span_kind(s) == SPAN_SLAB && s->slab->class_;
}

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
static __attribute__((noinline, cold)) void free_from(void *ptr, void *site)
{
	struct span *s = span_of(ptr);
	int err = errno;

	if (!ptr)
		return;
	if (block_large(s) && in_handler())
		parked_add(NULL, ptr, NULL);
	else if (block_large(s))
		large_free(s, ptr);
	else if (block_small(s))
		class_put(s, ptr, site);
	else
		block_misuse("percu_free", s, ptr);
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

static __attribute__((noinline, cold)) void free_slow(void *ptr)
{
	free_from(ptr, __builtin_return_address(0));
}

PERCU_API __attribute__((aligned(CACHE_LINE))) void percu_free(void *ptr)
{
	uintptr_t p = (uintptr_t)ptr;
	struct class_hits *h = hits();
	struct arena *a;
	unsigned int c;

	if (unlikely(p >> ARENA_SHIFT >= ARENA_MAP_LEN))
		return free_slow(ptr);
	a = __atomic_load_n(&arena_map[p >> ARENA_SHIFT], __ATOMIC_RELAXED);
	if (unlikely(!a))
		return free_slow(ptr);
	/* A dependent load: whoever has the pointer got it after the entry. */
	c = __atomic_load_n(&a->class[(p >> PAGE_SHIFT_) & (ARENA_PAGES - 1)],
			    __ATOMIC_RELAXED);
	if (likely(percu_base_push(&h->front, &h->base[c], ptr)))
		return;
	free_slow(ptr);
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
	return class_of(padded(size)) + 1;
}

/* Can the block have been asked for with this size?  See stays(). */
static bool large_fits(const struct span *s, size_t size)
{
	size_t slot = slot_of(s), page = s->direct ? DIRECT_ROUND : PAGE_SIZE_;

	return size <= slot && size >= slot / 2 - page - TOOL_REDZONE;
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
	free_from(ptr, __builtin_return_address(0));
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

static size_t usable(const char *fn, const void *ptr)
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
	return ptr ? usable("percu_usable_size", ptr) : 0;
}

PERCU_API size_t percu_good_size(size_t size)
{
	if (size > SIZE_LIMIT)
		return 0;
	if (tool_redzone())
		return size;
	if (size <= CLASS_MAX)
		return class_size[class_of(size)];
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

PERCU_API void *percu_realloc(void *ptr, size_t size)
{
	size_t old;
	void *new;

	if (!ptr)
		return percu_alloc(size);
	old = usable("percu_realloc", ptr);
	if (stays(old, size))
		return ptr;
	new = percu_alloc(size);
	if (!new)
		return NULL;
	memcpy(new, ptr, size < old ? size : old);
	if (unlikely(class_pool[0].checked))
		free_from(ptr, __builtin_return_address(0));
	else
		percu_free(ptr);
	return new;
}
