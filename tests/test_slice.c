/* SPDX-License-Identifier: MIT */
/*
 * tests/test_slice.c - what percu/buf.h says of slices, and of retention
 *
 * Each test leaves no slice behind, so each begins with figures of 0, but for
 * the clones, which only grow.  Buffers are in test_buf.c.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <percu/buf.h>
#include <percu/cleanup.h>

#include "tests/faults.h"

enum {
	RATIO_START = 64,
	THIN_MIN = 4096,
	LARGE = 64 << 10,
};

static unsigned char patterned[LARGE * 2];

static struct percu_slice_stats retained(void)
{
	struct percu_slice_stats st;

	percu_slice_stats(&st);
	return st;
}

static bool retains(uint64_t slices, uint64_t blocks, uint64_t shown)
{
	struct percu_slice_stats st = retained();

	if (st.slices == slices && st.blocks == blocks && st.shown == shown &&
	    !st.held == !blocks)
		return true;
	printf("\n    %llu slices, %llu blocks, %llu shown, %llu held ",
	       (unsigned long long)st.slices, (unsigned long long)st.blocks,
	       (unsigned long long)st.shown, (unsigned long long)st.held);
	return false;
}

/* A buffer with len bytes of the pattern. */
static struct percu_buf *filled(size_t len)
{
	struct percu_buf *b = percu_buf_get(len);

	CU_ASSERT_PTR_NOT_NULL_FATAL(b);
	CU_ASSERT_EQUAL_FATAL(percu_buf_append(b, patterned, len), 0);
	return b;
}

/* A slice of len bytes of the pattern, and nothing else. */
static struct percu_slice slice(size_t len)
{
	struct percu_buf *b = filled(len);
	struct percu_slice s = percu_slice_of(b, 0, len);

	CU_ASSERT_PTR_NOT_NULL_FATAL(s.ptr);
	percu_buf_put(b);
	return s;
}

static bool shows(struct percu_slice s, size_t off, size_t len)
{
	return s.len == len && s.ptr && !memcmp(s.ptr, patterned + off, len);
}

static bool is_null(struct percu_slice s)
{
	return !s.ptr && !s.len && !s.block;
}

/* From a buffer. ----------------------------------------------------------- */

/* Law: nothing is copied; the buffer is empty and gets other storage. */
static void of_takes_the_storage(void)
{
	struct percu_buf *b = filled(1000);
	const unsigned char *data = b->data;
	struct percu_slice s = percu_slice_of(b, 100, 800);

	CU_ASSERT_PTR_EQUAL(s.ptr, data + 100);
	CU_ASSERT(shows(s, 100, 800));
	CU_ASSERT(!b->data && !b->len && !b->cap);
	CU_ASSERT(retains(1, 1, 800));
	/* No append writes into what a slice shows. */
	for (int i = 0; i < 3000; i++)
		CU_ASSERT_EQUAL(percu_buf_append(b, "x", 1), 0);
	CU_ASSERT(b->data + b->cap <= data || b->data >= data + 1000);
	CU_ASSERT(shows(s, 100, 800));
	percu_buf_put(b);
	CU_ASSERT(shows(s, 100, 800));
	errno = EDOM;
	percu_slice_put(s);
	CU_ASSERT_EQUAL(errno, EDOM);
	CU_ASSERT(retains(0, 0, 0));
}

/* Law: bytes on the stack are copied, and stay the buffer's room. */
static void of_stack_copies(void)
{
	struct percu_slice s, grown;
	PERCU_BUF_ONSTACK(b, 200);

	percu_buf_append(&b, patterned, 200);
	s = percu_slice_of(&b, 50, 100);
	CU_ASSERT(shows(s, 50, 100));
	CU_ASSERT(b.data == b_stack_ && !b.len && b.cap == 200);
	percu_buf_append(&b, "overwritten", 11);
	CU_ASSERT(shows(s, 50, 100));
	percu_buf_reset(&b);
	percu_buf_append(&b, patterned, 1000);
	grown = percu_slice_of(&b, 0, 1000);
	CU_ASSERT(shows(grown, 0, 1000) && !b.data && !b.cap);
	CU_ASSERT(retains(2, 2, 1100));
	CU_ASSERT_EQUAL(retained().clones, 0);
	percu_slice_put(s);
	percu_slice_put(grown);
}

