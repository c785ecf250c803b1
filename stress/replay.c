// SPDX-License-Identifier: MIT
/*
 * stress/replay.c - what real programs have allocated, once more
 *
 * A trace (trace/trace.h) is played by several copies at once, each with blocks
 * of its own; in a copy each thread that was recorded is a worker.  All copies
 * play a leg, then all of them stand still and the conductor compares: what is
 * out is what the trace says.  Then comes the next leg, and after the last the
 * first again, until time is up.
 *
 * A worker whose next event waits for another's (replay.h) leaves itself in the
 * edge and parks; who passes the edge finds it there and wakes it:
 *
 *	edge	NULL -> passed			nobody has waited
 *		NULL -> the player -> passed	somebody waits, and is woken
 *
 * Both are one atomic exchange, with acquire and release: so what was written
 * to the slot before is seen.
 *
 *	copy	the blocks of one who plays the trace
 *	player	one thread of a copy
 *	out	what a copy has at the moment, by its own books
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <percu/alloc.h>
#include "crew.h"
#include "replay.h"

enum {
	PLAYERS = 2, /* for each thread of the system */
	COPIES_MIN = 2,
	COPIES_MAX = 16,
	ROOM = 128 << 20, /* bytes that all copies may have at once */
	ALIGN_MAX = 25,   /* log2: what percu can */
	YIELD_OF = 64,    /* events */
	BEAT = 256,
};

struct block {
	void *p;
	uint64_t size, key;
};

struct out {
	_Atomic uint64_t blocks, bytes; /* as were asked for */
	_Atomic uint64_t usable;        /* as percu has them */
};

struct copy {
	struct replay *r;
	uint32_t nth;
	struct block *blocks; /* by slot */
	struct edge *edges;
	struct player *players; /* by thread */
	struct out out;
};

/* Who waits, or that it has been passed. */
struct edge {
	_Atomic(struct player *) who;
};

struct player {
	struct copy *copy;
	struct run run;
	struct chan *wake;
	struct out out; /* what it adds, modulo 2^64 */
};

struct replay {
	const struct options *o;
	const struct traced *td;
	struct leg *leg;
	struct group *playing;
	uint32_t nr_copies;
	struct copy *copies;
	struct percu_memstats start;
	uint64_t ops, legs, rounds, waits;
	struct progress *progress;
};

static struct player passed;

/* Blocks. --------------------------------------------------------------------- */

static void out_add(struct out *to, uint64_t blocks, uint64_t bytes,
		    uint64_t usable)
{
	atomic_fetch_add_explicit(&to->blocks, blocks, memory_order_relaxed);
	atomic_fetch_add_explicit(&to->bytes, bytes, memory_order_relaxed);
	atomic_fetch_add_explicit(&to->usable, usable, memory_order_relaxed);
}

static void spoiled(const struct copy *c, uint32_t slot, const char *how)
{
	const struct block *b = &c->blocks[slot];

	fail("%s: the block of %" PRIu64 " bytes in slot %u of copy %u %s",
	     c->r->td->name, b->size, slot, c->nth, how);
}

/* A key for each block that was ever in the slot. */
static void block_is(struct player *pl, uint32_t slot, void *p, uint64_t size)
{
	struct block *b = &pl->copy->blocks[slot];

	b->p = p;
	b->size = size;
	b->key = mix64(b->key + ((uint64_t)pl->copy->nth << 32 | slot) + 1);
	stamp(p, size, b->key);
	out_add(&pl->out, 1, size, percu_usable_size(p));
}

/* It is nobody's from here on: the caller gives it back, or resizes it. */
static struct block block_was(struct player *pl, uint32_t slot)
{
	struct block *b = &pl->copy->blocks[slot], was = *b;

	if (!stamp_holds(b->p, b->size, b->key))
		spoiled(pl->copy, slot, "is not as it was left");
	out_add(&pl->out, -1ull, -was.size, -percu_usable_size(was.p));
	b->p = NULL;
	return was;
}

static void take(struct player *pl, const struct play *e)
{
	unsigned int align = e->size <= 8 ? 3 : 4;
	bool empty;
	void *p;

	if (e->op == TRACE_ALIGNED) {
		align = e->align < ALIGN_MAX ? e->align : ALIGN_MAX;
		p = must(percu_alloc_aligned((size_t)1 << align, e->size));
	} else if (e->op == TRACE_CALLOC) {
		p = must(percu_zalloc(e->size));
	} else {
		p = must(percu_alloc(e->size));
	}
	empty = e->op != TRACE_CALLOC || all_zero(p, e->size);
	block_is(pl, e->slot, p, e->size);
	if (!empty)
		spoiled(pl->copy, e->slot, "was not zero");
	if ((uintptr_t)p & (((uintptr_t)1 << align) - 1))
		spoiled(pl->copy, e->slot, "is not aligned");
}

