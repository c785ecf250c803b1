/* SPDX-License-Identifier: MIT */
/*
 * bench/vec_share.c - readers in company: of a writer, of other readers
 *
 * One read is a read section, a get at a random index and a look at what was
 * got.
 *
 * Beside the writer: the reader has one CPU, the writer the other, where it
 * appends and removes what it has appended as fast as it can.  A hand-written
 * array that is copied for each edit shows how much of what the reader then
 * pays is the machine's price for memory that another CPU has just written.
 *
 * Beside readers: the same under the read side of a lock, by 1 to 8 threads.
 * What counts is the time on CPUs that all of them use for a read.
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
#include "bench/vec.h"

enum {
	TURN_NS = 10 * MSEC,
	EDITS = 16, /* between two looks at whether to stop */
};

static inline uint64_t look(const void *obj)
{
	return obj ? *(const volatile uint64_t *)obj : 0;
}

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
	};
	static const char *const name[] = { "vec", "vec, beside a writer",
					    "copied",
					    "copied, beside a writer" };
	static const struct pairing pairs[] = {
		{ 1, 0, "vec: beside a writer / alone" },
		{ 3, 2, "copied: beside a writer / alone" },
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
	w.edit = NULL;
	sem_post(&w.go);
	pthread_join(w.thread, NULL);
	if (t->flat != first)
		percu_free(t->flat);
	t->flat = first;
}

/* The lock. -------------------------------------------------------------------- */

static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;

static void read_locked(void *ctx, uint64_t iters)
{
	const struct table *t = ctx;
	size_t mask = t->order_len - 1;

	for (uint64_t k = 0; k < iters; k++) {
		size_t i = t->order[k & mask];

		pthread_rwlock_rdlock(&lock);
		if (i < t->flat->len)
			look(t->flat->slot[i]);
		pthread_rwlock_unlock(&lock);
	}
}

struct group {
	struct table *t;
	struct crew *crew;
	unsigned int size;
	void (*fn)(void *table, uint64_t iters);
};

static uint64_t read_together(void *ctx, uint64_t reads)
{
	const struct group *g = ctx;
	uint64_t each = reads / g->size + 1;

	return crew_run(g->crew, g->fn, g->t, each / 8 + 1, each).cpu;
}

static void against_rwlock(struct table *t, unsigned int size)
{
	static const struct crew_life life = { rcu_register_thread,
					       rcu_unregister_thread };
	static const struct pairing pair = { 1, 0, NULL };
	struct crew *crew = crew_start(size, true, &life);
	struct group group[] = {
		{ t, crew, size, read_vec },
		{ t, crew, size, read_locked },
	};
	struct contestant c[] = {
		{ .name = "vec", .timed = read_together, .ctx = &group[0] },
		{ .name = "rwlock", .timed = read_together, .ctx = &group[1] },
	};
	struct contest ct = { .name = "vec-lock",
			      .what = "CPU time of a read, by readers at once",
			      .x = size,
			      .axis = "threads",
			      .c = c,
			      .n = ARRAY_SIZE(c),
			      .pairs = &pair,
			      .nr_pairs = 1,
			      .turn_ns = TURN_NS };

	contest(&ct);
	crew_stop(crew);
}

void bench_vec_lock(struct table *t)
{
	for (unsigned int size = 1; size <= 8; size *= 2)
		against_rwlock(t, size);
}
