// SPDX-License-Identifier: MIT
/*
 * stress/vec_write.c - writers, who remove in every way that there is
 *
 * Of one vector they take turns, so that each knows what it removes: it writes
 * down the elements before, and marks them as removed after.  A subject's
 * length goes to and fro between random targets, so that vectors become trees
 * and blocks again.  Pins are not touched.
 */
#include "vec.h"

enum {
	TREE = 1017, /* slots: a longer vector is a tree */
	BLOCK = 384, /* a tree that is as short is a block again */
};

static void will_go(struct writer *w, struct element *e)
{
	if (!e || w->nr_gone == ARRAY_SIZE(w->gone))
		return;
	w->word[w->nr_gone] = atomic_load(&e->word);
	w->gone[w->nr_gone++] = e;
}

static void have_gone(struct writer *w)
{
	while (w->nr_gone) {
		w->nr_gone--;
		element_removed(&w->st->elements, w->gone[w->nr_gone],
				w->word[w->nr_gone]);
	}
}

/* Nobody else edits: what is in a slot stays there. */
static struct element *slot(struct writer *w, size_t i)
{
	struct element *e;

	rcu_read_lock();
	e = percu_vec_get(&w->s->vec, i);
	rcu_read_unlock();
	return e;
}

static bool pinned(const struct element *e)
{
	return e && e->pin;
}

/*
 * Above the hard mark of what waits a writer may be refused, and where memory
 * is; a removal never.
 */
static bool did(struct writer *w, enum edit what, int err)
{
	struct subject *s = w->s;
	bool may = !(what & (REMOVALS | REMOVE_IF | TRUNCATE));

	if (what == REMOVE && break_now(BREAK_REMOVAL))
		err = -EAGAIN;
	s->edits[__builtin_ctz(what)]++;
	if (may && (err == -EAGAIN || (err == -ENOMEM && refusals())))
		s->refused++;
	else if (err)
		fail("%s: an edit returned %d", s->kind->name, err);
	return !err;
}

static struct element *make(struct writer *w, uint64_t ahead)
{
	return element_make(&w->st->elements, w->s->number + ahead, 0);
}

static void unmake(struct writer *w, struct element *e)
{
	element_release(e, &w->st->elements);
}

static void append(struct writer *w, size_t len)
{
	struct subject *s = w->s;
	void *objs[MANY];
	size_t n, most = len + MANY < s->kind->most ?
				 1 + rng_below(&w->rng, MANY) :
				 1;
	int err;

	for (n = 0; n < most && (objs[n] = make(w, n)); n++)
		;
	if (!n)
		return;
	err = n == 1 ? percu_vec_append(&s->vec, objs[0]) :
		       percu_vec_append_bulk(&s->vec, objs, n);
	if (did(w, APPEND, err))
		s->number += n;
	else
		while (n)
			unmake(w, objs[--n]);
}

static void insert(struct writer *w, size_t len)
{
	struct subject *s = w->s;
	struct element *e = make(w, 0);

	if (!e)
		return;
	if (did(w, INSERT,
		percu_vec_insert(&s->vec, rng_below(&w->rng, (uint32_t)len + 1),
				 e)))
		s->number++;
	else
		unmake(w, e);
}

static void replace(struct writer *w, size_t len)
{
	struct subject *s = w->s;
	size_t i = rng_below(&w->rng, (uint32_t)len);
	struct element *old = slot(w, i), *e;

	if (pinned(old))
		return;
	e = make(w, 0);
	if (!e)
		return;
	will_go(w, old);
	if (did(w, REPLACE, percu_vec_replace(&s->vec, i, e))) {
		s->number++;
		return;
	}
	w->nr_gone = 0;
	unmake(w, e);
}

static bool is_below(void *obj, void *arg)
{
	struct writer *w = arg;
	const struct element *e = obj;

	if (e->number >= w->number || e->pin ||
	    w->nr_gone == ARRAY_SIZE(w->gone))
		return false;
	will_go(w, obj);
	return true;
}

/* The oldest. */
static void remove_if(struct writer *w, size_t len)
{
	struct subject *s = w->s;
	ssize_t n;

	w->number = s->number - len + (len < MANY ? len : MANY);
	n = percu_vec_remove_if(&s->vec, is_below, w);
	did(w, REMOVE_IF, n < 0 ? (int)n : 0);
}

static void truncate_(struct writer *w, size_t len)
{
	struct subject *s = w->s;
	size_t least = len > MANY ? len - MANY : 0, to = len;
	struct element *e;

	for (; to > least && !pinned(e = slot(w, to - 1)); to--)
		will_go(w, e);
	did(w, TRUNCATE, percu_vec_truncate(&s->vec, to));
}

static const char taken_name[] = "taken element";

/* What was taken is the caller's, to be released when no reader sees it. */
static void taken_release(struct writer *w)
{
	synchronize_rcu();
	worker_holds(taken_name, -(long)w->nr_taken);
	while (w->nr_taken)
		unmake(w, w->taken[--w->nr_taken]);
}

static void take(struct writer *w, size_t i)
{
	struct element *e = percu_vec_take(&w->s->vec, i);

	did(w, TAKE, e || errno == ENOENT ? 0 : -errno);
	if (!e)
		return;
	element_removed(&w->st->elements, e, atomic_load(&e->word));
	w->taken[w->nr_taken++] = e;
	worker_holds(taken_name, 1);
	if (w->nr_taken == TAKEN)
		taken_release(w);
}

