// SPDX-License-Identifier: MIT
/*
 * stress/pipeline.c - every object is given back far from where it was made
 *
 * Workers in lanes of LANE, with a channel between each two stages:
 *
 *	producers -> raw -> transformers -> parsed -> consumers
 *
 * A transformer takes raw objects of its own lane and of the next, whichever
 * is there first, gives each back, and makes a parsed one of it, with a block
 * of a random size.  So a raw object is put by who did not get it, and so are
 * the parsed one and its block; and as workers change threads at every channel,
 * most are put on another CPU too.  Some are put by the bulk and some after a
 * grace period.
 *
 * What a producer makes is numbered.  A consumer finds the same numbers: of
 * each lane as many, with the same sum, and each object stamped with its own.
 *
 *	lane		some workers of each stage, and the channels behind them
 *	raw, parsed	objects of two pools
 */
#include <sched.h>
#include <stdlib.h>
#include <urcu-bp.h>
#include <percu/alloc.h>
#include "crew.h"

enum {
	STAGE = 4, /* workers of a lane in each stage */
	LANE = 3 * STAGE,
	LANES = 100,
	ROOM = 16, /* of a channel */
	BODY = 232,
	BLOCK_MAX = 16 << 10,
	BULK = 16,
	BEAT = 64,
};

static const char raw_name[] = "raw", parsed_name[] = "parsed";

struct raw {
	uint64_t number;
	uint32_t lane, cpu;
	unsigned char body[BODY];
};

struct parsed {
	uint64_t number;
	uint32_t lane, cpu;
	void *block;
	size_t size;
};

/* What went into a lane, and what of it came out anywhere. */
struct sums {
	_Atomic uint64_t nr, sum;
};

struct pipeline;

struct lane {
	struct pipeline *p;
	uint32_t nth;
	struct chan *raw, *parsed;
	struct group *producers, *transformers;
	_Atomic uint64_t next; /* number */
	struct sums in, out;
};

struct pipeline {
	const struct options *o;
	struct percu_pool *raw, *parsed;
	uint32_t nr_lanes;
	struct lane *lanes;
	_Atomic uint64_t raw_put, parsed_put, retired, far, bytes;
	struct progress progress;
};

static uint64_t key_of(uint32_t lane, uint64_t number)
{
	return mix64((uint64_t)lane << 40 ^ number);
}

static void sums_add(struct sums *s, uint64_t number)
{
	atomic_fetch_add_explicit(&s->nr, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&s->sum, mix64(number), memory_order_relaxed);
}

static void far_add(struct pipeline *p, uint32_t cpu)
{
	if (cpu != (uint32_t)sched_getcpu())
		atomic_fetch_add_explicit(&p->far, 1, memory_order_relaxed);
}

static void produce(void *arg)
{
	struct lane *l = arg;
	struct pipeline *p = l->p;

	do {
		struct raw *r = crew_get(p->raw, raw_name);

		r->number = atomic_fetch_add(&l->next, 1);
		r->lane = l->nth;
		r->cpu = (uint32_t)sched_getcpu();
		stamp(r->body, BODY, key_of(r->lane, r->number));
		if (break_now(BREAK_PIPELINE))
			r->body[BODY - 1] ^= 1;
		sums_add(&l->in, r->number);
		crew_send(l->raw, raw_name, r);
	} while (crew_goes_on(p->o));
	group_done(l->producers);
}

/* Three ways to give back, by the number: the third when there are BULK. */
struct bulk {
	void *objs[BULK];
	size_t n;
};

static void raw_put(struct pipeline *p, struct raw *r, struct bulk *b)
{
	uint64_t number = r->number;

	far_add(p, r->cpu);
	worker_holds(raw_name, -1);
	if (number % 8 == 0) {
		percu_pool_put_rcu(p->raw, r);
		atomic_fetch_add(&p->retired, 1);
		return;
	}
	atomic_fetch_add_explicit(&p->raw_put, 1, memory_order_relaxed);
	if (number % 8 < 5) {
		percu_pool_put(p->raw, r);
		return;
	}
	b->objs[b->n++] = r;
	if (b->n == BULK) {
		percu_pool_put_bulk(p->raw, b->objs, b->n);
		b->n = 0;
	}
}

static struct parsed *parse(struct pipeline *p, struct raw *r)
{
	uint64_t key = key_of(r->lane, r->number);
	struct rng rng = { .state = key };
	struct parsed *d = crew_get(p->parsed, parsed_name);

	if (!stamp_holds(r->body, BODY, key))
		fail("number %llu of lane %u is not as it was made",
		     (unsigned long long)r->number, r->lane);
	d->number = r->number;
	d->lane = r->lane;
	d->cpu = (uint32_t)sched_getcpu();
	d->size = rng_lognormal(&rng, 6.5, 2, BLOCK_MAX);
	d->block = must(percu_alloc(d->size));
	stamp(d->block, d->size, key);
	if (d->size && break_now(BREAK_BLOCK))
		*(unsigned char *)d->block ^= 1;
	return d;
}

/* Until both channels are closed and empty. */
static void transform(void *arg)
{
	struct lane *l = arg;
	struct pipeline *p = l->p;
	struct lane *next = &p->lanes[(l->nth + 1) % p->nr_lanes];
	struct chan_case from[2] = { { .c = l->raw, .how = CHAN_RECV },
				     { .c = next->raw, .how = CHAN_RECV } };
	struct bulk bulk = { .n = 0 };

	while (from[0].c || from[1].c) {
		int n = chan_select(from, 2, true);
		struct parsed *d;

		if (!from[n].ok) {
			from[n].c = NULL;
			continue;
		}
		worker_holds(raw_name, 1);
		d = parse(p, from[n].p);
		raw_put(p, from[n].p, &bulk);
		crew_send(l->parsed, parsed_name, d);
	}
	percu_pool_put_bulk(p->raw, bulk.objs, bulk.n);
	group_done(l->transformers);
}

