// SPDX-License-Identifier: MIT
/*
 * stress/slices.c - buffers that are cut, shared, cloned and dropped
 *
 * Workers fill buffers and cut slices from them, and from slices; they share
 * slices, clone them, send them to each other, and drop what they have.  Each
 * byte depends on its place and on a key, and is looked at when a slice comes
 * and before it goes.
 *
 * Each worker keeps a book of what it did to the figures of retention.  In
 * rounds a conductor lets all of them work, waits until all rest, and compares
 * the sum of the books with percu_slice_stats(): every figure is exact then.
 * It draws another ratio for each round, above which a part of a block is to
 * be a clone: a part is one exactly if the ratio says so.
 *
 * No other scenario has slices, so the figures are ours also when several run.
 *
 *	share		a slice, and what it is a part of
 *	block		what the slices of it keep alive: a buffer's, or a clone
 *	book		what a worker added to each figure, less what it took away
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <percu/alloc.h>
#include <percu/buf.h>
#include "crew.h"

enum {
	WORKERS = 400,
	MOST = 24, /* shares in one hand */
	ROOM = 8,  /* of a mailbox */
	OPS = 20,  /* of a worker in a round */
	BUF_MAX = 96 << 10,
	PIECE = 512,
	THIN_MIN = 4096, /* smaller blocks are shared at any ratio */
	/* What percu needs to count references, which is held too: */
	HEAD_APART = 24, /* of a buffer's storage: a block of its own */
	HEAD_CLONE = 16, /* of a clone: in front of its bytes */
};

static const char share_name[] = "share", block_name[] = "block";

struct block {
	_Atomic uint32_t refs;
	uint64_t key;
	size_t size, held; /* to go by for the ratio; for the figures */
};

struct share {
	struct percu_slice s;
	struct block *block;
	size_t at; /* its first byte's place in the pattern */
};

/* Of percu_slice_stats(); modulo 2^64, so that sums are right. */
struct book {
	uint64_t slices, blocks, shown, held, clones;
	uint64_t shares_got, shares_put, blocks_got, blocks_put;
};

struct slices;

struct hand {
	struct slices *sl;
	struct rng rng;
	struct book book;
	struct chan *go, *mail;
	struct share *held[MOST];
	unsigned int n;
};

struct slices {
	const struct options *o;
	struct percu_pool *shares, *blocks;
	unsigned int nr, ratio, rounds;
	struct hand *hands;
	struct group *round;
	struct percu_slice_stats start;
	uint64_t held_most, shown_then;
	struct progress progress;
};

/* Bytes. ------------------------------------------------------------------------- */

static unsigned char byte_at(uint64_t key, size_t at)
{
	return (unsigned char)(mix64(key + at / 8) >> at % 8 * 8);
}

static void fill(unsigned char *p, size_t at, size_t n, uint64_t key)
{
	uint64_t word = mix64(key + at / 8);

	for (size_t i = 0; i < n; i++, at++) {
		if (at % 8 == 0)
			word = mix64(key + at / 8);
		p[i] = (unsigned char)(word >> at % 8 * 8);
	}
}

/* A long one at its ends, where a neighbour would write, and now and then. */
static void check(const struct share *sh)
{
	size_t n = sh->s.len;

	if (break_now(BREAK_BYTES))
		*(unsigned char *)(uintptr_t)sh->s.ptr ^= 1;
	for (size_t i = 0; i < n; i += i < 64 || i + 65 > n ? 1 : 61)
		if (sh->s.ptr[i] != byte_at(sh->block->key, sh->at + i)) {
			fail("byte %zu of a slice of %zu is not as it was written",
			     i, n);
			return;
		}
}

/* Shares and blocks, and what they are in the book. --------------------------------- */

static struct block *block_new(struct hand *h, uint64_t key, size_t size,
			       size_t held)
{
	struct block *b = must(percu_pool_get(h->sl->blocks));

	*b = (struct block){ .refs = 0, .key = key, .size = size, .held = held };
	h->book.blocks_got++;
	h->book.blocks++;
	h->book.held += held;
	return b;
}

