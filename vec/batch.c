/* SPDX-License-Identifier: MIT */
/*
 * vec/batch.c - many edits, one publication
 *
 * From begin to commit or abort the batch has the lock.  The first edit that
 * comes by a node copies it, those after it find it the batch's own and edit
 * it in place; readers see none of it.  Objects that are removed are listed,
 * and retired when the commit has given the lock.
 *
 * An object that the batch inserted and then removed has not been seen by any
 * reader; it is retired like the others, for it was given to the vector.
 */
#include <errno.h>

#include "vec/vec.h"

PERCU_API int percu_vec_batch_begin(struct percu_vec_batch *b,
				    struct percu_vec *v)
{
	return vec_enter(b, v);
}

PERCU_API size_t percu_vec_batch_len(const struct percu_vec_batch *b)
{
	return node_len(b->root);
}

PERCU_API void *percu_vec_batch_get(const struct percu_vec_batch *b, size_t i)
{
	return i < node_len(b->root) ? version_get(b->root, i) : NULL;
}

PERCU_API int percu_vec_batch_append(struct percu_vec_batch *b, void *obj)
{
	return percu_vec_batch_insert(b, node_len(b->root), obj);
}

PERCU_API int percu_vec_batch_insert(struct percu_vec_batch *b, size_t i,
				     void *obj)
{
	if (!obj)
		return -EINVAL;
	if (i > node_len(b->root))
		return -ERANGE;
	vec_check_new(b, obj);
	return edit_insert(b, i, obj);
}

/* Lists what is about to leave slot i. */
static int list(struct percu_vec_batch *b, size_t i, void *site)
{
	if (i >= node_len(b->root))
		return -ERANGE;
	if (!b->vec->writer->pool)
		return 0;
	return gone_add(b, version_get(b->root, i), i, site);
}

/* What was listed has not left. */
static void unlist(struct percu_vec_batch *b)
{
	if (b->vec->writer->pool)
		gone_undo(b);
}

PERCU_API int percu_vec_batch_replace(struct percu_vec_batch *b, size_t i,
				      void *obj)
{
	void *old;
	int rc;

	if (!obj)
		return -EINVAL;
	vec_check_new(b, obj);
	rc = list(b, i, __builtin_return_address(0));
	if (rc)
		return rc;
	rc = edit_replace(b, i, obj, &old);
	if (rc)
		unlist(b);
	return rc;
}

PERCU_API int percu_vec_batch_remove(struct percu_vec_batch *b, size_t i)
{
	void *obj;
	int rc = list(b, i, __builtin_return_address(0));

	if (rc)
		return rc;
	rc = edit_remove(b, i, &obj);
	if (rc)
		unlist(b);
	return rc;
}

PERCU_API int percu_vec_batch_commit(struct percu_vec_batch *b)
{
	vec_unlock(b, 0);
	gone_retire(b);
	vec_retire(b);
	return 0;
}

PERCU_API void percu_vec_batch_abort(struct percu_vec_batch *b)
{
	gone_free(b);
	vec_leave(b, -ECANCELED);
}
