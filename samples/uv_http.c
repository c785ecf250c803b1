/* SPDX-License-Identifier: MIT */
/*
 * samples/uv_http.c - an HTTP server on libuv that reads into pooled buffers
 *
 * GET /N is answered with N bytes.  libuv asks for memory before each read: it
 * gets a buffer of a pool, which goes back as soon as it holds no half request.
 * An answer is one block of just its size, the uv_write_t with it, and is freed
 * when it is sent.  What libuv itself allocates comes from percu too.
 *
 * A client that does not read what it asked for is dropped.
 */
#include <percu/alloc.h>
#include <uv.h>

#include "serve.h"

enum {
	BUFFER = 8192,
	ANSWER = 1 << 20,   /* bytes, at most */
	QUEUE = 4 * ANSWER, /* that a client may leave unread */
};

struct conn {
	uv_tcp_t tcp;
	char *in; /* a buffer, while there is something in it */
	size_t have;
};

struct reply {
	uv_write_t req;
	char text[];
};

static struct percu_pool *conns, *buffers;

static void conn_closed(uv_handle_t *handle)
{
	struct conn *c = handle->data;

	if (c->in)
		give(buffers, c->in);
	give(conns, c);
}

static void conn_close(struct conn *c)
{
	if (!uv_is_closing((uv_handle_t *)&c->tcp))
		uv_close((uv_handle_t *)&c->tcp, conn_closed);
}

static void reply_sent(uv_write_t *req, int err)
{
	struct reply *r = (struct reply *)req;

	(void)err;
	if (plain)
		free(r);
	else
		percu_free(r);
}

static bool reply(struct conn *c, size_t n)
{
	size_t size = sizeof(struct reply) + 80 + n;
	struct reply *r = plain ? malloc(size) : percu_alloc(size);
	uv_buf_t buf;

	if (!r)
		return false;
	buf.base = r->text;
	buf.len = (size_t)sprintf(
		r->text, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", n);
	memset(buf.base + buf.len, 'x', n);
	buf.len += n;
	nr_requests++;
	if (uv_write(&r->req, (uv_stream_t *)&c->tcp, &buf, 1, reply_sent)) {
		reply_sent(&r->req, 0);
		return false;
	}
	return uv_stream_get_write_queue_size((uv_stream_t *)&c->tcp) <= QUEUE;
}

/* Answers all that came as a whole, and keeps the rest. */
static bool conn_answer(struct conn *c)
{
	size_t from = 0, n;
	char *end, at;

	while ((end = memmem(c->in + from, c->have - from, "\r\n\r\n", 4))) {
		*end = '\0';
		if (sscanf(c->in + from, "GET /%7zu HTTP/1.%c", &n, &at) != 2 ||
		    n > ANSWER || !reply(c, n))
			return false;
		from = (size_t)(end + 4 - c->in);
	}
	c->have -= from;
	memmove(c->in, c->in + from, c->have);
	return c->have < BUFFER;
}

static void conn_room(uv_handle_t *handle, size_t hint, uv_buf_t *buf)
{
	struct conn *c = handle->data;

	(void)hint;
	if (!c->in)
		c->in = take(buffers, BUFFER);
	*buf = c->in ? uv_buf_init(c->in + c->have,
				   (unsigned int)(BUFFER - c->have)) :
		       uv_buf_init(NULL, 0);
}

static void conn_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct conn *c = stream->data;

	(void)buf;
	if (n > 0)
		c->have += (size_t)n;
	if (n < 0 || !conn_answer(c)) {
		conn_close(c);
	} else if (!c->have) {
		give(buffers, c->in);
		c->in = NULL;
	}
}

static void conn_begin(uv_stream_t *listener, int err)
{
	struct conn *c = err ? NULL : take(conns, sizeof(*c));

	if (!c)
		return;
	*c = (struct conn){ .in = NULL };
	uv_tcp_init(listener->loop, &c->tcp);
	c->tcp.data = c;
	if (uv_accept(listener, (uv_stream_t *)&c->tcp) ||
	    uv_tcp_nodelay(&c->tcp, 1) ||
	    uv_read_start((uv_stream_t *)&c->tcp, conn_room, conn_read))
		conn_close(c);
}

static void close_one(uv_handle_t *handle, void *arg)
{
	(void)arg;
	if (handle->data)
		conn_close(handle->data);
	else if (!uv_is_closing(handle))
		uv_close(handle, NULL);
}

static void close_all(uv_poll_t *poll, int err, int events)
{
	(void)err;
	(void)events;
	uv_walk(poll->loop, close_one, NULL);
}

static void *work(void *fd)
{
	uv_tcp_t listener = { .data = NULL };
	uv_poll_t ending = { .data = NULL };
	uv_loop_t loop;

	if (uv_loop_init(&loop) || uv_tcp_init(&loop, &listener) ||
	    uv_tcp_open(&listener, *(int *)fd) ||
	    uv_listen((uv_stream_t *)&listener, 1024, conn_begin) ||
	    uv_poll_init(&loop, &ending, stop) ||
	    uv_poll_start(&ending, UV_READABLE, close_all))
		need(NULL, "libuv");
	uv_run(&loop, UV_RUN_DEFAULT);
	uv_loop_close(&loop);
	return NULL;
}

static void *calloc_percu(size_t n, size_t size)
{
	return n && size > PTRDIFF_MAX / n ? NULL : percu_zalloc(n * size);
}

int main(int argc, char **argv)
{
	serve_arguments(argc, argv);
	if (!plain)
		uv_replace_allocator(percu_alloc, percu_realloc, calloc_percu,
				     percu_free);
	conns = pool_of("conn", sizeof(struct conn));
	buffers = pool_of("buffer", BUFFER);
	serve(work);
	uv_library_shutdown();
	if (percu_pool_destroy(conns) || percu_pool_destroy(buffers))
		return 1;
	return serve_end();
}
