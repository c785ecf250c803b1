// SPDX-License-Identifier: MIT
/*
 * stress/trace/read.c - read a trace, and believe none of it
 *
 * The format:
 *
 *	trace	"percutr1" event... end
 *	event	head [more] fields
 *	head	a byte: op in its low 3 bits; above them the microseconds since
 *		the event before, where they are less than 31
 *	more	if those bits are 31: the rest of the microseconds, a number
 *	fields	of 1 malloc	slot size
 *		   2 calloc	slot size
 *		   3 aligned	slot align size		align: log2
 *		   4 realloc	slot size		the block keeps its slot
 *		   5 free	slot
 *		   6 thread	thread		whose events follow; first 0
 *		   0 end	ops digest		and then nothing
 *	ops	how many events there were, those of thread not counted
 *	digest	8 bytes, the lowest first: FNV-1a of all bytes before them
 *
 * A number is written 7 bits a byte, the lowest first; all bytes but the last
 * have their high bit set.  A block is made in a slot that is free, or in the
 * next that there never was; so it is with threads.  A trace has as many as its
 * events name, and few bytes never make a reader want much memory.
 *
 * Checked is that all of this holds, that a block is made where none is, and
 * resized and freed where one is, and that no more lives than an address space
 * has room for.  A block may live on when the trace ends.
 */
#include <stdlib.h>
#include <string.h>

#include "stress/trace/trace.h"

enum {
	MORE = 31, /* microseconds in the head */
	DIGEST_BYTES = 8,
};

uint64_t trace_digest(uint64_t digest, const void *bytes, size_t len)
{
	const unsigned char *p = bytes;

	for (size_t i = 0; i < len; i++)
		digest = (digest ^ p[i]) * 0x100000001b3u;
	return digest;
}

static int damaged(struct trace *t, const char *what)
{
	if (!t->error[0])
		snprintf(t->error, sizeof(t->error), "byte %zu: %s",
			 (size_t)(t->at - t->start), what);
	t->end = t->at; /* for good */
	return -1;
}

void trace_open(struct trace *t, const void *bytes, size_t len)
{
	const size_t magic = sizeof(TRACE_MAGIC) - 1;

	memset(t, 0, sizeof(*t));
	t->start = t->at = bytes;
	t->end = t->start + len;
	t->threads = 1;
	if (len < magic || memcmp(bytes, TRACE_MAGIC, magic))
		damaged(t, "this is no trace");
	else
		t->at += magic;
}

void trace_close(struct trace *t)
{
	free(t->sizes);
	t->sizes = NULL;
}

static int number(struct trace *t, uint64_t *n)
{
	uint64_t byte;

	*n = 0;
	for (unsigned int shift = 0; t->at < t->end; shift += 7) {
		byte = *t->at & 0x7f;
		if (shift > 63 || byte << shift >> shift != byte)
			return damaged(t, "a number is too large");
		*n |= byte << shift;
		if (!(*t->at++ & 0x80))
			return 0;
	}
	return damaged(t, "the trace is cut short");
}

/* Up to and with max: what is larger is called what. */
static int number_to(struct trace *t, uint64_t max, const char *what,
		     uint64_t *n)
{
	if (number(t, n))
		return -1;
	return *n > max ? damaged(t, what) : 0;
}

static int slot_new(struct trace *t)
{
	if (t->slots == t->room) {
		size_t room = t->room ? 2 * t->room : 1024;
		uint64_t *sizes = realloc(t->sizes, room * sizeof(*sizes));

		if (!sizes)
			return damaged(t, "no memory for so many slots");
		t->sizes = sizes;
		t->room = room;
	}
	t->sizes[t->slots++] = 0;
	return 0;
}

