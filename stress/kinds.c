// SPDX-License-Identifier: MIT
/*
 * stress/kinds.c - pools of every kind, and what each must keep to
 *
 *	any		aligned as asked; in one hand at a time
 *	zeroed		comes as zeroes
 *	made		constructed once; what its last holder wrote is still
 *			there when it is handed out again and when it is
 *			destroyed; destroyed once, and only while it is idle
 *	reset		reset before each time but the first
 *	fickle		a get that fails says what the ctor said
 *	limited		never more out than the limit
 *	reserved	never fewer in existence than the reserve
 *
 * A kind's constructor may itself allocate: one of them owns a block.
 */
#include <stdlib.h>
#include <string.h>
#include <percu/alloc.h>
#include "churn.h"

#define MAGIC 0x6d616465206f6263u

enum {
	SIDE = 72,
	OWN_MAX = 3000,
	FICKLE_OF = 7
};

static void made_init(struct made *m, size_t size)
{
	memset(m, 0, sizeof(*m));
	m->magic = MAGIC ^ (uintptr_t)m;
	m->body = (uint32_t)(size - sizeof(*m));
	m->clean = true;
}

static void made_check(const struct kind *k, const struct made *m,
		       const char *when)
{
	const char *name = k->attr.name;

	if (m->magic != (MAGIC ^ (uintptr_t)m))
		fail("%s: %p is not as its constructor left it, %s", name,
		     (const void *)m, when);
	else if (m->key && !stamp_holds(m + 1, m->body, m->key))
		fail("%s: %p lost its contents while it waited, %s", name,
		     (const void *)m, when);
}

static int ctor(void *obj, void *arg)
{
	struct kind *k = arg;
	struct made *m = obj;

	made_init(m, k->attr.size);
	if (k->attr.reset) {
		m->side = percu_alloc(SIDE);
		if (!m->side)
			return -ENOMEM;
		stamp(m->side, SIDE, MAGIC);
	}
	atomic_fetch_add(&k->ctors, 1);
	return 0;
}

static int fickle_ctor(void *obj, void *arg)
{
	struct kind *k = arg;

	if (mix64(atomic_fetch_add(&k->calls, 1)) % FICKLE_OF == 0)
		return -EAGAIN;
	return ctor(obj, arg);
}

static void dtor(void *obj, void *arg)
{
	struct kind *k = arg;
	struct made *m = obj;

	made_check(k, m, "when destroyed");
	if (atomic_load(&m->busy))
		fail("%s: %p is destroyed while it is out", k->attr.name, obj);
	if (m->side && !stamp_holds(m->side, SIDE, MAGIC))
		fail("%s: the block of %p was overwritten", k->attr.name, obj);
	percu_free(m->side);
	m->magic = 0;
	atomic_fetch_add(&k->dtors, 1);
}

static void reset(void *obj, void *arg)
{
	struct kind *k = arg;
	struct made *m = obj;

	made_check(k, m, "when reset");
	if (!m->given)
		fail("%s: %p is reset before its first time", k->attr.name,
		     obj);
	m->clean = true;
}

/* Foreign objects are malloc's, each of another size. */
static void *create(void *arg)
{
	struct kind *k = arg;
	uint64_t nth = atomic_fetch_add(&k->calls, 1);
	size_t size = sizeof(struct made) + mix64(nth) % OWN_MAX;
	struct made *m = malloc(size);

	if (!m)
		return NULL;
	made_init(m, size);
	atomic_fetch_add(&k->ctors, 1);
	return m;
}

static void destroy(void *obj, void *arg)
{
	dtor(obj, arg);
	free(obj);
}

#define KIND(n, s, ...)                                          \
	{                                                        \
		.attr = {.name = (n), .size = (s), __VA_ARGS__ } \
	}
#define MADE   .ctor = ctor, .dtor = dtor
#define FICKLE .ctor = fickle_ctor, .dtor = dtor
#define OWN    .create = create, .destroy = destroy

