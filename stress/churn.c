// SPDX-License-Identifier: MIT
/*
 * stress/churn.c - random use of everything by everybody
 *
 * Each seat is a worker that holds items, full and empty ones, and does random
 * things to them: take, give, check, resize; exchange one with whatever lies
 * in a shared slot, so that objects are given back by others than took them;
 * take and give many at once; age, shrink, look at statistics.  Every so often
 * a seat begins a new life: it empties its hands or keeps what it has, and the
 * thread that it is on ends.
 *
 * Most objects of real programs die young, and some live for ever: of a seat's
 * places the first LEVEL are drawn half of the time, the next LEVEL half of
 * the rest, and so on, and what lies in a place lives as long as that is not
 * drawn.
 *
 * When time is up everything is given back by a thread that took none of it,
 * and then the books must agree to the last object.
 *
 * No seat waits for another: if the operations stop, the library hangs, and
 * watch.c says so.
 */
#include <stdio.h>
#include <stdlib.h>
#include <percu/alloc.h>
#include "churn.h"
#include "crew.h"

enum {
	LEVEL = 4,
	LEVELS = 8,
	HELD = LEVEL * LEVELS, /* items a seat */
	SLOTS = 128,           /* shared items */
	SEATS = 256,
	BULK_SLACK = 64,     /* objects that one seat has for a moment */
	BEAT = 64,           /* operations between two reports */
	YIELD_OF = 32,       /* operations */
	LIFE_MIN = 2 * 1000, /* operations of a life */
	LIFE_MORE = 20 * 1000,
};

struct churn;

struct seat {
	struct churn *churn;
	struct rng rng;   /* what it does, however percu answers */
	struct hand hand; /* its worker's; after it who empties it */
	struct item *held[HELD];
};

struct churn {
	const struct options *o;
	unsigned int nr_seats;
	uint64_t most_out;
	_Atomic uint64_t replaced, lives;
	struct progress progress;
	_Atomic(struct item *) slots[SLOTS];
	struct item *items;
	struct seat *seats;
	struct hand sum; /* of all hands, when all is given back */
};

static size_t place_draw(struct rng *r)
{
	uint64_t x = rng_next(r);
	unsigned int level = (unsigned int)__builtin_ctzll(x | 1u << LEVELS);

	level = level < LEVELS ? level : LEVELS - 1;
	return level * LEVEL + (x >> 32) % LEVEL;
}

static void exchange(struct seat *s, size_t i)
{
	_Atomic(struct item *) *slot =
		&s->churn->slots[rng_below(&s->hand.rng, SLOTS)];

	item_held(s->held[i], -1);
	s->held[i] = atomic_exchange_explicit(slot, s->held[i],
					      memory_order_acq_rel);
	item_held(s->held[i], 1);
	s->hand.moved++;
	if (s->held[i]->p)
		item_check(&s->hand, s->held[i]);
}

static void rare(struct seat *s)
{
	struct hand *h = &s->hand;

	switch (rng_below(&h->rng, 40)) {
	case 0:
		percu_age();
		break;
	case 1:
	case 2:
		percu_pool_shrink(kinds[rng_below(&h->rng, NR_KINDS)].pool);
		break;
	case 3:
	case 4:
		percu_pool_age(kinds[rng_below(&h->rng, NR_KINDS)].pool);
		break;
	case 5:
	case 6:
	case 7:
		audit_identities();
		break;
	default:
		hand_look(h, s->churn->most_out);
	}
}

static void operation(struct seat *s)
{
	struct hand *h = &s->hand;
	size_t i = place_draw(&s->rng);
	uint32_t what = rng_below(&s->rng, 1000);

	if (what < 100) {
		exchange(s, i);
	} else if (what < 140) {
		bulk_round(h);
	} else if (what < 143) {
		rare(s);
	} else if (!s->held[i]->p) {
		item_take(h, s->held[i]);
	} else if (what < 230) {
		item_resize(h, s->held[i]);
	} else if (what < 260) {
		item_check(h, s->held[i]);
	} else {
		item_give(h, s->held[i]);
	}
}

static void seat_empty(struct seat *s)
{
	for (size_t i = 0; i < HELD; i++)
		if (s->held[i]->p)
			item_give(&s->hand, s->held[i]);
}

/* Until it begins another, or until time is up. */
static void life(struct seat *s)
{
	struct churn *ch = s->churn;
	uint64_t end = LIFE_MIN + rng_below(&s->rng, LIFE_MORE);

	for (uint64_t n = 1; n < end && (n == 1 || crew_goes_on(ch->o)); n++) {
		operation(s);
		if (n % BEAT == 0)
			progress_add(&ch->progress, BEAT);
		if (!rng_below(&s->rng, YIELD_OF))
			worker_yield();
	}
}