static struct block *clone_new(struct hand *h, uint64_t key, size_t len)
{
	size_t size = percu_good_size(HEAD_CLONE + len);

	return block_new(h, key, size, size);
}

static void keep(struct hand *h, struct percu_slice s, struct block *b,
		 size_t at)
{
	struct share *sh = must(percu_pool_get(h->sl->shares));

	atomic_fetch_add(&b->refs, 1);
	*sh = (struct share){ s, b, at };
	h->book.shares_got++;
	h->book.slices++;
	h->book.shown += s.len;
	h->held[h->n++] = sh;
	worker_holds(share_name, 1);
}

static struct share *let_go(struct hand *h, unsigned int i)
{
	struct share *sh = h->held[i];

	h->held[i] = h->held[--h->n];
	worker_holds(share_name, -1);
	return sh;
}

static void drop(struct hand *h, struct share *sh)
{
	struct block *b = sh->block;

	check(sh);
	h->book.slices--;
	h->book.shown -= sh->s.len;
	percu_slice_put(sh->s);
	if (atomic_fetch_sub(&b->refs, 1) == 1) {
		h->book.blocks--;
		h->book.held -= b->held;
		h->book.blocks_put++;
		percu_pool_put(h->sl->blocks, b);
	}
	h->book.shares_put++;
	percu_pool_put(h->sl->shares, sh);
}

/* What a worker does. ---------------------------------------------------------------- */

static bool thin(const struct hand *h, size_t size, size_t len)
{
	size_t ratio = h->sl->ratio;

	return ratio && size >= THIN_MIN && size > len * ratio;
}

/* Is it the clone that it should be?  Without memory it may be none. */
static bool cloned(struct hand *h, struct percu_slice s,
		   const unsigned char *from, size_t size)
{
	bool is = s.ptr != from;

	if (is != thin(h, size, s.len) && !(refusals() && !is))
		fail("%zu of %zu bytes are %sa clone at a ratio of %u", s.len,
		     size, is ? "" : "not ", h->sl->ratio);
	h->book.clones += is;
	return is;
}

static struct percu_buf *buf_filled(struct hand *h, size_t n, uint64_t key)
{
	struct percu_buf *b =
		must(percu_buf_get(rng_below(&h->rng, 2) ? n : 0));
	unsigned char piece[PIECE];

	while (b->len < n) {
		size_t len = n - b->len < PIECE ? n - b->len : PIECE;

		fill(piece, b->len, len, key);
		if (must_do(percu_buf_append(b, piece, len)))
			out_of_memory();
	}
	return b;
}

/* Some of the bytes; often few, which is what the ratio is about. */
static size_t part(struct hand *h, size_t n, size_t *len)
{
	size_t most = rng_below(&h->rng, 2) ? n : n / 64 + 1;

	*len = 1 + rng_below(&h->rng, (uint32_t)most);
	return rng_below(&h->rng, (uint32_t)(n - *len + 1));
}

static void make(struct hand *h)
{
	size_t n = 1 + rng_lognormal(&h->rng, 9, 2.5, BUF_MAX), len, off, cap;
	uint64_t key = rng_next(&h->rng);
	struct percu_buf *b = buf_filled(h, n, key);
	const unsigned char *data = b->data;
	struct percu_slice s;
	struct block *block;

	cap = b->cap;
	off = part(h, n, &len);
	s = percu_slice_of(b, off, len);
	if (!s.ptr && refusals()) {
		percu_buf_put(b);
		return;
	}
	if (s.len != len || b->cap || b->len)
		fail("a slice of %zu bytes has %zu, its buffer keeps %zu of %zu",
		     len, s.len, b->len, b->cap);
	percu_buf_put(b);
	block = cloned(h, s, data + off, cap) ?
			clone_new(h, key, len) :
			block_new(h, key, cap,
				  cap + percu_good_size(HEAD_APART));
	keep(h, s, block, off);
}

static void sub(struct hand *h, const struct share *of)
{
	size_t len, off = part(h, of->s.len, &len);
	struct percu_slice s = percu_slice_sub(of->s, off, len);
	struct block *b = of->block;

	if (cloned(h, s, of->s.ptr + off, b->size))
		b = clone_new(h, b->key, len);
	keep(h, s, b, of->at + off);
}

