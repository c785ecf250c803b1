// SPDX-License-Identifier: MIT
/*
 * stress/churn.c - random use of everything by everybody
 *
 * Each seat holds items, full and empty ones, and a thread that does random
 * things to them: take, give, check, resize; exchange one with whatever lies
 * in a shared slot, so that objects are given back by others than took them;
 * take and give many at once; age, shrink, look at statistics.  Meanwhile
 * threads exit and are replaced: some empty their hands before, some leave
 * them to their successor.
 *
 * When time is up everything is given back by the main thread, and then the
 * books must agree to the last object.
 *
 * Nobody but the main thread waits for anybody: if the operations stop, the
 * library hangs, and the watchdog says so.
 */
#include <stdio.h>
#include <stdlib.h>
#include <percu/alloc.h>
#include "churn.h"

enum {
	HELD = 64,   /* items a seat */
	SLOTS = 128, /* shared items */
	SEATS_PER_CPU = 3,
	SEATS_MAX = 192,
	BULK_SLACK = 64,      /* objects that one seat has for a moment */
	BEAT = 512,           /* operations between two reports */
	LIFE_MIN = 20 * 1000, /* operations of a thread */
	LIFE_MORE = 200 * 1000,
	TICK_MS = 2,
	HANG_MS = 60 * 1000,
};

struct churn;

struct seat {
	struct churn *churn;
	struct hand hand; /* its thread's; the main thread's after it */
	struct item *held[HELD];
	pthread_t thread;
	atomic_bool left; /* the thread is about to exit */
};

struct churn {
	const struct options *o;
	unsigned int nr_seats;
	uint64_t most_out, replaced;
	atomic_bool stop;
	struct progress progress;
	_Atomic(struct item *) slots[SLOTS];
	struct item *items;
	struct seat *seats;
};

static void exchange(struct seat *s, size_t i)
{
	_Atomic(struct item *) *slot =
		&s->churn->slots[rng_below(&s->hand.rng, SLOTS)];

	s->held[i] = atomic_exchange_explicit(slot, s->held[i],
					      memory_order_acq_rel);
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
	size_t i = rng_below(&h->rng, HELD);
	uint32_t what = rng_below(&h->rng, 1000);

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

static void seat_work(struct seat *s)
{
	struct churn *ch = s->churn;
	uint64_t life = LIFE_MIN + rng_below(&s->hand.rng, LIFE_MORE);

	for (uint64_t n = 1;
	     !atomic_load_explicit(&ch->stop, memory_order_relaxed); n++) {
		operation(s);
		if (n % BEAT == 0)
			progress_add(&ch->progress, BEAT);
		if (n > life)
			break;
	}
}

static void *seat_thread(void *arg)
{
	struct seat *s = arg;

	seat_work(s);
	if (rng_below(&s->hand.rng, 2))
		seat_empty(s);
	atomic_store(&s->left, true);
	return NULL;
}

/* The main thread, each tick: replace who left. */
static void tick(struct churn *ch)
{
	for (unsigned int i = 0; i < ch->nr_seats; i++) {
		struct seat *s = &ch->seats[i];

		if (!atomic_load(&s->left))
			continue;
		pthread_join(s->thread, NULL);
		atomic_store(&s->left, false);
		thread_start(&s->thread, seat_thread, s);
		ch->replaced++;
	}
}

static void supervise(struct churn *ch)
{
	uint64_t end = now_ns() + (uint64_t)(ch->o->seconds * 1e9);
	uint64_t last = 0, since = now_ns();

	while (now_ns() < end) {
		uint64_t done = atomic_load(&ch->progress.done);

		if (done != last) {
			last = done;
			since = now_ns();
		} else if (now_ns() - since > HANG_MS * 1000000ull) {
			die("no thread has done anything for %d s",
			    HANG_MS / 1000);
		}
		tick(ch);
		sleep_ms(TICK_MS);
	}
}

static struct churn *churn_new(const struct options *o)
{
	unsigned int seats = o->threads ? o->threads :
					  SEATS_PER_CPU * nr_cpus();
	struct churn *ch = must(calloc(1, sizeof(*ch)));
	struct item *it;

	ch->o = o;
	ch->nr_seats = seats < SEATS_MAX ? seats : SEATS_MAX;
	ch->most_out = (uint64_t)ch->nr_seats * (HELD + BULK_SLACK) + SLOTS +
		       BULK_SLACK;
	ch->items = it = must(calloc(ch->nr_seats * HELD + SLOTS, sizeof(*it)));
	ch->seats = must(calloc(ch->nr_seats, sizeof(*ch->seats)));
	for (size_t i = 0; i < SLOTS; i++)
		atomic_store(&ch->slots[i], it++);
	for (struct seat *s = ch->seats; s < ch->seats + ch->nr_seats; s++) {
		s->churn = ch;
		s->hand.rng.state =
			mix64(o->seed + (uint64_t)(s - ch->seats) + 1);
		for (size_t i = 0; i < HELD; i++)
			s->held[i] = it++;
	}
	return ch;
}

static void churn_blow(struct churn *ch)
{
	for (unsigned int i = 0; i < ch->nr_seats; i++)
		thread_start(&ch->seats[i].thread, seat_thread, &ch->seats[i]);
	supervise(ch);
	atomic_store(&ch->stop, true);
	for (unsigned int i = 0; i < ch->nr_seats; i++)
		pthread_join(ch->seats[i].thread, NULL);
}

/* By the main thread, which took none of it. */
static void churn_empty(struct churn *ch, struct hand *sum)
{
	for (unsigned int i = 0; i < ch->nr_seats; i++) {
		seat_empty(&ch->seats[i]);
		hand_add(sum, &ch->seats[i].hand);
	}
	for (size_t i = 0; i < SLOTS; i++)
		if (ch->slots[i]->p)
			item_give(sum, ch->slots[i]);
}

static void churn_print(const struct churn *ch, const struct hand *sum,
			double seconds)
{
	printf("  did       %s operations in %.1f s; %s checks of a stamp, %s exchanges\n",
	       num_count(ch->progress.done).s, seconds,
	       num_count(sum->checked).s, num_count(sum->moved).s);
	printf("  threads   %u, %s replaced\n", ch->nr_seats,
	       num_count(ch->replaced).s);
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
	if (sum->blocks_got != sum->blocks_put)
		fail("%llu blocks allocated, %llu freed",
		     (unsigned long long)sum->blocks_got,
		     (unsigned long long)sum->blocks_put);
}

void churn_run(const struct options *o)
{
	struct hand sum = { .rng.state = mix64(o->seed ^ 0x5075) };
	struct churn *ch = churn_new(o);
	double seconds;

	law("memory is in one hand at a time: a stamp is as its owner left it");
	law("ctor, dtor, reset, limit, reserve, zeroing, alignment as pool.h and alloc.h say");
	law("statistics only grow, and agree with our own count to the last object");
	kinds_create();
	progress_start(&ch->progress, "churn", PROGRESS_TIME,
		       (uint64_t)(o->seconds * 1e3));
	churn_blow(ch);
	seconds = progress_stop(&ch->progress);
	churn_empty(ch, &sum);
	churn_print(ch, &sum, seconds);
	churn_audit(&sum);
	kinds_destroy();
	free(ch->items);
	free(ch->seats);
	free(ch);
}
