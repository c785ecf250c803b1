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

static const double WRITER_BOUND = 1.1, LOCK_BOUND = 3;

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

static void beside_rows(const struct contestant *c, const struct beside *b,
			const char *n)
{
	char name[80];

	rows_ns(c, 4);
	for (size_t i = 1; i < 4; i += 2) {
		snprintf(name, sizeof(name), "%s, an edit", c[i].name);
		row_info(name, (double)b[i].ns / (double)b[i].edits, "ns");
	}
	snprintf(name, sizeof(name), "vec %s: read beside a writer / alone", n);
	if (!strcmp(n, "1000"))
		row_most(name, c[1].ns / c[0].ns, "x", WRITER_BOUND);
	else
		row_info(name, c[1].ns / c[0].ns, "x");
	snprintf(name, sizeof(name), "copied %s: read beside a writer / alone",
		 n);
	row_info(name, c[3].ns / c[2].ns, "x");
}

void vec_beside_writer(struct table *t)
{
	struct writer w = { .t = t };
	struct beside b[] = {
		{ .fn = read_vec },
		{ .fn = read_vec, .w = &w, .edit = edit_vec },
		{ .fn = read_flat },
		{ .fn = read_flat, .w = &w, .edit = edit_flat },
	};
	const char *n = t->len == SMALL ? "1000" : "10^6";
	struct contestant c[ARRAY_SIZE(b)] = { 0 };
	char name[ARRAY_SIZE(b)][64];

	first = t->flat;
	sem_init(&w.go, 0, 0);
	die_of(-pthread_create(&w.thread, NULL, write_on, &w),
	       "pthread_create");
	for (size_t i = 0; i < ARRAY_SIZE(b); i++) {
		b[i].t = t;
		snprintf(name[i], sizeof(name[i]), "%s %s: read%s",
			 i < 2 ? "vec" : "copied", n,
			 b[i].w ? " beside a writer" : "");
		c[i] = (struct contestant){ .name = name[i],
					    .timed = read_beside,
					    .ctx = &b[i] };
	}
	compare(c, ARRAY_SIZE(c), TURN_NS);
	beside_rows(c, b, n);
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

static void lock_rows(const struct contestant *c, const unsigned int *size,
		      size_t n)
{
	double alone = c[1].ns / c[0].ns;
	char name[80];

	rows_ns(c, 2 * n);
	for (size_t i = 0; i < n; i++) {
		double x = c[2 * i + 1].ns / c[2 * i].ns;

		snprintf(name, sizeof(name), "rwlock / vec 1000, %u threads",
			 size[i]);
		row_least(name, x, "x", LOCK_BOUND);
		snprintf(name, sizeof(name),
			 "rwlock / vec 1000: of %u threads / of 1", size[i]);
		if (size[i] > 1 && size[i] <= cpus())
			row_least(name, x / alone, "x", 1);
		else if (size[i] > 1)
			row_info(name, x / alone, "x");
	}
}

void vec_against_rwlock(struct table *t)
{
	static const unsigned int size[] = { 1, 2, 4, 8 };
	static const struct crew_life life = { rcu_register_thread,
					       rcu_unregister_thread };
	enum {
		N = ARRAY_SIZE(size)
	};
	struct group group[2 * N];
	struct contestant c[2 * N];
	char name[2 * N][64];

	for (size_t i = 0; i < 2 * N; i++) {
		bool locked = i % 2;

		group[i] = (struct group){
			.t = t,
			.crew = locked ? group[i - 1].crew :
					 crew_start(size[i / 2], true, &life),
			.size = size[i / 2],
			.fn = locked ? read_locked : read_vec,
		};
		snprintf(name[i], sizeof(name[i]), "%s 1000: read, %u threads",
			 locked ? "rwlock" : "vec", size[i / 2]);
		c[i] = (struct contestant){ .name = name[i],
					    .timed = read_together,
					    .ctx = &group[i] };
	}
	compare(c, 2 * N, TURN_NS);
	lock_rows(c, size, N);
	for (size_t i = 0; i < 2 * N; i += 2)
		crew_stop(group[i].crew);
}