static int read_slot(struct trace *t, struct trace_event *e)
{
	bool made = e->op == TRACE_MALLOC || e->op == TRACE_CALLOC ||
		    e->op == TRACE_ALIGNED;
	uint64_t slot;

	if (number_to(t, TRACE_SLOTS_MAX - 1, "no such slot", &slot))
		return -1;
	if (slot > t->slots || (slot == t->slots && !made))
		return damaged(t, "no such slot");
	if (slot == t->slots && slot_new(t))
		return -1;
	e->slot = (uint32_t)slot;
	if (made && t->sizes[slot])
		return damaged(t, "a block is made where one lives");
	if (!made && !t->sizes[slot])
		return damaged(t, e->op == TRACE_FREE ?
					  "a free of what does not live" :
					  "a realloc of what does not live");
	return 0;
}

/* The slot is the event's; size becomes what the block has from now on. */
static int read_size(struct trace *t, struct trace_event *e)
{
	const uint64_t most = 1ull << TRACE_BYTES_LOG2;
	uint64_t align = 0, was = t->sizes[e->slot];

	if (e->op == TRACE_ALIGNED &&
	    number_to(t, TRACE_ALIGN_MAX, "no such alignment", &align))
		return -1;
	if (number_to(t, most - 1, "a block is too large", &e->size))
		return -1;
	e->align = (unsigned int)align;
	t->blocks += !was;
	t->bytes += e->size - (was ? was - 1 : 0);
	if (t->bytes >= most)
		return damaged(t, "more lives than there are addresses");
	if (t->bytes > t->peak)
		t->peak = t->bytes;
	t->sizes[e->slot] = e->size + 1;
	return 0;
}

static int read_thread(struct trace *t)
{
	uint64_t thread;

	if (number_to(t, TRACE_THREADS_MAX - 1, "no such thread", &thread))
		return -1;
	if (thread > t->threads)
		return damaged(t, "no such thread");
	t->threads += thread == t->threads;
	t->thread = (uint32_t)thread;
	return 0;
}

static int read_end(struct trace *t)
{
	uint64_t ops, digest = 0;

	if (number(t, &ops))
		return -1;
	if (ops != t->ops)
		return damaged(t, "the number of events is another");
	if (t->end - t->at < DIGEST_BYTES)
		return damaged(t, "the trace is cut short");
	for (unsigned int i = 0; i < DIGEST_BYTES; i++)
		digest |= (uint64_t)t->at[i] << 8 * i;
	if (digest !=
	    trace_digest(TRACE_DIGEST, t->start, (size_t)(t->at - t->start)))
		return damaged(t, "the digest is another");
	t->at += DIGEST_BYTES;
	if (t->at != t->end)
		return damaged(t, "there is more behind the end");
	t->ended = true;
	return 0;
}

static int read_head(struct trace *t, struct trace_event *e)
{
	uint64_t us, more = 0;

	if (t->at == t->end)
		return damaged(t, "the trace is cut short");
	e->op = *t->at & 7;
	us = *t->at >> 3;
	if (e->op >= TRACE_OPS)
		return damaged(t, "no such operation");
	t->at++;
	if (us == MORE && number(t, &more))
		return -1;
	t->us += us + more;
	e->us = t->us;
	e->align = 0;
	return 0;
}

static int read_block(struct trace *t, struct trace_event *e)
{
	if (read_slot(t, e))
		return -1;
	if (e->op != TRACE_FREE) {
		if (read_size(t, e))
			return -1;
	} else {
		e->size = t->sizes[e->slot] - 1;
		t->sizes[e->slot] = 0;
		t->blocks--;
		t->bytes -= e->size;
	}
	e->thread = t->thread;
	t->ops++;
	t->of[e->op]++;
	return 1;
}

int trace_next(struct trace *t, struct trace_event *e)
{
	if (t->error[0] || t->ended)
		return t->ended ? 0 : -1;
	for (;;) {
		if (read_head(t, e))
			return -1;
		if (e->op == TRACE_END)
			return read_end(t);
		if (e->op != TRACE_THREAD)
			return read_block(t, e);
		if (read_thread(t))
			return -1;
	}
}

int trace_verify(struct trace *t, const void *bytes, size_t len)
{
	struct trace_event e;
	int more;

	trace_open(t, bytes, len);
	do {
		more = trace_next(t, &e);
	} while (more > 0);
	trace_close(t);
	return more;
}
