/* SPDX-License-Identifier: MIT */
/*
 * vec/vec.c - making and ending vectors, and the edits that can fail
 *
 * Each edit is: in, try in place, else a copy, out (vec/publish.c).  The site
 * of a call that releases something is its return address, for reports.
 */
#include <errno.h>
#include <string.h>
#include <urcu/flavor.h>

#include <percu/alloc.h>
#include <percu/pool.h>

#include "sys/conf.h"
#include "sys/os.h"
#include "sys/report.h"
#include "vec/vec.h"

/*
 * For retirement in debug mode.  A reader's look, without the lock: a batch may
 * hold that and wait for the caller.
 */
static long origin_find(struct retire_origin *o, const void *obj)
{
	struct percu_vec_writer *w =
		(void *)((char *)o - offsetof(struct percu_vec_writer, origin));
	/* Acquire: pairs with percu_vec_destroy(). */
	const struct percu_vec *v = __atomic_load_n(&w->vec, __ATOMIC_ACQUIRE);

	return v ? version_find(percu_vec_root(v), obj) : -1;
}

/* What is in a slot must not be retired by the program itself. */
static bool is_looked_for(const struct percu_vec_writer *w)
{
	return w->debug && w->pool && !w->own_pool;
}

static int writer_setup(struct percu_vec_writer *w,
			const struct percu_vec_attr *attr)
{
	const char *name = attr->name ? attr->name : "vec";

	strncpy(w->name, name, sizeof(w->name) - 1);
	lock_init(&w->lock);
	w->in_place = attr->flags & PERCU_VEC_INPLACE;
	w->debug = conf.debug;
	w->origin.name = w->name;
	w->origin.find = origin_find;
	w->least = attr->capacity < FLAT_MAX ? attr->capacity : FLAT_MAX;
	w->pool = attr->pool;
	if (attr->release) {
		w->own_pool = true;
		w->pool = release_pool_create(w->name, attr->size,
					      attr->release, attr->arg);
	}
	return w->own_pool && !w->pool ? -ENOMEM : 0;
}

PERCU_API int percu_vec_init_flavor(struct percu_vec *v,
				    const struct percu_vec_attr *attr,
				    const struct rcu_flavor_struct *flavor)
{
	static const struct percu_vec_attr none;
	struct percu_vec_batch b = { .vec = v };
	struct percu_vec_writer *w;

	attr = attr ? attr : &none;
	if ((attr->release && attr->pool) || attr->flags & ~PERCU_VEC_INPLACE)
		return -EINVAL;
	if (attr->capacity > VEC_MAX)
		return -ENOMEM;
	v->writer = w = percu_zalloc(sizeof(*w));
	if (!w)
		return -ENOMEM;
	w->vec = v;
	w->flavor = flavor;
	if (!writer_setup(w, attr)) {
		v->root = flat_new(&b, flat_cap(w->least), 0);
		if (v->root) {
			if (is_looked_for(w))
				origin_enter(&w->origin, w->pool, flavor);
			return 0;
		}
	}
	if (w->own_pool && w->pool)
		percu_pool_destroy(w->pool);
	percu_free(w);
	return -ENOMEM;
}

PERCU_API void percu_vec_destroy(struct percu_vec *v)
{
	void *site = __builtin_return_address(0);
	struct percu_vec_writer *w = v->writer;
	int cancel = os_cancel_off();
	struct percu_vec_batch b;
	const char *forbidden = grace_forbidden(w->flavor);
	size_t retired;

	if (forbidden)
		report_misuse("vec %s: percu_vec_destroy() %s", w->name,
			      forbidden);
	vec_lock(&b, v);
	/* Its objects may be in their slots now.  Pairs with origin_find(). */
	__atomic_store_n(&w->vec, NULL, __ATOMIC_RELEASE);
	lock_give_outer(&w->lock);
	if (is_looked_for(w))
		origin_leave(&w->origin);
	retired = range_retire(w, b.root, 0, node_len(b.root), site);
	/* Else the wait for what was retired is one for the readers too. */
	if (!w->pool || !retired)
		w->flavor->update_synchronize_rcu();
	if (w->own_pool)
		percu_pool_destroy(w->pool);
	else if (w->pool)
		percu_pool_barrier(w->pool);
	node_drop_all(&b, b.root);
	vec_retire(&b);
	pthread_mutex_destroy(&w->lock.mutex);
	/* A reader under way may look at it, in debug mode. */
	percu_free_rcu_flavor(w, w->flavor);
	v->root = NULL;
	v->writer = NULL;
	os_cancel_on(cancel);
}