static void play(struct player *pl, const struct play *e)
{
	struct block was;
	void *p;

	switch (e->op) {
	case TRACE_FREE:
		percu_free(block_was(pl, e->slot).p);
		return;
	case TRACE_REALLOC:
		was = block_was(pl, e->slot);
		p = must(percu_realloc(was.p, e->size));
		if (was.size && e->size && break_now(BREAK_RESIZED))
			*(unsigned char *)p ^= 1;
		if (!stamp_prefix(p, was.size < e->size ? was.size : e->size,
				  was.size, was.key))
			spoiled(pl->copy, e->slot, "was not copied");
		block_is(pl, e->slot, p, e->size);
		return;
	default:
		take(pl, e);
	}
}

/* Players. -------------------------------------------------------------------- */

static void edge_await(struct player *pl, uint32_t edge)
{
	struct player *none = NULL;
	void *woken;

	if (atomic_compare_exchange_strong_explicit(
		    &pl->copy->edges[edge].who, &none, pl, memory_order_acq_rel,
		    memory_order_acquire))
		chan_recv(pl->wake, &woken);
}

static void edge_pass(struct player *pl, uint32_t edge)
{
	struct player *waits = atomic_exchange_explicit(
		&pl->copy->edges[edge].who, &passed, memory_order_acq_rel);

	if (waits)
		chan_send(waits->wake, waits);
}

static void player_work(void *arg)
{
	struct player *pl = arg;
	struct replay *r = pl->copy->r;
	const struct play *e = &r->leg->plays[pl->run.first];

	for (uint32_t i = 1; i <= pl->run.n; i++, e++) {
		if (e->awaits)
			edge_await(pl, e->awaits);
		play(pl, e);
		if (e->passes)
			edge_pass(pl, e->passes);
		if (i % BEAT == 0 || i == pl->run.n)
			progress_add(r->progress, (i - 1) % BEAT + 1);
		if (!worker_draw(YIELD_OF))
			worker_yield();
	}
	out_add(&pl->copy->out, pl->out.blocks, pl->out.bytes, pl->out.usable);
	group_done(r->playing);
}

/* All that a copy has, wherever the trace stands. */
static void give_back(void *arg)
{
	struct player *pl = arg;
	struct copy *c = pl->copy;

	for (uint32_t i = 0; i < c->r->td->sum.slots; i++) {
		if (c->blocks[i].p)
			percu_free(block_was(pl, i).p);
		if (!worker_draw(YIELD_OF))
			worker_yield();
	}
	out_add(&c->out, pl->out.blocks, pl->out.bytes, pl->out.usable);
	group_done(c->r->playing);
}

static void player_go(struct copy *c, const struct run *run,
		      void (*work)(void *arg))
{
	struct player *pl = &c->players[run->thread];

	memset(&pl->out, 0, sizeof(pl->out));
	pl->run = *run;
	if (!pl->wake)
		pl->wake = must(chan_new("edge", 1));
	group_add(c->r->playing, 1);
	worker_go(work, pl, "player",
		  (uint64_t)c->nth * c->r->td->sum.threads + run->thread);
}

/* The conductor. -------------------------------------------------------------- */

static void equal(const struct replay *r, const char *what, uint64_t is,
		  uint64_t should)
{
	if (is != should)
		fail("%s, event %" PRIu64 " of round %" PRIu64 ": %" PRIu64
		     " %s are out, but %" PRIu64 " should be",
		     r->td->name, r->ops, r->rounds + 1, is, what, should);
}

/* Nobody plays.  percu is asked too, if nobody else uses it. */
static void compare(const struct replay *r, uint64_t blocks, uint64_t bytes)
{
	uint64_t usable = 0;
	struct percu_memstats is;

	for (struct copy *c = r->copies; c < r->copies + r->nr_copies; c++) {
		equal(r, "blocks", c->out.blocks, blocks);
		equal(r, "bytes", c->out.bytes, bytes);
		usable += c->out.usable;
	}
	if (!alone())
		return;
	percu_memstats(&is);
	equal(r, "blocks of percu", is.heap_objects - r->start.heap_objects,
	      blocks * r->nr_copies);
	if (!STRESS_SANITIZED) /* which leaves of a block what was asked for */
		equal(r, "bytes of percu", is.alloc - r->start.alloc, usable);
}

static void leg_play(struct replay *r)
{
	struct leg *l = r->leg;

	for (struct copy *c = r->copies; c < r->copies + r->nr_copies; c++) {
		memset(c->edges, 0, (l->nr_edges + 1) * sizeof(*c->edges));
		for (uint32_t i = 0; i < l->nr_runs; i++)
			player_go(c, &l->runs[i], player_work);
	}
	group_wait(r->playing);
	r->ops += l->nr_plays;
	r->legs++;
	r->waits += l->nr_edges;
}