static void copy(struct hand *h, const struct share *of)
{
	struct percu_slice s = percu_slice_clone(of->s);

	if (!s.ptr && refusals())
		return;
	if (!s.ptr || s.len != of->s.len)
		die("a clone of %zu bytes has %zu", of->s.len, s.len);
	keep(h, s, clone_new(h, of->block->key, s.len), of->at);
}

/* To somebody who has room for it. */
static void send(struct hand *h, unsigned int i)
{
	struct slices *sl = h->sl;
	struct chan_case k = {
		.c = sl->hands[rng_below(&h->rng, sl->nr)].mail,
		.how = CHAN_SEND,
		.p = h->held[i],
	};

	if (chan_select(&k, 1, false) == 0)
		let_go(h, i);
}

static bool receive(struct hand *h)
{
	struct chan_case k = { .c = h->mail, .how = CHAN_RECV };

	if (h->n == MOST || chan_select(&k, 1, false) < 0)
		return false;
	h->held[h->n] = k.p;
	check(h->held[h->n++]);
	worker_holds(share_name, 1);
	return true;
}

static void operation(struct hand *h)
{
	uint32_t what = rng_below(&h->rng, 16);
	unsigned int i = h->n ? rng_below(&h->rng, h->n) : 0;

	receive(h);
	if (!h->n || (what < 3 && h->n < MOST))
		make(h);
	else if (what < 8 && h->n < MOST)
		what < 6 ? sub(h, h->held[i]) :
			   keep(h, percu_slice_dup(h->held[i]->s),
				h->held[i]->block, h->held[i]->at);
	else if (what < 9 && h->n < MOST)
		copy(h, h->held[i]);
	else if (what < 12)
		send(h, i);
	else
		drop(h, let_go(h, i));
}

static void work(void *arg)
{
	struct hand *h = arg;
	void *round;

	while (chan_recv(h->go, &round)) {
		for (int i = 0; i < OPS; i++) {
			operation(h);
			if (!rng_below(&h->rng, 8))
				worker_yield();
		}
		progress_add(&h->sl->progress, OPS);
		group_done(h->sl->round);
	}
	while (h->n || receive(h))
		drop(h, let_go(h, 0));
	group_done(h->sl->round);
}

/* The conductor. ------------------------------------------------------------------------ */

static void book_sum(const struct slices *sl, struct book *sum)
{
	memset(sum, 0, sizeof(*sum));
	for (const struct hand *h = sl->hands; h < sl->hands + sl->nr; h++) {
		sum->slices += h->book.slices;
		sum->blocks += h->book.blocks;
		sum->shown += h->book.shown;
		sum->held += h->book.held;
		sum->clones += h->book.clones;
		sum->shares_got += h->book.shares_got;
		sum->shares_put += h->book.shares_put;
		sum->blocks_got += h->book.blocks_got;
		sum->blocks_put += h->book.blocks_put;
	}
}

/* To break the law: one of somebody's, or none. */
static struct percu_slice unbooked(const struct slices *sl)
{
	const struct percu_slice none = { 0 };

	for (const struct hand *h = sl->hands; h < sl->hands + sl->nr; h++)
		if (h->n && break_now(BREAK_SLICES))
			return percu_slice_dup(h->held[0]->s);
	return none;
}

/* All rest. */
static void compare(struct slices *sl)
{
	struct percu_slice_stats st;
	struct percu_slice extra = unbooked(sl);
	struct book sum;

	book_sum(sl, &sum);
	percu_slice_stats(&st);
	percu_slice_put(extra);
	const struct {
		const char *what;
		uint64_t is, should;
	} figures[] = {
		{ "slices", st.slices - sl->start.slices, sum.slices },
		{ "blocks", st.blocks - sl->start.blocks, sum.blocks },
		{ "shown", st.shown - sl->start.shown, sum.shown },
		{ "held", st.held - sl->start.held, sum.held },
		{ "clones", st.clones - sl->start.clones, sum.clones },
	};

	for (size_t i = 0; i < ARRAY_SIZE(figures); i++)
		if (figures[i].is != figures[i].should)
			fail("round %u: %s is %llu, but by the books %llu",
			     sl->rounds, figures[i].what,
			     (unsigned long long)figures[i].is,
			     (unsigned long long)figures[i].should);
	if (sum.held > sl->held_most) {
		sl->held_most = sum.held;
		sl->shown_then = sum.shown;
	}
}

