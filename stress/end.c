// SPDX-License-Identifier: MIT
/*
 * stress/end.c - what must hold when all is over
 *
 * All that scenarios made is given back by then, so everything can be asked
 * of the whole process: that every pool is conserved, that nothing is held by
 * slices, waits for readers, lies in stale slots or is still at work, that the
 * statistics add up, that memory went back to the system, and that what was to
 * go wrong on the way did go wrong.
 */
#include <inttypes.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <percu/alloc.h>
#include <percu/buf.h>
#include "stress.h"

enum {
	AGES = 8, /* two make a pool empty; more change nothing */
	RESIDENT_PERCENT = 5,
	STACKS = 512 << 10,
	RECORDS = 32 << 20,
};

struct finding findings[NR_END_LAWS] = {
	[END_CONSERVED] = { .name = "conserved",
			    .what = "no object of any pool is out" },
	[END_RETAINED] = { .name = "retained",
			   .what = "no slice holds memory" },
	[END_DEFERRED] = { .name = "deferred",
			   .what = "nothing waits after a barrier" },
	[END_STALE] = { .name = "stale",
			.what = "no slot of a vector was left uncleared" },
	[END_WORKERS] = { .name = "workers",
			  .what = "every worker has finished" },
	[END_STATISTICS] = { .name = "statistics", .what = "the sums add up" },
	[END_RESIDENT] = { .name = "resident",
			   .what = "memory went back to the system" },
	[END_FAULTS] = { .name = "faults",
			 .what = "each fault that was asked for was forced" },
};

static _Atomic uint64_t stale, checks, leaked;
static struct {
	uint64_t resident, meta;
} warm;

void verdict_stale(uint64_t slots, const char *vec)
{
	atomic_fetch_add(&checks, 1);
	atomic_fetch_add(&stale, slots);
	if (slots)
		fail("%" PRIu64 " stale slots in the vector %s", slots, vec);
}

void verdict_leaked(unsigned int workers, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	atomic_fetch_add(&leaked, workers);
	if (!workers)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (workers == 1)
		fail("never ended: %s", text);
	else
		fail("%u workers never ended: %s", workers, text);
}

__attribute__((format(printf, 2, 3))) static void say(enum end_law l,
						      const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(findings[l].text, sizeof(findings[l].text), fmt, ap);
	va_end(ap);
}

/* What is idle goes back: percu's by ageing, the C library's by trimming. */
static void give_back(void)
{
	percu_barrier();
	for (int i = 0; i < AGES; i++)
		percu_age();
	malloc_trim(0);
}

void end_warm(void)
{
	struct percu_memstats ms;

	give_back();
	percu_memstats(&ms);
	warm.resident = rss_anonymous();
	warm.meta = ms.meta_sys;
}

static void conserved(void)
{
	unsigned int before = verdict_failures();
	uint64_t pools = 0, made = 0;

	audit_pools(&pools, &made);
	say(END_CONSERVED, "%s pools of size classes: %s objects made, %s",
	    num_count(pools).s, num_count(made).s,
	    verdict_failures() == before ? "all unmade, 0 out" :
					   "and not all of them are back");
}

static void retained(void)
{
	struct percu_slice_stats st;

	percu_slice_stats(&st);
	if (st.slices || st.blocks || st.held)
		fail("%" PRIu64 " slices retain %" PRIu64 " bytes of %" PRIu64
		     " blocks",
		     st.slices, st.held, st.blocks);
	say(END_RETAINED, "%s bytes by %s slices", num_count(st.held).s,
	    num_count(st.slices).s);
}

static void deferred(void)
{
	struct percu_memstats ms;

	percu_memstats(&ms);
	if (ms.deferred)
		fail("%" PRIu64 " bytes are deferred after the barrier",
		     ms.deferred);
	say(END_DEFERRED, "%s bytes, after %s grace periods",
	    num_count(ms.deferred).s, num_count(ms.grace_periods).s);
}

/* The two whose failures were told when they were found. */
static void told(void)
{
	break_begin(END_STALE);
	break_begin(END_WORKERS);
	findings[END_STALE].ok = !stale;
	say(END_STALE, "%s slots in %s audits of vectors", num_count(stale).s,
	    num_count(checks).s);
	findings[END_WORKERS].ok = !leaked;
	say(END_WORKERS, "%s leaked", num_count(leaked).s);
}

