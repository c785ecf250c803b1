/* SPDX-License-Identifier: MIT */
/*
 * bench/check.c - has anything become slower?
 *
 * Measures, in short, every case that has a bound.  A ratio that is worse than
 * recorded by more than noise is measured again, with its case, in another
 * process: it has to be so every time to be believed, for a machine that others
 * use as well may look at any of us askance for a second.  The best try counts.
 * What is not measured at all has to have been skipped, with a reason.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"

enum {
	TRIES = 3
};

struct watch {
	const struct bound *bound;
	struct row seen[TRIES];
	unsigned int tries;
	enum verdict best; /* of all tries; UNBOUND: there was none */
};

static struct watch *watched;
static size_t nr_watched;

static bool belongs(const char *group, const char *name)
{
	size_t n = strlen(name);

	return !strncmp(group, name, n) && (!group[n] || group[n] == '-');
}

/* Is there a case among those to be looked at? */
static bool wanted(const struct bound *b)
{
	for (size_t i = 0; i < nr_cases; i++)
		if (belongs(b->group, cases[i].name) && case_wanted(&cases[i]))
			return true;
	return false;
}

static void watch_all(void)
{
	size_t n;
	const struct bound *b = bounds(&n);

	watched = calloc(n, sizeof(*watched));
	die_unless(watched, "check");
	for (; n--; b++)
		if (wanted(b))
			watched[nr_watched++].bound = b;
}

static bool guards(const struct bench_case *c, bool again)
{
	if (!case_wanted(c))
		return false;
	for (size_t i = 0; i < nr_watched; i++)
		if (belongs(watched[i].bound->group, c->name) &&
		    (!again || watched[i].best == WORSE))
			return true;
	return false;
}

/* Takes what rows there are from the first-th on. */
static void look(size_t first)
{
	for (size_t i = 0; i < nr_watched; i++) {
		struct watch *w = &watched[i];

		for (size_t k = first; k < nr_rows(); k++) {
			const struct row *r = row_at(k);

			if (bound_of(r) != w->bound)
				continue;
			w->seen[w->tries++] = *r;
			if (!w->best || judge(r) < w->best)
				w->best = judge(r);
			break;
		}
	}
}

static bool one_round(unsigned int try)
{
	bool ok = true;

	for (size_t i = 0; i < nr_cases; i++) {
		size_t first = nr_rows();

		if (!guards(&cases[i], try > 0))
			continue;
		if (try)
			printf("again: %s\n", cases[i].name);
		if (!child_case("percu-bench", cases[i].name)) {
			row_skip(cases[i].name, cases[i].name, "it failed");
			ok = false;
		}
		look(first);
	}
	return ok;
}

static const char *why_not(const struct watch *w)
{
	for (size_t i = 0; i < nr_rows(); i++)
		if (bound_skipped(w->bound, row_at(i)))
			return row_at(i)->note;
	return NULL;
}

static bool good(const struct watch *w)
{
	return w->tries ? w->best != WORSE : why_not(w) != NULL;
}

static void say_try(const struct estimate *e)
{
	printf(" %.2f", e->mid);
	if (e->rounds > 1)
		printf(" (%.2f .. %.2f, %.2f by least times)", e->lo, e->hi,
		       e->least);
}

static void say(const struct watch *w)
{
	const struct bound *b = w->bound;

	printf("%-14s %-44s", b->group, b->name);
	if (!isnan(b->x))
		printf(" at %.15g", b->x);
	if (!w->tries) {
		printf(" NOT MEASURED: %s\n",
		       why_not(w) ? why_not(w) : "and nothing says why");
		return;
	}
	for (unsigned int i = 0; i < w->tries; i++)
		say_try(&w->seen[i].e);
	printf(", %s %.6g", b->most ? "at most" : "at least", b->wish);
	if (b->held != b->wish)
		printf(", held at %.6g", b->held);
	if (!isnan(b->quick) && !b->exact)
		printf(", %.6g by least times", b->quick);
	printf(": %s\n", verdicts[w->best]);
	if (w->best == WORSE)
		printf("\t%s\n", b->why);
}

bool check(void)
{
	bool ok = true;

	watch_all();
	for (unsigned int try = 0; try < TRIES; try++)
		ok = one_round(try) && ok;
	printf("\nthe guard: what is promised, and what must not get worse\n");
	if (bounds_elsewhere())
		printf("(least times are held on %s, and not here)\n",
		       bounds_elsewhere()[0] ? bounds_elsewhere() :
					       "no processor yet");
	for (size_t i = 0; i < nr_watched; i++) {
		say(&watched[i]);
		ok = good(&watched[i]) && ok;
	}
	printf("%s\n", ok ? "nothing is worse than recorded" :
			    "something is worse than recorded, or unknown");
	return ok;
}
