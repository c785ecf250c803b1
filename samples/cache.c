/* SPDX-License-Identifier: MIT */
/*
 * samples/cache.c - an HTTP cache whose table is an RCU vector of pool objects
 *
 * GET /KEY is answered from the table where the key is in it; else the answer
 * is made, which stands for asking a slow origin, and stored into the slot of
 * its hash, in the place of what was there.  A look-up takes no lock and counts
 * no reference: an entry that is replaced goes back to its pool after a grace
 * period, when nobody can be copying from it.
 *
 * The vector is flat and changed in place: a replacement is one store.
 */
#include <errno.h>
#include <urcu-bp.h>
#include <percu/vec.h>

#include "loop.h"

enum {
	SLOTS = 1000, /* a flat vector has up to 1017 */
	KEY = 32,
	VALUE = 2000,
	BUFFER = 4096, /* for a request, and for an answer */
};

struct entry {
	char key[KEY]; /* "" is nobody's */
	int len;
	char value[VALUE];
};

struct conn {
	struct peer peer;
	char *in, *out;  /* buffers, while there is something in them */
	size_t have;     /* in in */
	size_t from, to; /* of out, still to be sent */
};

static struct percu_pool *conns, *buffers, *entries;
static struct percu_vec table;
static _Atomic uint64_t nr_hits;

static struct entry *entry_make(const char *key, uint32_t hash)
{
	struct entry *e = take(entries, sizeof(*e));

	if (!e)
		return NULL;
	snprintf(e->key, sizeof(e->key), "%s", key);
	e->len = (int)(VALUE / 10 + hash % (VALUE * 9 / 10));
	for (int i = 0, n = (int)strlen(key); n && i < e->len; i++)
		e->value[i] = i % (n + 1) < n ? key[i % (n + 1)] : '\n';
	return e;
}

/* Where the vector does not put an entry into its pool. */
static void entry_free(void *entry, void *arg)
{
	(void)arg;
	free(entry);
}

static int table_make(void)
{
	struct percu_vec_attr attr = { .name = "table",
				       .capacity = SLOTS,
				       .flags = PERCU_VEC_INPLACE };

	attr.pool = plain ? NULL : entries;
	attr.release = plain ? entry_free : NULL;
	if (percu_vec_init(&table, &attr))
		return -1;
	for (int i = 0; i < SLOTS; i++)
		if (percu_vec_append(&table, need(entry_make("", 0), "entry")))
			return -1;
	return 0;
}

static void answer(struct conn *c, const char *how, const struct entry *e)
{
	c->from = 0;
	c->to = (size_t)snprintf(c->out, BUFFER,
				 "HTTP/1.1 200 OK\r\nX-Cache: %s\r\n"
				 "Content-Length: %d\r\n\r\n%.*s",
				 how, e->len, e->len, e->value);
	nr_requests++;
}

static bool look_up(struct conn *c, const char *key)
{
	uint32_t hash = 2166136261;
	struct entry *e;
	bool hit;

	for (const char *p = key; *p; p++)
		hash = (hash ^ (unsigned char)*p) * 16777619;
	rcu_read_lock();
	e = percu_vec_get(&table, hash % SLOTS);
	hit = e && !strcmp(e->key, key);
	if (hit)
		answer(c, "hit", e);
	rcu_read_unlock();
	nr_hits += hit;
	if (hit)
		return true;
	e = entry_make(key, hash);
	if (!e)
		return false;
	answer(c, "miss", e);
	if (percu_vec_replace(&table, hash % SLOTS, e))
		give(entries, e); /* deferred memory is at its bound */
	return true;
}

/* Answers one request.  Return: false where it is none that this can answer. */
static bool request(struct conn *c, size_t head)
{
	char key[KEY], end;

	c->in[head - 1] = '\0';
	if (sscanf(c->in, "GET /%31[^ \r\n] HTTP/1.%c", key, &end) != 2)
		return false;
	c->have -= head;
	memmove(c->in, c->in + head, c->have);
	c->out = take(buffers, BUFFER);
	return c->out && look_up(c, key);
}

static bool conn_send(struct conn *c)
{
	while (c->from < c->to) {
		ssize_t n = send(c->peer.fd, c->out + c->from, c->to - c->from,
				 MSG_NOSIGNAL);

		if (n < 0)
			return false;
		c->from += (size_t)n;
	}
	if (c->out)
		give(buffers, c->out);
	c->out = NULL;
	return true;
}

static bool conn_ready(struct peer *p)
{
	struct conn *c = (struct conn *)p;
	ssize_t n;
	char *end;

	for (;;) {
		if (!conn_send(c))
			return errno == EAGAIN;
		end = c->have ? memmem(c->in, c->have, "\r\n\r\n", 4) : NULL;
		if (end) {
			if (!request(c, (size_t)(end - c->in) + 4))
				return false;
			continue;
		}
		if (!c->in && !(c->in = take(buffers, BUFFER)))
			return false;
		n = recv(p->fd, c->in + c->have, BUFFER - c->have, 0);
		if (n == 0 || (n < 0 && errno != EAGAIN))
			return false;
		if (n < 0)
			break;
		c->have += (size_t)n;
	}
	if (!c->have) {
		give(buffers, c->in);
		c->in = NULL;
	}
	return true;
}

static struct peer *conn_begin(void)
{
	struct conn *c = take(conns, sizeof(*c));

	if (!c)
		return NULL;
	*c = (struct conn){ 0 };
	return &c->peer;
}

static void conn_end(struct peer *p)
{
	struct conn *c = (struct conn *)p;

	if (c->in)
		give(buffers, c->in);
	if (c->out)
		give(buffers, c->out);
	give(conns, c);
}

static void *work(void *fd)
{
	static const struct loop loop = { conn_begin, conn_ready, conn_end };

	loop_run(&loop, *(int *)fd);
	return NULL;
}

int main(int argc, char **argv)
{
	serve_arguments(argc, argv);
	conns = pool_of("conn", sizeof(struct conn));
	buffers = pool_of("buffer", BUFFER);
	entries = pool_of("entry", sizeof(struct entry));
	if (table_make())
		return 2;
	serve(work);
	percu_vec_destroy(&table);
	if (percu_pool_destroy(conns) || percu_pool_destroy(buffers) ||
	    percu_pool_destroy(entries))
		return 1;
	printf("hits: %" PRIu64 "\n", nr_hits);
	return serve_end();
}