/* Law: off + len is at most the length; else ERANGE, and all is as it was. */
static void ranges(void)
{
	static const size_t bad[][2] = {
		{ 0, 101 },
		{ 101, 0 },
		{ 100, 1 },
		{ 1, SIZE_MAX },
		{ SIZE_MAX, 1 },
		{ SIZE_MAX, SIZE_MAX },
		{ SIZE_MAX / 2 + 1, SIZE_MAX / 2 + 1 },
	};
	struct percu_buf *b = filled(100), was = *b;
	struct percu_slice s;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		errno = 0;
		s = percu_slice_of(b, bad[i][0], bad[i][1]);
		CU_ASSERT(is_null(s) && errno == ERANGE);
		CU_ASSERT(!memcmp(&was, b, sizeof(was)));
	}
	s = percu_slice_of(b, 0, 100);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		errno = 0;
		CU_ASSERT(is_null(percu_slice_sub(s, bad[i][0], bad[i][1])) &&
			  errno == ERANGE);
	}
	CU_ASSERT(retains(1, 1, 100));
	percu_slice_put(s);
	percu_buf_put(b);
}

/* Law: no bytes are the null slice, of which errno hears nothing. */
static void null_slice(void)
{
	const struct percu_slice null = { NULL, 0, NULL };
	struct percu_buf *b = filled(100);
	uint64_t alloc = memstats().alloc;
	struct percu_slice s;

	errno = EDOM;
	CU_ASSERT(is_null(percu_slice_of(b, 100, 0)));
	CU_ASSERT(!b->data && !b->len && !b->cap);
	CU_ASSERT_TRUE(memstats().alloc < alloc);
	percu_buf_put(b);
	CU_ASSERT(is_null(percu_slice_dup(null)));
	CU_ASSERT(is_null(percu_slice_clone(null)));
	CU_ASSERT(is_null(percu_slice_sub(null, 0, 0)));
	percu_slice_put(null);
	s = slice(10);
	CU_ASSERT(is_null(percu_slice_sub(s, 10, 0)));
	CU_ASSERT(is_null(percu_slice_sub(s, 0, 0)));
	CU_ASSERT(retains(1, 1, 10));
	percu_slice_put(s);
	CU_ASSERT_EQUAL(errno, EDOM);
}

/* From a slice. -------------------------------------------------------------- */

/* Law: the block lives while any slice of it does, whichever goes first. */
static void block_lives(void)
{
	for (unsigned int order = 0; order < 8; order++) {
		struct percu_slice s[4] = { slice(2000) };
		uint64_t alloc = memstats().alloc;

		s[1] = percu_slice_sub(s[0], 500, 100);
		s[2] = percu_slice_dup(s[1]);
		s[3] = percu_slice_sub(s[2], 10, 1);
		CU_ASSERT_PTR_EQUAL(s[1].ptr, s[0].ptr + 500);
		CU_ASSERT_PTR_EQUAL(s[2].ptr, s[1].ptr);
		CU_ASSERT_PTR_EQUAL(s[3].ptr, s[0].ptr + 510);
		CU_ASSERT_EQUAL(memstats().alloc, alloc);
		CU_ASSERT(retains(4, 1, 2201));
		for (unsigned int i = 0; i < 4; i++) {
			percu_slice_put(s[(i + order) % 4 ^ order >> 2]);
			CU_ASSERT_EQUAL(memstats().alloc == alloc, i < 3);
		}
		CU_ASSERT(retains(0, 0, 0));
	}
}

