/* SPDX-License-Identifier: MIT */
/*
 * bench/check.c - has anything become slower?
 *
 * Measures, in short, every case that has a guarded bound.  A ratio that is
 * worse than recorded by more than noise is measured again, with its case, in
 * another process: it has to be so every time to be believed, for a machine
 * that others use as well may look at any of us askance for a second.
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
	bool good; /* at least once */
};

static struct watch *watched;
static size_t nr_watched;

static void watch_all(void)
{
	size_t n;
	const struct bound *b = bounds(&n);

	watched = calloc(n, sizeof(*watched));
	die_unless(watched, "check");
	for (; n--; b++)
		if (b->guarded)
			watched[nr_watched++].bound = b;
}

static bool belongs(const char *group, const char *name)
{
	size_t n = strlen(name);

	return !strncmp(group, name, n) && (!group[n] || group[n] == '-');
}

static bool guards(const struct bench_case *c, bool again)
{
	if (!case_wanted(c))
		return false;
	for (size_t i = 0; i < nr_watched; i++)
		if (belongs(watched[i].bound->group, c->name) &&
		    (!again || (watched[i].tries && !watched[i].good)))
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
			w->good |= judge(r) != WORSE;
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

static void say(const struct watch *w)
{
	const struct bound *b = w->bound;
	const struct row *last = &w->seen[w->tries - 1];

	printf("%-14s %-44s", b->group, b->name);
	if (!isnan(b->x))
		printf(" at %.15g", b->x);
	if (!w->tries) {
		printf(" not measured here\n");
		return;
	}
	for (unsigned int i = 0; i < w->tries; i++)
		printf(" %.2f (%.2f .. %.2f)", w->seen[i].e.mid,
		       w->seen[i].e.lo, w->seen[i].e.hi);
	printf(", %s %.6g", b->most ? "at most" : "at least", b->wish);
	if (b->held != b->wish)
		printf(", held at %.6g", b->held);
	printf(": %s\n", w->good ? verdicts[judge(last)] : "WORSE");
	if (!w->good)
		printf("\t%s\n", b->why);
}

bool check(void)
{
	bool ok = true;

	watch_all();
	for (unsigned int try = 0; try < TRIES; try++)
		ok = one_round(try) && ok;
	printf("\nthe guard: what is promised, and what must not get worse\n");
	for (size_t i = 0; i < nr_watched; i++) {
		say(&watched[i]);
		ok = ok && (watched[i].good || !watched[i].tries);
	}
	printf("%s\n", ok ? "nothing is worse than recorded" :
			    "something is worse than recorded");
	return ok;
}
