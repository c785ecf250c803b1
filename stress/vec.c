// SPDX-License-Identifier: MIT
/*
 * stress/vec.c - vectors that are read while they are edited
 *
 * Workers read vectors of elements, upward, downward and at random, and every
 * so often stay where they are for a while; others insert and remove in every
 * way that <percu/vec.h> has.  Each vector is subject to some kinds of edits,
 * and its readers hold percu to what the table there promises for these:
 *
 *	snapshot	all edits are by copy: a view never changes
 *	but holes	slots are cleared in place: a view changes in that alone
 *	elements	elements move in place: who goes down misses none that
 *			stays
 *
 * What was removed is told by its age (vec_element.c), for which a thread does
 * nothing but wait for one grace period after another.
 */
#include <inttypes.h>
#include <sched.h>
#include <stdlib.h>
#include "vec.h"

enum {
	READERS = 224,
	WRITERS = 32,  /* one in 8 */
	ENOUGH = 2000, /* walks, for each kind to be among them */
	ENOUGH_EDITS = 100 * 1000,
	BY_COPY = REMOVE | EXACT | TAKE | REMOVE_IF | TRUNCATE,
	TIDY = BATCH | COMPACT | CLIP,
};

static const struct kind_of_subject kinds_of_subject[NR_SUBJECTS] = {
	{ .name = "small",
	  .least = PINS,
	  .most = 24,
	  .edits = APPEND | INSERT | REPLACE | NIL | SWAP | BY_COPY | TIDY,
	  .promise = ELEMENTS,
	  .inplace = true },
	/* No append: pins are to be anywhere, at the end too. */
	{ .name = "in place",
	  .least = PINS,
	  .most = 64,
	  .edits = INSERT | REPLACE | NIL | SWAP | REMOVE | COMPACT | CLIP,
	  .promise = ELEMENTS,
	  .inplace = true },
	{ .name = "copies",
	  .least = 200,
	  .most = 1500,
	  .edits = APPEND | INSERT | REPLACE | SWAP | BY_COPY | TIDY,
	  .promise = SNAPSHOT },
	{ .name = "holes",
	  .least = PINS,
	  .most = 900,
	  .edits = APPEND | NIL | REMOVE | COMPACT,
	  .promise = BUT_HOLES,
	  .ordered = true },
	{ .name = "queue",
	  .least = 10,
	  .most = 2000,
	  .edits = APPEND | REMOVE | EXACT | REMOVE_IF | TIDY,
	  .promise = SNAPSHOT,
	  .ordered = true,
	  .dense = true },
	{ .name = "swing",
	  .least = PINS,
	  .most = 3000,
	  .edits = APPEND | BY_COPY | CLIP,
	  .promise = SNAPSHOT,
	  .ordered = true },
	{ .name = "large",
	  .least = 10000,
	  .most = 20000,
	  .edits = APPEND | INSERT | REPLACE | NIL | SWAP | BY_COPY | TIDY,
	  .promise = BUT_HOLES },
};

static const char *const edit_name[NR_EDITS] = {
	"append",       "insert",      "replace", "remove",    "remove_nil",
	"remove_exact", "remove_swap", "take",    "remove_if", "truncate",
	"batch",        "compact",     "clip",
};

static void *keep_ticking(void *arg)
{
	struct stage *st = arg;

	do {
		synchronize_rcu();
		atomic_fetch_add(&st->elements.ticks, 1);
		sched_yield();
	} while (!atomic_load(&st->stop));
	return NULL;
}

static void pins_append(struct stage *st, struct subject *s)
{
	for (unsigned int i = 1; i <= PINS && !s->kind->dense; i++) {
		struct element *e =
			must(element_make(&st->elements, s->number++, i));

		if (must_do(percu_vec_append(&s->vec, e)))
			out_of_memory();
	}
}

static void subject_begin(struct stage *st, unsigned int nth)
{
	const struct kind_of_subject *k = &kinds_of_subject[nth];
	const struct percu_vec_attr attr = {
		.name = k->name,
		.release = element_release,
		.arg = &st->elements,
		.flags = k->inplace ? PERCU_VEC_INPLACE : 0,
	};
	struct subject *s = &st->subjects[nth];

	s->kind = k;
	s->target = k->most;
	pthread_mutex_init(&s->lock, NULL);
	if (must_do(percu_vec_init(&s->vec, &attr)))
		out_of_memory();
	pins_append(st, s);
}

/*
 * After a failure they are left alone: it might be anything that is wrong.
 * Calm: where other CPUs cannot be interrupted, what they have removed is
 * released after the vector's end.
 */
static void subjects_end(struct stage *st)
{
	calm_begin();
	for (struct subject *s = st->subjects; s < st->subjects + NR_SUBJECTS;
	     s++) {
		verdict_stale(percu_vec_check(&s->vec) != 0, s->kind->name);
		percu_vec_destroy(&s->vec);
		pthread_mutex_destroy(&s->lock);
	}
	calm_end();
	elements_fini(&st->elements);
}