static void conduct(void *arg)
{
	static const unsigned int ratios[] = { 64, 0, 4, 1, 16, 1000 };
	struct slices *sl = arg;

	do {
		sl->ratio = ratios[worker_draw(ARRAY_SIZE(ratios))];
		percu_slice_set_ratio(sl->ratio);
		group_add(sl->round, sl->nr);
		for (unsigned int i = 0; i < sl->nr; i++)
			chan_send(sl->hands[i].go, NULL);
		group_wait(sl->round);
		sl->rounds++;
		compare(sl);
	} while (crew_goes_on(sl->o));
	group_add(sl->round, sl->nr);
	for (unsigned int i = 0; i < sl->nr; i++)
		chan_close(sl->hands[i].go);
	group_wait(sl->round);
	compare(sl);
}

static void begin(struct slices *sl, struct sched *s)
{
	const struct percu_pool_attr shares = { .name = share_name,
						.size = sizeof(struct share) };
	const struct percu_pool_attr blocks = { .name = block_name,
						.size = sizeof(struct block) };

	sl->nr = crew_size(sl->o, WORKERS);
	sl->hands = must(calloc(sl->nr, sizeof(*sl->hands)));
	sl->shares = must(percu_pool_create(&shares));
	sl->blocks = must(percu_pool_create(&blocks));
	sl->round = must(group_new("round"));
	percu_slice_stats(&sl->start);
	for (unsigned int i = 0; i < sl->nr; i++) {
		struct hand *h = &sl->hands[i];

		h->sl = sl;
		h->rng.state =
			mix64(sl->o->seed ^ 0x511ce5 ^ (uint64_t)i << 32);
		h->go = must(chan_new("go", 1));
		h->mail = must(chan_new("mail", ROOM));
		sched_go(s, work, h, "slicer", i);
	}
	sched_go(s, conduct, sl, "conductor", 0);
}

static void end(struct slices *sl, size_t leaked)
{
	struct book sum;

	happened(sl->rounds, "compared");
	book_sum(sl, &sum);
	audit_quiet(sl->shares, sum.shares_got, sum.shares_put);
	audit_quiet(sl->blocks, sum.blocks_got, sum.blocks_put);
	audit_table_head();
	audit_table_row(sl->shares);
	audit_table_row(sl->blocks);
	audit_destroy(sl->shares, 0);
	audit_destroy(sl->blocks, 0);
	for (unsigned int i = 0; i < sl->nr && !leaked; i++) {
		chan_free(sl->hands[i].go);
		chan_free(sl->hands[i].mail);
	}
	if (!leaked)
		group_free(sl->round);
	printf("  retained  at most %s, which showed %s; %s slices, %s cloned by the ratio\n",
	       num_bytes(sl->held_most).s, num_bytes(sl->shown_then).s,
	       num_count(sum.shares_got).s, num_count(sum.clones).s);
	free(sl->hands);
}

void slices_run(const struct options *o)
{
	struct sched *s = crew_new(o, 0x511ce, o->seconds);
	unsigned int ratio = percu_slice_set_ratio(0);
	struct slices sl = { .o = o };
	double seconds;
	size_t leaked;

	law("a slice shows the bytes that were written, whoever else shares or drops them");
	law("slices, blocks, bytes shown and held, and clones: exact whenever all rest");
	begin(&sl, s);
	progress_start(&sl.progress, "slices", PROGRESS_TIME,
		       (uint64_t)(o->seconds * 1e3));
	leaked = crew_run(s);
	seconds = progress_stop(&sl.progress);
	percu_slice_set_ratio(ratio);
	printf("  did       %s operations in %u rounds, %.1f s\n",
	       num_count(sl.progress.done).s, sl.rounds, seconds);
	end(&sl, leaked);
}
