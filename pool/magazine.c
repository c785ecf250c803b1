/* SPDX-License-Identifier: MIT */
/*
 * pool/magazine.c - a block of pointers to objects that travel together
 *
 * A magazine holds as many objects as its pool says (p->magazine) and is in one
 * place: a depot's list, a record's spare (empty), a retire's partial, a batch
 * that waits for readers, or the hands of one thread.
 *
 * Each object that enters one is looked at: is it one of this pool, is it not
 * in a magazine already (OBJ_IDLE)?  This is where misuse is found at the
 * latest in release builds.  No lock is needed: who checks an object in or out
 * is the only one who has it.
 */
#include "pool/pool.h"
#include "slab/meta.h"

static size_t magazine_bytes(const struct percu_pool *p)
{
	return sizeof(struct magazine) + p->magazine * sizeof(void *);
}

struct magazine *magazine_new(struct percu_pool *p)
{
	return meta_alloc(magazine_bytes(p));
}

void magazine_free(struct percu_pool *p, struct magazine *m)
{
	meta_free(m, magazine_bytes(p));
}

/* The objects enter a magazine: whoever passed them on owns them no more. */
void magazine_check_in(struct percu_pool *p, void *const *objs, size_t n)
{
	struct slab_near near = { 0 };
	uint8_t *state, old;

	if (p->foreign)
		return;
	for (size_t i = 0; i < n; i++) {
		state = slab_state_near(&p->slab, &near, objs[i], &old);
		if (unlikely(old & OBJ_IDLE))
			slab_put_twice(&p->slab, objs[i]);
		__atomic_store_n(state, old | OBJ_IDLE, __ATOMIC_RELAXED);
	}
}

/* The objects leave their magazine, which they entered checked. */
void magazine_check_out(struct percu_pool *p, void *const *objs, size_t n)
{
	struct slab_near near = { 0 };
	uint8_t *state;

	if (p->foreign)
		return;
	for (size_t i = 0; i < n; i++) {
		state = slab_state_known(&near, objs[i]);
		__atomic_store_n(state,
				 __atomic_load_n(state, __ATOMIC_RELAXED) &
					 (uint8_t)~OBJ_IDLE,
				 __ATOMIC_RELAXED);
	}
}

/*
 * An empty magazine, or NULL, for the one that the record has.  Acquire and
 * release: who takes it may write what who left it has read.
 */
struct magazine *spare_swap(struct record *r, struct magazine *m)
{
	/* Relaxed: an exchange is dear, and most of the time in vain. */
	if (!r || (!m && !__atomic_load_n(&r->spare, __ATOMIC_RELAXED)))
		return m;
	return __atomic_exchange_n(&r->spare, m, __ATOMIC_ACQ_REL);
}
