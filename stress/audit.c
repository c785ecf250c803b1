// SPDX-License-Identifier: MIT
/*
 * stress/audit.c - percu's books against ours
 *
 * Conservation, of a pool that nobody uses at the moment:
 *
 *	gets, puts		= what the scenario counted itself
 *	outstanding		= gets - puts - puts_rcu	= 0
 *	cached			= created - destroyed, nothing deferred
 *
 * and when it is shrunk, cached = its reserve.
 *
 * Of the whole library, at any time and while others are at work, the
 * identities of percu/stats.h; and after a scenario, as many bytes and
 * objects out as before it.
 */
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "stress.h"

#define SOON_NS 5000000000u

static void equal(const char *of, const char *what, uint64_t is,
		  const char *want, uint64_t should)
{
	if (is != should)
		fail("%s: %s is %" PRIu64 ", but %s is %" PRIu64, of, what, is,
		     want, should);
}

static void identities(const struct percu_memstats *ms)
{
	uint64_t bytes = ms->large_bytes;

	for (size_t i = 0; i < PERCU_NR_CLASSES_MAX; i++)
		bytes += ms->by_size[i].bytes;
	equal("memstats", "sys", ms->sys, "heap_sys + meta_sys",
	      ms->heap_sys + ms->meta_sys);
	equal("memstats", "heap_sys", ms->heap_sys, "heap_inuse + heap_idle",
	      ms->heap_inuse + ms->heap_idle);
	equal("memstats", "alloc", ms->alloc, "by_size + large", bytes);
	equal("memstats", "heap_objects", ms->heap_objects, "mallocs - frees",
	      ms->mallocs - ms->frees);
	if (ms->heap_released > ms->heap_idle)
		fail("memstats: heap_released %" PRIu64 " > heap_idle %" PRIu64,
		     ms->heap_released, ms->heap_idle);
}

static atomic_uint spoil;

void audit_spoil(unsigned int bytes)
{
	atomic_store(&spoil, bytes);
}

void audit_identities(void)
{
	struct percu_memstats ms;

	percu_memstats(&ms);
	ms.sys += atomic_load(&spoil);
	identities(&ms);
}

void audit_begin(struct audit *a)
{
	percu_memstats(&a->start);
	identities(&a->start);
}

void audit_end(const struct audit *a)
{
	struct percu_memstats ms;

	percu_barrier();
	percu_memstats(&ms);
	identities(&ms);
	equal("memstats", "alloc", ms.alloc, "alloc at the start",
	      a->start.alloc);
	equal("memstats", "heap_objects", ms.heap_objects,
	      "heap_objects at the start", a->start.heap_objects);
	equal("memstats", "deferred", ms.deferred, "deferred at the start",
	      a->start.deferred);
	printf("  memory    out: %s in %s blocks, as at the start: %s in %s\n",
	       num_bytes(ms.alloc).s, num_count(ms.heap_objects).s,
	       num_bytes(a->start.alloc).s, num_count(a->start.heap_objects).s);
}

/* The number behind "key": in one object of JSON. */
static uint64_t number_of(const char *object, const char *key)
{
	char quoted[40];
	const char *at;

	snprintf(quoted, sizeof(quoted), "\"%s\":", key);
	at = strstr(object, quoted);
	if (!at)
		fail("the statistics of pool %.*s do not say \"%s\"",
		     (int)strcspn(object, "\""), object, key);
	return at ? strtoull(at + strlen(quoted), NULL, 10) : 0;
}

static void pool_conserved(const char *object, uint64_t *made)
{
	char name[40];

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(object, "\""),
		 object);
	equal(name, "outstanding", number_of(object, "outstanding"),
	      "what we hold", 0);
	equal(name, "gets", number_of(object, "gets"), "puts + puts_rcu",
	      number_of(object, "puts") + number_of(object, "puts_rcu"));
	equal(name, "deferred", number_of(object, "deferred"),
	      "what waits after a barrier", 0);
	equal(name, "cached", number_of(object, "cached"), "what ageing leaves",
	      0);
	equal(name, "created", number_of(object, "created"), "destroyed",
	      number_of(object, "destroyed"));
	*made += number_of(object, "created");
}

/* As if percu wrote another name. */
static void spoil_text(char *text, const char *name)
{
	char *at = name ? strstr(text, "\"pools\"") : NULL;

	at = at ? strstr(at, name) : NULL;
	if (at)
		at[1] = '?';
}

/* All that percu_stats_write() says, as a string. */
static char *statistics_text(void)
{
	int fd = memfd_create("statistics", MFD_CLOEXEC);
	char *text = NULL;
	off_t len;

	if (fd < 0 || percu_stats_write(fd, PERCU_STATS_JSON))
		die("percu_stats_write() failed");
	len = lseek(fd, 0, SEEK_END);
	text = must(calloc(1, (size_t)len + 1));
	if (pread(fd, text, (size_t)len, 0) != len)
		die("the statistics cannot be read again");
	close(fd);
	spoil_text(text, break_now(BREAK_POOLS) ? "\"pools\"" : NULL);
	spoil_text(text, break_now(BREAK_KEYS) ? "\"created\"" : NULL);
	return text;
}