static void remove_one(struct writer *w, size_t len, enum edit how)
{
	struct percu_vec *v = &w->s->vec;
	size_t i = w->s->kind->dense ? 0 : rng_below(&w->rng, (uint32_t)len);
	struct element *e = slot(w, i);

	if (pinned(e))
		return;
	if (how == TAKE) {
		take(w, i);
		return;
	}
	will_go(w, e);
	did(w, how,
	    how == REMOVE ? percu_vec_remove(v, i) :
	    how == NIL    ? percu_vec_remove_nil(v, i) :
	    how == EXACT  ? percu_vec_remove_exact(v, i) :
			    percu_vec_remove_swap(v, i));
}

static bool batch_append(struct writer *w, struct percu_vec_batch *b)
{
	struct element *e = make(w, 0);

	if (!e)
		return false;
	if (!did(w, BATCH, percu_vec_batch_append(b, e))) {
		unmake(w, e);
		return false;
	}
	w->s->number++;
	return true;
}

/* Some slot's, from one that is drawn on; of a queue the first. */
static void batch_remove(struct writer *w, struct percu_vec_batch *b)
{
	size_t len = percu_vec_batch_len(b), i = 0;
	struct element *e;

	if (!w->s->kind->dense)
		i = rng_below(&w->rng, (uint32_t)len);
	/* The last is not pinned: this batch has just appended it. */
	while (pinned(e = percu_vec_batch_get(b, i)))
		i++;
	if (did(w, BATCH, percu_vec_batch_remove(b, i)))
		will_go(w, e);
}

/* As many out as in at the end, all at once. */
static void batch(struct writer *w, size_t len)
{
	struct subject *s = w->s;
	uint32_t n = rng_below(&w->rng, 20);
	struct percu_vec_batch b;

	if (n > len || !did(w, BATCH, percu_vec_batch_begin(&b, &s->vec)))
		return;
	while (n-- && batch_append(w, &b))
		batch_remove(w, &b);
	percu_vec_batch_commit(&b);
}

/* One of the bits. */
static enum edit draw(struct writer *w, unsigned int of)
{
	uint32_t n = rng_below(&w->rng, (uint32_t)__builtin_popcount(of));

	while (n--)
		of &= of - 1;
	return (enum edit)(of & -of);
}

static void edit_do(struct writer *w, enum edit what, size_t len)
{
	switch (what) {
	case APPEND:
		append(w, len);
		break;
	case INSERT:
		insert(w, len);
		break;
	case REPLACE:
		replace(w, len);
		break;
	case REMOVE_IF:
		remove_if(w, len);
		break;
	case TRUNCATE:
		truncate_(w, len);
		break;
	case BATCH:
		batch(w, len);
		break;
	case COMPACT:
		did(w, COMPACT, percu_vec_compact(&w->s->vec));
		break;
	case CLIP:
		did(w, CLIP, percu_vec_clip(&w->s->vec));
		break;
	default:
		remove_one(w, len, what);
	}
}

/* Towards the target, but for one in four, which leaves the length. */
static enum edit edit_draw(struct writer *w, size_t len)
{
	unsigned int may = w->s->kind->edits, now = may & (APPEND | INSERT);
	bool rarely = !rng_below(&w->rng, 16);

	if (!rng_below(&w->rng, 4))
		now = may & (REPLACE | BATCH | COMPACT | CLIP);
	else if (len > w->s->target)
		now = may & (REMOVALS | (rarely ? REMOVE_IF | TRUNCATE : 0));
	if (!len || !now)
		now = APPEND;
	return draw(w, now);
}

static void form_note(struct subject *s, size_t len)
{
	if (!s->tree && len > TREE) {
		s->tree = true;
		s->grown++;
	} else if (s->tree && len < BLOCK) {
		s->tree = false;
		s->collapsed++;
	}
}

/* As if the vector had released it, which has it still. */
static void element_break(struct writer *w)
{
	struct element *e = slot(w, 0);

	if (e && break_now(BREAK_AGES))
		unmake(w, e);
}

static void edit(struct writer *w)
{
	struct subject *s = w->s;
	const struct kind_of_subject *k = s->kind;
	size_t len;

	rcu_read_lock();
	len = percu_vec_len(&s->vec);
	rcu_read_unlock();
	form_note(s, len);
	if (len == s->target || !rng_below(&w->rng, 200))
		s->target =
			k->least +
			rng_below(&w->rng, (uint32_t)(k->most - k->least) + 1);
	if (!rng_below(&w->rng, 1000))
		verdict_stale(percu_vec_check(&s->vec) != 0, k->name);
	edit_do(w, edit_draw(w, len), len);
	have_gone(w);
	element_break(w);
}

void vec_write(void *arg)
{
	struct writer *w = arg;

	do {
		w->s = &w->st->subjects[rng_below(&w->rng, NR_SUBJECTS)];
		pthread_mutex_lock(&w->s->lock);
		edit(w);
		pthread_mutex_unlock(&w->s->lock);
		worker_yield();
	} while (crew_goes_on(w->st->o));
	if (w->nr_taken)
		crew_leak();
	taken_release(w);
}
