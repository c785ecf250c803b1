/* SPDX-License-Identifier: MIT */
/*
 * tests/vec_sched.c - one writer and one reader in one thread, in every order
 *
 * The flavor is made for this: a grace period that the thread itself asks for
 * lets the reader end, one of another thread waits for it.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tests/check.h"
#include "tests/readers.h"
#include "tests/vec_sched.h"
#include "vec/vec.h"

struct world w;
struct sched_sum sum;

static const char *const what_name[NR_WHATS] = {
	"append",      "insert",    "replace", "remove",   "nil",     "exact",
	"remove_swap", "remove_if", "take",    "truncate", "compact", "batch"
};

static const char *const way_name[NR_WAYS] = { "view, up", "view, down",
					       "gets, up", "gets, down",
					       "for each" };

static pthread_t self;
static int reading; /* (a) the number of the section under way, or 0 */
static int sections;
static bool
	reader_runs; /* else it is the writer that the flavor is asked about */

void broken(const char *law, size_t i)
{
	const struct scenario *s = w.s;

	if (!w.broken && sum.broken < 10) {
		printf("\n    %s, slot %zu: %zu objects, room %zu, flags %u, %s:",
		       law, i, s->len, s->room, s->flags, way_name[s->way]);
		for (size_t k = 0; k < s->nr; k++)
			printf(" %s(%zu)", what_name[s->op[k].what],
			       s->op[k].i);
		printf("; schedule");
		for (unsigned int p = 0; p < w.points; p++)
			printf(" %u", w.choice[p]);
	}
	w.broken = true;
}

/* The reader. ---------------------------------------------------------------- */

void state_read(struct state *st)
{
	bool was = reader_runs;
	struct percu_view view;

	reader_runs = true;
	view = percu_vec_view(&w.stage->vec);
	st->len = percu_view_len(view);
	for (size_t i = 0; i < st->len && i < SLOTS; i++)
		st->slot[i] = percu_view_get(view, i);
	reader_runs = was;
}

bool state_same(const struct state *a, const struct state *b)
{
	return a->len == b->len &&
	       !memcmp(a->slot, b->slot, a->len * sizeof(*a->slot));
}

/* Law "fresh". */
void probe(void)
{
	struct state st;

	state_read(&st);
	while (w.at < w.nr_allowed && !state_same(&st, &w.allowed[w.at]))
		w.at++;
	if (w.at < w.nr_allowed)
		return;
	broken("fresh", st.len);
	w.at = w.nr_allowed - 1;
}

/* The view's slots may hold what the operation under way stores in place. */
void reader_allows(struct reader *r)
{
	for (size_t i = 0; i < r->frozen.len; i++) {
		void **slot = version_slot(r->view.root, i);

		for (unsigned int k = 0; k < w.nr_stores; k++)
			if (slot && w.stores[k].slot == slot)
				r->lawful[i] |= w.stores[k].obj;
	}
}

static void reader_starts(struct reader *r)
{
	__atomic_store_n(&reading, ++sections, __ATOMIC_SEQ_CST);
	state_read(&r->frozen);
	r->view = percu_vec_view(&w.stage->vec);
	r->stage = 1;
	for (size_t i = 0; i < r->frozen.len; i++)
		r->lawful[i] = bit(r->frozen.slot[i]);
	reader_allows(r);
}

/* As PERCU_FOR_EACH() does; where all is cut off the loop ends. */
static struct object *reader_next(struct reader *r, size_t i)
{
	struct percu_chunk *c = &r->chunk;

	if (!i || i >= c->end) {
		if (!i)
			*c = percu_chunk_first(r->view);
		else
			percu_chunk_next(c);
		if (i >= c->end) {
			r->got = r->frozen.len - 1;
			return NULL;
		}
		r->at = c->slot;
	}
	return percu_slot_load(r->at++);
}

static void reader_gets(struct reader *r)
{
	bool down = w.s->way == VIEW_DOWN || w.s->way == GETS_DOWN;
	size_t i = down ? r->frozen.len - 1 - r->got : r->got;
	struct object *o, *now;

	if (percu_view_len(r->view) != r->frozen.len)
		broken("length", i);
	if (is_view(w.s->way))
		sum.cut += !version_slot(r->view.root, i);
	if (w.s->way == VIEW_EACH) {
		o = reader_next(r, i);
	} else if (is_view(w.s->way)) {
		o = percu_view_get(r->view, i);
	} else {
		o = percu_vec_get(&w.stage->vec, i);
		now = i < w.allowed[w.at].len ? w.allowed[w.at].slot[i] : NULL;
		if (o != now)
			broken("fresh get", i);
	}
	r->seen[i] = o;
	r->got++;
}

static void reader_leaves(struct reader *r)
{
	for (size_t i = 0; i < r->frozen.len; i++)
		if (r->seen[i] &&
		    __atomic_load_n(&r->seen[i]->released, __ATOMIC_RELAXED))
			broken("free", i);
	reader_passing();
	__atomic_store_n(&reading, 0, __ATOMIC_SEQ_CST);
	r->stage = 3;
}