PERCU_API size_t percu_vec_live(const struct percu_vec *v)
{
	struct percu_vec_writer *w = v->writer;
	size_t live;

	lock_take_outer(&w->lock, LOCK_VEC);
	live = w->live;
	lock_give_outer(&w->lock);
	return live;
}

/* Edits. ------------------------------------------------------------------ */

static int append(struct percu_vec *v, void *const *objs, size_t n)
{
	struct percu_vec_batch b;
	int rc = vec_enter(&b, v);

	if (rc)
		return rc;
	vec_check_bulk(&b, objs, n);
	if (!place_append(&b, objs, n))
		rc = edit_append(&b, objs, n);
	return vec_leave(&b, rc);
}

PERCU_API int percu_vec_append(struct percu_vec *v, void *obj)
{
	return obj ? append(v, &obj, 1) : -EINVAL;
}

PERCU_API int percu_vec_append_bulk(struct percu_vec *v, void *const *objs,
				    size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!objs[i])
			return -EINVAL;
	return n ? append(v, objs, n) : 0;
}

PERCU_API int percu_vec_insert(struct percu_vec *v, size_t i, void *obj)
{
	struct percu_vec_batch b;
	size_t len;
	int rc = obj ? vec_enter(&b, v) : -EINVAL;

	if (rc)
		return rc;
	len = node_len(b.root);
	if (i > len)
		return vec_leave(&b, -ERANGE);
	vec_check_new(&b, obj);
	if (i < len || !place_append(&b, &obj, 1))
		rc = edit_insert(&b, i, obj);
	return vec_leave(&b, rc);
}

PERCU_API int percu_vec_replace(struct percu_vec *v, size_t i, void *obj)
{
	void *site = __builtin_return_address(0), *old;
	struct percu_vec_batch b;
	int rc = obj ? vec_enter(&b, v) : -EINVAL;

	if (rc)
		return rc;
	if (i >= node_len(b.root))
		return vec_leave(&b, -ERANGE);
	vec_check_new(&b, obj);
	if (v->writer->in_place && !node_level(b.root))
		old = place_set(&b, i, obj);
	else
		rc = edit_replace(&b, i, obj, &old);
	vec_leave(&b, rc);
	if (!rc)
		object_retire(v->writer, old, site);
	return rc;
}

PERCU_API int percu_vec_reserve(struct percu_vec *v, size_t cap)
{
	struct percu_vec_batch b;
	int rc = vec_enter(&b, v);

	if (rc)
		return rc;
	rc = edit_reserve(&b, cap);
	if (cap > FLAT_MAX)
		cap = FLAT_MAX;
	if (!rc && cap > v->writer->least)
		v->writer->least = cap;
	return vec_leave(&b, rc);
}

PERCU_API int percu_vec_clip(struct percu_vec *v)
{
	struct percu_vec_batch b;
	int rc = vec_enter(&b, v);

	if (rc)
		return rc;
	rc = edit_clip(&b);
	if (!rc)
		v->writer->least = 0;
	return vec_leave(&b, rc);
}

PERCU_API int percu_vec_compact(struct percu_vec *v)
{
	struct percu_vec_batch b;
	int rc = vec_enter(&b, v);

	if (rc)
		return rc;
	return vec_leave(&b, edit_squeeze(&b));
}