static void consume(void *arg)
{
	struct lane *l = arg;
	struct pipeline *p = l->p;
	uint64_t n = 0, bytes = 0;
	struct parsed *d;

	while ((d = crew_recv(l->parsed, parsed_name))) {
		struct lane *made = &p->lanes[d->lane];

		if (!stamp_holds(d->block, d->size, key_of(d->lane, d->number)))
			fail("the block of number %llu of lane %u is not as it was made",
			     (unsigned long long)d->number, d->lane);
		sums_add(&made->out, d->number);
		far_add(p, d->cpu);
		bytes += d->size;
		percu_free(d->block);
		crew_put(p->parsed, parsed_name, d);
		if (++n % BEAT == 0)
			progress_add(&p->progress, BEAT);
	}
	atomic_fetch_add(&p->parsed_put, n);
	atomic_fetch_add(&p->bytes, bytes);
}

/* Closes a lane's channels when those who send on them are done. */
static void close_lane(void *arg)
{
	struct lane *l = arg;

	group_wait(l->producers);
	chan_close(l->raw);
	group_wait(l->transformers);
	chan_close(l->parsed);
}

static void lane_init(struct pipeline *p, struct sched *s, uint32_t nth)
{
	struct lane *l = &p->lanes[nth];

	l->p = p;
	l->nth = nth;
	l->raw = must(chan_new("raw", ROOM));
	l->parsed = must(chan_new("parsed", ROOM));
	l->producers = must(group_new("producers"));
	l->transformers = must(group_new("transformers"));
	group_add(l->producers, STAGE);
	group_add(l->transformers, STAGE);
	for (uint32_t i = 0; i < STAGE; i++) {
		sched_go(s, produce, l, "producer", nth * STAGE + i);
		sched_go(s, transform, l, "transformer", nth * STAGE + i);
		sched_go(s, consume, l, "consumer", nth * STAGE + i);
	}
	sched_go(s, close_lane, l, "closer", nth);
}

/* Not if anybody still waits for them. */
static void lanes_free(struct pipeline *p)
{
	for (struct lane *l = p->lanes; l < p->lanes + p->nr_lanes; l++) {
		chan_free(l->raw);
		chan_free(l->parsed);
		group_free(l->producers);
		group_free(l->transformers);
	}
}

static uint64_t lanes_check(const struct pipeline *p)
{
	uint64_t made = 0;

	for (const struct lane *l = p->lanes; l < p->lanes + p->nr_lanes; l++) {
		if (l->in.nr != l->out.nr || l->in.sum != l->out.sum)
			fail("lane %u made %llu objects, of which %llu came out, or others",
			     l->nth, (unsigned long long)l->in.nr,
			     (unsigned long long)l->out.nr);
		made += l->in.nr;
	}
	return made;
}

static void pools_create(struct pipeline *p)
{
	const struct percu_pool_attr raw = { .name = raw_name,
					     .size = sizeof(struct raw) };
	const struct percu_pool_attr parsed = { .name = parsed_name,
						.size = sizeof(struct parsed) };

	p->raw = must(percu_pool_create(&raw));
	p->parsed = must(percu_pool_create(&parsed));
}

/* raw is put, or retired, once each; audit_quiet() knows of puts alone. */
static void pools_end(struct pipeline *p, uint64_t made)
{
	struct percu_pool_stats st;

	percu_pool_barrier(p->raw);
	percu_pool_stats(p->raw, &st);
	if (st.puts_rcu != p->retired || st.outstanding)
		fail("raw: %llu retired, but %llu were put after a grace period, and %llu are out",
		     (unsigned long long)p->retired,
		     (unsigned long long)st.puts_rcu,
		     (unsigned long long)st.outstanding);
	audit_quiet(p->raw, made, p->raw_put);
	audit_quiet(p->parsed, made, p->parsed_put);
	audit_table_head();
	audit_table_row(p->raw);
	audit_table_row(p->parsed);
	audit_destroy(p->raw, 0);
	audit_destroy(p->parsed, 0);
}

void pipeline_run(const struct options *o)
{
	struct sched *s = crew_new(o, 0x919e, o->seconds);
	struct pipeline p = { .o = o };
	uint64_t made;
	double seconds;

	law("what goes into a pipeline comes out once, as it was made, block and all");
	law("who gives an object back did not make it; the books agree to the last one");
	p.nr_lanes = crew_size(o, LANES * LANE) / LANE;
	p.nr_lanes += !p.nr_lanes;
	p.lanes = must(calloc(p.nr_lanes, sizeof(*p.lanes)));
	pools_create(&p);
	for (uint32_t i = 0; i < p.nr_lanes; i++)
		lane_init(&p, s, i);
	progress_start(&p.progress, "pipeline", PROGRESS_TIME,
		       (uint64_t)(o->seconds * 1e3));
	if (!crew_run(s))
		lanes_free(&p);
	seconds = progress_stop(&p.progress);
	made = lanes_check(&p);
	happened(made, "made");
	printf("  passed    %s objects in %.1f s, %.2f M/s, and %s of blocks; %s given back on another CPU\n",
	       num_count(made).s, seconds, (double)made / 1e6 / seconds,
	       num_bytes(p.bytes).s, num_percent(p.far, 2 * made).s);
	pools_end(&p, made);
	free(p.lanes);
}
