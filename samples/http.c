/* SPDX-License-Identifier: MIT */
/*
 * samples/http.c - HTTP/1.1 as far as forwarding needs it
 *
 * A stream reads into a percu_buf that it has only while bytes wait in it.  A
 * head must be in it as a whole, so the buffer grows with the head; a body
 * passes through it piece by piece.  Where two programs could disagree on
 * where a message ends, it is refused: two lengths, a length that is no
 * number, a folded line, a line that ends with less than CR LF.
 */
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <percu/buf.h>

#include "samples/http.h"
#include "stress/tsan.h"

enum {
	PIECE = 4096,        /* what one read has room for */
	HEAD_MAX = 64 << 10, /* more than any browser sends */
	PATIENCE = 10,       /* seconds */
};

int send_all(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len && fd >= 0) {
		ssize_t n = send(fd, p, len, MSG_NOSIGNAL);

		if (n < 0)
			return -errno;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Streams. ------------------------------------------------------------------ */

static size_t waiting(const struct stream *s)
{
	return s->b ? s->b->len - s->pos : 0;
}

static char *start(const struct stream *s)
{
	return (char *)s->b->data + s->pos;
}

bool stream_waits(const struct stream *s)
{
	return waiting(s) != 0;
}

void stream_idle(struct stream *s)
{
	percu_buf_put(s->b);
	s->b = NULL;
	s->pos = 0;
}

/* Bytes that came, 0 at the end of input, -errno. */
static ssize_t fill(struct stream *s)
{
	ssize_t n;

	if (!s->b && !(s->b = percu_buf_get(PIECE)))
		return -ENOMEM;
	if (s->pos) {
		s->b->len -= s->pos;
		memmove(s->b->data, s->b->data + s->pos, s->b->len);
		s->pos = 0;
	}
	if (percu_buf_reserve(s->b, s->b->len + PIECE))
		return -ENOMEM;
	n = read(s->fd, s->b->data + s->b->len, s->b->cap - s->b->len);
	if (n < 0)
		return -errno;
	s->b->len += (size_t)n;
	return n;
}

ssize_t stream_until(struct stream *s, const char *mark)
{
	for (;;) {
		size_t have = waiting(s);
		const char *at =
			have ? memmem(start(s), have, mark, strlen(mark)) :
			       NULL;
		ssize_t n;

		if (at)
			return at + strlen(mark) - start(s);
		if (have > HEAD_MAX)
			return -EMSGSIZE;
		n = fill(s);
		if (n < 0)
			return n;
		if (n == 0)
			return have ? -EPIPE : 0;
	}
}

int stream_pass(struct stream *s, uint64_t n, int to)
{
	while (n) {
		size_t have = waiting(s);
		ssize_t err = have ? 0 : fill(s);

		if (!have) {
			if (err <= 0)
				return err ? (int)err : -EPIPE;
			continue;
		}
		if (have > n)
			have = (size_t)n;
		err = send_all(to, start(s), have);
		if (err)
			return (int)err;
		s->pos += have;
		n -= have;
	}
	return 0;
}

/* Heads. -------------------------------------------------------------------- */

/* How many digits there are at p, one to 15, before a blank, ';' or the end. */
static int number(const char *p, int base, uint64_t *n)
{
	int (*digit)(int c) = base == 16 ? isxdigit : isdigit;
	size_t len = 0;

	while (digit((unsigned char)p[len]))
		len++;
	if (len < 1 || len > 15 || !strchr(" \t;\r", p[len]))
		return -EBADMSG;
	*n = strtoull(p, NULL, base);
	return (int)len;
}

static bool is(const char *p, size_t len, const char *word)
{
	return len == strlen(word) && !strncasecmp(p, word, len);
}

static int field(struct http_head *h, const char *p, const char *end)
{
	const char *v = memchr(p, ':', (size_t)(end - p));
	size_t name = v ? (size_t)(v - p) : 0, len;

	if (!name || isspace((unsigned char)p[0]) ||
	    isspace((unsigned char)p[name - 1]) ||
	    memchr(p, '\n', (size_t)(end - p)))
		return -EBADMSG;
	for (v++; v < end && (*v == ' ' || *v == '\t'); v++)
		;
	while (end > v && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	len = (size_t)(end - v);
	if (is(p, name, "Content-Length")) {
		if (h->sized || number(v, 10, &h->length) != (int)len)
			return -EBADMSG;
		h->sized = true;
	} else if (is(p, name, "Transfer-Encoding")) {
		if (h->chunked || !is(v, len, "chunked"))
			return -EBADMSG;
		h->chunked = true;
	} else if (is(p, name, "Connection")) {
		h->last |= is(v, len, "close");
	} else if (is(p, name, "Expect")) {
		h->expects = is(v, len, "100-continue");
	}
	return 0;
}

int http_head(struct stream *s, struct http_head *h)
{
	ssize_t size = stream_until(s, "\r\n\r\n");
	const char *p, *end, *eol;
	int err = 0;

	if (size <= 0)
		return (int)size;
	p = start(s);
	end = p + size - 2;
	eol = memmem(p, (size_t)(end - p), "\r\n", 2);
	*h = (struct http_head){ .size = (size_t)size };
	if (eol - p < 12) /* HTTP/1.1 200, GET / HTTP/1.1 */
		return -EBADMSG;
	if (!strncmp(p, "HTTP/1.", 7)) {
		h->status = atoi(p + 9);
		h->last = p[7] != '1';
		h->bodyless = h->status < 200 || h->status == 204 ||
			      h->status == 304;
	} else {
		h->last = strncmp(eol - 8, "HTTP/1.1", 8) != 0;
		h->bodyless = !strncmp(p, "HEAD ", 5);
	}
	for (p = eol + 2; !err && p < end; p = eol + 2) {
		eol = memmem(p, (size_t)(end - p), "\r\n", 2);
		err = field(h, p, eol);
	}
	return err ? err : h->sized && h->chunked ? -EBADMSG : 1;
}

/* Messages. ----------------------------------------------------------------- */

static int pass_chunks(struct stream *s, int to)
{
	uint64_t size;
	ssize_t n;
	int err;

	do {
		n = stream_until(s, "\r\n");
		if (n <= 0 || number(start(s), 16, &size) < 0)
			return -EBADMSG;
		err = stream_pass(s, (uint64_t)n + (size ? size + 2 : 0), to);
		if (err)
			return err;
	} while (size);
	do { /* the trailer, up to an empty line */
		n = stream_until(s, "\r\n");
		err = n > 0 ? stream_pass(s, (uint64_t)n, to) : -EBADMSG;
	} while (!err && n > 2);
	return err;
}

int http_pass(struct stream *s, const struct http_head *h, int to)
{
	ssize_t n = stream_pass(s, h->size, to);

	if (n || (h->status && h->bodyless))
		return (int)n;
	if (h->chunked)
		return pass_chunks(s, to);
	if (h->sized || !h->status)
		return stream_pass(s, h->length, to);
	do { /* a response without a length ends with the connection */
		int err = stream_pass(s, waiting(s), to);

		if (err)
			return err;
		n = fill(s);
	} while (n > 0);
	return (int)n;
}

int http_forward(struct stream *client, const struct http_head *rq,
		 struct stream *up, struct http_head *rs, bool *begun)
{
	static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
	int err = rq->expects ? send_all(client->fd, go_on, strlen(go_on)) : 0;

	if (!err)
		err = http_pass(client, rq, up->fd);
	while (!err) {
		int got = http_head(up, rs);

		if (got <= 0 || rs->status < 100 || rs->status == 101)
			return got < 0 ? got : -EPROTO;
		if (rs->status >= 200)
			break;
		err = stream_pass(up, rs->size, -1); /* "100 Continue" */
	}
	if (err)
		return err;
	*begun = true;
	rs->bodyless |= rq->bodyless;
	return http_pass(up, rs, client->fd);
}

bool http_refuse(int fd, const char *status)
{
	char text[128];
	int n = snprintf(text, sizeof(text),
			 "HTTP/1.1 %s\r\n"
			 "Connection: close\r\n"
			 "Content-Length: 0\r\n\r\n",
			 status);

	send_all(fd, text, (size_t)n);
	return false;
}

/* Sockets. ------------------------------------------------------------------ */

static int checked(int fd, bool good)
{
	int err = errno;

	if (fd >= 0 && !good)
		close(fd);
	return fd >= 0 && good ? fd : -err;
}

/* A piece that is sent does not wait for the one before it to arrive. */
static bool prepared(int fd)
{
	const struct timeval t = { .tv_sec = PATIENCE };
	const int on = 1;

	return !setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) &&
	       !setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t)) &&
	       !setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t));
}

int sock_listen(uint16_t *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons(*port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr *addr = (struct sockaddr *)&a;
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
	bool good =
		!setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) &&
		!bind(fd, addr, len) && !listen(fd, 1024) &&
		!getsockname(fd, addr, &len);

	*port = ntohs(a.sin_port);
	return checked(fd, good);
}

int sock_accept(int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	return checked(fd, prepared(fd));
}

int sock_connect(const struct sockaddr *addr, socklen_t len)
{
	int fd = socket(addr->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return checked(fd, prepared(fd) && !connect(fd, addr, len));
}

int sock_arm(int epoll, int op, int fd)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLONESHOT,
				  .data.fd = fd };
	int err;

	AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
	err = epoll_ctl(epoll, op, fd, &ev) ? -errno : 0;
	AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
	return err;
}
