/* SPDX-License-Identifier: MIT */
/*
 * tests/test_slab_misuse.c - a free of what is no live object of the slab aborts,
 * with a line that says why
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "slab/heap.h"
#include "slab/slab.h"
#include "tests/check.h"

struct misuse {
	struct slab *s;
	void *objs[2];
	size_t n;
};

static void misuse_free(void *arg)
{
	struct misuse *m = arg;

	slab_free(m->s, m->objs, m->n, 0);
}

/* The last object freed is the one that it says this of. */
static void must_abort(struct slab *s, void *obj, void *second,
		       const char *what)
{
	struct misuse m = { s, { obj, second }, second ? 2 : 1 };
	char line[256];

	snprintf(line, sizeof(line), "percu: misuse: pool %s: %p %s\n", s->name,
		 second ? second : obj, what);
	CU_ASSERT_TRUE(check_aborts(misuse_free, &m, line));
}

#define NO_OBJECT "is not an object of this pool (it is no pool object)"

static void misuse(void)
{
	struct slab a, b;
	void *objs[2], *other, *foreign = malloc(64);
	struct span *large = heap_alloc(5, 1, SPAN_LARGE, 0, NULL);
	uint32_t index;
	uintptr_t end;

	CU_ASSERT_EQUAL_FATAL(slab_init(&a, 48, 0, 0, NULL), 0);
	CU_ASSERT_EQUAL_FATAL(slab_init(&b, 64, 0, 0, NULL), 0);
	a.name = "alpha";
	b.name = "beta";
	CU_ASSERT_EQUAL(slab_alloc(&a, objs, 2), 2);
	CU_ASSERT_EQUAL(slab_alloc(&b, &other, 1), 1);
	end = slab_find(&a, objs[0], &index)->start +
	      (uintptr_t)a.nobj * a.size;

	must_abort(&a, other, NULL,
		   "is not an object of this pool (it belongs to pool beta)");
	must_abort(&a, foreign, NULL, NO_OBJECT);
	must_abort(&a, (void *)large->start, NULL, NO_OBJECT);
	must_abort(&a, (void *)end, NULL, NO_OBJECT);
	must_abort(&a, (char *)objs[0] + 8, NULL,
		   "points into an object, not at its start");
	must_abort(&a, objs[0], objs[0], "was put twice");
	slab_free(&a, objs, 1, 0);
	must_abort(&a, objs[0], NULL, "was put twice");
	must_abort(&a, objs[1], objs[0], "was put twice");

	slab_free(&a, objs + 1, 1, 0);
	slab_destroy(&a);
	must_abort(&b, objs[1], NULL, NO_OBJECT);
	slab_free(&b, &other, 1, 0);
	slab_destroy(&b);
	heap_free(large, 0);
	free(foreign);
}

static void misuse_destroy_child(void *arg)
{
	slab_destroy(arg);
}

static void misuse_destroy(void)
{
	struct slab s;
	void *objs[3];

	CU_ASSERT_EQUAL_FATAL(slab_init(&s, 48, 0, 0, NULL), 0);
	s.name = "busy";
	CU_ASSERT_EQUAL(slab_alloc(&s, objs, 3), 3);
	CU_ASSERT_TRUE(check_aborts(
		misuse_destroy_child, &s,
		"percu: misuse: pool busy: destroyed while 3 of its objects are out\n"));
	slab_free(&s, objs, 3, 0);
	slab_destroy(&s);
}

static const CU_TestInfo tests[] = { { "misuse is named", misuse },
				     { "destroyed with objects out",
				       misuse_destroy },
				     CU_TEST_INFO_NULL };

int main(void)
{
	heap_init();
	return check_main("slab misuse", tests);
}
