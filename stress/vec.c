// SPDX-License-Identifier: MIT
/*
 * stress/vec.c - vectors that are read while they are edited
 *
 * Readers walk over vectors of elements, upward, downward and at random, and
 * every so often they stay where they are for a while.  Writers insert and
 * remove in every way that <percu/vec.h> has.  What a writer has removed it
 * marks with the number of grace periods until then; what is released is
 * marked as free, and used again when all others have been.  So a reader
 * knows of each element that it sees for how long it should be gone:
 *
 *	age 0	it is in the vector, or has just been removed
 *	age 1	a grace period that had begun before the removal has ended
 *	age 2	a whole one has: the reader should have been waited for
 *
 * A clock thread does nothing but wait for one grace period after another.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sched.h>
#include <urcu-bp.h>
#include <percu/vec.h>
#include "stress.h"

enum {
	ELEMENTS = 1 << 17, /* a power of two */
	WRITERS = 2,
	READERS_MAX = 256,
	MANY = 100, /* at once */
	AGES = 4,   /* the last counts all that are older */
	LIMIT = 2,
	PART = 200, /* slots of a long vector that one walk looks at */
	SEEN = 64,
};

enum state {
	FREE, /* or released */
	LIVE,
	REMOVED,
};

struct element {
	_Atomic uint64_t word; /* version, age of removal, state */
	uint64_t number;       /* in the order of a queue */
};

/* A vector, and between which lengths it goes to and fro. */
struct subject {
	const char *name;
	size_t least, most;
	bool queue;
	unsigned int flags;
	struct percu_vec vec;
	pthread_mutex_t lock; /* its writers' */
	uint64_t number;      /* (lock) of the next element */
	size_t target;        /* (lock) */
	uint64_t edits;       /* (lock) */
};

static struct subject subjects[] = {
	{ .name = "small", .most = 16 },
	{ .name = "in place", .most = 64, .flags = PERCU_VEC_INPLACE },
	{ .name = "border", .least = 200, .most = 1500 },
	{ .name = "queue", .least = 10, .most = 2000, .queue = true },
	{ .name = "large", .least = 10000, .most = 20000 },
};

static struct vec_stress {
	struct element *elements;
	pthread_mutex_t lock;
	uint32_t *fifo;         /* (lock) the free ones, oldest first */
	uint32_t head, nr_free; /* (lock) */
	_Atomic uint64_t ticks, releases, refused;
	atomic_bool stop;
	struct progress progress;
} vs = { .lock = PTHREAD_MUTEX_INITIALIZER };

struct reader {
	struct rng rng;
	uint64_t walks, looks, age[AGES];
	struct element *seen[SEEN];
	uint64_t version[SEEN];
	unsigned int nr;
};

struct writer {
	struct rng rng;
	struct subject *s;
	struct element *gone[2 * MANY];
	uint64_t word[2 * MANY]; /* as it was in the vector */
	size_t nr_gone;
	uint64_t number; /* for the predicate of remove_if */
};

static bool over(void)
{
	return atomic_load_explicit(&vs.stop, memory_order_relaxed) ||
	       verdict_failures();
}

/* Elements. ------------------------------------------------------------------ */

static uint64_t word_of(uint64_t version, uint64_t tick, enum state state)
{
	return version << 32 | (tick & 0x3fffffff) << 2 | (uint64_t)state;
}

static struct element *element_make(uint64_t number)
{
	struct element *e = NULL;

	pthread_mutex_lock(&vs.lock);
	/* Half of the free ones rest, so that who is late sees it. */
	if (vs.nr_free > ELEMENTS / 2) {
		e = &vs.elements[vs.fifo[vs.head++ % ELEMENTS]];
		vs.nr_free--;
	}
	pthread_mutex_unlock(&vs.lock);
	if (!e)
		return NULL;
	e->number = number;
	atomic_store_explicit(
		&e->word, word_of((atomic_load(&e->word) >> 32) + 1, 0, LIVE),
		memory_order_relaxed);
	return e;
}

static void element_release(void *obj, void *arg)
{
	struct element *e = obj;
	uint64_t was = atomic_load(&e->word);

	(void)arg;
	was = atomic_exchange(&e->word, word_of(was >> 32, 0, FREE));
	if ((was & 3) == FREE)
		fail("an element was released twice");
	atomic_fetch_add(&vs.releases, 1);
	pthread_mutex_lock(&vs.lock);
	vs.fifo[(vs.head + vs.nr_free++) % ELEMENTS] =
		(uint32_t)(e - vs.elements);
	pthread_mutex_unlock(&vs.lock);
}