static void seat_work(void *arg)
{
	struct seat *s = arg;

	do {
		life(s);
		crew_leak();
		if (rng_below(&s->rng, 2))
			seat_empty(s);
		atomic_fetch_add(&s->churn->lives, 1);
		if (worker_replace_thread())
			atomic_fetch_add(&s->churn->replaced, 1);
	} while (crew_goes_on(s->churn->o));
}

static struct churn *churn_new(const struct options *o)
{
	struct churn *ch = must(calloc(1, sizeof(*ch)));
	struct item *it;

	ch->o = o;
	ch->sum.rng.state = mix64(o->seed ^ 0x5075);
	ch->nr_seats = crew_size(o, SEATS);
	ch->most_out = (uint64_t)ch->nr_seats * (HELD + BULK_SLACK) + SLOTS +
		       BULK_SLACK;
	ch->items = it =
		must(calloc((size_t)ch->nr_seats * HELD + SLOTS, sizeof(*it)));
	ch->seats = must(calloc(ch->nr_seats, sizeof(*ch->seats)));
	for (size_t i = 0; i < SLOTS; i++)
		atomic_store(&ch->slots[i], it++);
	for (struct seat *s = ch->seats; s < ch->seats + ch->nr_seats; s++) {
		s->churn = ch;
		s->rng.state = mix64(o->seed + (uint64_t)(s - ch->seats) + 1);
		s->hand.rng.state = mix64(s->rng.state);
		for (size_t i = 0; i < HELD; i++)
			s->held[i] = it++;
	}
	return ch;
}

static void churn_work(struct churn *ch)
{
	struct sched *s = crew_new(ch->o, 0xc4042, ch->o->seconds);

	for (unsigned int i = 0; i < ch->nr_seats; i++)
		sched_go(s, seat_work, &ch->seats[i], "seat", i);
	crew_run(s);
}

/* By a thread that took none of it. */
static void *churn_empty(void *arg)
{
	struct churn *ch = arg;

	for (unsigned int i = 0; i < ch->nr_seats; i++) {
		seat_empty(&ch->seats[i]);
		hand_add(&ch->sum, &ch->seats[i].hand);
	}
	for (size_t i = 0; i < SLOTS; i++)
		if (ch->slots[i]->p)
			item_give(&ch->sum, ch->slots[i]);
	return NULL;
}

static void churn_print(const struct churn *ch, double seconds)
{
	const struct hand *sum = &ch->sum;

	printf("  did       %s operations in %.1f s; %s checks of a stamp, %s exchanges\n",
	       num_count(ch->progress.done).s, seconds,
	       num_count(sum->checked).s, num_count(sum->moved).s);
	printf("  lives     %s in %u seats; %s threads replaced\n",
	       num_count(ch->lives).s, ch->nr_seats, num_count(ch->replaced).s);
	audit_table_head();
	for (size_t i = 0; i < NR_KINDS; i++)
		audit_table_row(kinds[i].pool);
	printf("  blocks    %s allocated, %s freed\n",
	       num_count(sum->blocks_got).s, num_count(sum->blocks_put).s);
}

static void churn_audit(const struct hand *sum)
{
	for (size_t i = 0; i < NR_KINDS; i++) {
		struct percu_pool_stats st;

		audit_quiet(kinds[i].pool, sum->got[i], sum->put[i]);
		percu_pool_stats(kinds[i].pool, &st);
		if (!st.failures != !sum->refused[i])
			fail("%s: %llu failures, but %llu gets were refused",
			     st.name, (unsigned long long)st.failures,
			     (unsigned long long)sum->refused[i]);
	}
	happened(sum->checked, "checked");
	if (sum->blocks_got != sum->blocks_put)
		fail("%llu blocks allocated, %llu freed",
		     (unsigned long long)sum->blocks_got,
		     (unsigned long long)sum->blocks_put);
}

void churn_run(const struct options *o)
{
	struct churn *ch = churn_new(o);
	pthread_t other;
	double seconds;

	law("memory is in one hand at a time: a stamp is as its owner left it");
	law("ctor, dtor, reset, limit, reserve, zeroing, alignment as pool.h and alloc.h say");
	law("statistics only grow, and agree with our own count to the last object");
	kinds_create();
	progress_start(&ch->progress, "churn", PROGRESS_TIME,
		       (uint64_t)(o->seconds * 1e3));
	churn_work(ch);
	seconds = progress_stop(&ch->progress);
	thread_start(&other, churn_empty, ch);
	pthread_join(other, NULL);
	churn_print(ch, seconds);
	churn_audit(&ch->sum);
	kinds_destroy();
	free(ch->items);
	free(ch->seats);
	free(ch);
}
