/* SPDX-License-Identifier: MIT */
/*
 * tests/test_slab.c - objects, their spans, and what becomes of both
 *
 * The shadow of an object is a stamp in its first and last eight bytes; an
 * object that overlaps another destroys one.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "slab/class.h"
#include "slab/heap.h"
#include "slab/meta.h"
#include "slab/slab.h"
#include "slab/span_cut.h"
#include "tests/heap.h"

enum {
	NR_LIVE = 2000,
	BATCH = 64
};

/* (a) */
static unsigned long destroyed;

/* A made object says so in its first bytes: a wrong dtor is seen. */
#define MADE_MARK 0x6d616465u

static void count_dtor(void *obj, void *arg)
{
	uint32_t mark;

	memcpy(&mark, obj, sizeof(mark));
	CU_ASSERT_EQUAL(mark, MADE_MARK);
	CU_ASSERT_PTR_EQUAL(arg, &destroyed);
	__atomic_add_fetch(&destroyed, 1, __ATOMIC_RELAXED);
}

static void slab_with_dtor(struct slab *s, size_t size, size_t align)
{
	CU_ASSERT_EQUAL_FATAL(slab_init(s, size, align, 0, s), 0);
	s->name = "test";
	s->dtor = count_dtor;
	s->arg = &destroyed;
	destroyed = 0;
}

static void make(struct slab *s, void *obj)
{
	uint32_t mark = MADE_MARK;

	memcpy(obj, &mark, sizeof(mark));
	slab_made(s, &obj, 1);
}

/* What a walk of all spans finds. */
struct walk {
	uint64_t spans, nfree, nmade, empty;
	bool good;
};

static void walk_span(struct span *span, void *arg)
{
	struct walk *w = arg;
	uint32_t nfree = 0, nmade = 0;

	for (uint32_t i = 0; i < span->nobj; i++) {
		nfree += !(span->state[i] & OBJ_LIVE);
		nmade += !!(span->state[i] & OBJ_MADE);
		w->good &= i >= span->cursor || span->state[i] & OBJ_LIVE;
	}
	w->good &= nfree == span->nfree && nmade == span->nmade;
	w->good &= span->kind == SPAN_SLAB;
	w->spans++;
	w->nfree += nfree;
	w->nmade += nmade;
	w->empty += nfree == span->nobj;
}

/* The running figures are what a recount finds. */
static void recount(struct slab *s)
{
	struct walk w = { .good = true };

	slab_for_each_span(s, walk_span, &w);
	CU_ASSERT_TRUE(w.good);
	CU_ASSERT_EQUAL(w.spans, s->nspans);
	CU_ASSERT_EQUAL(w.empty, s->nempty);
	CU_ASSERT_EQUAL(w.nfree, s->nfree);
	CU_ASSERT_EQUAL(w.nmade, s->created - s->destroyed);
}

static uint64_t heap_inuse(void)
{
	return stats().inuse;
}

/* Sizes and alignments */

static void init_refuses(void)
{
	struct slab s;

	CU_ASSERT_EQUAL(slab_init(&s, 0, 0, 0, NULL), -EINVAL);
	CU_ASSERT_EQUAL(slab_init(&s, OBJ_MAX_SIZE + 1, 0, 0, NULL), -EINVAL);
	CU_ASSERT_EQUAL(slab_init(&s, 64, 3, 0, NULL), -EINVAL);
	CU_ASSERT_EQUAL(slab_init(&s, 64, 8192, 0, NULL), -EINVAL);
	CU_ASSERT_EQUAL(slab_init(&s, OBJ_MAX_SIZE - 1, 4096, 0, NULL), 0);
	CU_ASSERT_EQUAL(s.size, OBJ_MAX_SIZE);
	CU_ASSERT_EQUAL(slab_init(&s, 1, 0, 0, NULL), 0);
	CU_ASSERT_EQUAL(s.size, OBJ_MIN_SIZE);
	CU_ASSERT_EQUAL(slab_init(&s, 24, 0, 0, NULL), 0);
	CU_ASSERT_EQUAL(s.align, 8);
	CU_ASSERT_EQUAL(slab_init(&s, 4096, 0, 0, NULL), 0);
	CU_ASSERT_EQUAL(s.align, 16);
}