/* Law: a clone shares nothing, and its bytes are aligned too. */
static void clones(void)
{
	static const size_t lens[] = { 1, 15, 16, 17, 100, 5000, LARGE };
	struct percu_slice s, c;

	for (size_t i = 0; i < sizeof(lens) / sizeof(*lens); i++) {
		s = slice(lens[i]);
		c = percu_slice_clone(s);
		CU_ASSERT(shows(c, 0, lens[i]));
		CU_ASSERT_EQUAL((uintptr_t)c.ptr % 16, 0);
		CU_ASSERT_EQUAL((uintptr_t)s.ptr % 16, 0);
		CU_ASSERT_PTR_NOT_EQUAL(c.block, s.block);
		CU_ASSERT(retains(2, 2, 2 * lens[i]));
		percu_slice_put(s);
		CU_ASSERT(shows(c, 0, lens[i]));
		percu_slice_put(c);
	}
	CU_ASSERT_EQUAL(retained().clones, 0);
}

/* The ratio. --------------------------------------------------------------------- */

/* Law: a slice that keeps more than ratio times what it shows is a clone. */
static void ratio_is_exact(void)
{
	static const unsigned int ratios[] = { 1, 2, 3, 64, 1000, 1u << 31 };
	struct percu_slice s = slice(LARGE), sub;
	const size_t size = LARGE;

	for (size_t i = 0; i < sizeof(ratios) / sizeof(*ratios); i++) {
		size_t edge = size / ratios[i];

		percu_slice_set_ratio(ratios[i]);
		for (size_t len = edge ? edge - 1 : 0; len <= edge + 1; len++) {
			uint64_t made = retained().clones;
			bool clone = ratios[i] * len < size;

			if (!len || len > size)
				continue;
			sub = percu_slice_sub(s, 0, len);
			CU_ASSERT(shows(sub, 0, len));
			CU_ASSERT_EQUAL(sub.block != s.block, clone);
			CU_ASSERT_EQUAL(retained().clones, made + clone);
			percu_slice_put(sub);
		}
	}
	percu_slice_put(s);
	CU_ASSERT_EQUAL(percu_slice_set_ratio(RATIO_START), 1u << 31);
}

/* Law: 0 never clones, and of small blocks nothing does. */
static void ratio_has_limits(void)
{
	uint64_t made = retained().clones;
	struct percu_slice s = slice(LARGE), sub;

	CU_ASSERT_EQUAL(percu_slice_set_ratio(0), RATIO_START);
	sub = percu_slice_sub(s, 1, 1);
	CU_ASSERT_PTR_EQUAL(sub.block, s.block);
	percu_slice_put(sub);
	CU_ASSERT_EQUAL(percu_slice_set_ratio(1), 0);
	percu_slice_put(s);
	s = slice(THIN_MIN - 600); /* not of the class of THIN_MIN */
	sub = percu_slice_sub(s, 1, 1);
	CU_ASSERT_PTR_EQUAL(sub.block, s.block);
	percu_slice_put(sub);
	percu_slice_put(s);
	CU_ASSERT_EQUAL(retained().clones, made);
	s = slice(THIN_MIN);
	sub = percu_slice_sub(s, 1, 1);
	CU_ASSERT_PTR_NOT_EQUAL(sub.block, s.block);
	percu_slice_put(sub);
	percu_slice_put(s);
	CU_ASSERT_EQUAL(retained().clones, made + 1);
	percu_slice_set_ratio(RATIO_START);
}

/* The example of the manual: 20 bytes of a request of 64 KiB. */
static void header_of_a_request(void)
{
	uint64_t made = retained().clones;
	struct percu_buf *b = filled(LARGE);
	struct percu_slice header, shared, request;

	header = percu_slice_of(b, 0, 20);
	CU_ASSERT(shows(header, 0, 20) && !b->data && !b->cap);
	CU_ASSERT_EQUAL(retained().clones, made + 1);
	CU_ASSERT(retains(1, 1, 20));
	CU_ASSERT_EQUAL(retained().held, percu_good_size(16 + 20));
	percu_slice_put(header);
	percu_buf_put(b);
	/* The same with the ratio off: 20 bytes shown, all of them held. */
	percu_slice_set_ratio(0);
	request = slice(LARGE);
	shared = percu_slice_sub(request, 0, 20);
	percu_slice_put(request);
	CU_ASSERT(retains(1, 1, 20));
	CU_ASSERT_EQUAL(retained().held, LARGE + percu_good_size(24));
	header = percu_slice_clone(shared);
	percu_slice_put(shared);
	CU_ASSERT(retains(1, 1, 20));
	CU_ASSERT_EQUAL(retained().held, percu_good_size(16 + 20));
	percu_slice_put(header);
	percu_slice_set_ratio(RATIO_START);
}

