/* SPDX-License-Identifier: MIT */
/*
 * bench/retire.c - a put after a grace period
 *
 * Threads get objects and retire them at once, for many grace periods in one
 * turn: percu's reclaimer, or call_rcu's thread, works beside them all the
 * time.  What counts is the clock that passes for a producing thread, for an
 * object: when every CPU produces, what reclaims takes its time from them.
 * After a turn all is put, untimed, so that no contestant pays for another.
 * What the whole process has used is printed as well, and that includes it.
 *
 * All write a word to each object that they get, so that all do the same work:
 * call_rcu writes its head there in any case, and the line of a retired object
 * is cold when it comes back.  What a pair costs that leaves its object alone,
 * as only percu can, is shown beside, and is in no ratio.
 *
 * liburcu calls back on one thread, or on one a CPU if it is told to make them.
 * Both are peers; who retires says which of the two it is to be.
 *
 * kind		where objects come from and where they go
 * flow		a contestant: a kind, and what it has used
 * producer	a thread that runs it; registered, and online if need be
 */
#include <stdio.h>
#include <stdlib.h>

#include <percu/alloc.h>
#include <percu/pool.h>

#include "bench/bench.h"
#include "bench/calls.h"
#include "bench/cases.h"
#include "bench/crew.h"
#include "bench/kit.h"
#include "bench/loops.h"
#include "bench/retire.h"

enum {
	TURN_NS = 20 * MSEC,
	CHUNK = 256, /* objects between two quiescent states */
};

enum flavor {
	MEMB,
	QSBR,
	WITH_MB,
	BP,
	NR_FLAVORS
};

static const struct rcu_flavor_struct *const flavors[NR_FLAVORS] = {
	&urcu_memb_flavor,
	&urcu_qsbr_flavor,
	&urcu_mb_flavor,
	&urcu_bp_flavor,
};

struct flow {
	const struct kind *kind;
	struct percu_pool *pool;
	const struct rcu_flavor_struct *flavor;
	struct crew *crew;
	uint64_t cpu, objects; /* of all turns, ns of the whole process */
};

struct kind {
	const char *name;
	void (*chunk)(const struct flow *f, uint64_t n);
	enum flavor flavor;
	enum role role; /* the limit is not to wait for readers at all */
	void (*drain)(const struct flow *f); /* waits until all is put */
	bool a_cpu; /* call_rcu's thread is the CPU's own, not the only one */
};

/* The chunks. -------------------------------------------------------------- */

static void put_rcu(void *ctx, void *p)
{
	const struct flow *f = ctx;

	percu_pool_put_rcu_flavor(f->pool, p, f->flavor);
}

static void *get(void *ctx)
{
	const struct flow *f = ctx;

	return percu_pool_get(f->pool);
}

static void put(void *ctx, void *p)
{
	const struct flow *f = ctx;

	percu_pool_put(f->pool, p);
}

/* The object is written to: its line comes into this CPU's cache. */
static void *written(uint64_t *p)
{
	if (p)
		*p = 1;
	return p;
}

static void *get_written(void *ctx)
{
	return written(get(ctx));
}

static void *get_alloc(void *none)
{
	(void)none;
	return written(percu_alloc(OBJECT));
}

static void free_rcu(void *ctx, void *p)
{
	const struct flow *f = ctx;

	percu_free_rcu_flavor(p, f->flavor);
}

static void *get_malloc(void *none)
{
	(void)none;
	return written(malloc(OBJECT));
}

static void free_now(void *none, void *p)
{
	(void)none;
	free(p);
}

/* The head lies in the object: it costs no memory, to call_rcu's favour. */
static void free_head(struct rcu_head *head)
{
	free(head);
}

static void free_call_rcu(void *ctx, void *p)
{
	const struct flow *f = ctx;

	f->flavor->update_call_rcu(p, free_head);
}

static void free_defer_rcu(void *none, void *p)
{
	(void)none;
	urcu_memb_defer_rcu(free, p);
}

#define CHUNK_OF(name, get, put)                              \
	static void name(const struct flow *f, uint64_t n)    \
	{                                                     \
		loop_pair(n, get, put, (void *)(uintptr_t)f); \
	}

CHUNK_OF(chunk_pool, get_written, put)
CHUNK_OF(chunk_pool_rcu, get_written, put_rcu)
CHUNK_OF(chunk_untouched, get, put)
CHUNK_OF(chunk_untouched_rcu, get, put_rcu)
CHUNK_OF(chunk_alloc_rcu, get_alloc, free_rcu)
CHUNK_OF(chunk_malloc, get_malloc, free_now)
CHUNK_OF(chunk_call_rcu, get_malloc, free_call_rcu)
CHUNK_OF(chunk_defer_rcu, get_malloc, free_defer_rcu)