static void class_slabs(void)
{
	for (unsigned int c = 0; c < NR_CLASSES; c++) {
		struct slab s;
		uint32_t index;
		void *obj;

		CU_ASSERT_EQUAL(slab_init(&s, class_size[c], 0,
					  (uint8_t)(c + 1), &s),
				0);
		CU_ASSERT_EQUAL(s.size, class_size[c]);
		CU_ASSERT_EQUAL(s.span_pages, class_pages[c]);
		CU_ASSERT_EQUAL(slab_alloc(&s, &obj, 1), 1);
		CU_ASSERT_TRUE(map_exact(slab_find(&s, obj, &index),
					 class_pages[c], (uint8_t)(c + 1)));
		slab_free(&s, &obj, 1, 0);
		slab_destroy(&s);
	}
}

static const size_t shapes[][2] = {
	{ 1, 1 },      { 8, 8 },         { 24, 8 },    { 48, 16 },
	{ 100, 4 },    { 64, 64 },       { 200, 256 }, { 1000, 0 },
	{ 2048, 0 },   { 4000, 4096 },   { 9000, 8 },  { 33333, 1 },
	{ 100000, 0 }, { 262144, 4096 },
};

enum {
	NR_SHAPES = sizeof(shapes) / sizeof(shapes[0])
};

/* Objects */

struct live {
	void *obj;
	uint64_t stamp;
};

static void stamp_object(const struct slab *s, const struct live *l)
{
	char *p = l->obj;

	memcpy(p + s->size - sizeof(l->stamp), &l->stamp, sizeof(l->stamp));
	memcpy(p, &l->stamp, sizeof(l->stamp));
}

static bool object_holds(const struct slab *s, const struct live *l)
{
	const char *p = l->obj;

	return !memcmp(p, &l->stamp, sizeof(l->stamp)) &&
	       !memcmp(p + s->size - sizeof(l->stamp), &l->stamp,
		       sizeof(l->stamp));
}

static size_t grow(struct slab *s, struct check_rand *r, struct live *live,
		   size_t n)
{
	void *objs[BATCH];
	size_t want = 1 + check_rand_below(r, BATCH), got;

	if (n + want > NR_LIVE || (n + want) * s->size > 32 * MIB)
		return n;
	got = slab_alloc(s, objs, want);
	CU_ASSERT_EQUAL(got, want);
	for (size_t i = 0; i < got; i++) {
		CU_ASSERT_TRUE((uintptr_t)objs[i] % s->align == 0);
		CU_ASSERT_TRUE(*slab_state(s, objs[i]) & OBJ_LIVE);
		slab_made(s, &objs[i], 1);
		live[n] = (struct live){ objs[i], check_rand(r) };
		stamp_object(s, &live[n++]);
	}
	return n;
}

static size_t shrink(struct slab *s, struct check_rand *r, struct live *live,
		     size_t n)
{
	void *objs[BATCH];
	size_t want = 1 + check_rand_below(r, BATCH), k = 0;

	for (; k < want && n; k++) {
		uint32_t i = check_rand_below(r, (uint32_t)n);

		CU_ASSERT_TRUE(object_holds(s, &live[i]));
		objs[k] = live[i].obj;
		*slab_state(s, objs[k]) |=
			OBJ_IDLE; /* must not outlive the free */
		live[i] = live[--n];
	}
	slab_free(s, objs, k, heap_cycle());
	return n;
}

static void random_shape(size_t size, size_t align, bool debug,
			 struct check_rand *r)
{
	static struct live live[NR_LIVE];
	struct slab s;
	size_t n = 0;
	int steps = check_short() ? 100 : 1000;

	CU_ASSERT_EQUAL_FATAL(slab_init(&s, size, align, 0, &s), 0);
	s.debug = debug;
	for (int step = 0; step < steps; step++) {
		/* Now more comes than goes, now the other way round. */
		if (check_rand_below(r, 100) < (step / 50 % 2 ? 70u : 30u))
			n = grow(&s, r, live, n);
		else
			n = shrink(&s, r, live, n);
		CU_ASSERT_TRUE(s.nempty <= 1);
		if (step % 16 == 0)
			recount(&s);
	}
	while (n)
		n = shrink(&s, r, live, n);
	recount(&s);
	CU_ASSERT_TRUE(s.nspans <= 1);
	slab_destroy(&s);
	CU_ASSERT_EQUAL(s.nspans, 0);
	CU_ASSERT_EQUAL(s.created, s.destroyed);
}

