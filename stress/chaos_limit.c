// SPDX-License-Identifier: MIT
/*
 * stress/chaos_limit.c - children that may have little memory
 *
 * Limits are set on children: the C library and liburcu end a process that
 * they have no memory for, which would prove nothing about percu.
 *
 *	memory	a child that may have no more address space gets blocks until
 *		it is refused some.  All that it has got is as it left it, goes
 *		back, and can be had again
 *	cgroup	a child under a limit of resident memory fills most of it, gives
 *		all back, and does that again and again.  Had it not really given
 *		it back the kernel would kill it
 */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <urcu-bp.h>
#include "chaos.h"

enum {
	PAUSE_MS = 100,
	SPARE = 16 << 20, /* of address space */
	HEAD = 64,        /* bytes of a block that are stamped */
	BLOCKS_MAX = 100 * 1000,
	LIMIT = 48 << 20, /* of resident memory */
	FILL = 32 << 20,
	FILLS = 4,
};

struct block {
	struct block *next;
	uint64_t key;
	unsigned char head[HEAD];
};

static uint64_t address_space(void)
{
	FILE *f = fopen("/proc/self/statm", "re");
	unsigned long pages = 0;

	if (f && fscanf(f, "%lu", &pages) != 1)
		pages = 0;
	if (f)
		fclose(f);
	return pages * 4096ull;
}

struct haul {
	struct block *list;
	size_t bytes;
	bool refused; /* one more, and rightly */
};

/* Until one is refused, or the size is reached. */
static struct haul blocks_get(struct rng *r, size_t most, unsigned int log2_max,
			      bool touch)
{
	struct haul h = { .list = NULL };
	size_t size;

	for (int i = 0; i < BLOCKS_MAX && h.bytes < most; i++) {
		struct block *b;

		size = sizeof(*b) + rng_below(r, 1u << rng_below(r, log2_max));
		errno = 0;
		b = percu_alloc(size);
		h.refused = !b;
		if (!b && errno != ENOMEM)
			fail("a block is refused with errno %d", errno);
		if (!b)
			break;
		if (touch)
			memset(b, 1, size);
		b->key = rng_next(r);
		stamp(b->head, HEAD, b->key);
		b->next = h.list;
		h.list = b;
		h.bytes += size;
	}
	return h;
}

static void blocks_free(struct rng *r, struct block *list)
{
	for (struct block *b = list, *next; b; b = next) {
		next = b->next;
		if (!stamp_holds(b->head, HEAD, b->key))
			fail("a block of a poor child is not as it left it");
		if (rng_below(r, 2))
			percu_free(b);
		else
			percu_free_rcu(b);
	}
	percu_barrier();
}

/*
 * Less may be out: ageing ends cached objects, and what they own goes too.
 * What other threads were just giving back when the child was forked waits in
 * it for ever (pool/reclaim.c): as much as at the beginning, and no more.
 */
static void as_before(const struct percu_memstats *was)
{
	struct percu_memstats is;

	percu_memstats(&is);
	if (is.alloc > was->alloc || is.heap_objects > was->heap_objects ||
	    is.deferred > was->deferred)
		fail("a poor child began with %llu bytes out, %llu deferred, and ends with %llu and %llu",
		     (unsigned long long)was->alloc,
		     (unsigned long long)was->deferred,
		     (unsigned long long)is.alloc,
		     (unsigned long long)is.deferred);
	audit_identities();
}

/* Registers the reader while there is memory for that. */
static void child_begin(struct percu_memstats *was)
{
	rcu_read_lock();
	rcu_read_unlock();
	percu_barrier();
	percu_memstats(was);
}

enum {
	CHILD_OK,
	CHILD_FAILED,
	CHILD_NOT_REFUSED,
};