static void chunk_kit(const struct flow *f, uint64_t n)
{
	(void)f;
	kit_retire(n);
}

/* The turns. --------------------------------------------------------------- */

static void produce(void *ctx, uint64_t n)
{
	const struct flow *f = ctx;

	urcu_memb_set_thread_call_rcu_data(
		f->kind->a_cpu ? NULL : urcu_memb_get_default_call_rcu_data());
	f->flavor->thread_online();
	for (; n > CHUNK; n -= CHUNK) {
		f->kind->chunk(f, CHUNK);
		f->flavor->read_quiescent_state();
	}
	f->kind->chunk(f, n);
	f->flavor->thread_offline();
}

static void enter(void)
{
	urcu_memb_flavor.register_thread();
	urcu_mb_flavor.register_thread();
	urcu_bp_flavor.register_thread();
	urcu_qsbr_flavor.register_thread();
	urcu_qsbr_flavor.thread_offline();
	if (urcu_memb_defer_register_thread())
		abort();
	kit_enter();
}

static void leave(void)
{
	urcu_memb_set_thread_call_rcu_data(NULL);
	kit_leave();
	urcu_memb_defer_unregister_thread();
	urcu_qsbr_flavor.unregister_thread();
	urcu_bp_flavor.unregister_thread();
	urcu_mb_flavor.unregister_thread();
	urcu_memb_flavor.unregister_thread();
}

static void nothing(const struct flow *f)
{
	(void)f;
}

/* What is idle then goes, for the depots' budget is one for all pools. */
static void drain(const struct flow *f)
{
	(void)f;
	percu_barrier();
	percu_age();
	percu_age();
}

static void drain_call_rcu(const struct flow *f)
{
	f->flavor->barrier();
}

static void drain_defer_rcu(const struct flow *f)
{
	(void)f;
	urcu_memb_defer_barrier();
}

/* Each thread has its own that waits. */
static void drain_one(void *none, uint64_t unused)
{
	(void)none;
	(void)unused;
	kit_barrier();
}

static void drain_kit(const struct flow *f)
{
	crew_run(f->crew, drain_one, NULL, 0, 0);
}

static unsigned int producers;

/* What a producer takes, by the clock. */
static uint64_t turn(void *ctx, uint64_t n)
{
	struct flow *f = ctx;
	uint64_t cpu = process_ns();
	struct crew_time t = crew_run(f->crew, produce, f, n / 8 + 1, n);

	f->kind->drain(f);
	f->cpu += process_ns() - cpu;
	f->objects += (n + n / 8 + 1) * producers;
	return t.wall / producers;
}

/* The first are those that are judged. */
enum {
	PAIR,
	POOL_RCU,
	CALL_RCU,
	NR_JUDGED,
	CALL_RCU_A_CPU = 9,
};

static const struct kind kinds[] = {
	{ "get + put", chunk_pool, MEMB, LIMIT, nothing, false },
	{ "get + put_rcu, memb", chunk_pool_rcu, MEMB, OURS, drain, false },
	{ "malloc + call_rcu, memb", chunk_call_rcu, MEMB, PEER, drain_call_rcu,
	  false },
	{ "get + put_rcu, qsbr", chunk_pool_rcu, QSBR, OURS, drain, false },
	{ "malloc + call_rcu, qsbr", chunk_call_rcu, QSBR, PEER, drain_call_rcu,
	  false },
	{ "get + put_rcu, mb", chunk_pool_rcu, WITH_MB, OURS, drain, false },
	{ "malloc + call_rcu, mb", chunk_call_rcu, WITH_MB, PEER,
	  drain_call_rcu, false },
	{ "get + put_rcu, bp", chunk_pool_rcu, BP, OURS, drain, false },
	{ "malloc + call_rcu, bp", chunk_call_rcu, BP, PEER, drain_call_rcu,
	  false },
	{ "malloc + call_rcu, memb, a thread a CPU", chunk_call_rcu, MEMB, PEER,
	  drain_call_rcu, true },
	{ "malloc + defer_rcu, memb", chunk_defer_rcu, MEMB, PEER,
	  drain_defer_rcu, false },
	{ "alloc + free_rcu, memb", chunk_alloc_rcu, MEMB, OURS, drain, false },
	{ "malloc + free", chunk_malloc, MEMB, PLAIN, nothing, false },
	{ "get + put, not written to", chunk_untouched, MEMB, PLAIN, nothing,
	  false },
	{ "get + put_rcu, memb, not written to", chunk_untouched_rcu, MEMB,
	  PLAIN, drain, false },
	{ "malloc + ck_epoch", chunk_kit, MEMB, PEER, drain_kit, false },
};