static void random_objects(void)
{
	struct check_rand r = { check_seed() };
	uint64_t inuse = heap_inuse();

	for (int i = 0; i < NR_SHAPES; i++)
		random_shape(shapes[i][0], shapes[i][1], i & 1, &r);
	CU_ASSERT_EQUAL(heap_inuse(), inuse);
	CU_ASSERT_EQUAL(heap_check(), 0);
}

/* A span's last objects count too, and none is handed out twice. */
static void whole_spans(void)
{
	for (int i = 0; i < NR_SHAPES; i++) {
		struct slab s;
		static void *objs[3 * 1024];
		size_t n;

		CU_ASSERT_EQUAL(
			slab_init(&s, shapes[i][0], shapes[i][1], 0, &s), 0);
		n = 3 * s.nobj;
		CU_ASSERT_EQUAL(slab_alloc(&s, objs, n), n);
		CU_ASSERT_EQUAL(s.nspans, 3);
		CU_ASSERT_EQUAL(s.nfree, 0);
		for (size_t k = 0; k < n; k++)
			CU_ASSERT_EQUAL(slab_check(&s, objs[k]), k % s.nobj);
		recount(&s);
		slab_free(&s, objs, n, 0);
		CU_ASSERT_EQUAL(s.nspans, 1);
		slab_destroy(&s);
	}
}

/* The span with the fewest free objects gives first. */
static void fullest_first(void)
{
	struct slab s;
	void *objs[3 * 16], *obj;

	CU_ASSERT_EQUAL(slab_init(&s, 512, 0, 0, &s), 0);
	CU_ASSERT_EQUAL_FATAL(s.nobj, 16);
	CU_ASSERT_EQUAL(slab_alloc(&s, objs, 48), 48);
	slab_free(&s, objs, 12, 0);     /* three quarters of the first */
	slab_free(&s, objs + 16, 2, 0); /* an eighth of the second */
	slab_free(&s, objs + 32, 6, 0); /* some of the third */
	for (int i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL(slab_alloc(&s, &obj, 1), 1);
		CU_ASSERT_PTR_EQUAL(obj, objs[16 + i]);
	}
	for (int i = 0; i < 6; i++) {
		CU_ASSERT_EQUAL(slab_alloc(&s, &obj, 1), 1);
		CU_ASSERT_PTR_EQUAL(obj, objs[32 + i]);
	}
	slab_free(&s, objs + 12, 36, 0);
	slab_destroy(&s);
}

/* Making and unmaking */

/* Each made object is unmade once; one that was never made, never. */
static void made_unmade(void)
{
	struct slab s;
	void *objs[300];

	slab_with_dtor(&s, 100, 0);
	CU_ASSERT_EQUAL(slab_alloc(&s, objs, 300), 300);
	for (int i = 0; i < 300; i++) {
		CU_ASSERT_FALSE(*slab_state(&s, objs[i]) & OBJ_MADE);
		if (i % 3)
			make(&s, objs[i]);
		if (i % 3 == 1)
			make(&s, objs[i]); /* counts once */
	}
	CU_ASSERT_EQUAL(s.created, 200);
	recount(&s);
	slab_free(&s, objs, 300, 0);
	CU_ASSERT_EQUAL(s.destroyed, destroyed);
	slab_destroy(&s);
	CU_ASSERT_EQUAL(s.destroyed, 200);
	CU_ASSERT_EQUAL(destroyed, 200);
}

/* An object that waits in the slab stays made, and keeps what it holds. */
static void made_keeps(void)
{
	struct slab s;
	void *objs[50], *again[50];

	slab_with_dtor(&s, 64, 0);
	CU_ASSERT_EQUAL(slab_alloc(&s, objs, 50), 50);
	for (int i = 0; i < 50; i++) {
		make(&s, objs[i]);
		((char *)objs[i])[63] = (char)i;
	}
	slab_free(&s, objs + 1, 49, 0);
	CU_ASSERT_EQUAL(slab_alloc(&s, again, 49), 49);
	for (int i = 0; i < 49; i++) {
		CU_ASSERT_EQUAL(*slab_state(&s, again[i]), OBJ_LIVE | OBJ_MADE);
		CU_ASSERT_PTR_EQUAL(again[i], objs[i + 1]);
		CU_ASSERT_EQUAL(((char *)again[i])[63], i + 1);
	}
	slab_free(&s, objs, 50, 0);
	CU_ASSERT_EQUAL(destroyed, 0); /* the one empty span stays */
	slab_trim(&s, 0);
	CU_ASSERT_EQUAL(destroyed, 50);
	slab_destroy(&s);
}

