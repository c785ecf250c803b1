/* SPDX-License-Identifier: MIT */
/*
 * bench/vec_lock.c - readers at once, under one lock or another, and none
 *
 * One read is a section of its kind, a get at a random index and a look at
 * what was got, by 1 to 8 threads.  What counts is the time on CPUs that all
 * of them use for a read.  Nobody writes: these are the best of days.
 *
 *	array		without a section: nobody may ever write
 *	rwlock, mutex	pthread's
 *	seqlock		see seqlock.h
 *	snapshot	see snapshot.h
 *	ck_array	in a section of an epoch, of Concurrency Kit
 */
#include "bench/crew.h"
#include "bench/kit.h"
#include "bench/seqlock.h"
#include "bench/vec_readers.h"

enum {
	TURN_NS = 10 * MSEC
};

static void read_vec(void *ctx, uint64_t iters)
{
	readers_vec(ctx, iters);
}

/* Neither a section nor a lock: nobody may ever write. */
static void read_array(void *ctx, uint64_t iters)
{
	const struct table *t = ctx;
	size_t mask = t->order_len - 1;

	for (uint64_t k = 0; k < iters; k++)
		look_at(t->flat, t->order[k & mask]);
}

static void read_rwlock(void *ctx, uint64_t iters)
{
	static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;

	readers_rwlock(&lock, ctx, iters);
}

static void read_mutex(void *ctx, uint64_t iters)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

	readers_mutex(&lock, ctx, iters);
}

static void read_seqlock(void *ctx, uint64_t iters)
{
	static struct seqlock seq;

	seqlock_random(&seq, ctx, iters);
}

static _Alignas(64) _Atomic uint64_t word; /* snapshot.h */

static void read_snapshot(void *ctx, uint64_t iters)
{
	readers_snapshot(&word, ctx, iters);
}

static struct kit_array *array;

static void read_kit(void *ctx, uint64_t iters)
{
	const struct table *t = ctx;

	kit_array_get(array, t->order, t->order_len - 1, iters);
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

static const struct way {
	const char *name;
	enum role role;
	void (*fn)(void *table, uint64_t iters);
} ways[] = {
	{ "vec", OURS, read_vec },           { "rwlock", PEER, read_rwlock },
	{ "mutex", PEER, read_mutex },       { "seqlock", PEER, read_seqlock },
	{ "snapshot", PEER, read_snapshot }, { "array", LIMIT, read_array },
	{ "ck_array", PEER, read_kit },
};

enum {
	WAYS = ARRAY_SIZE(ways)
};

static void by_threads(struct table *t, unsigned int size)
{
	static const struct crew_life life = { readers_enter, readers_leave };
	static const struct pairing pairs[] = {
		{ 1, 0, NULL }, { 2, 0, NULL }, { 3, 0, NULL },
		{ 4, 0, NULL }, { 6, 0, NULL },
	};
	struct crew *crew = crew_start(size, true, &life);
	struct group group[WAYS];
	struct contestant c[WAYS];
	struct contest ct = { .name = "vec-lock",
			      .what = "CPU time of a read, by readers at once",
			      .x = size,
			      .axis = "threads",
			      .c = c,
			      .n = WAYS - !kit_there(),
			      .pairs = pairs,
			      .nr_pairs = ARRAY_SIZE(pairs) - !kit_there(),
			      .turn_ns = TURN_NS };

	for (size_t i = 0; i < WAYS; i++) {
		group[i] = (struct group){ t, crew, size, ways[i].fn };
		c[i] = (struct contestant){ .name = ways[i].name,
					    .role = ways[i].role,
					    .timed = read_together,
					    .ctx = &group[i] };
	}
	contest(&ct);
	crew_stop(crew);
}

void bench_vec_lock(struct table *t)
{
	if (kit_there())
		array = kit_array_make(t->flat->slot, t->len);
	else
		row_skip("vec-lock", "ck_array",
			 "built without Concurrency Kit's headers");
	word = snapshot_new_word(
		snapshot_of_slots(t->flat->slot, t->len, t->len));
	for (unsigned int size = 1; size <= 8; size *= 2)
		by_threads(t, size);
	percu_free(snapshot_of(word));
	if (kit_there())
		kit_array_free(array);
}