static int poor_child(void *arg)
{
	struct rng *r = arg;
	struct rlimit limit = { .rlim_cur = address_space() + SPARE,
				.rlim_max = RLIM_INFINITY };
	unsigned int failures = verdict_total();
	struct percu_memstats was;
	struct haul first, again;

	child_begin(&was);
	if (setrlimit(RLIMIT_AS, &limit))
		return CHILD_NOT_REFUSED;
	first = blocks_get(r, SIZE_MAX, 22, false);
	if (break_now(BREAK_POOR)) {
		first.list->head[0] ^= 1;
		first.refused = false;
	}
	blocks_free(r, first.list);
	if (verdict_total() != failures)
		return CHILD_FAILED;
	if (!first.refused)
		return CHILD_NOT_REFUSED;
	percu_age();
	percu_age();
	again = blocks_get(r, first.bytes / 2, 22, false);
	blocks_free(r, again.list);
	if (again.bytes < first.bytes / 2)
		fail("a poor child got %zu bytes, gave all back, and can get only %zu",
		     first.bytes, again.bytes);
	as_before(&was);
	return verdict_total() != failures ? CHILD_FAILED : CHILD_OK;
}

void agent_memory(struct agent *a)
{
	int status;

	if (STRESS_SANITIZED) {
		fault_skip(FAULT_MEMORY, "a sanitizer wants address space");
		return;
	}
	do {
		struct rng r = { rng_next(&a->rng) };

		if (!child_run(poor_child, &r, &status))
			continue;
		if (status == CHILD_FAILED)
			fail("a child with little address space failed");
		if (status == CHILD_OK)
			fault_fired(FAULT_MEMORY, 1);
	} while (chaos_goes_on(rng_below(&a->rng, PAUSE_MS)));
}

/* Control groups. ------------------------------------------------------------ */

struct limited {
	struct cgroup group;
	struct rng rng;
};

static int limited_child(void *arg)
{
	struct limited *l = arg;
	unsigned int failures = verdict_total();
	struct percu_memstats was;

	child_begin(&was);
	/* A copy of every page that the parent's idle objects are put back to. */
	while (percu_age())
		;
	if (!cgroup_enter(&l->group))
		return CHILD_NOT_REFUSED;
	for (int i = 0; i < FILLS; i++) {
		struct haul h = blocks_get(&l->rng, FILL, 17, true);

		if (h.refused)
			fail("a limited child was refused memory");
		blocks_free(&l->rng, h.list);
		while (percu_age())
			;
	}
	as_before(&was);
	return verdict_total() != failures ? CHILD_FAILED : CHILD_OK;
}

static bool group_limit(struct limited *l, char *why, size_t size)
{
	char limit[32];

	if (!cgroup_make(&l->group, "memory", why, size))
		return false;
	snprintf(limit, sizeof(limit), "%d", LIMIT);
	if (cgroup_write(&l->group,
			 l->group.v2 ? "memory.max" : "memory.limit_in_bytes",
			 limit)) {
		/* What is kept shall not hide in swap, where there is some. */
		cgroup_write(&l->group,
			     l->group.v2 ? "memory.swap.max" :
					   "memory.memsw.limit_in_bytes",
			     l->group.v2 ? "0" : limit);
		return true;
	}
	snprintf(why, size, "the group for memory takes no limit");
	cgroup_end(&l->group);
	return false;
}

void agent_cgroup(struct agent *a)
{
	struct limited l;
	char why[96];
	int status;

	if (STRESS_SANITIZED || !group_limit(&l, why, sizeof(why))) {
		fault_skip(FAULT_CGROUP, "%s",
			   STRESS_SANITIZED ? "a sanitizer wants memory" : why);
		return;
	}
	do {
		l.rng.state = rng_next(&a->rng);
		if (!child_run(limited_child, &l, &status))
			continue; /* it has said why, or could not be had */
		if (status == CHILD_FAILED)
			fail("a child under a limit of memory failed");
		if (status == CHILD_OK)
			fault_fired(FAULT_CGROUP, 1);
	} while (chaos_goes_on(5 * rng_below(&a->rng, PAUSE_MS)));
	cgroup_end(&l.group);
}