/* Law: what slices hold is what percu says is out, when nothing else is. */
static void held_is_alloc(void)
{
	struct percu_slice s[3] = { slice(100), slice(5000), slice(LARGE) };
	struct percu_slice sub = percu_slice_sub(s[2], 0, 10);
	struct percu_slice copy = percu_slice_clone(s[1]);

	if (tool_redzone())
		check_skip("blocks have redzones under this tool");
	else
		CU_ASSERT_EQUAL(retained().held, memstats().alloc);
	CU_ASSERT_EQUAL(retained().blocks, 5);
	for (int i = 0; i < 3; i++)
		percu_slice_put(s[i]);
	percu_slice_put(sub);
	percu_slice_put(copy);
	CU_ASSERT_EQUAL(memstats().alloc, 0);
	CU_ASSERT(retains(0, 0, 0));
}

static void scope_puts(void)
{
	{
		struct percu_slice s percu_auto(slice) = slice(100);
		struct percu_slice none percu_auto(slice) = { NULL, 0, NULL };

		CU_ASSERT(shows(s, 0, 100) && is_null(none));
		CU_ASSERT(retains(1, 1, 100));
	}
	CU_ASSERT(retains(0, 0, 0));
}

/* A model. ------------------------------------------------------------------------- */

enum {
	MODEL_SLOTS = 64
};

/* A slice, and a copy of what it must show. */
struct shadow_slice {
	struct percu_slice s;
	unsigned char *bytes;
};

static void shadow_set(struct shadow_slice *sh, struct percu_slice s,
		       const unsigned char *bytes, size_t len)
{
	unsigned char *copy = malloc(len + 1);

	if (!copy)
		abort();
	memcpy(copy, bytes, len);
	CU_ASSERT_EQUAL(s.len, len);
	percu_slice_put(sh->s);
	free(sh->bytes);
	sh->s = s;
	sh->bytes = copy;
}

static bool shadow_holds(const struct shadow_slice *sh)
{
	return !sh->s.len || !memcmp(sh->s.ptr, sh->bytes, sh->s.len);
}

static void model_of(struct shadow_slice *to, struct check_rand *r)
{
	struct percu_buf *b percu_auto(buf) = percu_buf_get(0);
	uint32_t len =
		1 + check_rand_below(r, check_rand_below(r, 4) ? 300 : LARGE);
	uint32_t off = check_rand_below(r, len), from;
	struct percu_slice s;

	from = check_rand_below(r, LARGE);
	CU_ASSERT_FATAL(b && !percu_buf_append(b, patterned + from, len));
	s = percu_slice_of(b, off, len - off);
	shadow_set(to, s, patterned + from + off, len - off);
}

static void model_step(struct shadow_slice *slot, struct check_rand *r)
{
	struct shadow_slice *to = &slot[check_rand_below(r, MODEL_SLOTS)];
	struct shadow_slice *from = &slot[check_rand_below(r, MODEL_SLOTS)];
	size_t len = from->s.len, off;

	CU_ASSERT(shadow_holds(to) && shadow_holds(from));
	switch (check_rand_below(r, 5)) {
	case 0:
		model_of(to, r);
		break;
	case 1:
		off = check_rand_below(r, (uint32_t)len + 1);
		len = check_rand_below(r, (uint32_t)(len - off) + 1);
		shadow_set(to, percu_slice_sub(from->s, off, len),
			   from->bytes ? from->bytes + off : patterned, len);
		break;
	case 2:
		shadow_set(to, percu_slice_dup(from->s),
			   from->bytes ? from->bytes : patterned, len);
		break;
	case 3:
		shadow_set(to, percu_slice_clone(from->s),
			   from->bytes ? from->bytes : patterned, len);
		break;
	default:
		shadow_set(to, (struct percu_slice){ NULL, 0, NULL }, patterned,
			   0);
	}
}

