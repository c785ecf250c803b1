/* SPDX-License-Identifier: MIT */
/*
 * tests/vec_model_batch.c - a batch of edits, and a model that has them too
 *
 * Laws: every edit returns what the model says; who looks into the batch sees
 * the batch's model, and who reads the vector sees nothing of it before it is
 * committed, and never if it is aborted.
 */
#include <errno.h>

#include "tests/vec_model.h"

enum {
	EDITS = 24, /* at most */
};

struct trial_batch {
	struct percu_vec_batch b;
	struct model model;
	void *in[EDITS], *out[EDITS];
	size_t nr_in, nr_out;
};

static void *batch_item(struct trial *t, struct trial_batch *tb)
{
	struct item *it = item_make(t);

	item_moves(t, it, INSIDE);
	return tb->in[tb->nr_in++] = it;
}

static void batch_out(struct trial_batch *tb, void *obj)
{
	if (obj)
		tb->out[tb->nr_out++] = obj;
}

static void batch_edit(struct trial *t, struct trial_batch *tb)
{
	struct model *m = &tb->model;
	size_t len = m->len, i = below(t, len + 1);
	uint32_t what = below(t, 8);
	void *obj;

	if (what < 2 || (what >= 4 && i == len)) {
		obj = batch_item(t, tb);
		did(t, percu_vec_batch_append(&tb->b, obj), 0);
		model_insert(m, len, obj);
	} else if (what < 4) {
		obj = batch_item(t, tb);
		did(t, percu_vec_batch_insert(&tb->b, i, obj), 0);
		model_insert(m, i, obj);
	} else if (what < 5) {
		obj = batch_item(t, tb);
		did(t, percu_vec_batch_replace(&tb->b, i, obj), 0);
		batch_out(tb, m->slot[i]);
		m->slot[i] = obj;
	} else {
		did(t, percu_vec_batch_remove(&tb->b, i), 0);
		batch_out(tb, model_remove(m, i));
	}
}

static void batch_wrong(struct trial *t, struct trial_batch *tb)
{
	size_t len = tb->model.len;

	did(t, percu_vec_batch_append(&tb->b, NULL), -EINVAL);
	did(t, percu_vec_batch_insert(&tb->b, len + 1, t), -ERANGE);
	did(t, percu_vec_batch_replace(&tb->b, len, t), -ERANGE);
	did(t, percu_vec_batch_remove(&tb->b, len), -ERANGE);
	CU_ASSERT_PTR_NULL_FATAL(percu_vec_batch_get(&tb->b, len));
}

static void batch_same(struct trial *t, struct trial_batch *tb)
{
	struct model *m = &tb->model;
	size_t n = m->len < LARGE ? m->len : 40;
	bool same;

	CU_ASSERT_EQUAL_FATAL(percu_vec_batch_len(&tb->b), m->len);
	for (size_t k = 0; k < n; k++) {
		size_t i = m->len < LARGE ? k : below(t, m->len);

		CU_ASSERT_FATAL(percu_vec_batch_get(&tb->b, i) == m->slot[i]);
	}
	/* And who reads the vector sees nothing of it. */
	reader_lock(&readers[READERS_BP]);
	same = reads_same(t, t->model.len < LARGE);
	reader_unlock(&readers[READERS_BP]);
	CU_ASSERT_FATAL(same);
}

static void batch_commit(struct trial *t, struct trial_batch *tb)
{
	struct model old = t->model;

	for (size_t i = 0; i < tb->nr_out; i++)
		item_removed(t, tb->out[i]);
	t->model = tb->model;
	free(old.slot);
	did(t, percu_vec_batch_commit(&tb->b), 0);
}

static void batch_abort(struct trial *t, struct trial_batch *tb)
{
	percu_vec_batch_abort(&tb->b);
	for (size_t i = 0; i < tb->nr_in; i++)
		item_back(t, tb->in[i]);
	free(tb->model.slot);
}

void do_batch(struct trial *t)
{
	struct trial_batch tb = { .nr_in = 0 };
	uint32_t edits = below(t, EDITS + 1);

	model_room(&tb.model, t->model.len + EDITS);
	if (t->model.len)
		memcpy(tb.model.slot, t->model.slot,
		       t->model.len * sizeof(*t->model.slot));
	tb.model.len = t->model.len;
	did(t, percu_vec_batch_begin(&tb.b, &t->vec), 0);
	for (uint32_t i = 0; i < edits; i++)
		batch_edit(t, &tb);
	if (!below(t, 8))
		batch_wrong(t, &tb);
	if (!below(t, 4))
		batch_same(t, &tb);
	if (below(t, 3))
		batch_commit(t, &tb);
	else
		batch_abort(t, &tb);
}
