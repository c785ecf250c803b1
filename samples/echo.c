/* SPDX-License-Identifier: MIT */
/*
 * samples/echo.c - an echo server on epoll whose idle connections own no buffer
 *
 * A connection is an object of one pool, a buffer of another.  A buffer is got
 * when there is something to read, and put when it has been sent back; only
 * where the peer does not read does the connection keep it, and then does not
 * read either.  Ten thousand connections that wait cost ten thousand objects of
 * 32 bytes.  samples/echo_load.c is a client.
 */
#include <errno.h>

#include "loop.h"

enum {
	BUFFER = 16 << 10,
};

struct buffer {
	size_t from, to; /* what is still to be sent */
	char data[BUFFER];
};

struct conn {
	struct peer peer;
	struct buffer *buffer;
};

static struct percu_pool *conns, *buffers;

static struct peer *conn_begin(void)
{
	struct conn *c = take(conns, sizeof(*c));

	if (!c)
		return NULL;
	c->buffer = NULL;
	return &c->peer;
}

static void conn_end(struct peer *p)
{
	struct conn *c = (struct conn *)p;

	if (c->buffer)
		give(buffers, c->buffer);
	give(conns, c);
}

/* Return: 1 when all is sent, 0 when the peer takes no more, -1 at its end. */
static int send_back(int fd, struct buffer *b)
{
	while (b->from < b->to) {
		ssize_t n = send(fd, b->data + b->from, b->to - b->from,
				 MSG_NOSIGNAL);

		if (n < 0)
			return errno == EAGAIN ? 0 : -1;
		b->from += (size_t)n;
	}
	return 1;
}

static bool conn_ready(struct peer *p)
{
	struct conn *c = (struct conn *)p;
	struct buffer *b = c->buffer;
	bool more = true; /* than a short read, which says that this was all */
	int sent;

	if (!b) {
		b = c->buffer = take(buffers, sizeof(*b));
		if (!b)
			return false;
		b->from = b->to = 0;
	}
	while ((sent = send_back(p->fd, b)) > 0 && more) {
		ssize_t n = recv(p->fd, b->data, BUFFER, 0);

		if (n == 0 || (n < 0 && errno != EAGAIN))
			return false;
		if (n < 0)
			break;
		nr_requests++;
		b->from = 0;
		b->to = (size_t)n;
		more = n == BUFFER;
	}
	if (sent > 0) {
		c->buffer = NULL;
		give(buffers, b);
	}
	return sent >= 0;
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
	buffers = pool_of("buffer", sizeof(struct buffer));
	serve(work);
	if (percu_pool_destroy(conns) || percu_pool_destroy(buffers))
		return 1;
	return serve_end();
}