static bool reader_done(void)
{
	return w.reader.stage == 3;
}

static void reader_steps(void)
{
	struct reader *r = &w.reader;

	reader_runs = true;
	if (r->stage == 0)
		reader_starts(r);
	else if (r->stage == 1 && r->got < r->frozen.len)
		reader_gets(r);
	else
		reader_leaves(r);
	reader_runs = false;
}

void reader_ends(void)
{
	while (!reader_done())
		reader_steps();
}

/* The scheduler. ------------------------------------------------------------- */

void point(void)
{
	unsigned int p = w.points++;

	if (p >= POINTS) {
		broken("points", p);
		return;
	}
	if (p >= w.depth) {
		w.depth = p + 1;
		w.choice[p] = 0;
	}
	probe();
	for (unsigned int n = 0; n < w.choice[p] && !reader_done(); n++)
		reader_steps();
	w.more[p] = !reader_done();
}

/* The next schedule; false: that was the last. */
bool schedule_next(void)
{
	/* What a grace period made possible last time may not be so again. */
	w.depth = w.depth < w.points ? w.depth : w.points;
	while (w.depth && !w.more[w.depth - 1])
		w.depth--;
	if (w.depth)
		w.choice[w.depth - 1]++;
	return w.depth;
}

static void step_hook(const char *where)
{
	(void)where;
	if (w.active)
		point();
}

/* The flavor. ---------------------------------------------------------------- */

static void nothing(void)
{
}

static int reads(void)
{
	return reader_runs;
}

/* In the thread itself: it waits for the reader, so the reader goes on. */
static void grace(void)
{
	const struct timespec moment = { 0, 20000 };
	int was = __atomic_load_n(&reading, __ATOMIC_SEQ_CST);

	if (pthread_equal(pthread_self(), self)) {
		if (!was)
			return;
		probe();
		reader_ends();
		return;
	}
	while (was && __atomic_load_n(&reading, __ATOMIC_SEQ_CST) == was)
		nanosleep(&moment, NULL);
	reader_passed();
}

struct rcu_flavor_struct sched_flavor;

void sched_init(void)
{
	self = pthread_self();
	vec_step = step_hook;
	sched_flavor = urcu_bp_flavor;
	sched_flavor.read_lock = nothing;
	sched_flavor.read_unlock = nothing;
	sched_flavor.read_ongoing = reads;
	sched_flavor.update_synchronize_rcu = grace;
}

/* Verdict. ------------------------------------------------------------------- */

static bool in_state(const struct state *st, const struct object *o)
{
	for (size_t i = 0; i < st->len; i++)
		if (st->slot[i] == o)
			return true;
	return false;
}

static bool did(enum what what)
{
	for (size_t k = 0; k < w.s->nr; k++)
		if (w.s->op[k].what == what)
			return true;
	return false;
}

static void judge_view(const struct reader *r)
{
	size_t holes = 0, swaps = 0;

	for (size_t i = 0; i < r->frozen.len; i++) {
		struct object *was = r->frozen.slot[i], *is = r->seen[i];

		if (!(r->lawful[i] & bit(is)))
			broken("view", i);
		sum.changed += is && is != was;
		holes += r->frozen.slot[i] && !r->seen[i];
	}
	for (size_t k = 0; k < w.s->nr; k++)
		swaps += w.s->op[k].what == REMOVE_SWAP ||
			 w.s->op[k].what == REMOVE_NIL;
	if (holes > swaps && !w.s->starves)
		broken("holes", holes);
	sum.holes += holes;
}

static unsigned int times_seen(const struct reader *r, const struct object *o)
{
	unsigned int n = 0;

	for (size_t i = 0; i < r->frozen.len; i++)
		n += r->seen[i] == o;
	return n;
}

/* May this way of reading miss what stays, with these operations? */
static bool may_miss(void)
{
	switch (w.s->way) {
	case VIEW_UP:
	case VIEW_EACH:
		return w.swapped;
	case VIEW_DOWN:
		return false;
	case GETS_DOWN: /* what moves up can be missed by who goes down */
		return did(INSERT);
	default:
		return true;
	}
}

static void judge_stay(const struct reader *r)
{
	const struct state *last = &w.allowed[w.nr_allowed - 1];

	for (size_t k = 0; k < w.s->len; k++) {
		struct object *o = &w.object[k];
		unsigned int n;

		if (!in_state(&r->frozen, o) || !in_state(last, o))
			continue;
		n = times_seen(r, o);
		sum.missed[w.s->way] += !n;
		sum.twice[w.s->way] += n > 1;
		if (!n && !may_miss())
			broken("miss", k);
	}
}

void judge(void)
{
	if (is_view(w.s->way))
		judge_view(&w.reader);
	judge_stay(&w.reader);
}