static void elements_init(void)
{
	vs.elements = must(calloc(ELEMENTS, sizeof(*vs.elements)));
	vs.fifo = must(calloc(ELEMENTS, sizeof(*vs.fifo)));
	for (uint32_t i = 0; i < ELEMENTS; i++)
		vs.fifo[i] = i;
	vs.head = 0;
	vs.nr_free = ELEMENTS;
	vs.ticks = vs.releases = vs.refused = 0;
	atomic_store(&vs.stop, false);
}

/* Readers. ------------------------------------------------------------------- */

static bool look(struct reader *r, const struct subject *s, struct element *e)
{
	uint64_t word = atomic_load(&e->word), age = 0;

	r->looks++;
	if ((word & 3) == REMOVED)
		age = (atomic_load(&vs.ticks) - (word >> 2)) & 0x3fffffff;
	if ((word & 3) == FREE) {
		fail("%s: a reader sees a released element", s->name);
		return false;
	}
	r->age[age < AGES ? age : AGES - 1]++;
	if (age >= LIMIT)
		fail("%s: a reader sees an element that was removed %" PRIu64
		     " grace periods ago",
		     s->name, age);
	if (r->nr < SEEN) {
		r->seen[r->nr] = e;
		r->version[r->nr++] = word >> 32;
	}
	return age < LIMIT;
}

/* The part of a view that is looked at. */
static size_t part(struct reader *r, size_t len, size_t *end)
{
	size_t from = 0;

	*end = len;
	if (len <= PART || !rng_below(&r->rng, 64))
		return 0;
	from = rng_below(&r->rng, (uint32_t)(len - PART));
	*end = from + PART;
	return from;
}

static bool follows(uint64_t number, uint64_t before)
{
	return refusals() ? number > before : number == before + 1;
}

static void walk_up(struct reader *r, const struct subject *s)
{
	struct percu_view view = percu_vec_view(&s->vec);
	size_t end, from = part(r, percu_view_len(view), &end);
	uint64_t number = 0;

	for (size_t i = from; i < end; i++) {
		struct element *e = percu_view_get(view, i);

		/* Without memory for a copy a removal leaves a hole. */
		if (!e && s->queue && !refusals())
			fail("%s: a hole in slot %zu", s->name, i);
		if (!e || !look(r, s, e))
			continue;
		if (s->queue && i > from && !follows(e->number, number))
			fail("%s: number %" PRIu64 " comes after %" PRIu64,
			     s->name, e->number, number);
		number = e->number;
	}
}

static void walk_down(struct reader *r, const struct subject *s)
{
	struct percu_view view = percu_vec_view(&s->vec);
	size_t end, from = part(r, percu_view_len(view), &end);

	while (end-- > from) {
		struct element *e = percu_view_get(view, end);

		if (e)
			look(r, s, e);
	}
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
	struct element *e;
	size_t i;

	percu_vec_for_each (&s->vec, i, e) {
		look(r, s, e);
		if (i >= PART)
			break;
	}
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
			     s->name);
	}
	r->nr = 0;
}

static void *read_them(void *arg)
{
	static void (*const walk[])(struct reader * r,
				    const struct subject *s) = {
		walk_up, walk_down, walk_random, walk_each
	};
	struct reader *r = arg;

	while (!over()) {
		const struct subject *s =
			&subjects[rng_below(&r->rng, ARRAY_SIZE(subjects))];
		uint64_t looks = r->looks;

		rcu_read_lock();
		walk[rng_below(&r->rng, ARRAY_SIZE(walk))](r, s);
		if (!rng_below(&r->rng, 1024))
			sleep_ms(1);
		look_again(r, s);
		rcu_read_unlock();
		r->walks++;
		progress_add(&vs.progress, r->looks - looks);
	}
	return NULL;
}

/* Writers: of one vector they take turns, so that they know what they remove. */

static void will_go(struct writer *w, struct element *e)
{
	if (!e || w->nr_gone == ARRAY_SIZE(w->gone))
		return;
	w->word[w->nr_gone] = atomic_load(&e->word);
	w->gone[w->nr_gone++] = e;
}

static void slots_will_go(struct writer *w, size_t from, size_t end)
{
	rcu_read_lock();
	while (from < end)
		will_go(w, percu_vec_get(&w->s->vec, from++));
	rcu_read_unlock();
}

/* Unless it has been released, or even used again, since. */
static void have_gone(struct writer *w)
{
	while (w->nr_gone) {
		uint64_t was = w->word[--w->nr_gone];

		atomic_compare_exchange_strong(&w->gone[w->nr_gone]->word, &was,
					       word_of(was >> 32, vs.ticks,
						       REMOVED));
	}
}

