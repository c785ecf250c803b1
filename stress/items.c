// SPDX-License-Identifier: MIT
/*
 * stress/items.c - objects and blocks, each with a stamp
 *
 * An item is stamped wholly when it is taken, with a key that was never used
 * before, and checked each time it is looked at, moved, and given back.  The
 * key stays with the item and not with the memory: who reads another key's
 * stamp there has the same memory as somebody else.
 *
 * Sizes of blocks are about log-normal, as those of real programs are: most
 * are small, a few are large, one in some hundred is over 32 KiB.
 */
#include <string.h>
#include <percu/alloc.h>
#include "churn.h"
#include "workers/workers.h"

#define LOG2_MEDIAN 6.5
#define LOG2_SIGMA  3.2

enum {
	BLOCK_MAX = 1 << 20,
	BULK_MAX = 48
};

static unsigned char *item_body(const struct item *it)
{
	return it->p +
	       (it->kind && kind_made(it->kind) ? sizeof(struct made) : 0);
}

static size_t item_size(const struct item *it)
{
	if (it->kind && kind_made(it->kind))
		return ((const struct made *)it->p)->body;
	return it->size;
}

static const char *item_name(const struct item *it)
{
	return it->kind ? it->kind->attr.name : "block";
}

/* What a worker has in its hands; who empties them in the end is none. */
void item_held(const struct item *it, long n)
{
	if (it->p && worker_here())
		worker_holds(item_name(it), n);
}

/* Never 0, which says that there is no stamp. */
static void item_stamp(struct hand *h, struct item *it)
{
	it->key = rng_next(&h->rng) | 1;
	stamp(item_body(it), item_size(it), it->key);
}

void item_check(struct hand *h, const struct item *it)
{
	h->checked++;
	if (item_size(it) && break_now(BREAK_CHURN))
		item_body(it)[0] ^= 1;
	if (!stamp_holds(item_body(it), item_size(it), it->key))
		fail("%s: %p of %zu bytes is not as its owner left it",
		     item_name(it), (const void *)it->p, item_size(it));
}

/* By its ctor, by its limit, or by the system where a fault makes it. */
static bool refusal_right(const struct kind *k, int err)
{
	return (err == EAGAIN && k->fickle) ||
	       (err == ENOMEM && (k->attr.limit || refusals()));
}

static void refusal_check(const struct kind *k, int err)
{
	if (!refusal_right(k, err))
		fail("%s: a get failed with errno %d", k->attr.name, err);
}

/* What nobody refuses, refused. */
static bool refusal_broken(struct hand *h, size_t nth, void *obj)
{
	const struct kind *k = &kinds[nth];

	if (k->attr.limit || kind_made(k) || !break_now(BREAK_REFUSED))
		return false;
	percu_pool_put(k->pool, obj);
	h->got[nth]++;
	h->put[nth]++;
	refusal_check(k, ENOMEM);
	return true;
}

static void object_take(struct hand *h, struct item *it)
{
	size_t nth = rng_below(&h->rng, NR_KINDS);
	struct kind *k = &kinds[nth];
	void *obj;

	errno = 0;
	obj = percu_pool_get(k->pool);
	if (!obj) {
		h->refused[nth]++;
		refusal_check(k, errno);
		return;
	}
	if (refusal_broken(h, nth, obj))
		return;
	h->got[nth]++;
	kind_got(k, obj);
	*it = (struct item){ .p = obj, .kind = k, .size = k->attr.size };
}

static void block_laws(const struct item *it, bool zeroed)
{
	size_t usable = percu_usable_size(it->p);

	if ((uintptr_t)it->p & (it->align - 1))
		fail("block: %p of %zu bytes is not aligned to %zu",
		     (void *)it->p, it->size, it->align);
	if (usable < it->size)
		fail("block: %zu bytes asked for, %zu usable", it->size,
		     usable);
	if (zeroed && !all_zero(it->p, it->size))
		fail("block: %p of %zu bytes did not come zeroed",
		     (void *)it->p, it->size);
}

static void block_take(struct hand *h, struct item *it)
{
	size_t size =
		rng_lognormal(&h->rng, LOG2_MEDIAN, LOG2_SIGMA, BLOCK_MAX);
	uint32_t how = rng_below(&h->rng, 8);
	size_t align = size > 8 ? 16 : 8;
	void *p;

	if (how == 0) {
		align = (size_t)1 << rng_below(&h->rng, 14);
		p = percu_alloc_aligned(align, size);
	} else if (how <= 2) {
		p = percu_zalloc(size);
	} else if (how == 3) {
		p = percu_realloc(NULL, size);
	} else {
		p = percu_alloc(size);
		if (p && percu_usable_size(p) != percu_good_size(size))
			fail("block: %zu usable bytes, but percu_good_size(%zu) is %zu",
			     percu_usable_size(p), size, percu_good_size(size));
	}
	if (!p && refusals())
		return;
	if (!p)
		die("percu_alloc: out of memory for %zu bytes", size);
	*it = (struct item){
		.p = p, .size = size, .align = align, .sized = how > 0
	};
	h->blocks_got++;
	block_laws(it, how == 1 || how == 2);
}