/* Spans that are empty, but one, are the heap's again at once. */
static void empty_spans_return(void)
{
	struct slab s;
	void *objs[10 * 32];
	uint64_t inuse = heap_inuse();

	slab_with_dtor(&s, 256, 0);
	CU_ASSERT_EQUAL_FATAL(s.nobj, 32);
	CU_ASSERT_EQUAL(slab_alloc(&s, objs, 320), 320);
	CU_ASSERT_EQUAL(heap_inuse(), inuse + 10 * PAGE_SIZE_);
	for (int i = 0; i < 320; i++) {
		slab_free(&s, &objs[i], 1, heap_cycle());
		CU_ASSERT_EQUAL(heap_inuse(),
				inuse + (uint64_t)(i < 63 ? 10 :
							    11 - (i + 1) / 32) *
						PAGE_SIZE_);
	}
	CU_ASSERT_EQUAL(s.nspans, 1);
	slab_trim(&s, heap_cycle());
	CU_ASSERT_EQUAL(s.nspans, 0);
	CU_ASSERT_EQUAL(heap_inuse(), inuse);
	slab_destroy(&s);
}

/* What a span needed, its next one uses again. */
static void spans_leave_nothing(void)
{
	struct slab s;
	uint64_t meta = 0;
	void *obj;

	CU_ASSERT_EQUAL_FATAL(slab_init(&s, 64, 0, 0, NULL), 0);
	s.debug = true;
	for (int i = 0; i < 10000; i++) {
		CU_ASSERT_EQUAL(slab_alloc(&s, &obj, 1), 1);
		slab_free(&s, &obj, 1, 0);
		slab_trim(&s, 0);
		if (!i)
			meta = meta_sys();
	}
	CU_ASSERT_EQUAL(meta_sys(), meta);
	slab_destroy(&s);
}

/* Of made objects as many as the reserve stay, and not a span more. */
static void reserve_stays(void)
{
	struct slab s;
	void *objs[10 * 32];

	slab_with_dtor(&s, 256, 0);
	s.reserve = 100;
	CU_ASSERT_EQUAL(slab_alloc(&s, objs, 320), 320);
	for (int i = 0; i < 320; i++)
		make(&s, objs[i]);
	slab_free(&s, objs, 320, 0);
	slab_trim(&s, 0);
	CU_ASSERT_EQUAL(s.nspans, 4);
	CU_ASSERT_EQUAL(s.created - s.destroyed, 128);
	CU_ASSERT_EQUAL(slab_alloc(&s, objs, 128), 128);
	for (int i = 0; i < 128; i++)
		CU_ASSERT_TRUE(*slab_state(&s, objs[i]) & OBJ_MADE);
	slab_free(&s, objs, 128, 0);
	CU_ASSERT_EQUAL(s.nspans, 4);
	s.reserve = 0;
	slab_trim(&s, 0);
	CU_ASSERT_EQUAL(s.nspans, 0);
	CU_ASSERT_EQUAL(destroyed, 320);
	slab_destroy(&s);
}

/* dtor may use the slab that it is called from. */
static struct slab *reentered;

static void reentrant_dtor(void *obj, void *arg)
{
	void *other;

	(void)obj;
	(void)arg;
	if (slab_alloc(reentered, &other, 1) == 1)
		slab_free(reentered, &other, 1, 0);
	__atomic_add_fetch(&destroyed, 1, __ATOMIC_RELAXED);
}

static void dtor_outside_lock(void)
{
	struct slab s;
	void *objs[8];

	slab_with_dtor(&s, 1024, 0);
	s.dtor = reentrant_dtor;
	reentered = &s;
	CU_ASSERT_EQUAL(slab_alloc(&s, objs, 8), 8);
	for (int i = 0; i < 8; i++)
		slab_made(&s, &objs[i], 1);
	slab_free(&s, objs, 8, 0);
	slab_destroy(&s);
	CU_ASSERT_EQUAL(destroyed, 8);
	CU_ASSERT_EQUAL(s.nspans, 1); /* what the last dtor left */
	slab_destroy(&s);
}

