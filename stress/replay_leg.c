// SPDX-License-Identifier: MIT
/*
 * stress/replay_leg.c - events by thread, and who waits for whom
 */
#include <stdlib.h>
#include "replay.h"

struct leg *leg_new(const struct trace *sum)
{
	struct leg *l = must(calloc(1, sizeof(*l)));

	l->runs = must(calloc(sum->threads, sizeof(*l->runs)));
	l->run_of = must(calloc(sum->threads, sizeof(*l->run_of)));
	l->last = must(calloc((size_t)sum->slots + 1, sizeof(*l->last)));
	return l;
}

void leg_free(struct leg *l)
{
	free(l->runs);
	free(l->run_of);
	free(l->last);
	free(l);
}

static uint32_t run_of(struct leg *l, uint32_t thread)
{
	if (l->run_of[thread].leg != l->nth) {
		l->run_of[thread].leg = l->nth;
		l->run_of[thread].run = l->nr_runs;
		l->runs[l->nr_runs++] = (struct run){ .thread = thread };
	}
	return l->run_of[thread].run;
}

static void read_event(struct leg *l, const struct trace_event *e)
{
	uint32_t run = run_of(l, e->thread), i = l->nr_plays++;

	l->read[i].run = run;
	l->read[i].play = (struct play){
		.op = (uint8_t)e->op,
		.align = (uint8_t)e->align,
		.slot = e->slot,
		.size = e->size,
	};
	l->runs[run].n++;
}

static void edge(struct leg *l, uint32_t nth, uint32_t run)
{
	struct play *p = &l->plays[nth];

	if (l->last[p->slot].leg == l->nth && l->last[p->slot].run != run) {
		p->awaits = ++l->nr_edges;
		l->plays[l->last[p->slot].play].passes = p->awaits;
	}
	l->last[p->slot].leg = l->nth;
	l->last[p->slot].play = nth;
	l->last[p->slot].run = run;
}

static void sort(struct leg *l)
{
	uint32_t first = 0;

	for (uint32_t i = 0; i < l->nr_runs; i++) {
		l->runs[i].first = first;
		first += l->runs[i].n;
		l->runs[i].n = 0;
	}
	for (uint32_t i = 0; i < l->nr_plays; i++) {
		struct run *r = &l->runs[l->read[i].run];
		uint32_t at = r->first + r->n++;

		l->plays[at] = l->read[i].play;
		edge(l, at, l->read[i].run);
	}
}

bool leg_read(struct leg *l, struct trace *t)
{
	struct trace_event e;
	int more = 1;

	l->nth++;
	l->nr_plays = l->nr_runs = l->nr_edges = 0;
	while (l->nr_plays < LEG && (more = trace_next(t, &e)) > 0)
		read_event(l, &e);
	if (more < 0)
		die("a trace that was whole is damaged: %s", t->error);
	sort(l);
	return l->nr_plays;
}