/* The figures, counted over the slots. */
static void model_figures(const struct shadow_slice *slot)
{
	uint64_t slices = 0, blocks = 0, shown = 0;

	for (int i = 0; i < MODEL_SLOTS; i++) {
		bool first = slot[i].s.block;

		slices += first;
		shown += slot[i].s.len;
		for (int k = 0; k < i; k++)
			first &= slot[k].s.block != slot[i].s.block;
		blocks += first;
	}
	CU_ASSERT(retains(slices, blocks, shown));
	if (!tool_redzone())
		CU_ASSERT_EQUAL(retained().held, memstats().alloc);
}

/* Law: slices show what was in them, and the figures are exact throughout. */
static void model(void)
{
	struct shadow_slice slot[MODEL_SLOTS];
	struct check_rand r = { check_seed() };
	int steps = check_short() ? 2000 : 100000;

	memset(slot, 0, sizeof(slot));
	for (int i = 0; i < steps; i++) {
		model_step(slot, &r);
		if (i % 64 == 0)
			model_figures(slot);
	}
	for (int i = 0; i < MODEL_SLOTS; i++)
		shadow_set(&slot[i], (struct percu_slice){ NULL, 0, NULL },
			   patterned, 0);
	for (int i = 0; i < MODEL_SLOTS; i++)
		free(slot[i].bytes);
	CU_ASSERT(retains(0, 0, 0));
	CU_ASSERT_EQUAL(memstats().alloc, 0);
}

/* Threads. ---------------------------------------------------------------------------- */

enum {
	THREADS = 6,
	SHELVES = 16,
};

struct shelf {
	pthread_mutex_t lock;
	struct percu_slice s;
	size_t off; /* what it shows of the pattern */
};

struct market {
	struct shelf shelf[SHELVES];
	_Atomic unsigned long bad, swaps;
	_Atomic bool done;
	int turns;
	uint64_t seed;
};

static struct percu_slice fresh(struct check_rand *r, size_t *off)
{
	PERCU_BUF_ONSTACK(b, 64);
	size_t len =
		1 + check_rand_below(r, check_rand_below(r, 3) ? 200 : 20000);

	*off = check_rand_below(r, LARGE);
	if (percu_buf_append(&b, patterned + *off, len))
		abort();
	return percu_slice_of(&b, 0, len);
}

/* Takes what is there, leaves another: most slices are put elsewhere. */
static void trade(struct market *m, struct check_rand *r)
{
	struct shelf *sh = &m->shelf[check_rand_below(r, SHELVES)];
	size_t off, part;
	struct percu_slice mine = fresh(r, &off), had, dup, sub, clone;
	size_t had_off;

	pthread_mutex_lock(&sh->lock);
	had = sh->s;
	had_off = sh->off;
	sh->s = mine;
	sh->off = off;
	dup = percu_slice_dup(sh->s);
	pthread_mutex_unlock(&sh->lock);
	part = check_rand_below(r, (uint32_t)dup.len);
	sub = percu_slice_sub(dup, part, dup.len - part);
	clone = percu_slice_clone(had);
	m->bad += !shows(dup, off, dup.len);
	m->bad += !shows(sub, off + part, dup.len - part);
	m->bad += had.len && !shows(had, had_off, had.len);
	percu_slice_put(had);
	m->bad += clone.len && !shows(clone, had_off, clone.len);
	percu_slice_put(dup);
	percu_slice_put(clone);
	percu_slice_put(sub);
	m->swaps++;
}

static void trader(unsigned int i, void *arg)
{
	struct market *m = arg;
	struct check_rand r = { m->seed + i };

	for (int turn = 0; turn < m->turns; turn++)
		trade(m, &r);
}

/* Figures that are read meanwhile are of a size that they can have. */
static void *auditor(void *arg)
{
	struct market *m = arg;

	while (!m->done) {
		struct percu_slice_stats st = retained();

		m->bad += st.slices > 1000000 || st.blocks > 1000000 ||
			  st.shown >> 40 || st.held >> 40;
		sched_yield();
	}
	return NULL;
}