/* Threads */

struct crowd {
	struct slab s;
	void *mailbox;        /* (a) */
	unsigned long errors; /* (a) */
	int steps;
};

static void crowd_free(struct crowd *c, void **objs, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t *word = objs[i];

		if (word[1] != (uintptr_t)word)
			__atomic_add_fetch(&c->errors, 1, __ATOMIC_RELAXED);
		word[1] = 0;
	}
	slab_free(&c->s, objs, n, heap_cycle());
}

static size_t crowd_alloc(struct crowd *c, void **objs, size_t n)
{
	n = slab_alloc(&c->s, objs, n);
	for (size_t i = 0; i < n; i++) {
		uint64_t *word = objs[i];

		if (!(__atomic_load_n(slab_state(&c->s, word),
				      __ATOMIC_RELAXED) &
		      OBJ_MADE))
			make(&c->s, word);
		word[1] = (uintptr_t)word;
		/* Relaxed: the owner's byte, of which the lock holder reads OBJ_LIVE. */
		__atomic_store_n(slab_state(&c->s, word),
				 OBJ_LIVE | OBJ_MADE | OBJ_PUT,
				 __ATOMIC_RELAXED);
	}
	return n;
}

/* One object of each batch is freed by another thread. */
static void crowd_thread(unsigned int i, void *arg)
{
	struct crowd *c = arg;
	struct check_rand r = { check_seed() + i };
	void *objs[8][BATCH];
	size_t n[8] = { 0 };

	for (int step = 0; step < c->steps; step++) {
		uint32_t k = check_rand_below(&r, 8);

		if (n[k])
			objs[k][0] = __atomic_exchange_n(
				&c->mailbox, objs[k][0], __ATOMIC_ACQ_REL);
		if (n[k] && !objs[k][0])
			objs[k][0] = objs[k][--n[k]];
		crowd_free(c, objs[k], n[k]);
		n[k] = crowd_alloc(c, objs[k], 1 + check_rand_below(&r, BATCH));
		if (step % 64 == 0)
			slab_trim(&c->s, heap_cycle());
	}
	for (int k = 0; k < 8; k++)
		crowd_free(c, objs[k], n[k]);
}

static void threads(void)
{
	struct crowd c = { .steps = check_short() ? 500 : 20000 };
	uint64_t inuse = heap_inuse();

	slab_with_dtor(&c.s, 200, 0);
	c.s.reserve = 50;
	check_seed();
	check_threads(4, crowd_thread, &c);
	if (c.mailbox)
		crowd_free(&c, &c.mailbox, 1);
	CU_ASSERT_EQUAL(c.errors, 0);
	recount(&c.s);
	slab_trim(&c.s, 0);
	CU_ASSERT_TRUE(c.s.created - c.s.destroyed >= 50);
	CU_ASSERT_TRUE(c.s.created - c.s.destroyed < 50 + c.s.nobj);
	slab_destroy(&c.s);
	CU_ASSERT_EQUAL(c.s.created, c.s.destroyed);
	CU_ASSERT_EQUAL(c.s.created, destroyed);
	CU_ASSERT_EQUAL(heap_inuse(), inuse);
	CU_ASSERT_EQUAL(heap_check(), 0);
}

static const CU_TestInfo tests[] = {
	{ "sizes and alignments that cannot be", init_refuses },
	{ "a slab for each class", class_slabs },
	{ "random objects against a shadow", random_objects },
	{ "spans are used to their last object", whole_spans },
	{ "the fullest span gives first", fullest_first },
	{ "made once, unmade once", made_unmade },
	{ "what is made stays made", made_keeps },
	{ "empty spans return, but one", empty_spans_return },
	{ "spans that come and go leave nothing", spans_leave_nothing },
	{ "the reserve stays", reserve_stays },
	{ "dtor runs outside the lock", dtor_outside_lock },
	{ "threads", threads },
	CU_TEST_INFO_NULL
};

int main(void)
{
	heap_init();
	return check_main("slab", tests);
}
