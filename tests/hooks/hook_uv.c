/* SPDX-License-Identifier: MIT */
/* libs: -luv */
/* tests/hooks/hook_uv.c - an echo server and its client, with pooled reads */
#include <percu/hook/uv.h>

#include "serve.h"

enum {
	ROUNDS = 30,
	MESSAGE = 300000,
};

PERCU_HOOK_UV_BUFFERS(reads, 65536);
PERCU_HOOK_UV_BUFFERS(few, 4096, .limit = 1);

static uv_loop_t *loop;
static uv_tcp_t server, peer, client;
static char message[MESSAGE];
static size_t came;
static int rounds, refusals;
static uv_buf_t held;

struct echo {
	uv_write_t write; /* first: it is what libuv hands back */
	uv_buf_t buf;
};

static void echoed(uv_write_t *w, int err)
{
	struct echo *e = (struct echo *)w;

	must(!err);
	reads_free(&e->buf);
	percu_free(e);
}

/* The server sends the very buffer back that it has read into. */
static void on_request(uv_stream_t *s, ssize_t n, const uv_buf_t *buf)
{
	struct echo *e;

	if (n <= 0) {
		reads_free(buf);
		if (n == UV_EOF) {
			uv_close((uv_handle_t *)s, NULL);
			uv_close((uv_handle_t *)&server, NULL);
		}
		return;
	}
	e = percu_alloc(sizeof(*e));
	must(e);
	e->buf = uv_buf_init(buf->base, (unsigned int)n);
	must(!uv_write(&e->write, s, &e->buf, 1, echoed));
}

static void on_connection(uv_stream_t *s, int err)
{
	must(!err && !uv_tcp_init(loop, &peer));
	must(!uv_accept(s, (uv_stream_t *)&peer));
	must(!uv_read_start((uv_stream_t *)&peer, reads_alloc, on_request));
}

static uv_write_t sending;

static void send_one(void)
{
	uv_buf_t buf = uv_buf_init(message, MESSAGE);

	came = 0;
	must(!uv_write(&sending, (uv_stream_t *)&client, &buf, 1, NULL));
}

/*
 * The client has one buffer.  It holds the first one back, so that the next
 * read finds none.
 */
static void on_answer(uv_stream_t *s, ssize_t n, const uv_buf_t *buf)
{
	if (n == UV_ENOBUFS) {
		must(!buf->base && held.base);
		refusals++;
		few_free(&held);
		held.base = NULL;
		return;
	}
	must(n >= 0);
	must(!memcmp(buf->base, message + came, (size_t)n));
	came += (size_t)n;
	if (n && !refusals && !held.base)
		held = *buf;
	else
		few_free(buf);
	if (came < MESSAGE)
		return;
	if (++rounds < ROUNDS)
		send_one();
	else
		uv_close((uv_handle_t *)s, NULL);
}

static void on_connect(uv_connect_t *c, int err)
{
	must(!err);
	must(!uv_read_start(c->handle, few_alloc, on_answer));
	send_one();
}

static void check_pools(void)
{
	struct percu_pool_stats st;

	must(!percu_pool_stats(reads_pool(), &st));
	printf("uv: %" PRIu64 " reads of the server, ", st.gets);
	must(st.gets >= ROUNDS * MESSAGE / 65536 && st.gets == st.puts);
	must(!percu_pool_stats(few_pool(), &st));
	printf("%" PRIu64 " of the client\n", st.gets);
	must(st.gets >= ROUNDS * MESSAGE / 4096 && st.gets == st.puts);
	must(refusals > 0 && st.limit_hits == (uint64_t)refusals);
	must(!reads_destroy() && !few_destroy());
}

/* percu is given what malloc() has allocated. */
static void too_late(void)
{
	uv_loop_t l;

	must(!uv_loop_init(&l) && hook_calls() == 0);
	must(!percu_hook_uv());
	uv_loop_close(&l);
}

int main(void)
{
	struct sockaddr_in a;
	uv_connect_t connect;
	int port, fd;

	hook_reports(too_late);
	hook_begin();
	/* All four or nothing. */
	must(uv_replace_allocator(percu_hook_malloc, percu_hook_realloc, NULL,
				  percu_hook_free) == UV_EINVAL);
	must(!percu_hook_uv());
	hook_text(message, MESSAGE);
	loop = uv_default_loop();
	must(loop && hook_calls() > 0);
	must(!percu_hook_uv()); /* again: nothing changes */
	fd = serve_listen(&port);
	a = serve_address(port);
	must(!uv_tcp_init(loop, &server) && !uv_tcp_open(&server, fd));
	must(!uv_listen((uv_stream_t *)&server, 4, on_connection));
	must(!uv_tcp_init(loop, &client));
	must(!uv_tcp_connect(&connect, &client, (struct sockaddr *)&a,
			     on_connect));
	must(!uv_run(loop, UV_RUN_DEFAULT));
	must(rounds == ROUNDS && !uv_loop_close(loop));
	check_pools();
	uv_library_shutdown();
	return hook_end("uv", 100);
}
