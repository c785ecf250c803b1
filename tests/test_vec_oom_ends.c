/* SPDX-License-Identifier: MIT */
/*
 * tests/test_vec_oom_ends.c - a vector's beginning and end without memory
 *
 * See tests/vec_oom.h for how.
 *
 * Laws: init succeeds, or says -ENOMEM and leaves nothing; whatever fails while
 * a vector is destroyed, its objects are released, once, and no memory is lost.
 */
#include <errno.h>

#include "tests/vec_oom.h"

enum {
	FENCE = 1 << OS_MEMBARRIER,
};

static void init_fails(void)
{
	const struct percu_vec_attr attr = { .name = "oom",
					     .capacity = 100,
					     .release = object_release };
	unsigned long failed = 0, fired;
	struct percu_memstats was, is;

	percu_memstats(&was);
	for (int forever = 0; forever < 2; forever++) {
		unsigned long nth = 0;

		do {
			int rc;

			hoard_all();
			os_fault_arm(EVERY_CALL, ++nth, forever);
			rc = percu_vec_init_flavor(&vec, &attr,
						   &readers[READERS_BP].flavor);
			fired = supply_end();
			failed += rc != 0;
			CU_ASSERT_FATAL(!rc || rc == -ENOMEM);
			if (!rc)
				percu_vec_destroy(&vec);
			percu_barrier();
			percu_memstats(&is);
			CU_ASSERT_EQUAL_FATAL(is.alloc, was.alloc);
		} while (fired);
	}
	CU_ASSERT(failed > 0);
	CU_ASSERT(sum_print() > 0);
}

/* False: nothing has failed any more. */
static bool destroy_try(const struct shape *shape, unsigned int mask,
			unsigned long nth, bool forever)
{
	struct percu_memstats was, is;
	unsigned long bad = 0, fired;

	percu_memstats(&was);
	CU_ASSERT_FATAL(vec_make(shape));
	hoard_all();
	os_fault_arm(mask, nth, forever);
	percu_vec_destroy(&vec);
	for (size_t k = 0; k < nr_objects; k++)
		bad += objects[k].released != 1;
	fired = supply_end();
	percu_barrier();
	percu_memstats(&is);
	if (bad || is.alloc != was.alloc)
		printf("\n    %s, call %lu%s: %lu not released, %lld bytes left ",
		       shape->name, nth, forever ? " on" : "", bad,
		       (long long)(is.alloc - was.alloc));
	CU_ASSERT_EQUAL_FATAL(bad, 0);
	CU_ASSERT_EQUAL(is.alloc, was.alloc);
	return fired;
}

/*
 * Whatever fails, all is released when the vector has ended; but for a fence
 * that is refused for good, which leaves other CPUs what they have.
 */
static void destroy_releases(void)
{
	unsigned long nth;

	for (size_t k = 0; k < shapes_now(); k++) {
		nth = 1;
		while (destroy_try(&shapes[k], EVERY_CALL, nth, false))
			nth++;
		nth = 1;
		while (destroy_try(&shapes[k], EVERY_CALL & ~FENCE, nth, true))
			nth++;
	}
	/* Without sequences to fence nothing is asked of the system here. */
	CU_ASSERT(sum_print() > 0 || strncmp(percu_mode(), "rseq", 4) != 0);
}

static const CU_TestInfo tests[] = { { "each call of init fails", init_fails },
				     { "destroy releases, whatever fails",
				       destroy_releases },
				     CU_TEST_INFO_NULL };

int main(void)
{
	sizes_init();
	return check_main("vec_oom_ends", tests);
}
