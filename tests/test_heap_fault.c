/* SPDX-License-Identifier: MIT */
/*
 * tests/test_heap_fault.c - the page heap on a system that refuses
 *
 * Each test has a heap of its own, in a child: empty, as the parent's is.
 */
#include <sys/resource.h>

#include "slab/meta.h"
#include "sys/tool.h"
#include "tests/heap.h"

enum {
	OS_CALLS = 1 << OS_RESERVE | 1 << OS_COMMIT | 1 << OS_RELEASE |
		   1 << OS_MAP | 1 << OS_UNMAP
};

struct fault_result {
	unsigned long nth, fired, refused;
	bool forever;
};

struct request {
	size_t pages, align;
};

/*
 * All that the heap ever asks of the system: descriptors, arenas, commits
 * small and large, a span of its own across arenas, releases.  How many
 * allocations were refused.
 */
static unsigned int heap_script(void)
{
	static const struct request requests[] = {
		{ 3, 1 }, { 200, 128 }, { 5000, 1 }, { 9000, 1 }, { 7, 2 },
	};
	enum {
		N = sizeof(requests) / sizeof(requests[0])
	};
	struct shadow live[N] = { { 0 } };
	unsigned int refused = 0;

	for (size_t i = 0; i < N; i++) {
		bool zero = true;
		struct span *s = heap_alloc(requests[i].pages,
					    requests[i].align, SPAN_LARGE, 0,
					    &zero);

		child_must(!heap_check());
		refused += !s;
		live[i] = (struct shadow){ s, s ? requests[i].pages : 0,
					   i << 32 };
		if (s)
			child_must(!zero || is_zero(s, requests[i].pages));
		stamp_span(&live[i]);
	}
	for (size_t i = 0; i < N; i++) {
		child_must(stamp_holds(&live[i]));
		if (live[i].span)
			heap_free(live[i].span, heap_cycle());
		child_must(!heap_check());
		heap_age(i & 1);
		child_must(!heap_check());
	}
	return refused;
}

static void fault_child(void *arg)
{
	struct fault_result *r = arg;
	struct heap_stats before = stats();

	os_fault_arm(OS_CALLS, r->nth, r->forever);
	r->refused = heap_script();
	r->fired = os_fault_fired();
	os_fault_disarm();
	child_must(stats().inuse == before.inuse);
	child_must(heap_script() == 0);
	child_must(stats().inuse == before.inuse);
	child_must(stats().idle == stats().free_runs * 64 * MIB ||
		   r->fired > 0);
}

/* The n-th call fails, for every n that there is. */
static void faults(bool forever, const char *what)
{
	struct fault_result *r = shared(sizeof(*r));
	unsigned long fired = 0, refused = 0;

	/* Most single faults are made up for: a short run too tries each. */
	for (unsigned long nth = 1;;
	     nth = forever ? check_next(nth) : nth + 1) {
		*r = (struct fault_result){ .nth = nth, .forever = forever };
		CU_ASSERT_TRUE_FATAL(child_ok(fault_child, r));
		if (!r->fired)
			break;
		fired += r->fired;
		refused += r->refused;
	}
	printf("(%s: %lu calls failed, %lu allocations for it) ", what, fired,
	       refused);
	CU_ASSERT_TRUE(fired > (check_short() ? 3 : 10));
	CU_ASSERT_TRUE(refused > 0);
	munmap(r, sizeof(*r));
}

static void faults_once(void)
{
	faults(false, "once");
}

static void faults_forever(void)
{
	faults(true, "for good");
}

/* Nothing is lost in an allocation that fails. */
static void refusal_is_free_child(void *arg)
{
	static const enum os_call calls[] = { OS_COMMIT, OS_RESERVE };
	/* A sanitizer's shadow makes each mapping slow. */
	int n = tool_any() ? 200 : 5000;
	uint64_t meta;

	(void)arg;
	/* Stays, so that an aligned span has a run's rest on both sides. */
	child_must(heap_alloc(1, 1, SPAN_LARGE, 0, NULL));
	for (int i = 0; i < 2; i++) {
		meta = 0;
		os_fault_arm(1u << calls[i], 1, true);
		for (int k = 0; k < n; k++) {
			/* The first arenas may need records of their own. */
			if (k == n / 5)
				meta = meta_sys();
			child_must(i ||
				   !heap_alloc(200, 128, SPAN_LARGE, 0, NULL));
			child_must(!heap_alloc(9000, 1, SPAN_LARGE, 0, NULL));
		}
		child_must(os_fault_fired() >= (unsigned long)n);
		os_fault_disarm();
		child_must(meta_sys() == meta);
		child_must(stats().sys == 64 * MIB && !heap_check());
	}
}

