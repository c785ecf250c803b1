/* SPDX-License-Identifier: MIT */
/* libs: -lmicrohttpd */
/* tests/hooks/hook_microhttpd.c - blocks and buffers, served by its threads */
#include <percu/hook/microhttpd.h>

#include "serve.h"

enum {
	REQUESTS = 50,
	PAGE = 60000,
};

static char page[PAGE];

static struct MHD_Response *of_block(void)
{
	char *block = percu_alloc(PAGE);
	struct MHD_Response *r;

	must(block);
	memcpy(block, page, PAGE);
	r = percu_hook_mhd_block(block, PAGE);
	must(r);
	return r;
}

static struct MHD_Response *of_buf(void)
{
	struct percu_buf *b = percu_buf_get(100);
	struct MHD_Response *r;

	must(b && !percu_buf_append(b, page, PAGE));
	r = percu_hook_mhd_buf(b);
	must(r);
	return r;
}

static enum MHD_Result answer(void *arg, struct MHD_Connection *c,
			      const char *url, const char *method,
			      const char *version, const char *data, size_t *n,
			      void **state)
{
	struct MHD_Response *r;
	enum MHD_Result res;

	(void)arg, (void)method, (void)version, (void)data, (void)n;
	if (!*state) { /* the head of the request: wait for its end */
		*state = page;
		return MHD_YES;
	}
	r = !strcmp(url, "/block") ? of_block() : of_buf();
	res = MHD_queue_response(c, MHD_HTTP_OK, r);
	MHD_destroy_response(r); /* the connection holds it */
	return res;
}

static void ask(int port, const char *path)
{
	static char back[PAGE + 4096];
	int fd = serve_connect(port);
	char request[200], *body;
	size_t n;

	snprintf(request, sizeof(request),
		 "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
		 path);
	serve_write(fd, request, strlen(request));
	n = serve_read(fd, back, sizeof(back) - 1);
	back[n] = 0;
	close(fd);
	body = strstr(back, "\r\n\r\n");
	must(body && !memcmp(back, "HTTP/1.1 200", 12));
	must(back + n - body - 4 == PAGE && !memcmp(body + 4, page, PAGE));
}

int main(void)
{
	struct MHD_Daemon *d;
	int port, fd;

	hook_begin();
	hook_text(page, PAGE);
	fd = serve_listen(&port);
	d = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL,
			     answer, NULL, MHD_OPTION_LISTEN_SOCKET, fd,
			     MHD_OPTION_THREAD_POOL_SIZE, 2u, MHD_OPTION_END);
	must(d);
	for (int i = 0; i < REQUESTS; i++)
		ask(port, i % 2 ? "/block" : "/buf");
	MHD_stop_daemon(d);
	return hook_end("microhttpd", REQUESTS + REQUESTS / 2);
}
