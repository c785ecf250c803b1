/* SPDX-License-Identifier: MIT */
/* tests/vec_torture_write.c - writers that edit in every way there is */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>

#include "tests/vec_torture.h"
#include "vec/vec.h"

enum {
	MANY = 300, /* elements put in or taken out at once */
	TAKEN_MAX = 1024,
};

/* Writers. ------------------------------------------------------------------- */

struct writer {
	struct check_rand rand;
	struct subject *s;
	struct element *gone[MANY * 2];
	uint32_t version[MANY * 2];
	size_t nr_gone;
	struct {
		struct element *e;
		uint64_t tick;
	} taken[TAKEN_MAX];
	size_t nr_taken;
	unsigned long updates;
};

static size_t len_now(const struct subject *s)
{
	size_t len;

	reader_lock(flavor);
	len = percu_vec_len(&s->vec);
	reader_unlock(flavor);
	return len;
}

/* Who is about to be removed; only where nobody else removes. */
static void will_go(struct writer *w, size_t from, size_t end)
{
	if (!w->s->marked)
		return;
	reader_lock(flavor);
	for (size_t i = from; i < end && w->nr_gone < 2 * MANY; i++) {
		struct element *e = percu_vec_get(&w->s->vec, i);

		if (!e)
			continue;
		w->gone[w->nr_gone] = e;
		w->version[w->nr_gone++] = e->version;
	}
	reader_unlock(flavor);
}

static void have_gone(struct writer *w)
{
	while (w->nr_gone) {
		w->nr_gone--;
		element_removed(w->gone[w->nr_gone], w->version[w->nr_gone]);
	}
}

/* Of a blind subject the length may be another by now; memory may lack. */
static void did(struct writer *w, int err)
{
	w->updates++;
	if (err == -ENOMEM && starves())
		return;
	if (err && err != -EAGAIN && (err != -ERANGE || w->s->marked))
		crime(REFUSED);
}

static struct element *fresh(struct writer *w)
{
	struct element *e = element_make(w->s->marked ? w->s->number : 0);

	if (e && w->s->marked)
		w->s->number++;
	return e;
}

/* It was refused, so nobody has seen it. */
static void put_in(struct writer *w, struct element *e, int err)
{
	did(w, err);
	if (!err)
		return;
	if (w->s->marked)
		w->s->number--;
	element_release(e, NULL);
}

static void append_one(struct writer *w, size_t len)
{
	struct element *e = fresh(w);

	(void)len;
	if (e)
		put_in(w, e, percu_vec_append(&w->s->vec, e));
}

static void insert_one(struct writer *w, size_t len)
{
	struct element *e = fresh(w);
	size_t i = check_rand_below(&w->rand, (uint32_t)len + 1);

	if (e)
		put_in(w, e, percu_vec_insert(&w->s->vec, i, e));
}

static void append_many(struct writer *w, size_t len)
{
	size_t most = w->s->most > len ? w->s->most - len : 0, n;
	void *objs[MANY];
	int err;

	most = most < MANY ? most : MANY;
	for (n = 0; n < most && (objs[n] = fresh(w)); n++)
		;
	if (!n)
		return;
	err = percu_vec_append_bulk(&w->s->vec, objs, n);
	did(w, err);
	while (err && n)
		put_in(w, objs[--n], err);
}

static void replace_one(struct writer *w, size_t len)
{
	size_t i = check_rand_below(&w->rand, (uint32_t)len);
	struct element *e = fresh(w);
	int err;

	if (!e)
		return;
	will_go(w, i, i + 1);
	err = percu_vec_replace(&w->s->vec, i, e);
	if (err)
		w->nr_gone = 0;
	put_in(w, e, err);
}

static void take_one(struct writer *w, size_t i)
{
	struct element *e = NULL;

	if (w->nr_taken < TAKEN_MAX)
		e = percu_vec_take(&w->s->vec, i);
	w->nr_gone = 0;
	if (!e)
		return;
	element_removed(e, e->version);
	w->taken[w->nr_taken].e = e;
	w->taken[w->nr_taken++].tick = ticks();
}

/* What was taken is ours, and is released when its time has come. */
static void taken_release(struct writer *w)
{
	size_t n = 0;

	for (size_t k = 0; k < w->nr_taken; k++) {
		if (ticks() - w->taken[k].tick >= AGE_LIMIT)
			element_release(w->taken[k].e, NULL);
		else
			w->taken[n++] = w->taken[k];
	}
	w->nr_taken = n;
}

static void remove_one(struct writer *w, size_t len)
{
	size_t i = check_rand_below(&w->rand, (uint32_t)len);
	struct percu_vec *v = &w->s->vec;

	if (w->s->queue)
		i = 0;
	will_go(w, i, i + 1);
	switch (check_rand_below(&w->rand, w->s->queue ? 3 : 5)) {
	case 0:
		did(w, percu_vec_remove(v, i));
		break;
	case 1:
		did(w, percu_vec_remove_exact(v, i));
		break;
	case 2:
		take_one(w, i);
		break;
	case 3:
		did(w, percu_vec_remove_nil(v, i));
		break;
	case 4:
		did(w, percu_vec_remove_swap(v, i));
		break;
	}
}

