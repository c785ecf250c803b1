// SPDX-License-Identifier: MIT
/*
 * stress/vec_read.c - readers, who know what they are promised
 *
 * A reader enters a section, walks, looks again at what it has seen, and
 * leaves; then others may run.  It never yields in a section: workers must
 * not.  Of each element it checks the stamp and the age, the second time as
 * well as the first.
 *
 * walk_again() reads the slots of a view twice and compares, as promised:
 * the same, the same or a hole, or whatever.
 *
 * walk_pins() looks for the elements that stay.  A view by copy shows each of
 * them once.  Where elements move in place, who goes down finds each at least
 * once; who goes up is promised nothing.
 */
#include <inttypes.h>
#include "vec.h"

enum {
	LIMIT = 2, /* this age no reader may see */
};

static bool look(struct reader *r, const struct subject *s, struct element *e)
{
	uint64_t word = atomic_load(&e->word);
	uint64_t age = element_age(&r->st->elements, word);
	const char *name = s->kind->name;

	r->looks++;
	if (element_state(word) == FREE) {
		fail("%s: a reader sees a released element", name);
		return false;
	}
	if (e->stamp != element_stamp(word, e->number))
		fail("%s: element %" PRIu64 " has another's stamp", name,
		     e->number);
	r->age[age < AGES ? age : AGES - 1]++;
	if (age >= LIMIT)
		fail("%s: a reader sees an element that was removed %" PRIu64
		     " grace periods ago",
		     name, age);
	if (r->nr < SEEN) {
		r->seen[r->nr] = e;
		r->version[r->nr++] = word >> 32;
	}
	return age < LIMIT;
}

/* What was seen is what it was, until the section ends. */
static void look_again(struct reader *r, const struct subject *s)
{
	unsigned int nr = r->nr;

	for (unsigned int k = 0; k < nr; k++) {
		struct element *e = r->seen[k];

		if (look(r, s, e) &&
		    atomic_load(&e->word) >> 32 != r->version[k])
			fail("%s: an element was used again under a reader",
			     s->kind->name);
	}
	r->nr = 0;
}

/* The part of a view that is looked at. */
static size_t part(struct reader *r, size_t len, size_t *end)
{
	size_t from = 0;

	*end = len;
	if (len > PART)
		from = rng_below(&r->rng, (uint32_t)(len - PART));
	if (len - from > PART)
		*end = from + PART;
	return from;
}

/* Numbers rise; where they are dense, by one, and nothing is missing. */
static void order_check(const struct subject *s, const struct element *e,
			const struct element *before)
{
	if (before && e &&
	    (e->number <= before->number || (s->kind->dense && !refusals() &&
					     e->number != before->number + 1)))
		fail("%s: number %" PRIu64 " comes after %" PRIu64,
		     s->kind->name, e->number, before->number);
}

/* Twice, with something in between that takes some time. */
static void walk_again(struct reader *r, const struct subject *s)
{
	struct percu_view view = percu_vec_view(&s->vec);
	size_t end, from = part(r, percu_view_len(view), &end);
	const struct element *before = NULL;
	enum promise promise = s->kind->promise;

	for (size_t i = from; i < end; i++) {
		struct element *e = r->slots[i - from] =
			percu_view_get(view, i);

		if (e)
			look(r, s, e);
		else if (s->kind->dense && !refusals())
			fail("%s: a hole in slot %zu", s->kind->name, i);
		if (s->kind->ordered && e) {
			order_check(s, e, before);
			before = e;
		}
	}
	look_again(r, s);
	/* A removal that finds no memory leaves a hole. */
	if (promise == SNAPSHOT && refusals())
		promise = BUT_HOLES;
	if (promise == SNAPSHOT && end > from && break_now(BREAK_VIEW))
		r->slots[0] = r;
	for (size_t i = from; i < end && promise != ELEMENTS; i++) {
		const struct element *e = percu_view_get(view, i);

		if (e != r->slots[i - from] && (e || promise == SNAPSHOT))
			fail("%s: slot %zu of a view has changed",
			     s->kind->name, i);
	}
	r->again[promise]++;
}

static void pin_look(const struct element *e, unsigned int *once,
		     unsigned int *twice)
{
	unsigned int bit = e && e->pin ? 1u << (e->pin - 1) : 0;

	*twice |= *once & bit;
	*once |= bit;
}

static void walk_pins(struct reader *r, const struct subject *s)
{
	struct percu_view view = percu_vec_view(&s->vec);
	size_t len = percu_view_len(view);
	bool moves = s->kind->promise == ELEMENTS;
	bool down = moves || rng_below(&r->rng, 2);
	unsigned int once = 0, twice = 0;

	for (size_t i = 0; i < len; i++) {
		struct element *e =
			percu_view_get(view, down ? len - 1 - i : i);

		if (e && (len < 4 * PART || i % 64 == 0))
			look(r, s, e);
		pin_look(e, &once, &twice);
	}
	if (once != (1u << PINS) - 1)
		fail("%s: going %s, a reader missed an element that stays",
		     s->kind->name, down ? "down" : "up");
	if (twice && !moves)
		fail("%s: a reader saw an element twice", s->kind->name);
	r->pinned[s->kind->promise]++;
}

static void walk_random(struct reader *r, const struct subject *s)
{
	size_t len = percu_vec_len(&s->vec);

	for (int n = 0; len && n < 16; n++) {
		struct element *e = percu_vec_get(
			&s->vec, rng_below(&r->rng, (uint32_t)len));

		if (e)
			look(r, s, e);
	}
}

static void walk_each(struct reader *r, const struct subject *s)
{
	const struct element *before = NULL;
	struct element *e;
	size_t i;

	percu_vec_for_each (&s->vec, i, e) {
		look(r, s, e);
		if (s->kind->ordered)
			order_check(s, e, before);
		before = e;
		if (i >= PART)
			break;
	}
}

static void section(struct reader *r, const struct subject *s)
{
	uint32_t what = rng_below(&r->rng, 8);
	bool is_long = s->kind->most > 4000;

	rcu_read_lock();
	if (what < 3)
		walk_again(r, s);
	else if (what < 4 && !s->kind->dense &&
		 (!is_long || !rng_below(&r->rng, 16)))
		walk_pins(r, s);
	else if (what < 6)
		walk_random(r, s);
	else
		walk_each(r, s);
	/* Some stay where they are for a while, and keep their thread. */
	if (!rng_below(&r->rng, 1024))
		sleep_ms(1);
	look_again(r, s);
	rcu_read_unlock();
}

void vec_read(void *arg)
{
	struct reader *r = arg;

	do {
		const struct subject *s =
			&r->st->subjects[rng_below(&r->rng, NR_SUBJECTS)];
		uint64_t looks = r->looks;

		section(r, s);
		r->walks++;
		progress_add(&r->st->progress, r->looks - looks);
		if (rng_below(&r->rng, 64))
			worker_yield();
		else
			worker_sleep(rng_below(&r->rng, 1000000));
	} while (crew_goes_on(r->st->o));
}