static struct percu_slice *shelved(struct market *m, int i)
{
	return &m->shelf[i].s;
}

static void market_figures(struct market *m)
{
	uint64_t slices = 0, shown = 0;

	for (int i = 0; i < SHELVES; i++) {
		slices += !!shelved(m, i)->block;
		shown += shelved(m, i)->len;
	}
	/* Each of a block of its own: nobody else has one. */
	CU_ASSERT(retains(slices, slices, shown));
	if (!tool_redzone())
		CU_ASSERT_EQUAL(retained().held, memstats().alloc);
}

/* Law: whoever puts what, the bytes hold and the figures are exact. */
static void threads_exchange(void)
{
	static struct market m;
	pthread_t audit;

	memset(&m, 0, sizeof(m));
	m.turns = check_short() ? 500 : 20000;
	m.seed = check_seed();
	for (int i = 0; i < SHELVES; i++)
		pthread_mutex_init(&m.shelf[i].lock, NULL);
	CU_ASSERT_FATAL(!pthread_create(&audit, NULL, auditor, &m));
	check_threads(THREADS, trader, &m);
	m.done = true;
	pthread_join(audit, NULL);
	CU_ASSERT_EQUAL(m.bad, 0);
	CU_ASSERT_EQUAL(m.swaps, (unsigned long)(THREADS * m.turns));
	market_figures(&m);
	for (int i = 0; i < SHELVES; i++)
		percu_slice_put(*shelved(&m, i));
	CU_ASSERT(retains(0, 0, 0));
	CU_ASSERT_EQUAL(memstats().alloc, 0);
	CU_ASSERT(all_conserve());
}

struct last {
	struct percu_slice s[THREADS];
	int turns;
	_Atomic unsigned long bad;
};

static void last_put(unsigned int i, void *arg)
{
	struct last *l = arg;

	for (int turn = 0; turn < l->turns; turn++) {
		struct percu_slice dup = percu_slice_dup(l->s[i]);

		l->bad += !shows(dup, 0, dup.len);
		percu_slice_put(l->s[i]);
		l->s[i] = dup;
	}
	percu_slice_put(l->s[i]);
}

/* Law: of threads that all put at once exactly one frees. */
static void threads_race_to_be_last(void)
{
	static struct last l;

	for (int round = 0; round < (check_short() ? 20 : 300); round++) {
		l.turns = round % 2 ? 0 : 50;
		l.s[0] = slice(500);
		for (int i = 1; i < THREADS; i++)
			l.s[i] = percu_slice_dup(l.s[0]);
		CU_ASSERT(retains(THREADS, 1, THREADS * 500));
		check_threads(THREADS, last_put, &l);
		CU_ASSERT(retains(0, 0, 0));
		CU_ASSERT_EQUAL(memstats().alloc, 0);
	}
	CU_ASSERT_EQUAL(l.bad, 0);
}

/* Fork. --------------------------------------------------------------------------------- */

static void forked(void *arg)
{
	struct percu_slice s = *(struct percu_slice *)arg;
	struct percu_slice sub = percu_slice_sub(s, 100, 200);

	child_must(shows(sub, 100, 200));
	percu_slice_put(s);
	child_must(retains(1, 1, 200));
	percu_slice_put(sub);
	child_must(retains(0, 0, 0));
	child_must(all_conserve() && !memstats().alloc);
}

static void after_fork(void)
{
	struct percu_slice s = slice(1000);

	CU_ASSERT_TRUE(child_ok(forked, &s));
	CU_ASSERT(shows(s, 0, 1000) && retains(1, 1, 1000));
	percu_slice_put(s);
}

/* Out of memory. ---------------------------------------------------------------------------- */

static void oom_put(struct percu_slice s)
{
	errno = EDOM;
	percu_slice_put(s);
	child_must(errno == EDOM);
}

