// SPDX-License-Identifier: MIT
/*
 * stress/pipe.c - the pass under test: readers, counters, merge
 *
 *	files -> readers -> channel of chunks -> counters -> tables -> merge
 *
 * All are workers.  A chunk is an object of a pool: a reader gets it, some
 * counter puts it, most often on another thread.  A chunk holds whole words: what may be an unfinished word at its end goes to the
 * beginning of the file's next chunk.
 *
 * Each counter has its own table.  When that is as large as a cache likes, or
 * when there is nothing left to count, the counter leaves it in the merge's
 * one place; who finds that place taken takes the table there, merges the two
 * and tries again.  So there is always at most one table in the place, all
 * merging is done by the counters side by side, and memory is bounded by the
 * counters and the distinct words.  In the end the last table is the result.
 */
#include <string.h>
#include <unistd.h>
#include <percu/alloc.h>
#include "words.h"

enum {
	CHUNK = 64 << 10,
	ROOM_PER_COUNTER = 2,
	COUNTERS_PER_READER = 4,
	TABLE_FULL = 64 << 10, /* words; then it is merged */
};

static const char chunk_name[] = "text-chunk";

struct chunk {
	size_t len;
	unsigned char text[CHUNK - sizeof(size_t)];
};

struct pipe {
	struct input *input;            /* constant */
	const struct word_pools *pools; /* constant */
	struct progress *progress;
	struct chan *full;
	struct group *readers;
	atomic_size_t next_file;
	_Atomic uint64_t chunks;
	pthread_mutex_t lock;
	struct table *place; /* (lock) */
};

static struct chunk *chunk_get(struct pipe *pp)
{
	struct chunk *c = crew_get(pp->pools->chunks, chunk_name);

	atomic_fetch_add_explicit(&pp->chunks, 1, memory_order_relaxed);
	c->len = 0;
	return c;
}

static void chunk_push(struct pipe *pp, struct chunk *c)
{
	if (c->len)
		crew_send(pp->full, chunk_name, c);
	else
		crew_put(pp->pools->chunks, chunk_name, c);
}

/* Reads until the chunk is full or the file ends: bytes, or -1. */
static ssize_t chunk_fill(int fd, struct chunk *c)
{
	ssize_t got = 0;

	while (c->len < sizeof(c->text)) {
		ssize_t n =
			read(fd, c->text + c->len, sizeof(c->text) - c->len);

		if (n < 0)
			return -1;
		if (!n)
			break;
		c->len += (size_t)n;
		got += n;
	}
	return got;
}

/* A full chunk: push its whole words; a chunk that begins with the rest. */
static struct chunk *chunk_cut(struct pipe *pp, struct chunk *c)
{
	size_t tail = tokens_tail(c->text, c->len);
	size_t keep = tail < WORD_MAX ? tail : WORD_MAX;
	struct chunk *rest;

	if (tail == c->len) {
		c->len = keep;
		return c;
	}
	rest = chunk_get(pp);
	memcpy(rest->text, c->text + c->len - tail, keep);
	rest->len = keep;
	c->len -= tail;
	chunk_push(pp, c);
	return rest;
}

static void read_file(struct pipe *pp, struct input_file *f)
{
	int fd = input_open(f);
	struct chunk *c;
	off_t bytes = 0;
	ssize_t n;

	if (fd < 0)
		return;
	c = chunk_get(pp);
	while ((n = chunk_fill(fd, c)) > 0) {
		bytes += n;
		progress_add(pp->progress, (uint64_t)n);
		if (c->len == sizeof(c->text))
			c = chunk_cut(pp, c);
	}
	chunk_push(pp, c);
	input_close(f, fd);
	if (bytes != f->st.st_size)
		f->changed = true;
}

static void reader(void *arg)
{
	struct pipe *pp = arg;
	size_t i;

	while ((i = atomic_fetch_add(&pp->next_file, 1)) < pp->input->nr &&
	       !stop_asked())
		read_file(pp, &pp->input->files[i]);
	group_done(pp->readers);
}

static void closer(void *arg)
{
	struct pipe *pp = arg;

	group_wait(pp->readers);
	chan_close(pp->full);
}

static void merge(struct pipe *pp, struct table *t)
{
	struct table *other;

	for (;;) {
		pthread_mutex_lock(&pp->lock);
		other = pp->place;
		pp->place = other ? NULL : t;
		pthread_mutex_unlock(&pp->lock);
		if (!other)
			return;
		t = table_merge(t, other);
	}
}

static void counter(void *arg)
{
	struct pipe *pp = arg;
	struct table *t = table_new(pp->pools->words);
	struct tokens tokens;
	struct token tok;
	struct chunk *c;

	while ((c = crew_recv(pp->full, chunk_name))) {
		tokens_begin(&tokens, c->text, c->len);
		while (tokens_next(&tokens, &tok))
			table_count(t, &tok);
		crew_put(pp->pools->chunks, chunk_name, c);
		if (t->nr_words >= TABLE_FULL) {
			merge(pp, t);
			t = table_new(pp->pools->words);
		}
	}
	merge(pp, t);
}

static void workers_go(struct pipe *pp, struct sched *s, unsigned int counters)
{
	unsigned int readers =
		(counters + COUNTERS_PER_READER - 1) / COUNTERS_PER_READER;

	group_add(pp->readers, readers);
	for (unsigned int i = 0; i < counters; i++)
		sched_go(s, counter, pp, "counter", i);
	for (unsigned int i = 0; i < readers; i++)
		sched_go(s, reader, pp, "reader", i);
	sched_go(s, closer, pp, "closer", 0);
}

struct table *pipe_pass(struct input *in, const struct word_pools *pools,
			const struct options *o, unsigned int counters,
			struct progress *p, uint64_t *chunks)
{
	struct pipe pp = { .input = in, .pools = pools, .progress = p };
	struct sched *s = crew_new(o, 0x90bd5, 0);

	pp.full = must(
		chan_new("full chunks", (size_t)ROOM_PER_COUNTER * counters));
	pp.readers = must(group_new("readers"));
	pthread_mutex_init(&pp.lock, NULL);
	workers_go(&pp, s, counters);
	if (crew_run(s))
		die("the words are not all counted");
	pthread_mutex_destroy(&pp.lock);
	group_free(pp.readers);
	chan_free(pp.full);
	*chunks = pp.chunks;
	return pp.place;
}

size_t pipe_chunk_size(void)
{
	return sizeof(struct chunk);
}