enum {
	KINDS = ARRAY_SIZE(kinds)
};

/* With what reclaims, on whichever CPU it ran. */
static void report(const char *group, const struct contestant *c, size_t n)
{
	char name[ROW_NAME];

	for (size_t i = POOL_RCU; i < n; i++) {
		const struct flow *f = c[i].ctx;

		snprintf(name, sizeof(name), "%s: of all CPUs' time",
			 c[i].name);
		row_figure(group, producers, name,
			   (double)f->cpu / (double)f->objects, "ns");
	}
}

/*
 * The flavor that a pool is first retired under has the short way, so each has
 * a pool of its own.  Threads that reclaim are started by the first who
 * retires, and inherit where it may run: this thread, which may run anywhere.
 */
static struct percu_pool *pools[NR_FLAVORS];

static void start_reclaimers(void)
{
	enter();
	for (size_t i = 0; i < NR_FLAVORS; i++) {
		struct flow f = { .flavor = flavors[i] };

		pools[i] = f.pool = make_pool("bench-retire", OBJECT);
		f.flavor->thread_online();
		loop_pair(1, get, put_rcu, &f);
		loop_pair(1, get_malloc, free_call_rcu, &f);
		f.flavor->thread_offline();
		f.flavor->barrier();
	}
	die_unless(!urcu_memb_create_all_cpu_call_rcu_data(0),
		   "call_rcu's threads");
	percu_free_rcu_flavor(percu_alloc(OBJECT), &urcu_memb_flavor);
	percu_barrier();
	leave();
}

static void measure(unsigned int n)
{
	static const struct crew_life life = { enter, leave };
	static const struct pairing pairs[] = {
		{ CALL_RCU, POOL_RCU, "call_rcu / put_rcu" },
		{ POOL_RCU, PAIR, "get + put_rcu / get + put" },
		{ CALL_RCU + 2, POOL_RCU + 2, "call_rcu / put_rcu, qsbr" },
		{ CALL_RCU + 4, POOL_RCU + 4, "call_rcu / put_rcu, mb" },
		{ CALL_RCU + 6, POOL_RCU + 6, "call_rcu / put_rcu, bp" },
		{ CALL_RCU_A_CPU, POOL_RCU,
		  "call_rcu, a thread a CPU / put_rcu" },
	};
	struct flow flow[KINDS];
	struct contestant c[KINDS];
	struct crew *crew = crew_start(n, true, &life);
	struct contest ct = { .name = "retire",
			      .what = "an object got, and put after readers",
			      .x = n,
			      .axis = "threads",
			      .c = c,
			      .n = by_scale(KINDS - !kit_there(), NR_JUDGED,
					    KINDS - !kit_there()),
			      .pairs = pairs,
			      .nr_pairs = by_scale(ARRAY_SIZE(pairs), 2,
						   ARRAY_SIZE(pairs)),
			      .turn_ns = TURN_NS };

	producers = n;
	for (size_t i = 0; i < KINDS; i++) {
		flow[i] = (struct flow){ .kind = &kinds[i],
					 .flavor = flavors[kinds[i].flavor],
					 .pool = pools[kinds[i].flavor],
					 .crew = crew };
		c[i] = (struct contestant){ .name = kinds[i].name,
					    .role = kinds[i].role,
					    .timed = turn,
					    .ctx = &flow[i] };
	}
	contest(&ct);
	report(ct.name, c, ct.n);
	crew_stop(crew);
}

bool case_retire(void)
{
	start_reclaimers();
	if (opt.scale == SHORT)
		row_skip("retire", "whom no bound is about", "not in short");
	else if (!kit_there())
		row_skip("retire", "ck_epoch",
			 "built without Concurrency Kit's headers");
	for (unsigned int n = 1; n < cpus();
	     n = opt.scale == FULL ? 2 * n : cpus())
		measure(n);
	measure(cpus());
	urcu_memb_free_all_cpu_call_rcu_data();
	for (size_t i = 0; i < NR_FLAVORS; i++)
		percu_pool_destroy(pools[i]);
	return true;
}
