/* SPDX-License-Identifier: MIT */
/*
 * bench/vec_writer.c - a reader beside a writer
 *
 * One read is a read section, a get at a random index and a look at what was
 * got.  The reader has one CPU, the writer the other, where it appends and
 * removes what it has appended as fast as it can.  A hand-written array that
 * is copied for each edit shows how much of what the reader then pays is the
 * machine's price for memory that another CPU has just written; arrays that
 * are edited in place under a lock show what waiting costs.
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

#include "bench/seqlock.h"
#include "bench/vec.h"

enum {
	TURN_NS = 10 * MSEC,
	EDITS = 16, /* between two looks at whether to stop */
};

static void read_vec(void *ctx, uint64_t iters)
{
	const struct table *t = ctx;
	size_t mask = t->order_len - 1;

	for (uint64_t k = 0; k < iters; k++) {
		rcu_read_lock();
		look(percu_vec_get(&t->vec, t->order[k & mask]));
		rcu_read_unlock();
	}
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
	const struct table *t = ctx;
	size_t mask = t->order_len - 1;

	for (uint64_t k = 0; k < iters; k++) {
		size_t i = t->order[k & mask];

		pthread_rwlock_rdlock(&rwlock);
		if (i < t->flat->len)
			look(t->flat->slot[i]);
		pthread_rwlock_unlock(&rwlock);
	}
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
	rcu_register_thread();
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
	rcu_unregister_thread();
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
	void (*fn)(void *table, uint64_t iters);
	struct table *t;
	struct writer *w;              /* or NULL */
	void (*edit)(struct table *t); /* what it is to do */
	uint64_t edits, ns;            /* of the writer */
};

static uint64_t read_beside(void *ctx, uint64_t iters)
{
	struct beside *b = ctx;
	uint64_t t;

	if (b->w) {
		b->w->edit = b->edit;
		b->w->edits = b->w->ns = 0;
		writer_start(b->w);
	}
	b->fn(b->t, iters / 8 + 1);
	t = thread_ns();
	b->fn(b->t, iters);
	t = thread_ns() - t;
	if (b->w) {
		writer_stop(b->w);
		b->edits += b->w->edits;
		b->ns += b->w->ns;
	}
	return t;
}

static void edit_row(const struct contest *ct, size_t i, const char *name)
{
	const struct beside *b = ct->c[i].ctx;

	if (b->edits)
		row_figure(ct->name, ct->x, name,
			   (double)b->ns / (double)b->edits, "ns");
}

void bench_vec_writer(struct table *t)
{
	struct writer w = { .t = t };
	struct beside b[] = {
		{ .fn = read_vec },
		{ .fn = read_vec, .w = &w, .edit = edit_vec },
		{ .fn = read_flat },
		{ .fn = read_flat, .w = &w, .edit = edit_flat },
		{ .fn = read_rwlock },
		{ .fn = read_rwlock, .w = &w, .edit = edit_rwlock },
		{ .fn = read_seqlock },
		{ .fn = read_seqlock, .w = &w, .edit = edit_seqlock },
	};
	static const char *const name[] = {
		"vec",     "vec, beside a writer",
		"copied",  "copied, beside a writer",
		"rwlock",  "rwlock, beside a writer",
		"seqlock", "seqlock, beside a writer",
	};
	static const struct pairing pairs[] = {
		{ 1, 0, "vec: beside a writer / alone" },
		{ 3, 2, "copied: beside a writer / alone" },
		{ 5, 1, "beside a writer: rwlock / vec" },
		{ 7, 1, "beside a writer: seqlock / vec" },
	};
	struct contestant c[ARRAY_SIZE(b)] = { 0 };
	struct contest ct = { .name = "vec-writer",
			      .what = "a read while another CPU edits",
			      .x = (double)t->len,
			      .axis = "slots",
			      .c = c,
			      .n = ARRAY_SIZE(b),
			      .pairs = pairs,
			      .nr_pairs = ARRAY_SIZE(pairs),
			      .turn_ns = TURN_NS };

	first = t->flat;
	sem_init(&w.go, 0, 0);
	die_of(-pthread_create(&w.thread, NULL, write_on, &w),
	       "pthread_create");
	for (size_t i = 0; i < ARRAY_SIZE(b); i++) {
		b[i].t = t;
		c[i] = (struct contestant){ .name = name[i],
					    .timed = read_beside,
					    .ctx = &b[i] };
	}
	contest(&ct);
	edit_row(&ct, 1, "vec: an edit");
	edit_row(&ct, 3, "copied: an edit");
	edit_row(&ct, 5, "rwlock: an edit");
	edit_row(&ct, 7, "seqlock: an edit");
	w.edit = NULL;
	sem_post(&w.go);
	pthread_join(w.thread, NULL);
	if (t->flat != first)
		percu_free(t->flat);
	t->flat = first;
}