void audit_pools(uint64_t *pools, uint64_t *made)
{
	static const char head[] = "{\"name\":\"";
	char *text = statistics_text();
	char *at = strstr(text, "\"pools\":[");

	for (; at && (at = strstr(at, head)); at++) {
		char *end = strchr(at, '}');

		if (!end)
			break;
		*end = '\0';
		pool_conserved(at + sizeof(head) - 1, made);
		at = end;
		++*pools;
	}
	free(text);
	if (!*pools)
		fail("the statistics have no pools");
}

void audit_quiet(struct percu_pool *pool, uint64_t gets, uint64_t puts)
{
	struct percu_pool_stats st;

	percu_pool_stats(pool, &st);
	equal(st.name, "gets", st.gets, "our count", gets);
	equal(st.name, "puts", st.puts, "our count", puts);
	equal(st.name, "outstanding", st.outstanding, "gets - puts - puts_rcu",
	      st.gets - st.puts - st.puts_rcu);
	equal(st.name, "cached + outstanding + deferred",
	      st.cached + st.outstanding + st.deferred, "created - destroyed",
	      st.created - st.destroyed);
	if (gets == puts)
		equal(st.name, "outstanding", st.outstanding, "what we hold",
		      0);
	if (st.misses > st.gets + st.failures)
		fail("%s: %" PRIu64 " misses in %" PRIu64 " gets", st.name,
		     st.misses, st.gets);
}

/* A reserve of slab objects is kept by whole spans, 64 KiB or 8 objects. */
static uint64_t span_max(const struct percu_pool_stats *st)
{
	return 8 + (64 << 10) / st->size;
}

/* Is what a shrink has left the reserve? */
static bool shrunk(const struct percu_pool_stats *st, uint64_t reserve)
{
	if (reserve == AUDIT_KEEPS_ALL)
		return !st->destroyed;
	if (!st->size || !reserve)
		return st->cached == reserve;
	return st->cached >= reserve && st->cached < reserve + span_max(st);
}

/*
 * Others may have some of the pool's idle objects in their hands: who ages all
 * pools, and the reclaimer.  They are just unmaking these, or put them where
 * the next shrink finds them.
 */
static void shrink(struct percu_pool *pool, uint64_t reserve)
{
	uint64_t until = now_ns() + SOON_NS;
	struct percu_pool_stats st;

	do {
		percu_pool_shrink(pool);
		percu_pool_stats(pool, &st);
		if (shrunk(&st, reserve))
			return;
	} while (now_ns() < until && !sched_yield());
	fail("%s: a shrink leaves %" PRIu64 ", the reserve is %" PRIu64
	     "; %" PRIu64 " made, %" PRIu64 " unmade, %" PRIu64 " out, %" PRIu64
	     " deferred",
	     st.name, st.cached, reserve, st.created, st.destroyed,
	     st.outstanding, st.deferred);
}

void audit_destroy(struct percu_pool *pool, uint64_t reserve)
{
	int err;

	calm_begin();
	shrink(pool, reserve);
	err = percu_pool_destroy(pool);
	if (err)
		fail("a pool does not end: percu_pool_destroy() said %d", err);
	calm_end();
}

void audit_monotonic(const struct percu_pool_stats *was,
		     const struct percu_pool_stats *is)
{
	const struct {
		const char *what;
		uint64_t was, is;
	} ever[] = {
		{ "gets", was->gets, is->gets },
		{ "puts", was->puts, is->puts },
		{ "puts_rcu", was->puts_rcu, is->puts_rcu },
		{ "misses", was->misses, is->misses },
		{ "created", was->created, is->created },
		{ "destroyed", was->destroyed, is->destroyed },
		{ "limit_hits", was->limit_hits, is->limit_hits },
		{ "failures", was->failures, is->failures },
	};

	for (size_t i = 0; i < ARRAY_SIZE(ever); i++)
		if (ever[i].is < ever[i].was)
			fail("%s: %s went from %" PRIu64 " back to %" PRIu64,
			     is->name, ever[i].what, ever[i].was, ever[i].is);
}

void audit_table_head(void)
{
	printf("  %-12s %7s %12s %12s %10s %7s %10s %9s %4s\n", "pool", "size",
	       "gets", "puts", "misses", "hits", "created", "cached", "out");
}

void audit_table_row(struct percu_pool *pool)
{
	struct percu_pool_stats st;
	uint64_t hits;

	percu_pool_stats(pool, &st);
	hits = st.gets > st.misses ? st.gets - st.misses : 0;
	printf("  %-12s %7s %12s %12s %10s %7s %10s %9s %4s\n", st.name,
	       st.size ? num_count(st.size).s : "own", num_count(st.gets).s,
	       num_count(st.puts).s, num_count(st.misses).s,
	       num_percent(hits, st.gets).s, num_count(st.created).s,
	       num_count(st.cached).s, num_count(st.outstanding).s);
}