struct kind kinds[NR_KINDS] = {
	KIND("tiny", 8),
	KIND("plain", 48),
	KIND("odd", 1001),
	KIND("line", 192, .align = 64),
	KIND("page", 4096, .align = 4096),
	KIND("big", 40000),
	KIND("biggest", 256 << 10),
	KIND("zeroed", 320, .flags = PERCU_POOL_ZERO),
	KIND("typesafe", 96, .flags = PERCU_POOL_TYPESAFE),
	KIND("limited", 64, .limit = 40),
	KIND("reserved", 256, .reserve = 100),
	KIND("zeroed-all", 100, .limit = 50, .reserve = 20,
	     .flags = PERCU_POOL_ZERO),
	KIND("made", 128, MADE),
	KIND("made-reset", 1024, MADE, .reset = reset),
	KIND("made-all", 512, MADE, .reset = reset, .limit = 60, .reserve = 30),
	KIND("fickle", 200, FICKLE),
	KIND("own", 0, OWN),
	KIND("own-all", 0, OWN, .reset = reset, .limit = 100, .reserve = 25),
};

/* The alignment that an object of this kind must have. */
static size_t kind_align(const struct kind *k)
{
	size_t natural = k->attr.size & -k->attr.size;

	if (!k->attr.size)
		return _Alignof(max_align_t);
	if (k->attr.align)
		return k->attr.align;
	return natural < 16 ? natural : 16;
}

void kind_got(struct kind *k, void *obj)
{
	struct made *m = obj;

	if ((uintptr_t)obj & (kind_align(k) - 1))
		fail("%s: %p is not aligned to %zu", k->attr.name, obj,
		     kind_align(k));
	if (k->attr.limit) {
		size_t out = atomic_fetch_add(&k->out, 1) + 1;

		if (out > k->attr.limit)
			fail("%s: %zu are out, the limit is %zu", k->attr.name,
			     out, k->attr.limit);
	}
	if (k->attr.flags & PERCU_POOL_ZERO && !all_zero(obj, k->attr.size))
		fail("%s: %p did not come zeroed", k->attr.name, obj);
	if (!kind_made(k))
		return;
	made_check(k, m, "when handed out");
	if (atomic_exchange(&m->busy, true))
		fail("%s: %p is handed out twice", k->attr.name, obj);
	if (k->attr.reset && !m->clean)
		fail("%s: %p was not reset", k->attr.name, obj);
	m->given = true;
	m->clean = false;
}

void kind_gives(struct kind *k, void *obj, uint64_t key)
{
	struct made *m = obj;

	if (k->attr.limit)
		atomic_fetch_sub(&k->out, 1);
	if (!kind_made(k))
		return;
	m->key = key;
	if (!atomic_exchange(&m->busy, false))
		fail("%s: %p is given back twice", k->attr.name, obj);
}

void kinds_create(void)
{
	for (struct kind *k = kinds; k < kinds + NR_KINDS; k++) {
		k->attr.arg = k;
		k->fickle = k->attr.ctor == fickle_ctor;
		k->out = 0;
		k->calls = 0;
		k->ctors = 0;
		k->dtors = 0;
		k->pool = must(percu_pool_create(&k->attr));
	}
}

/*
 * All is back.  What is idle goes, but for the reserve; then that goes too.
 * Who ages all pools counts objects as destroyed before it destroys them.
 */
static void kind_destroy(struct kind *k)
{
	uint64_t dtors = k->dtors;
	struct percu_pool_stats st;

	percu_pool_stats(k->pool, &st);
	if (kind_made(k) && (st.created != k->ctors || st.destroyed < dtors))
		fail("%s: created %llu, destroyed %llu, but the callbacks count %llu and %llu",
		     st.name, (unsigned long long)st.created,
		     (unsigned long long)st.destroyed,
		     (unsigned long long)k->ctors, (unsigned long long)dtors);
	audit_destroy(k->pool, k->attr.flags & PERCU_POOL_TYPESAFE ?
				       AUDIT_KEEPS_ALL :
				       k->attr.reserve);
	if (kind_made(k) && k->ctors != k->dtors)
		fail("%s: %llu constructed, %llu destructed", k->attr.name,
		     (unsigned long long)k->ctors,
		     (unsigned long long)k->dtors);
}

void kinds_destroy(void)
{
	for (struct kind *k = kinds; k < kinds + NR_KINDS; k++)
		kind_destroy(k);
}