void item_take(struct hand *h, struct item *it)
{
	if (rng_below(&h->rng, 5) < 3)
		object_take(h, it);
	else
		block_take(h, it);
	if (it->p)
		item_stamp(h, it);
	item_held(it, 1);
}

void item_give(struct hand *h, struct item *it)
{
	struct kind *k = it->kind;

	item_check(h, it);
	item_held(it, -1);
	if (k) {
		kind_gives(k, it->p, it->key);
		h->put[k - kinds]++;
		percu_pool_put(k->pool, it->p);
	} else {
		h->blocks_put++;
		if (it->sized && !rng_below(&h->rng, 3))
			percu_free_sized(it->p, it->size);
		else
			percu_free(it->p);
	}
	it->p = NULL;
}

/* What both sizes have in common keeps its bytes. */
void item_resize(struct hand *h, struct item *it)
{
	size_t size =
		rng_lognormal(&h->rng, LOG2_MEDIAN, LOG2_SIGMA, BLOCK_MAX);
	size_t kept = size < it->size ? size : it->size;
	void *p;

	if (it->kind)
		return;
	item_check(h, it);
	p = percu_realloc(it->p, size);
	if (!p && refusals())
		return;
	if (!p)
		die("percu_realloc: out of memory for %zu bytes", size);
	if (!stamp_prefix(p, kept, it->size, it->key))
		fail("block: the first %zu of %zu bytes did not survive percu_realloc(%zu)",
		     kept, it->size, size);
	it->p = p;
	it->size = size;
	it->sized = true;
	it->align = size > 8 ? 16 : 8;
	block_laws(it, false);
	item_stamp(h, it);
}

static size_t bulk_take(struct hand *h, struct kind *k, struct item *items,
			size_t n)
{
	void *objs[BULK_MAX];
	size_t got;

	errno = 0;
	got = percu_pool_get_bulk(k->pool, objs, n);
	if (got > n)
		die("%s: percu_pool_get_bulk() got %zu of %zu", k->attr.name,
		    got, n);
	if (got < n) {
		h->refused[k - kinds]++;
		if (!refusal_right(k, errno))
			fail("%s: got %zu of %zu, errno %d", k->attr.name, got,
			     n, errno);
	}
	h->got[k - kinds] += got;
	for (size_t i = 0; i < got; i++) {
		items[i] = (struct item){ .p = objs[i],
					  .kind = k,
					  .size = k->attr.size };
		kind_got(k, objs[i]);
		item_stamp(h, &items[i]);
	}
	return got;
}

/* Some go back at once, the others one by one. */
void bulk_round(struct hand *h)
{
	struct kind *k = &kinds[rng_below(&h->rng, NR_KINDS)];
	size_t n = rng_below(&h->rng, k->attr.size > 8192 ? 4 : BULK_MAX) + 1;
	struct item items[BULK_MAX];
	void *objs[BULK_MAX];
	size_t got = bulk_take(h, k, items, n);
	size_t together = rng_below(&h->rng, (uint32_t)got + 1);

	for (size_t i = 0; i < together; i++) {
		item_check(h, &items[i]);
		kind_gives(k, items[i].p, items[i].key);
		objs[i] = items[i].p;
	}
	percu_pool_put_bulk(k->pool, objs, together);
	h->put[k - kinds] += together;
	for (size_t i = together; i < got; i++) {
		item_held(&items[i], 1);
		item_give(h, &items[i]);
	}
}

void hand_look(struct hand *h, uint64_t most_out)
{
	size_t nth = rng_below(&h->rng, NR_KINDS);
	struct percu_pool_stats st;

	percu_pool_stats(kinds[nth].pool, &st);
	audit_monotonic(&h->seen[nth], &st);
	h->seen[nth] = st;
	if (st.outstanding > most_out)
		fail("%s: %llu outstanding, but no more than %llu can be",
		     st.name, (unsigned long long)st.outstanding,
		     (unsigned long long)most_out);
}

void hand_add(struct hand *sum, const struct hand *h)
{
	for (size_t i = 0; i < NR_KINDS; i++) {
		sum->got[i] += h->got[i];
		sum->put[i] += h->put[i];
		sum->refused[i] += h->refused[i];
	}
	sum->blocks_got += h->blocks_got;
	sum->blocks_put += h->blocks_put;
	sum->moved += h->moved;
	sum->checked += h->checked;
}