/* Above the hard mark of what waits a writer may be refused. */
static bool did(struct writer *w, const char *what, int err)
{
	w->s->edits++;
	if (err == -EAGAIN || (err == -ENOMEM && refusals()))
		atomic_fetch_add(&vs.refused, 1);
	else if (err)
		fail("%s: %s returned %d", w->s->name, what, err);
	return !err;
}

static void insert(struct writer *w, size_t len)
{
	struct subject *s = w->s;
	void *objs[MANY];
	size_t n,
		most = len + MANY < s->most ? 1 + rng_below(&w->rng, MANY) : 1;
	int err;

	for (n = 0; n < most && (objs[n] = element_make(s->number + n)); n++)
		;
	if (n > 1 || (n && s->queue))
		err = percu_vec_append_bulk(&s->vec, objs, n);
	else if (n)
		err = percu_vec_insert(&s->vec,
				       rng_below(&w->rng, (uint32_t)len + 1),
				       objs[0]);
	else
		return;
	if (did(w, "insert", err))
		s->number += n;
	else
		while (n)
			element_release(objs[--n], NULL);
}

static bool is_below(void *obj, void *arg)
{
	struct writer *w = arg;
	const struct element *e = obj;

	if (e->number >= w->number || w->nr_gone == ARRAY_SIZE(w->gone))
		return false;
	will_go(w, obj);
	return true;
}

static void remove_many(struct writer *w, size_t len)
{
	struct subject *s = w->s;
	size_t n = len < MANY ? len : MANY;

	if (s->queue || rng_below(&w->rng, 2)) {
		w->number = s->number - len + n;
		did(w, "remove_if",
		    percu_vec_remove_if(&s->vec, is_below, w) < 0);
	} else {
		slots_will_go(w, len - n, len);
		did(w, "truncate", percu_vec_truncate(&s->vec, len - n));
	}
}

static void remove_one(struct writer *w, size_t len)
{
	struct percu_vec *v = &w->s->vec;
	size_t i = w->s->queue ? 0 : rng_below(&w->rng, (uint32_t)len);

	slots_will_go(w, i, i + 1);
	switch (rng_below(&w->rng, w->s->queue ? 2 : 4)) {
	case 0:
		did(w, "remove", percu_vec_remove(v, i));
		break;
	case 1:
		did(w, "remove_exact", percu_vec_remove_exact(v, i));
		break;
	case 2:
		did(w, "remove_nil", percu_vec_remove_nil(v, i));
		break;
	case 3:
		did(w, "remove_swap", percu_vec_remove_swap(v, i));
		break;
	}
}

static void replace(struct writer *w, size_t len)
{
	struct subject *s = w->s;
	struct element *e = len ? element_make(s->number) : NULL;
	size_t i = rng_below(&w->rng, (uint32_t)len);

	if (!e)
		return;
	slots_will_go(w, i, i + 1);
	if (did(w, "replace", percu_vec_replace(&s->vec, i, e))) {
		s->number++;
		return;
	}
	w->nr_gone = 0;
	element_release(e, NULL);
}

/* As many out at the front as in at the end, all at once. */
static void batch(struct writer *w, size_t len)
{
	struct subject *s = w->s;
	struct percu_vec_batch b;
	size_t n = rng_below(&w->rng, 20);

	if (n > len || !did(w, "begin", percu_vec_batch_begin(&b, &s->vec)))
		return;
	while (n--) {
		struct element *e = element_make(s->number);

		if (!e)
			break;
		if (!did(w, "append", percu_vec_batch_append(&b, e))) {
			element_release(e, NULL);
			break;
		}
		s->number++;
		will_go(w, percu_vec_batch_get(&b, 0));
		did(w, "batch_remove", percu_vec_batch_remove(&b, 0));
	}
	percu_vec_batch_commit(&b);
}

static void edit(struct writer *w)
{
	struct subject *s = w->s;
	uint32_t p = rng_below(&w->rng, 100);
	size_t len;

	rcu_read_lock();
	len = percu_vec_len(&s->vec);
	rcu_read_unlock();
	if (len == s->target || !p)
		s->target =
			s->least +
			rng_below(&w->rng, (uint32_t)(s->most - s->least) + 1);
	if (p < 2)
		did(w, "compact", percu_vec_compact(&s->vec));
	else if (p < 4)
		did(w, "clip", percu_vec_clip(&s->vec));
	else if (p < 14)
		batch(w, len);
	else if (p < 24 && !s->queue)
		replace(w, len);
	else if (len < s->target)
		insert(w, len);
	else if (len && p < 30)
		remove_many(w, len);
	else if (len)
		remove_one(w, len);
	have_gone(w);
}

