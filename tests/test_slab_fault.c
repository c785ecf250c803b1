/* SPDX-License-Identifier: MIT */
/*
 * tests/test_slab_fault.c - slabs on a system that refuses memory
 */
#include "slab/heap.h"
#include "slab/meta.h"
#include "slab/slab.h"
#include "tests/heap.h"

struct slab_fault {
	unsigned long nth, fired, missed;
	bool forever;
};

static void fault_child(void *arg)
{
	struct slab_fault *f = arg;
	static void *objs[3000];
	struct slab s;
	size_t got;

	child_must(!slab_init(&s, 512, 0, 0, NULL));
	s.debug = true;
	os_fault_arm(1u << OS_RESERVE | 1u << OS_COMMIT | 1u << OS_MAP, f->nth,
		     f->forever);
	got = slab_alloc(&s, objs, 3000);
	f->fired = os_fault_fired();
	f->missed = 3000 - got;
	os_fault_disarm();
	child_must(!heap_check());
	child_must(slab_alloc(&s, objs + got, 3000 - got) == 3000 - got);
	slab_free(&s, objs, 3000, 0);
	slab_destroy(&s);
	child_must(!heap_check() && !stats().inuse);
}

static void faults(bool forever, const char *what)
{
	struct slab_fault *f = shared(sizeof(*f));
	unsigned long fired = 0, missed = 0;

	for (unsigned long nth = 1;; nth++) {
		*f = (struct slab_fault){ .nth = nth, .forever = forever };
		CU_ASSERT_TRUE_FATAL(child_ok(fault_child, f));
		if (!f->fired)
			break;
		fired += f->fired;
		missed += f->missed;
	}
	printf("(%s: %lu calls failed, %lu objects for it) ", what, fired,
	       missed);
	CU_ASSERT_TRUE(fired > 2);
	CU_ASSERT_TRUE(missed > 0 || !forever);
	munmap(f, sizeof(*f));
}

static void faults_once(void)
{
	faults(false, "once");
}

static void faults_forever(void)
{
	faults(true, "for good");
}

/* No state array or descriptor is lost however often there are no pages. */
static void refusal_is_free_child(void *arg)
{
	uint64_t meta = 0;
	struct slab s;
	void *obj;

	(void)arg;
	child_must(!slab_init(&s, 512, 0, 0, NULL));
	s.debug = true;
	os_fault_arm(1u << OS_RESERVE, 1, true);
	for (int i = 0; i < 20000; i++) {
		child_must(!slab_alloc(&s, &obj, 1));
		if (!i)
			meta = meta_sys();
	}
	child_must(os_fault_fired() >= 20000);
	child_must(meta_sys() == meta);
}

static void refusal_is_free(void)
{
	CU_ASSERT_TRUE(child_ok(refusal_is_free_child, NULL));
}

static const CU_TestInfo tests[] = {
	{ "each call to the system fails once", faults_once },
	{ "each call to the system fails, and all after it", faults_forever },
	{ "an allocation that fails costs nothing", refusal_is_free },
	CU_TEST_INFO_NULL
};

int main(void)
{
	heap_init();
	return check_main("slab fault", tests);
}
