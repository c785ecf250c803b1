/* SPDX-License-Identifier: MIT */
/*
 * vec/remove.c - removals
 *
 * A removal makes a version without the object, publishes it, and retires what
 * it took out.  It does not fail for want of memory: the published version is
 * edited in place instead.
 *
 *	one slot	is cleared; the hole is owed
 *	a predicate's	are cleared
 *	the end		is cut off, some slots at a time
 *
 * Objects that leave are remembered until the lock is given, for retiring may
 * wait.  Of a copy the old version remembers them, or a list.  In place there
 * may be no memory for a list: then GROUP of them are taken at once, the lock
 * is given, they are retired, and it goes on from there.
 */
#include <errno.h>

#include "vec/vec.h"

typedef int edit_one(struct percu_vec_batch *b, size_t i, void **obj);

/* Removes slot i as how does, or in place; the caller retires *obj. */
static int remove_one(struct percu_vec *v, size_t i, edit_one *how, void **obj)
{
	struct percu_vec_batch b;
	int rc = -ERANGE;

	vec_lock(&b, v);
	if (i >= node_len(b.root))
		return vec_leave(&b, rc);
	rc = how(&b, i, obj);
	if (rc && how == edit_remove_exact) {
		edit_abort(&b);
		rc = edit_remove(&b, i, obj);
	}
	if (rc) {
		edit_abort(&b);
		*obj = place_remove(&b, i);
	}
	return vec_leave(&b, 0);
}

static int edit_in_place(struct percu_vec_batch *b, size_t i, void **obj)
{
	*obj = place_set(b, i, NULL);
	return 0;
}

static int swap_in_place(struct percu_vec_batch *b, size_t i, void **obj)
{
	if (node_level(b->root))
		return edit_remove_swap(b, i, obj);
	*obj = place_swap(b, i);
	return 0;
}

static int remove_site(struct percu_vec *v, size_t i, edit_one *how, void *site)
{
	void *obj;
	int rc = remove_one(v, i, how, &obj);

	if (!rc)
		object_retire(v->writer, obj, site);
	return rc;
}

PERCU_API int percu_vec_remove(struct percu_vec *v, size_t i)
{
	return remove_site(v, i, edit_remove, __builtin_return_address(0));
}

PERCU_API int percu_vec_remove_nil(struct percu_vec *v, size_t i)
{
	return remove_site(v, i, edit_in_place, __builtin_return_address(0));
}

PERCU_API int percu_vec_remove_exact(struct percu_vec *v, size_t i)
{
	return remove_site(v, i, edit_remove_exact,
			   __builtin_return_address(0));
}

PERCU_API int percu_vec_remove_swap(struct percu_vec *v, size_t i)
{
	return remove_site(
		v, i, v->writer->in_place ? swap_in_place : edit_remove_swap,
		__builtin_return_address(0));
}

PERCU_API void *percu_vec_take(struct percu_vec *v, size_t i)
{
	void *obj = NULL;
	int rc = remove_one(v, i, edit_remove, &obj);

	if (!rc && !obj)
		rc = -ENOENT;
	if (rc)
		errno = -rc;
	return obj;
}

/* The end. ---------------------------------------------------------------- */

static void cut_in_place(struct percu_vec *v, size_t len, void *site)
{
	struct percu_vec_batch b;
	void *objs[GROUP];
	size_t n;

	do {
		vec_lock(&b, v);
		n = 0;
		if (node_len(b.root) > len) {
			n = place_cut(&b, len, objs, GROUP);
			b.owed = false; /* the slots must not move meanwhile */
		}
		vec_leave(&b, 0);
		for (size_t i = 0; i < n; i++)
			object_retire(v->writer, objs[i], site);
	} while (n);
}

PERCU_API int percu_vec_truncate(struct percu_vec *v, size_t len)
{
	void *site = __builtin_return_address(0);
	const struct percu_node *old;
	struct percu_vec_batch b;
	size_t was;
	int rc;

	vec_lock(&b, v);
	old = b.root;
	was = node_len(old);
	if (len > was)
		return vec_leave(&b, -ERANGE);
	rc = edit_truncate(&b, len);
	vec_unlock(&b, rc);
	if (rc)
		cut_in_place(v, len, site);
	else /* the nodes of what was cut off are the batch's alone */
		range_retire(v->writer, old, len, was, site);
	vec_retire(&b);
	return 0;
}

/* By a predicate. --------------------------------------------------------- */

struct sweep {
	bool (*pred)(void *obj, void *arg);
	void *arg;
	void *site;
	size_t at; /* the slot that is looked at */
	size_t n;  /* objects removed */
};

/*
 * Asks about every object and lists those to go, and a few holes with them.
 * Without memory for the list it stops behind one that is to go: -ENOMEM.
 */
static int choose(struct percu_vec_batch *b, struct sweep *s)
{
	struct percu_view all = version_all(b->root);
	bool holes = (all.len - b->live) * FEW <= all.len;
	struct percu_chunk c;

	while (s->at < all.len) {
		c = version_chunk(all, s->at);
		for (; s->at < c.end; s->at++, c.slot++) {
			if (*c.slot ? !s->pred(*c.slot, s->arg) : !holes)
				continue;
			s->n += *c.slot != NULL;
			if (gone_add(b, *c.slot, s->at, s->site))
				return -ENOMEM;
		}
	}
	return 0;
}

/* Clears what is in the list. */
static void clear_listed(struct percu_vec_batch *b)
{
	for (struct percu_vec_gone *g = b->gone; g; g = g->next)
		for (size_t i = 0; i < g->n; i++)
			if (g->of[i].obj)
				place_remove(b, g->of[i].slot);
}

/* Goes on from s->at without a list: clears what it is told to, in groups. */
static void sweep_in_place(struct percu_vec *v, struct sweep *s)
{
	struct percu_vec_batch b;
	void *objs[GROUP], *obj;
	size_t n;

	do {
		vec_lock(&b, v);
		for (n = 0; n < GROUP && s->at < node_len(b.root); s->at++) {
			obj = version_get(b.root, s->at);
			if (obj && s->pred(obj, s->arg))
				objs[n++] = place_remove(&b, s->at);
		}
		b.owed = false; /* the slots must not move meanwhile */
		vec_leave(&b, 0);
		for (size_t i = 0; i < n; i++)
			object_retire(v->writer, objs[i], s->site);
		s->n += n;
	} while (n == GROUP);
}

PERCU_API ssize_t percu_vec_remove_if(struct percu_vec *v,
				      bool (*pred)(void *obj, void *arg),
				      void *arg)
{
	struct sweep s = { pred, arg, __builtin_return_address(0), 0, 0 };
	void *last = NULL;
	struct percu_vec_batch b;
	bool all;

	vec_lock(&b, v);
	all = !choose(&b, &s);
	b.live -= s.n;
	if (!all || edit_sift(&b)) {
		edit_abort(&b);
		clear_listed(&b);
		if (!all)
			last = place_remove(&b, s.at++);
		v->writer->owed = true; /* what holes there were, too */
		b.owed = false;         /* and not to be tried at once */
	}
	vec_leave(&b, 0);
	gone_retire(&b);
	object_retire(v->writer, last, s.site);
	if (!all)
		sweep_in_place(v, &s);
	return (ssize_t)s.n;
}