static void refusal_is_free(void)
{
	CU_ASSERT_TRUE(child_ok(refusal_is_free_child, NULL));
}

/* 64 MiB are refused: less is reserved, and serves as well. */
static void small_steps_child(void *arg)
{
	struct span *s, *t;

	(void)arg;
	os_fault_arm(1u << OS_RESERVE, 1, false);
	s = heap_alloc(10, 1, SPAN_LARGE, 0, NULL);
	child_must(s && os_fault_fired() == 1);
	os_fault_disarm();
	child_must(stats().sys == 32 * MIB && !heap_check());
	t = heap_alloc(4000, 1, SPAN_LARGE, 0, NULL);
	child_must(t && stats().sys == 32 * MIB);
	heap_free(s, 0);
	heap_free(t, 0);
	child_must(stats().free_runs == 1 && !heap_check());
}

static void small_steps(void)
{
	CU_ASSERT_TRUE(child_ok(small_steps_child, NULL));
}

/* No arena can be had, but the very size can: a span of its own. */
static void exact_step_child(void *arg)
{
	struct span *s;

	(void)arg;
	/* 64 MiB is refused, 32 would be too little. */
	os_fault_arm(1u << OS_RESERVE, 1, false);
	s = heap_alloc(33 * 128, 1, SPAN_LARGE, 0, NULL);
	child_must(s && s->direct && os_fault_fired() == 1);
	os_fault_disarm();
	child_must(stats().sys == 33 * MIB && !heap_check());
	heap_free(s, 0);
	child_must(stats().sys == 0 && !heap_check());
}

static void exact_step(void)
{
	CU_ASSERT_TRUE(child_ok(exact_step_child, NULL));
}

static size_t address_space(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	unsigned long pages = 0;

	if (f && fscanf(f, "%lu", &pages) != 1)
		pages = 0;
	if (f)
		fclose(f);
	return pages * os_page_size();
}

/* So little address space that only small reservations fit. */
static void address_limit_child(void *arg)
{
	struct rlimit lim = { address_space() + 40 * MIB, RLIM_INFINITY };
	struct span *live[1000], *s;
	unsigned int n = 0;

	(void)arg;
	child_must(!setrlimit(RLIMIT_AS, &lim));
	while (n < 1000 && (s = heap_alloc(100, 1, SPAN_LARGE, 0, NULL)))
		live[n++] = s;
	child_must(n > 10 && n < 1000);
	child_must(stats().sys <= 41 * MIB && !heap_check());
	/* What is freed there is to be had again, and not for percu's records. */
	for (unsigned int i = 0; i < n; i++) {
		heap_free(live[i], 0);
		live[i] = heap_alloc(100, 1, SPAN_LARGE, 0, NULL);
		child_must(live[i]);
	}
	while (n)
		heap_free(live[--n], 0);
	child_must(!stats().inuse && !heap_check());
}

static void address_limit(void)
{
	tool_init();
	if (tool_any())
		check_skip("the limit would hit the tool itself");
	else
		CU_ASSERT_TRUE(child_ok(address_limit_child, NULL));
}

static const CU_TestInfo tests[] = {
	{ "each call to the system fails once", faults_once },
	{ "each call to the system fails, and all after it", faults_forever },
	{ "an allocation that fails costs nothing", refusal_is_free },
	{ "64 MiB are refused: smaller steps", small_steps },
	{ "no arena, but the very size", exact_step },
	{ "little address space", address_limit },
	CU_TEST_INFO_NULL
};

int main(void)
{
	heap_init();
	return check_main("heap fault", tests);
}