static void round_end(struct replay *r)
{
	const struct run all = { .thread = 0 };

	for (struct copy *c = r->copies; c < r->copies + r->nr_copies; c++)
		player_go(c, &all, give_back);
	group_wait(r->playing);
	compare(r, 0, 0);
}

/* Ends at a leg's end, when time is up. */
static void conduct(void *arg)
{
	struct replay *r = arg;
	struct trace t;
	void *extra;

	do {
		trace_open(&t, r->td->bytes, r->td->len);
		while ((!r->legs || crew_goes_on(r->o)) &&
		       leg_read(r->leg, &t)) {
			leg_play(r);
			extra = break_now(BREAK_REPLAY) ? percu_alloc(1) : NULL;
			compare(r, t.blocks, t.bytes);
			percu_free(extra);
		}
		round_end(r);
		r->rounds += t.ops == r->td->sum.ops;
		trace_close(&t);
	} while (crew_goes_on(r->o) && r->td->sum.ops);
}

/* Enough to keep the threads busy, and not too much memory. */
static uint32_t copies(const struct replay *r)
{
	const struct trace *sum = &r->td->sum;
	unsigned int threads = r->o->threads ? r->o->threads : nr_cpus();
	uint64_t n = crew_size(r->o, PLAYERS * threads) / sum->threads;
	uint64_t room = ROOM / (sum->peak + 1);

	if (!r->o->workers)
		n = n < COPIES_MIN ? COPIES_MIN :
		    n > COPIES_MAX ? COPIES_MAX :
				     n;
	n = n < room ? n : room;
	return n ? (uint32_t)n : 1;
}

static void replay_begin(struct replay *r)
{
	const struct trace *sum = &r->td->sum;

	r->leg = leg_new(sum);
	r->playing = must(group_new("playing"));
	r->nr_copies = copies(r);
	r->copies = must(calloc(r->nr_copies, sizeof(*r->copies)));
	for (uint32_t i = 0; i < r->nr_copies; i++) {
		struct copy *c = &r->copies[i];

		c->r = r;
		c->nth = i;
		c->blocks = must(calloc(sum->slots + 1, sizeof(*c->blocks)));
		c->edges = must(calloc(LEG + 1, sizeof(*c->edges)));
		c->players = must(calloc(sum->threads, sizeof(*c->players)));
		for (uint32_t t = 0; t < sum->threads; t++)
			c->players[t].copy = c;
	}
}

/* Not if anybody still waits. */
static void replay_end(struct replay *r)
{
	for (struct copy *c = r->copies; c < r->copies + r->nr_copies; c++) {
		for (uint32_t t = 0; t < r->td->sum.threads; t++)
			if (c->players[t].wake)
				chan_free(c->players[t].wake);
		free(c->blocks);
		free(c->edges);
		free(c->players);
	}
	free(r->copies);
	group_free(r->playing);
	leg_free(r->leg);
}

static void replay_one(const struct options *o, const struct traced *td,
		       struct progress *progress)
{
	struct replay r = { .o = o, .td = td, .progress = progress };
	struct sched *s = crew_new(o, 0x4e91a, o->seconds);
	uint64_t start = now_ns();
	double seconds;

	percu_memstats(&r.start);
	replay_begin(&r);
	printf("  recorded  %s: %s events of %u threads in %.1f s, %s at most, %s of %s blocks at its end\n",
	       td->name, num_count(td->sum.ops).s, td->sum.threads,
	       (double)td->sum.us / 1e6, num_bytes(td->sum.peak).s,
	       num_bytes(td->sum.bytes).s, num_count(td->sum.blocks).s);
	sched_go(s, conduct, &r, "conductor", 0);
	if (crew_run(s))
		return;
	seconds = (double)(now_ns() - start) / 1e9;
	printf("  played    by %u copies, %s times to the end; %s times compared; %s waits a copy; %.2f M events/s\n",
	       r.nr_copies, num_count(r.rounds).s, num_count(r.legs).s,
	       num_count(r.waits).s,
	       (double)(r.ops * r.nr_copies) / 1e6 / seconds);
	happened(r.legs, "played");
	replay_end(&r);
}

void replay_run(const struct options *o)
{
	struct options own = *o;
	struct progress progress;

	law("at each step of a trace as many bytes and blocks are out as it says, and percu agrees");
	law("every block is as its last owner left it, aligned, and empty if it was to be");
	if (!nr_traces)
		part_skip("there is no gzip, which reads the traces");
	own.seconds = o->seconds / (nr_traces ? nr_traces : 1);
	progress_start(&progress, "replay", PROGRESS_TIME,
		       (uint64_t)(o->seconds * 1e3));
	for (unsigned int i = 0; i < nr_traces && !verdict_failures(); i++)
		replay_one(&own, &traces[i], &progress);
	progress_stop(&progress);
}
