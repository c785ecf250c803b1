/* SPDX-License-Identifier: MIT */
/*
 * vec/publish.c - how an edit begins and ends
 *
 *	1	a call that may fail is let in, or waits, or fails: no lock
 *	2	the lock is taken
 *	3	the next version is made, from the batch's own nodes
 *	4	the root is stored with release: this is when readers see it
 *	5	what a removal once owed is made up for, in a version of its own
 *	6	the lock is given
 *	7	what the published version does without is retired
 *
 * 7 is behind 6 because retiring may wait for a grace period, and the reader
 * that it waits for may be waiting for the lock.  In between the nodes and
 * objects are this thread's alone: no later version has them, and each is in
 * the list of one batch.
 *
 * Lock: the vector's, LOCK_VEC.  Pools are used under it, and readers never
 * take it.
 */
#include <errno.h>

#include <percu/alloc.h>

#include "sys/delay.h"
#include "sys/report.h"
#include "vec/vec.h"

void (*vec_step)(const char *where);

/* Under the lock. --------------------------------------------------------- */

static void start(struct percu_vec_batch *b, struct percu_vec *v)
{
	*b = (struct percu_vec_batch){
		.vec = v,
		.root = v->root,
		.stamp = ++v->writer->stamp,
		.live = v->writer->live,
		.owed = v->writer->owed,
	};
}

/* Forgets what the batch has done; it may go on, with edits in place too. */
void edit_abort(struct percu_vec_batch *b)
{
	node_free_own(b, b->root);
	b->root = b->vec->root;
	b->live = b->vec->writer->live;
	b->replaced = NULL;
}

void edit_publish(struct percu_vec_batch *b)
{
	if (b->root != b->vec->root) {
		step("root");
		/* Pairs with percu_vec_root(): all of its nodes are written. */
		__atomic_store_n(&b->vec->root, b->root, __ATOMIC_RELEASE);
	}
	delay_step();
	b->vec->writer->live = b->live;
}

/* Squeezes out what a removal without memory has left; or owes it still. */
static void settle(struct percu_vec_batch *b)
{
	struct percu_vec_batch more;
	struct percu_node *n;

	start(&more, b->vec);
	if (edit_squeeze(&more)) {
		edit_abort(&more);
		return;
	}
	edit_publish(&more);
	b->vec->writer->owed = false;
	b->vec->writer->paths[VEC_SETTLED]++;
	while ((n = more.replaced)) {
		more.replaced = n->next;
		n->next = b->replaced;
		b->replaced = n;
	}
}

/* In and out. ------------------------------------------------------------- */

void vec_lock(struct percu_vec_batch *b, struct percu_vec *v)
{
	delay_step();
	lock_take_outer(&v->writer->lock, LOCK_VEC);
	start(b, v);
}

/* For a call that may fail. */
int vec_enter(struct percu_vec_batch *b, struct percu_vec *v)
{
	int rc = retire_admit(v->writer->flavor);

	if (!rc)
		vec_lock(b, v);
	return rc;
}

/* rc: not 0 if the edit has failed and is to be forgotten. */
void vec_unlock(struct percu_vec_batch *b, int rc)
{
	if (rc) {
		edit_abort(b);
	} else {
		edit_publish(b);
		if (b->owed)
			settle(b);
	}
	lock_give_outer(&b->vec->writer->lock);
}

/* The nodes that were replaced; without the lock. */
void vec_retire(struct percu_vec_batch *b)
{
	struct percu_node *n;

	while ((n = b->replaced)) {
		b->replaced = n->next;
		delay_step();
		percu_free_rcu_flavor(n, b->vec->writer->flavor);
	}
}

int vec_leave(struct percu_vec_batch *b, int rc)
{
	vec_unlock(b, rc);
	delay_step();
	vec_retire(b);
	return rc;
}

/* Objects. ---------------------------------------------------------------- */

void object_retire(struct percu_vec_writer *w, void *obj, void *site)
{
	if (obj && w->pool)
		retire_from(w->pool, obj, w->flavor, site, &w->origin);
}

/*
 * What a version that is no longer published has in the slots from .. to - 1;
 * how many objects that is.
 */
size_t range_retire(struct percu_vec_writer *w, const struct percu_node *root,
		    size_t from, size_t to, void *site)
{
	struct percu_chunk c;
	size_t n = 0;

	while (from < to) {
		c = version_chunk((struct percu_view){ root, to }, from);
		for (; from < c.end; from++, c.slot++) {
			n += *c.slot != NULL;
			object_retire(w, *c.slot, site);
		}
	}
	return n;
}

/* Adds to the batch's list of gone objects; 0 or -ENOMEM. */
int gone_add(struct percu_vec_batch *b, void *obj, size_t slot, void *site)
{
	struct percu_vec_gone *g = b->gone_last;

	if (!g || g->n == GONE_EACH) {
		g = percu_alloc(sizeof(*g));
		if (!g)
			return -ENOMEM;
		g->next = NULL;
		g->n = 0;
		if (b->gone_last)
			b->gone_last->next = g;
		else
			b->gone = g;
		b->gone_last = g;
	}
	g->of[g->n++] = (struct gone_entry){ obj, slot, site };
	return 0;
}

/* Takes the last one off again. */
void gone_undo(struct percu_vec_batch *b)
{
	b->gone_last->n--;
}

void gone_free(struct percu_vec_batch *b)
{
	struct percu_vec_gone *g;

	while ((g = b->gone)) {
		b->gone = g->next;
		percu_free(g);
	}
	b->gone_last = NULL;
}

/* Without the lock. */
void gone_retire(struct percu_vec_batch *b)
{
	for (struct percu_vec_gone *g = b->gone; g; g = g->next)
		for (size_t i = 0; i < g->n; i++)
			object_retire(b->vec->writer, g->of[i].obj,
				      g->of[i].site);
	gone_free(b);
}

/* Debug mode: an object that is released must be in one slot. */
static bool is_checked(const struct percu_vec_writer *w)
{
	return w->debug && w->pool;
}

void vec_check_new(struct percu_vec_batch *b, const void *obj)
{
	const struct percu_vec_writer *w = b->vec->writer;
	long i;

	if (!is_checked(w))
		return;
	i = version_find(b->root, obj);
	if (i >= 0)
		report_misuse("vec %s: %p is in slot %ld already", w->name, obj,
			      i);
	for (const struct percu_vec_gone *g = b->gone; g; g = g->next)
		for (size_t k = 0; k < g->n; k++)
			if (g->of[k].obj == obj)
				report_misuse("vec %s: %p was removed in "
					      "this batch",
					      w->name, obj);
}

/* Each with those before it too: none of them is in a slot yet. */
void vec_check_bulk(struct percu_vec_batch *b, void *const *objs, size_t n)
{
	const struct percu_vec_writer *w = b->vec->writer;

	if (!is_checked(w))
		return;
	for (size_t i = 0; i < n; i++) {
		vec_check_new(b, objs[i]);
		for (size_t k = 0; k < i; k++)
			if (objs[k] == objs[i])
				report_misuse("vec %s: %p is appended twice",
					      w->name, objs[i]);
	}
}
