/* SPDX-License-Identifier: MIT */
/* libs: -lnghttp2 */
/* tests/hooks/hook_nghttp2.c - a client and a server, requests between them */
#include <percu/hook/nghttp2.h>

#include "hook.h"

enum {
	REQUESTS = 50,
	PAGE = 10000,
};

#define NV(name, value)                                                      \
	{                                                                    \
		(uint8_t *)(uintptr_t)(name), (uint8_t *)(uintptr_t)(value), \
			sizeof(name) - 1, sizeof(value) - 1,                 \
			NGHTTP2_NV_FLAG_NONE                                 \
	}

static char page[PAGE];
static size_t sent[2 * REQUESTS + 2], got;
static int closed;

static ssize_t read_page(nghttp2_session *s, int32_t id, uint8_t *to, size_t n,
			 uint32_t *flags, nghttp2_data_source *src, void *arg)
{
	size_t *at = src->ptr;

	(void)s, (void)id, (void)arg;
	n = n < PAGE - *at ? n : PAGE - *at;
	memcpy(to, page + *at, n);
	*at += n;
	if (*at == PAGE)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	return (ssize_t)n;
}

/* The server: a request is complete, here is its answer. */
static int on_frame(nghttp2_session *s, const nghttp2_frame *f, void *arg)
{
	nghttp2_nv head[] = { NV(":status", "200"), NV("server", "percu") };
	nghttp2_data_provider body = { .read_callback = read_page };

	(void)arg;
	if (f->hd.type != NGHTTP2_HEADERS ||
	    f->headers.cat != NGHTTP2_HCAT_REQUEST)
		return 0;
	body.source.ptr = &sent[f->hd.stream_id];
	must(!nghttp2_submit_response(s, f->hd.stream_id, head, 2, &body));
	return 0;
}

static int on_data(nghttp2_session *s, uint8_t flags, int32_t id,
		   const uint8_t *data, size_t n, void *arg)
{
	(void)s, (void)flags, (void)id, (void)data, (void)arg;
	got += n;
	return 0;
}

static int on_close(nghttp2_session *s, int32_t id, uint32_t error, void *arg)
{
	(void)s, (void)id, (void)arg;
	must(!error);
	closed++;
	return 0;
}

static bool carry(nghttp2_session *from, nghttp2_session *to)
{
	const uint8_t *data;
	ssize_t n = nghttp2_session_mem_send(from, &data);

	must(n >= 0);
	if (n)
		must(nghttp2_session_mem_recv(to, data, (size_t)n) == n);
	return n > 0;
}

static void ask(nghttp2_session *c)
{
	nghttp2_nv head[] = { NV(":method", "GET"), NV(":scheme", "http"),
			      NV(":authority", "localhost"),
			      NV(":path", "/page"), NV("x-y", "something") };

	must(nghttp2_submit_request(c, NULL, head, 5, NULL, NULL) > 0);
}

static void session(nghttp2_session_callbacks *scb,
		    nghttp2_session_callbacks *ccb)
{
	nghttp2_mem mem = percu_hook_nghttp2();
	nghttp2_session *s, *c;
	bool more = true;

	must(!nghttp2_session_server_new3(&s, scb, NULL, NULL, &mem));
	must(!nghttp2_session_client_new3(&c, ccb, NULL, NULL, &mem));
	memset(&mem, 0, sizeof(mem)); /* it was copied */
	must(hook_calls() >= 10);
	must(!nghttp2_submit_settings(c, NGHTTP2_FLAG_NONE, NULL, 0));
	must(!nghttp2_submit_settings(s, NGHTTP2_FLAG_NONE, NULL, 0));
	for (int i = 0; i < REQUESTS; i++)
		ask(c);
	while (more) {
		more = carry(c, s);
		more |= carry(s, c);
	}
	must(closed == REQUESTS && got == (size_t)REQUESTS * PAGE);
	nghttp2_session_del(c);
	nghttp2_session_del(s);
}

int main(void)
{
	nghttp2_session_callbacks *scb, *ccb;

	hook_begin();
	must(!nghttp2_session_callbacks_new(&scb));
	must(!nghttp2_session_callbacks_new(&ccb));
	nghttp2_session_callbacks_set_on_frame_recv_callback(scb, on_frame);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(ccb, on_data);
	nghttp2_session_callbacks_set_on_stream_close_callback(ccb, on_close);
	session(scb, ccb);
	nghttp2_session_callbacks_del(scb);
	nghttp2_session_callbacks_del(ccb);
	return hook_end("nghttp2", 5 * REQUESTS);
}
