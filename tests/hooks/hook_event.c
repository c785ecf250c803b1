/* SPDX-License-Identifier: MIT */
/* libs: -levent */
/* tests/hooks/hook_event.c - libevent's HTTP server and its client, one loop */
#include <percu/hook/event.h>
#include <event2/http.h>

#include "serve.h"

enum {
	REQUESTS = 50,
	PAGE = 30000,
};

static char page[PAGE];
static struct event_base *base;
static struct evhttp_connection *conn;
static int answers;

/* Half of the page as a block, the other as a slice: neither is copied. */
static void serve(struct evhttp_request *rq, void *arg)
{
	struct evbuffer *out = evhttp_request_get_output_buffer(rq);
	char *block = percu_alloc(PAGE / 2);
	struct percu_slice s;
	struct percu_buf *b = percu_buf_get(PAGE / 2);

	(void)arg;
	must(block && b && !percu_buf_append(b, page + PAGE / 2, PAGE / 2));
	memcpy(block, page, PAGE / 2);
	s = percu_slice_of(b, 0, PAGE / 2);
	must(s.len == PAGE / 2);
	percu_buf_put(b);
	must(!percu_hook_event_add(out, block, PAGE / 2));
	must(!percu_hook_event_add_slice(out, s));
	evhttp_send_reply(rq, HTTP_OK, "OK", NULL);
}

static void ask(void);

static void answered(struct evhttp_request *rq, void *arg)
{
	struct evbuffer *in;
	const void *all;

	(void)arg;
	must(rq && evhttp_request_get_response_code(rq) == HTTP_OK);
	in = evhttp_request_get_input_buffer(rq);
	must(evbuffer_get_length(in) == PAGE);
	all = evbuffer_pullup(in, -1);
	must(all && !memcmp(all, page, PAGE));
	if (++answers < REQUESTS)
		ask();
	else
		event_base_loopexit(base, NULL);
}

static void ask(void)
{
	struct evhttp_request *rq = evhttp_request_new(answered, NULL);

	must(rq);
	must(!evhttp_make_request(conn, rq, EVHTTP_REQ_GET, "/page"));
}

/* A line that libevent hands out is percu's. */
static void lines(void)
{
	struct evbuffer *b = evbuffer_new();
	char *line;

	must(b && !evbuffer_add(b, "a line\nand\n", 11));
	line = evbuffer_readln(b, NULL, EVBUFFER_EOL_LF);
	must(line && !strcmp(line, "a line"));
	must(percu_usable_size(line) >= 7);
	percu_free(line);
	evbuffer_free(b);
}

/* percu is given what malloc() has allocated. */
static void too_late(void)
{
	struct evbuffer *b = evbuffer_new();

	must(b && hook_calls() == 0);
	percu_hook_event();
	evbuffer_free(b);
}

int main(void)
{
	struct evhttp *http;
	int port, fd;

	hook_reports(too_late);
	hook_begin();
	percu_hook_event();
	hook_text(page, PAGE);
	lines();
	base = event_base_new();
	percu_hook_event(); /* again: nothing changes */
	fd = serve_listen(&port);
	evutil_make_socket_nonblocking(fd);
	http = base ? evhttp_new(base) : NULL;
	must(http && hook_bytes() > 0 && !evhttp_accept_socket(http, fd));
	evhttp_set_gencb(http, serve, NULL);
	conn = evhttp_connection_base_new(base, NULL, "127.0.0.1",
					  (uint16_t)port);
	must(conn);
	ask();
	event_base_dispatch(base);
	must(answers == REQUESTS);
	evhttp_connection_free(conn);
	evhttp_free(http);
	event_base_free(base);
	libevent_global_shutdown();
	return hook_end("event", 30 * REQUESTS);
}