static void statistics(void)
{
	unsigned int before = verdict_failures();

	audit_identities();
	say(END_STATISTICS, verdict_failures() == before ?
				    "every identity holds" :
				    "a sum is not that of its parts");
}

/*
 * percu keeps its own records for the next peak: what these grew by has a
 * bound of its own, and need not all be resident.  The C library keeps a few
 * pages of each thread's stack, which in a process as small as this can be more
 * than the percentage.
 */
static void resident(void)
{
	uint64_t now = break_now(BREAK_UNKNOWN) ? 0 : rss_anonymous();
	uint64_t records, more;
	struct percu_memstats ms;

	percu_memstats(&ms);
	records = ms.meta_sys > warm.meta ? ms.meta_sys - warm.meta : 0;
	more = warm.resident * RESIDENT_PERCENT / 100;
	more = more > STACKS ? more : STACKS;
	if (STRESS_SANITIZED) {
		say(END_RESIDENT, "not compared: a sanitizer keeps memory");
		return;
	}
	if (!now || !warm.resident) {
		fail("/proc/self/statm does not say how much is resident");
		say(END_RESIDENT, "not known");
		return;
	}
	if (now > warm.resident + records + more)
		fail("%s are resident, %s after the warm-up; percu's records grew by %s, and %s more are allowed",
		     num_bytes(now).s, num_bytes(warm.resident).s,
		     num_bytes(records).s, num_bytes(more).s);
	if (records > RECORDS)
		fail("percu's own records grew by %s", num_bytes(records).s);
	say(END_RESIDENT,
	    "%s, %s after the warm-up; percu's records grew by %s, and %s more are allowed",
	    num_bytes(now).s, num_bytes(warm.resident).s, num_bytes(records).s,
	    num_bytes(more).s);
}

/* One fault, and how often; why not. */
static size_t force_say(const struct fault *f, char *text, size_t size)
{
	uint64_t fired = f->fired, own = f->own;
	int n;

	if (f->skipped[0])
		n = snprintf(text, size, "%s skipped (%s)", f->name,
			     f->skipped);
	else if (own)
		n = snprintf(text, size, "%s %s (%s met by others)", f->name,
			     num_count(fired).s, num_count(fired - own).s);
	else
		n = snprintf(text, size, "%s %s", f->name, num_count(fired).s);
	return (size_t)n;
}

static void forced(void)
{
	char *text = findings[END_FAULTS].text;
	size_t size = sizeof(findings[END_FAULTS].text), len = 0;

	for (const struct fault *f = faults; f < faults + NR_FAULTS; f++) {
		if (!f->requested)
			continue;
		if (len && len < size)
			len += (size_t)snprintf(text + len, size - len, ", ");
		if (len < size)
			len += force_say(f, text + len, size - len);
		if (!f->skipped[0] && !f->fired && !stop_asked())
			fail("fault %s was asked for and never fired", f->name);
	}
	if (!len)
		say(END_FAULTS, "none were asked for");
}

static void find(struct part *p, enum end_law l, void (*look)(void))
{
	unsigned int before = atomic_load(&p->failures);

	watch_beat();
	break_begin(l);
	look();
	break_end(l);
	findings[l].ok = atomic_load(&p->failures) == before;
}

void end_run(const struct options *o)
{
	static struct part end = { .name = "the end" };

	if (verdict_total()) {
		for (enum end_law l = 0; l < NR_END_LAWS; l++)
			say(l, "not looked at: the run had failed by then");
		return;
	}
	options_again(o, NULL, end.again, sizeof(end.again));
	part_begins(&end);
	find(&end, END_RETAINED, retained);
	percu_free(must(percu_alloc(1))); /* there is a pool to look at */
	give_back();
	find(&end, END_DEFERRED, deferred);
	find(&end, END_CONSERVED, conserved);
	find(&end, END_STATISTICS, statistics);
	find(&end, END_RESIDENT, resident);
	find(&end, END_FAULTS, forced);
	told();
	part_begins(NULL);
}
