/* SPDX-License-Identifier: MIT */
/*
 * tests/vec_oom.h - a vector, and memory that is scarce
 *
 * All memory that percu has is hoarded, so that an edit has to ask the system;
 * then each call to the system fails, once and for good.  Or each allocation
 * fails: a few blocks are given back, some of each size, and when the edit has
 * used them up there are no more.
 *
 *	supply	which memory there is
 *	model	the objects in the slots, as a plain array
 *	shape	how long the vector is, and how it came to be so
 */
#ifndef PERCU_TESTS_VEC_OOM_H
#define PERCU_TESTS_VEC_OOM_H

#include <stdio.h>
#include <string.h>

#include <percu/stats.h>
#include <percu/vec.h>

#include "tests/check.h"
#include "tests/hoard.h"
#include "tests/readers.h"
#include "vec/vec.h"

enum {
	EVERY_CALL = (1 << OS_NR_CALLS) - 1,
	MOST = 64 << 10, /* slots */
	EXTRA = 64,
};

struct object {
	unsigned int released; /* (a) */
	bool out;              /* removed, or never in: the vector's no more */
	bool ours; /* taken, or refused: never the vector's to release */
};

struct model {
	size_t len;
	struct object *slot[MOST + EXTRA];
};

static struct object objects[MOST + EXTRA];
static size_t nr_objects;
static struct percu_vec vec;
static struct model model;

static struct {
	unsigned long tries, fired, refused, holes, settled;
} sum;

/* Which memory there is. ----------------------------------------------------- */

struct supply {
	bool calls;        /* the system's calls fail: */
	unsigned long nth; /* from here on */
	bool forever;
	bool random;         /* or there are blocks, of each size a few, */
	size_t leaves, kids; /* or of nodes' sizes so many */
	struct check_rand rand;
};

static inline void supply_begin(struct supply *s)
{
	hoard_all();
	if (s->calls) {
		os_fault_arm(EVERY_CALL, s->nth, s->forever);
		return;
	}
	os_fault_arm(MEMORY, 1, true);
	for (size_t k = 0; k < nr_sizes && sizes[k] <= 32768; k++) {
		if (s->random)
			give_back(k, check_rand_below(&s->rand, 4));
		else if (sizes[k] == whole(LEAF_BYTES))
			give_back(k, s->leaves);
		else if (sizes[k] == whole(KIDS_BYTES))
			give_back(k, s->kids);
		else
			give_back(k, 8);
	}
}

static inline unsigned long supply_end(void)
{
	unsigned long fired;

	os_fault_disarm();
	fired = os_fault_fired();
	sum.fired += fired;
	give_all_back();
	return fired;
}

/* The model. ----------------------------------------------------------------- */

static struct object *object_new(void)
{
	struct object *o = &objects[nr_objects++];

	*o = (struct object){ .out = true };
	return o;
}

static inline void object_release(void *obj, void *arg)
{
	struct object *o = obj;

	(void)arg;
	reader_passed();
	__atomic_add_fetch(&o->released, 1, __ATOMIC_RELAXED);
}

static inline void model_insert(struct model *m, size_t i, struct object *o)
{
	memmove(m->slot + i + 1, m->slot + i,
		(m->len++ - i) * sizeof(*m->slot));
	m->slot[i] = o;
	o->out = false;
}

static inline void model_remove(struct model *m, size_t i)
{
	m->slot[i]->out = true;
	memmove(m->slot + i, m->slot + i + 1,
		(--m->len - i) * sizeof(*m->slot));
}

/* A vector. ------------------------------------------------------------------ */

struct shape {
	const char *name;
	size_t first, len; /* appended, then cut to */
	unsigned int flags;
};

static const struct shape shapes[] = {
	{ "six", 6, 6, 0 },
	{ "full block", FLAT_MAX, FLAT_MAX, 0 },
	{ "just a tree", FLAT_MAX + 10, FLAT_BACK + 1, 0 },
	{ "tree", 3000, 3000, 0 },
	{ "in place", 40, 40, PERCU_VEC_INPLACE },
	{ "tall tree", MOST, MOST - 7, 0 },
};

static inline bool vec_make(const struct shape *s)
{
	const struct percu_vec_attr attr = { .name = "oom",
					     .release = object_release,
					     .flags = s->flags };

	nr_objects = 0;
	model.len = 0;
	if (percu_vec_init_flavor(&vec, &attr, &readers[READERS_BP].flavor))
		return false;
	for (size_t i = 0; i < s->first; i++)
		model_insert(&model, i, object_new());
	if (percu_vec_append_bulk(&vec, (void **)model.slot, s->first))
		return false;
	while (model.len > s->len)
		model_remove(&model, model.len - 1);
	return !percu_vec_truncate(&vec, s->len);
}

/* All of it is released, and not more; nothing is left of the vector. */
static inline void vec_unmake(const struct percu_memstats *was,
			      const char *what)
{
	struct percu_memstats is;
	unsigned long bad = 0;

	percu_vec_destroy(&vec);
	percu_barrier();
	for (size_t k = 0; k < nr_objects; k++)
		bad += objects[k].released != !objects[k].ours;
	percu_memstats(&is);
	if (bad || is.alloc != was->alloc)
		printf("\n    %s: %lu objects wrongly released, %lld bytes left ",
		       what, bad, (long long)(is.alloc - was->alloc));
	CU_ASSERT_FATAL(!bad && is.alloc == was->alloc);
}

enum {
	NR_SHAPES = sizeof(shapes) / sizeof(shapes[0])
};

static inline size_t shapes_now(void)
{
	return check_short() || tool_any() ? NR_SHAPES - 1 : NR_SHAPES;
}

/* How many faults. */
static inline unsigned long sum_print(void)
{
	unsigned long fired = sum.fired;

	printf("(%lu tries, %lu faults, %lu refusals, %lu holes, %lu settled) ",
	       sum.tries, sum.fired, sum.refused, sum.holes, sum.settled);
	memset(&sum, 0, sizeof(sum));
	return fired;
}

#endif /* PERCU_TESTS_VEC_OOM_H */