static void *write_them(void *arg)
{
	struct writer *w = arg;

	while (!over()) {
		w->s = &subjects[rng_below(&w->rng, ARRAY_SIZE(subjects))];
		pthread_mutex_lock(&w->s->lock);
		edit(w);
		pthread_mutex_unlock(&w->s->lock);
	}
	return NULL;
}

static void *keep_ticking(void *arg)
{
	(void)arg;
	while (!over()) {
		synchronize_rcu();
		atomic_fetch_add(&vs.ticks, 1);
		sched_yield();
	}
	return NULL;
}

/* The scenario. -------------------------------------------------------------- */

static void subjects_begin(void)
{
	for (struct subject *s = subjects; s < subjects + ARRAY_SIZE(subjects);
	     s++) {
		const struct percu_vec_attr attr = {
			.name = s->name,
			.release = element_release,
			.flags = s->flags,
		};

		pthread_mutex_init(&s->lock, NULL);
		s->number = s->edits = 0;
		s->target = s->most;
		if (must_do(percu_vec_init(&s->vec, &attr)))
			die("no memory for a vector");
	}
}

static void subjects_end(uint64_t *edits)
{
	for (struct subject *s = subjects; s < subjects + ARRAY_SIZE(subjects);
	     s++) {
		verdict_stale(percu_vec_check(&s->vec) != 0, s->name);
		percu_vec_destroy(&s->vec);
		pthread_mutex_destroy(&s->lock);
		*edits += s->edits;
	}
	if (vs.nr_free != ELEMENTS)
		fail("%u elements were never released", ELEMENTS - vs.nr_free);
}

static void report(const struct reader *r, unsigned int n, uint64_t edits,
		   double seconds)
{
	uint64_t walks = 0, looks = 0, age[AGES] = { 0 };

	for (unsigned int i = 0; i < n; i++) {
		walks += r[i].walks;
		looks += r[i].looks;
		for (int a = 0; a < AGES; a++)
			age[a] += r[i].age[a];
	}
	printf("  reads     %s elements in %s walks, %.1f M/s\n",
	       num_count(looks).s, num_count(walks).s,
	       (double)looks / 1e6 / seconds);
	printf("  edits     %s, %.1f k/s; %s released, %s refused, %s grace periods\n",
	       num_count(edits).s, (double)edits / 1e3 / seconds,
	       num_count(vs.releases).s, num_count(vs.refused).s,
	       num_count(vs.ticks).s);
	printf("  ages      0: %s, 1: %s, 2: %s, more: %s\n",
	       num_count(age[0]).s, num_count(age[1]).s, num_count(age[2]).s,
	       num_count(age[3]).s);
	if (!looks || !edits || !vs.releases || !vs.ticks)
		fail("nothing was read, edited or released");
}

void vec_run(const struct options *o)
{
	unsigned int n = o->threads ? o->threads : nr_cpus() + 1;
	struct reader *r = must(calloc(READERS_MAX, sizeof(*r)));
	struct writer *w = must(calloc(WRITERS, sizeof(*w)));
	pthread_t t[READERS_MAX + WRITERS + 1];
	uint64_t edits = 0;
	double seconds;

	law("no reader sees what was released, or was removed a grace period ago");
	law("a queue is seen without holes, in order");
	law("each element is released once");
	n = n > READERS_MAX ? READERS_MAX : n;
	elements_init();
	subjects_begin();
	progress_start(&vs.progress, "reading", PROGRESS_TIME,
		       o->seconds * 1000);
	for (unsigned int i = 0; i < n; i++) {
		r[i].rng.state = mix64(o->seed + i);
		thread_start(&t[i], read_them, &r[i]);
	}
	for (unsigned int i = 0; i < WRITERS; i++) {
		w[i].rng.state = mix64(~o->seed - i);
		thread_start(&t[n + i], write_them, &w[i]);
	}
	thread_start(&t[n + WRITERS], keep_ticking, NULL);
	for (unsigned int ms = 0; ms < o->seconds * 1000 && !over(); ms += 20)
		sleep_ms(20);
	atomic_store(&vs.stop, true);
	for (unsigned int i = 0; i <= n + WRITERS; i++)
		pthread_join(t[i], NULL);
	seconds = progress_stop(&vs.progress);
	if (verdict_failures())
		return; /* elements may yet be released */
	subjects_end(&edits);
	report(r, n, edits, seconds);
	free(vs.elements);
	free(vs.fifo);
	free(r);
	free(w);
}
