/* SPDX-License-Identifier: MIT */
/*
 * bench/vec_writer.c - readers beside a writer
 *
 * One read is a read section, a get at a random index and a look at what was
 * got.  The writer has the first CPU, a reader each of the others: with two
 * CPUs that is one reader.  The writer appends and removes what it has appended
 * as fast as it can.  A hand-written array that is copied for each edit shows
 * how much of what a reader then pays is the machine's price for memory that
 * another CPU has just written; arrays that are edited in place under a lock
 * show what waiting costs.
 *
 * What counts is the time on its CPU that a read takes a reader.  How fast the
 * writer was meanwhile stands beside it: a lock that readers hold all the time
 * may keep it out, and then they have no writer beside them.
 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <percu/alloc.h>
#include <percu/pool.h>

#include "bench/crew.h"
#include "bench/kit.h"
#include "bench/seqlock.h"
#include "bench/vec_readers.h"

enum {
	TURN_NS = 10 * MSEC,
	EDITS = 16, /* between two looks at whether to stop */
};

static void read_vec(void *ctx, uint64_t iters)
{
	readers_vec(ctx, iters);
}

static void read_flat(void *ctx, uint64_t iters)
{
	const struct table *t = ctx;
	size_t mask = t->order_len - 1;

	for (uint64_t k = 0; k < iters; k++) {
		rcu_read_lock();
		look(flat_get(&t->flat, t->order[k & mask]));
		rcu_read_unlock();
	}
}

/* In place: the last slot is beyond the length, and all of t is one block. */
static void edit_len(struct table *t, size_t len)
{
	__atomic_store_n(&t->flat->len, len, __ATOMIC_RELAXED);
}

static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;

static void read_rwlock(void *ctx, uint64_t iters)
{
	readers_rwlock(&rwlock, ctx, iters);
}

static void edit_rwlock(struct table *t)
{
	for (size_t i = 0; i < 2; i++) {
		pthread_rwlock_wrlock(&rwlock);
		edit_len(t, t->len - !i);
		pthread_rwlock_unlock(&rwlock);
	}
}

static struct seqlock seq;

static void read_seqlock(void *ctx, uint64_t iters)
{
	seqlock_random(&seq, ctx, iters);
}