/* A slice of a buffer that could not be filled, or of one that stays. */
static void oom_of(struct percu_buf *b, size_t off, size_t len, size_t show)
{
	struct percu_buf was;
	struct percu_slice s;

	if (faults_refused(percu_buf_append(b, patterned, len), ENOMEM))
		return;
	was = *b;
	s = percu_slice_of(b, off, show);
	if (faults_refused(!s.block, errno)) {
		child_must(!memcmp(&was, b, sizeof(was)));
		child_must(!memcmp(b->data, patterned, len));
		percu_buf_reset(b);
		return;
	}
	child_must(shows(s, off, show) && !b->len);
	oom_put(s);
}

static void of_op(void)
{
	PERCU_BUF_ONSTACK(b, 100);

	oom_of(&b, 10, 100, 90);     /* a copy from the stack */
	oom_of(&b, 100, 500, 300);   /* shared */
	oom_of(&b, 0, 20000, 20000); /* shared */
	oom_of(&b, 9, 20000, 20);    /* a copy for the ratio, or shared */
	oom_of(&b, 0, LARGE, LARGE); /* a large one */
	oom_of(&b, 0, LARGE, 1);
	percu_buf_release(&b);
}

static struct percu_slice oom_slice(void)
{
	struct percu_slice s = { NULL, 0, NULL };
	PERCU_BUF_ONSTACK(b, 16);

	if (faults_refused(percu_buf_append(&b, patterned, 20000), ENOMEM))
		return s;
	s = percu_slice_of(&b, 0, 20000);
	faults_refused(!s.block, errno);
	return s;
}

/* Sharing needs no memory, so a part is always had. */
static void sub_op(void)
{
	struct percu_slice s = oom_slice(), sub[20], dup;
	uint64_t made = retained().clones, clones;

	if (!s.block)
		return;
	for (int i = 0; i < 20; i++) {
		sub[i] = percu_slice_sub(s, (size_t)i, 10);
		child_must(shows(sub[i], (size_t)i, 10));
	}
	clones = retained().clones - made;
	child_must(clones == 20 || os_fault_fired());
	for (int i = 0; i < 20; i++)
		clones -= sub[i].block != s.block;
	child_must(!clones);
	dup = percu_slice_dup(s);
	child_must(shows(dup, 0, 20000));
	oom_put(s);
	oom_put(dup);
	for (int i = 0; i < 20; i++)
		oom_put(sub[i]);
	child_must(retains(0, 0, 0));
}

static void clone_op(void)
{
	static const size_t lens[] = { 1, 100, 3000, 20000 };
	struct percu_slice s = oom_slice(), part, c[4];

	for (int i = 0; i < 4 && s.block; i++) {
		part = percu_slice_sub(s, 0, lens[i]);
		c[i] = percu_slice_clone(part);
		percu_slice_put(part);
		if (faults_refused(!c[i].block, errno))
			child_must(is_null(c[i]));
		else
			child_must(shows(c[i], 0, lens[i]));
	}
	for (int i = 0; i < 4 && s.block; i++)
		oom_put(c[i]);
	oom_put(s);
	child_must(retains(0, 0, 0));
}

static void out_of_memory(void)
{
	faults_sweep("percu_slice_of", of_op);
	faults_sweep("percu_slice_sub, _dup", sub_op);
	faults_sweep("percu_slice_clone", clone_op);
}

static const CU_TestInfo tests[] = {
	{ "out of memory, call by call", out_of_memory },
	{ "a buffer's storage is taken over", of_takes_the_storage },
	{ "bytes on the stack are copied", of_stack_copies },
	{ "ranges", ranges },
	{ "no bytes", null_slice },
	{ "the block lives with its slices", block_lives },
	{ "a clone shares nothing", clones },
	{ "the ratio is exact", ratio_is_exact },
	{ "the ratio has limits", ratio_has_limits },
	{ "the header of a request", header_of_a_request },
	{ "what is held is what is out", held_is_alloc },
	{ "a scope's end puts it", scope_puts },
	{ "as plain memory would", model },
	{ "threads exchange slices", threads_exchange },
	{ "threads race to be last", threads_race_to_be_last },
	{ "after fork", after_fork },
	CU_TEST_INFO_NULL
};

int main(void)
{
	for (size_t i = 0; i < sizeof(patterned); i++)
		patterned[i] = (unsigned char)(i * 7 + i / 256 + 1);
	return check_main("slice", tests);
}