static void readers_print(const struct reader *r, unsigned int n,
			  double seconds)
{
	struct reader sum = { .walks = 0 };

	for (unsigned int i = 0; i < n; i++) {
		sum.walks += r[i].walks;
		sum.looks += r[i].looks;
		for (int a = 0; a < AGES; a++)
			sum.age[a] += r[i].age[a];
		for (int p = 0; p < 3; p++) {
			sum.again[p] += r[i].again[p];
			sum.pinned[p] += r[i].pinned[p];
		}
	}
	printf("  reads     %s elements in %s walks, %.2f M/s\n",
	       num_count(sum.looks).s, num_count(sum.walks).s,
	       (double)sum.looks / 1e6 / seconds);
	printf("  promises  %s snapshots, %s but for holes, read twice; pins found in %s views, and in %s going down\n",
	       num_count(sum.again[SNAPSHOT]).s,
	       num_count(sum.again[BUT_HOLES]).s,
	       num_count(sum.pinned[SNAPSHOT] + sum.pinned[BUT_HOLES]).s,
	       num_count(sum.pinned[ELEMENTS]).s);
	printf("  ages      0: %s, 1: %s, 2: %s, more: %s\n",
	       num_count(sum.age[0]).s, num_count(sum.age[1]).s,
	       num_count(sum.age[2]).s, num_count(sum.age[3]).s);
	happened(sum.looks, "read");
	if (alone() && sum.walks > ENOUGH &&
	    (!sum.again[SNAPSHOT] || !sum.again[BUT_HOLES] ||
	     !sum.pinned[SNAPSHOT] || !sum.pinned[ELEMENTS]))
		fail("a promise was never looked at");
}

static void edits_print(const struct stage *st)
{
	uint64_t edits[NR_EDITS] = { 0 }, all = 0, refused = 0;
	uint64_t grown = 0, collapsed = 0;

	for (const struct subject *s = st->subjects;
	     s < st->subjects + NR_SUBJECTS; s++) {
		for (int i = 0; i < NR_EDITS; i++) {
			edits[i] += s->edits[i];
			all += s->edits[i];
		}
		refused += s->refused;
		grown += s->grown;
		collapsed += s->collapsed;
	}
	printf("  edits     %s: ", num_count(all).s);
	for (int i = 0; i < NR_EDITS; i++)
		printf("%s%s %s", i ? ", " : "", edit_name[i],
		       num_count(edits[i]).s);
	printf("\n            %s refused; %s times a tree grew, %s times one collapsed\n",
	       num_count(refused).s, num_count(grown).s,
	       num_count(collapsed).s);
	printf("  released  %s, in %s grace periods of the clock's\n",
	       num_count(st->elements.releases).s,
	       num_count(st->elements.ticks).s);
	happened(all, "edited");
	happened(st->elements.releases, "released");
	happened(st->elements.ticks, "waited for");
	if (all < ENOUGH_EDITS || !alone())
		return;
	for (int i = 0; i < NR_EDITS; i++)
		happened(edits[i], edit_name[i]);
	happened(grown, "grown to a tree");
	happened(collapsed, "collapsed");
}

static void crew_start(struct stage *st, struct sched *s, struct reader *r,
		       unsigned int nr_r, struct writer *w, unsigned int nr_w)
{
	for (unsigned int i = 0; i < nr_r; i++) {
		r[i].st = st;
		r[i].rng.state = mix64(st->o->seed + i);
		sched_go(s, vec_read, &r[i], "reader", i);
	}
	for (unsigned int i = 0; i < nr_w; i++) {
		w[i].st = st;
		w[i].rng.state = mix64(~st->o->seed - i);
		sched_go(s, vec_write, &w[i], "writer", i);
	}
}

void vec_run(const struct options *o)
{
	struct sched *s = crew_new(o, 0x7ec, o->seconds);
	unsigned int n = crew_size(o, READERS + WRITERS);
	unsigned int nr_w = (n + 7) / 8, nr_r = n - nr_w + 1;
	struct stage *st = must(calloc(1, sizeof(*st)));
	struct reader *r = must(calloc(nr_r, sizeof(*r)));
	struct writer *w = must(calloc(nr_w, sizeof(*w)));
	pthread_t clock;
	double seconds;
	bool ended;

	law("no reader sees what was released, or was removed a grace period ago");
	law("a view is what vec.h promises for each way to remove; each element is released once");
	st->o = o;
	elements_init(&st->elements);
	for (unsigned int i = 0; i < NR_SUBJECTS; i++)
		subject_begin(st, i);
	crew_start(st, s, r, nr_r, w, nr_w);
	thread_start(&clock, keep_ticking, st);
	progress_start(&st->progress, "vec", PROGRESS_TIME,
		       (uint64_t)(o->seconds * 1e3));
	crew_run(s);
	seconds = progress_stop(&st->progress);
	atomic_store(&st->stop, true);
	pthread_join(clock, NULL);
	ended = !verdict_failures();
	if (ended)
		subjects_end(st);
	readers_print(r, nr_r, seconds);
	edits_print(st);
	if (ended)
		free(st); /* else the vectors are in it, and what they retire */
	free(r);
	free(w);
}
