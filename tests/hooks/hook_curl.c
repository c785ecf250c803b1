/* SPDX-License-Identifier: MIT */
/* libs: -lcurl */
/* tests/hooks/hook_curl.c - pages fetched from a server next door */
#include <percu/hook/curl.h>
#include <pthread.h>
#include <sys/wait.h>

#include "serve.h"

enum {
	PAGES = 5,
	PAGE = 200000,
};

static char page[PAGE];
static size_t fetched;

static void *server(void *arg)
{
	static const char head[] =
		"HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n"
		"X-Made-By: test\r\n\r\n";
	int fd = accept(*(int *)arg, NULL, NULL);
	char request[4096];

	must(fd >= 0);
	for (int i = 0; i < PAGES; i++) {
		size_t n = 0;

		do {
			n += serve_read(fd, request + n, 1);
			must(n && n < sizeof(request));
		} while (n < 4 || memcmp(request + n - 4, "\r\n\r\n", 4));
		must(!memcmp(request, "GET /page?q=a%20b HTTP/1.1\r\n", 27));
		serve_write(fd, head, sizeof(head) - 1);
		serve_write(fd, page, PAGE);
	}
	close(fd);
	return NULL;
}

static size_t check(char *data, size_t size, size_t n, void *arg)
{
	(void)arg;
	must(fetched + size * n <= PAGE);
	must(!memcmp(data, page + fetched, size * n));
	fetched += size * n;
	return size * n;
}

static void fetch(CURL *c, int port)
{
	char *q = curl_easy_escape(c, "a b", 0), url[128];

	must(q && !strcmp(q, "a%20b"));
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/page?q=%s", port, q);
	curl_free(q);
	fetched = 0;
	must(curl_easy_setopt(c, CURLOPT_URL, url) == CURLE_OK);
	must(curl_easy_perform(c) == CURLE_OK);
	must(fetched == PAGE);
}

static void session(void)
{
	int port, fd = serve_listen(&port);
	CURL *c = curl_easy_init();
	pthread_t t;

	must(c && hook_bytes() > 0);
	must(!pthread_create(&t, NULL, server, &fd));
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, check);
	curl_easy_setopt(c, CURLOPT_PROXY, "");
	for (int i = 0; i < PAGES; i++)
		fetch(c, port); /* all of them on one connection */
	must(!pthread_join(t, NULL));
	curl_easy_cleanup(c);
	close(fd);
}

/* In a process of its own: curl has chosen before, and does not say so. */
static void too_late(void)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		must(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
		must(percu_hook_curl(CURL_GLOBAL_DEFAULT) == CURLE_OK);
		curl_easy_cleanup(curl_easy_init());
		must(hook_calls() == 0);
		_exit(0);
	}
	must(pid > 0 && waitpid(pid, &status, 0) == pid && !status);
}

int main(void)
{
	hook_begin();
	hook_text(page, PAGE);
	too_late();
	must(percu_hook_curl(CURL_GLOBAL_DEFAULT) == CURLE_OK);
	session();
	curl_global_cleanup();
	return hook_end("curl", 60);
}
