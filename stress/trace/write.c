// SPDX-License-Identifier: MIT
/*
 * stress/trace/write.c - write a trace; read.c tells the format
 */
#include <string.h>

#include "stress/trace/trace.h"

enum {
	MORE = 31,
	NUMBER_BYTES = 10, /* of 64 bits */
	EVENT_BYTES = 1 + 4 * NUMBER_BYTES,
};

static size_t number(unsigned char *p, uint64_t n)
{
	size_t len = 0;

	for (; n > 0x7f; n >>= 7)
		p[len++] = (unsigned char)(n | 0x80);
	p[len++] = (unsigned char)n;
	return len;
}

static void put(struct trace_writer *w, const void *bytes, size_t len)
{
	w->digest = trace_digest(w->digest, bytes, len);
	fwrite(bytes, 1, len, w->f);
}

/* What is said of time: an event is never earlier than the one before. */
static size_t head(struct trace_writer *w, unsigned char *p, enum trace_op op,
		   uint64_t us)
{
	uint64_t passed = us > w->us ? us - w->us : 0;
	uint64_t few = passed < MORE ? passed : MORE;

	w->us += passed;
	p[0] = (unsigned char)(few << 3 | op);
	return few < MORE ? 1 : 1 + number(p + 1, passed - MORE);
}

void trace_write_begin(struct trace_writer *w, FILE *f)
{
	*w = (struct trace_writer){ .f = f, .digest = TRACE_DIGEST };
	put(w, TRACE_MAGIC, sizeof(TRACE_MAGIC) - 1);
}

void trace_write(struct trace_writer *w, const struct trace_event *e)
{
	unsigned char buf[2 * EVENT_BYTES];
	size_t len = 0;

	if (e->thread != w->thread) {
		w->thread = e->thread;
		buf[len++] = TRACE_THREAD;
		len += number(buf + len, e->thread);
	}
	len += head(w, buf + len, e->op, e->us);
	len += number(buf + len, e->slot);
	if (e->op == TRACE_ALIGNED)
		len += number(buf + len, e->align);
	if (e->op != TRACE_FREE)
		len += number(buf + len, e->size);
	put(w, buf, len);
	w->ops++;
}

bool trace_write_end(struct trace_writer *w, uint64_t us)
{
	unsigned char buf[EVENT_BYTES];
	size_t len = head(w, buf, TRACE_END, us);

	len += number(buf + len, w->ops);
	put(w, buf, len);
	for (unsigned int i = 0; i < 8; i++)
		buf[i] = (unsigned char)(w->digest >> 8 * i);
	fwrite(buf, 1, 8, w->f);
	return !fflush(w->f) && !ferror(w->f);
}