struct ask {
	struct writer *w;
	uint64_t mod, below;
};

static bool named(void *obj, void *arg)
{
	struct ask *a = arg;
	struct element *e = obj;
	bool yes = e->number < a->below || (a->mod && e->version % a->mod == 0);

	if (a->w->nr_gone == 2 * MANY)
		return false;
	if (yes && a->w->s->marked) {
		a->w->gone[a->w->nr_gone] = e;
		a->w->version[a->w->nr_gone++] = e->version;
	}
	return yes;
}

static void remove_many(struct writer *w, size_t len)
{
	struct subject *s = w->s;
	struct ask a = { .w = w, .mod = 2 + check_rand_below(&w->rand, 9) };
	size_t to;

	if (s->queue) {
		a.mod = 0;
		a.below = s->number - len + len / 4;
	}
	if (!s->queue && check_rand_below(&w->rand, 2)) {
		to = len > s->least ? s->least : len / 2;
		to = len - to > MANY ? len - MANY : to;
		will_go(w, to, len);
		did(w, percu_vec_truncate(&s->vec, to));
	} else {
		did(w, percu_vec_remove_if(&s->vec, named, &a) < 0);
	}
}

static void batch_edits(struct writer *w, struct percu_vec_batch *b)
{
	size_t n = check_rand_below(&w->rand, 20);

	for (size_t k = 0; k < n; k++) {
		size_t len = percu_vec_batch_len(b);
		size_t i = w->s->queue ?
				   0 :
				   check_rand_below(&w->rand, (uint32_t)len);
		struct element *e;
		int err;

		if (len > w->s->least / 2 && len) {
			e = percu_vec_batch_get(b, i);
			err = percu_vec_batch_remove(b, i);
			did(w, err);
			if (e && !err) {
				w->gone[w->nr_gone] = e;
				w->version[w->nr_gone++] = e->version;
			}
		}
		e = fresh(w);
		if (e)
			put_in(w, e, percu_vec_batch_append(b, e));
	}
}

static void batch(struct writer *w, size_t len)
{
	struct percu_vec_batch b;
	int err = percu_vec_batch_begin(&b, &w->s->vec);

	(void)len;
	did(w, err);
	if (err)
		return;
	batch_edits(w, &b);
	percu_vec_batch_commit(&b);
}

static void tidy(struct writer *w, size_t len)
{
	struct percu_vec *v = &w->s->vec;

	switch (check_rand_below(&w->rand, 4)) {
	case 0:
		did(w, percu_vec_clip(v));
		break;
	case 1:
		did(w, percu_vec_compact(v));
		break;
	case 2:
		did(w, percu_vec_reserve(v, 2 * len));
		break;
	case 3:
		if (percu_vec_check(v))
			crime(AUDIT);
		break;
	}
}

static void border_count(struct subject *s)
{
	bool tree;

	if (!s->marked)
		return;
	tree = node_level(percu_vec_root(&s->vec)) != 0;
	if (tree != s->tree)
		__atomic_add_fetch(&borders, 1, __ATOMIC_RELAXED);
	s->tree = tree;
}

static void edit(struct writer *w)
{
	struct subject *s = w->s;
	size_t len = len_now(s), target;
	uint32_t p = check_rand_below(&w->rand, 100);

	target = __atomic_load_n(&s->target, __ATOMIC_RELAXED);
	if (len == target || p == 0)
		__atomic_store_n(
			&s->target,
			s->least + check_rand_below(
					   &w->rand,
					   (uint32_t)(s->most - s->least + 1)),
			__ATOMIC_RELAXED);
	if (p < 4)
		tidy(w, len);
	else if (p < 12)
		batch(w, len);
	else if (len && p < 20 && !s->queue)
		replace_one(w, len);
	else if (len < target)
		(p < 30             ? append_many :
		 s->queue || p < 60 ? append_one :
				      insert_one)(w, len);
	else if (len)
		(p < 26 ? remove_many : remove_one)(w, len);
	have_gone(w);
	border_count(s);
}

/* Other writers wait for us: see that no grace period waits for them. */
static void turn(struct writer *w)
{
	bool inside = !check_rand_below(&w->rand, 8);

	reader_offline(flavor);
	if (w->s->marked)
		pthread_mutex_lock(&w->s->lock);
	reader_online(flavor);
	/* Writers may be readers; then they are refused and do not wait. */
	if (inside)
		reader_lock(flavor);
	edit(w);
	if (inside)
		reader_unlock(flavor);
	if (w->s->marked)
		pthread_mutex_unlock(&w->s->lock);
	taken_release(w);
}

void writer(uint64_t seed)
{
	struct writer *w = calloc(1, sizeof(*w));

	if (!w)
		abort();
	w->rand.state = seed;
	reader_begin(flavor);
	signals_begin(~seed);
	while (!stopped()) {
		w->s = &subjects[check_rand_below(&w->rand, NR_SUBJECTS)];
		turn(w);
	}
	signals_end();
	reader_end(flavor);
	__atomic_add_fetch(&tt.updates, w->updates, __ATOMIC_RELAXED);
	while (w->nr_taken) {
		taken_release(w);
		sched_yield();
	}
	free(w);
	__atomic_add_fetch(&ended, 1, __ATOMIC_RELEASE);
}