static void edit_seqlock(struct table *t)
{
	for (size_t i = 0; i < 2; i++) {
		seqlock_write_begin(&seq);
		edit_len(t, t->len - !i);
		seqlock_write_end(&seq);
	}
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void read_mutex(void *ctx, uint64_t iters)
{
	readers_mutex(&mutex, ctx, iters);
}

static void edit_mutex(struct table *t)
{
	for (size_t i = 0; i < 2; i++) {
		pthread_mutex_lock(&mutex);
		edit_len(t, t->len - !i);
		pthread_mutex_unlock(&mutex);
	}
}

static _Alignas(64) _Atomic uint64_t word; /* snapshot.h */

static void read_snapshot(void *ctx, uint64_t iters)
{
	readers_snapshot(&word, ctx, iters);
}

static void edit_snapshot(struct table *t)
{
	for (size_t i = 0; i < 2; i++) {
		struct snapshot *s = snapshot_of_slots(snapshot_of(word)->slot,
						       t->len, t->len + !i);

		if (!i)
			s->slot[t->len] = t->value;
		percu_free(snapshot_replace(&word, s));
	}
}

static struct kit_array *array;

static void read_kit(void *ctx, uint64_t iters)
{
	const struct table *t = ctx;

	kit_array_get(array, t->order, t->order_len - 1, iters);
}

static void edit_kit(struct table *none)
{
	static uint64_t extra;

	(void)none;
	kit_array_edit(array, &extra);
}

/* The writer. ----------------------------------------------------------------- */

struct writer {
	struct table *t;
	void (*edit)(struct table *t); /* appends, and removes; NULL: the end */
	sem_t go;
	atomic_bool running, stop;
	uint64_t edits, ns;
	pthread_t thread;
};

static void edit_vec(struct table *t)
{
	die_of(percu_vec_append(&t->vec, t->value), "percu_vec_append");
	die_of(percu_vec_remove(&t->vec, t->len), "percu_vec_remove");
}

/* The first block is malloc's, and stays: all others are percu's. */
static void set_flat(struct table *t, size_t len, const struct flat *keep)
{
	struct flat *old = t->flat;
	size_t n = old->len < len ? old->len : len;
	struct flat *f = percu_alloc(sizeof(*f) + len * sizeof(f->slot[0]));

	die_of(f ? 0 : -ENOMEM, "percu_alloc");
	memcpy(f->slot, old->slot, n * sizeof(f->slot[0]));
	if (len > n)
		f->slot[n] = t->value;
	f->len = len;
	rcu_assign_pointer(t->flat, f);
	if (old != keep)
		percu_free_rcu(old);
}

static struct flat *first;

static void edit_flat(struct table *t)
{
	set_flat(t, t->len + 1, first);
	set_flat(t, t->len, first);
}

static void *write_on(void *ctx)
{
	struct writer *w = ctx;

	pin(0);
	readers_enter();
	while (!sem_wait(&w->go) && w->edit) {
		uint64_t start = wall_ns();

		for (w->running = true; !w->stop;) {
			for (int i = 0; i < EDITS; i++)
				w->edit(w->t);
			w->edits += 2 * EDITS;
		}
		w->ns += wall_ns() - start;
		w->running = false;
	}
	readers_leave();
	return NULL;
}

static void writer_start(struct writer *w)
{
	w->stop = false;
	sem_post(&w->go);
	while (!w->running)
		;
}

static void writer_stop(struct writer *w)
{
	w->stop = true;
	while (w->running)
		;
	percu_barrier();
}

struct beside {
	const char *name;
	void (*fn)(void *table, uint64_t iters);
	void (*edit)(struct table *t); /* what the writer does; NULL: alone */
	struct writer *w;
	struct crew *readers;
	unsigned int nr_readers;
	uint64_t edits, ns; /* of the writer */
};

static uint64_t read_beside(void *ctx, uint64_t iters)
{
	struct beside *b = ctx;
	uint64_t ns;

	if (b->edit) {
		b->w->edit = b->edit;
		b->w->edits = b->w->ns = 0;
		writer_start(b->w);
	}
	ns = crew_run(b->readers, b->fn, b->w->t, iters / 8 + 1, iters).cpu;
	if (b->edit) {
		writer_stop(b->w);
		b->edits += b->w->edits;
		b->ns += b->w->ns;
	}
	return ns / b->nr_readers;
}

static void edit_row(const struct contest *ct, const struct beside *b)
{
	char name[ROW_NAME];

	snprintf(name, sizeof(name), "%s: an edit", b->name);
	if (b->edits)
		row_figure(ct->name, ct->x, name,
			   (double)b->ns / (double)b->edits, "ns");
}

/* Each alone, and behind it beside a writer. */
static const struct beside kinds[] = {
	{ .name = "vec", .fn = read_vec },
	{ .name = "vec", .fn = read_vec, .edit = edit_vec },
	{ .name = "copied", .fn = read_flat },
	{ .name = "copied", .fn = read_flat, .edit = edit_flat },
	{ .name = "rwlock", .fn = read_rwlock },
	{ .name = "rwlock", .fn = read_rwlock, .edit = edit_rwlock },
	{ .name = "mutex", .fn = read_mutex },
	{ .name = "mutex", .fn = read_mutex, .edit = edit_mutex },
	{ .name = "seqlock", .fn = read_seqlock },
	{ .name = "seqlock", .fn = read_seqlock, .edit = edit_seqlock },
	{ .name = "snapshot", .fn = read_snapshot },
	{ .name = "snapshot", .fn = read_snapshot, .edit = edit_snapshot },
	{ .name = "ck_array", .fn = read_kit },
	{ .name = "ck_array", .fn = read_kit, .edit = edit_kit },
};

enum {
	KINDS = ARRAY_SIZE(kinds),
	OF_KIT = 2 /* the last */
};

static void all_kinds(struct writer *w, struct crew *readers, unsigned int n)
{
	static const struct pairing pairs[] = {
		{ 1, 0, "vec: beside a writer / alone" },
		{ 3, 2, "copied: beside a writer / alone" },
		{ 3, 1, "beside a writer: copied / vec" },
		{ 5, 1, "beside a writer: rwlock / vec" },
		{ 7, 1, "beside a writer: mutex / vec" },
		{ 9, 1, "beside a writer: seqlock / vec" },
		{ 11, 1, "beside a writer: snapshot / vec" },
		{ 13, 1, "beside a writer: ck_array / vec" },
	};
	struct beside b[KINDS];
	struct contestant c[KINDS] = { 0 };
	char name[KINDS][ROW_NAME];
	struct contest ct = { .name = "vec-writer",
			      .what = "a read while another CPU edits",
			      .x = (double)w->t->len,
			      .axis = "slots",
			      .c = c,
			      .n = kit_there() ? KINDS : KINDS - OF_KIT,
			      .pairs = pairs,
			      .nr_pairs = ARRAY_SIZE(pairs) - !kit_there(),
			      .turn_ns = TURN_NS };

	for (size_t i = 0; i < KINDS; i++) {
		b[i] = kinds[i];
		b[i].w = w;
		b[i].readers = readers;
		b[i].nr_readers = n;
		snprintf(name[i], sizeof(name[i]), "%s%s", b[i].name,
			 b[i].edit ? ", beside a writer" : "");
		c[i] = (struct contestant){ .name = name[i],
					    .timed = read_beside,
					    .ctx = &b[i] };
		if (b[i].edit)
			c[i].role = i == 1 ? OURS : PEER;
	}
	contest(&ct);
	for (size_t i = 0; i < ct.n; i++)
		edit_row(&ct, &b[i]);
}

void bench_vec_writer(struct table *t)
{
	static const struct crew_life life = { readers_enter, readers_leave };
	struct writer w = { .t = t };
	struct crew *readers = crew_start(cpus() - 1, true, &life);

	first = t->flat;
	word = snapshot_new_word(
		snapshot_of_slots(t->flat->slot, t->len, t->len));
	if (kit_there())
		array = kit_array_make(t->flat->slot, t->len);
	else
		row_skip("vec-writer", "ck_array",
			 "built without Concurrency Kit's headers");
	sem_init(&w.go, 0, 0);
	die_of(-pthread_create(&w.thread, NULL, write_on, &w),
	       "pthread_create");
	all_kinds(&w, readers, cpus() - 1);
	w.edit = NULL;
	sem_post(&w.go);
	pthread_join(w.thread, NULL);
	crew_stop(readers);
	if (kit_there())
		kit_array_free(array);
	percu_free(snapshot_of(word));
	if (t->flat != first)
		percu_free(t->flat);
	t->flat = first;
}
