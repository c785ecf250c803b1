// SPDX-License-Identifier: MIT
/*
 * stress/net.c - HTTP over loopback, for workers
 *
 * A socket that is not ready parks its worker.  A message is read as a whole,
 * into a percu_buf that grows with it, and that is put as soon as nothing
 * waits in it: a connection that waits for a request has no buffer.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include "crew.h"
#include "net.h"

enum {
	PIECE = 4096,        /* what one read has room for */
	HEAD_MAX = 16 << 10, /* nobody here sends a longer one */
	BACKLOG = 4096,
};

/* Sockets. --------------------------------------------------------------------- */

static int checked(int fd, bool good)
{
	int err = errno;

	if (fd >= 0 && !good)
		close(fd);
	return fd >= 0 && good ? fd : -err;
}

static struct sockaddr_in loopback(uint16_t port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons(port),
				     .sin_addr.s_addr =
					     htonl(INADDR_LOOPBACK) };
}

static int socket_new(void)
{
	const int on = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	return checked(fd, fd >= 0 && !setsockopt(fd, IPPROTO_TCP, TCP_NODELAY,
						  &on, sizeof(on)));
}

int net_listen(uint16_t *port)
{
	struct sockaddr_in a = loopback(0);
	socklen_t len = sizeof(a);
	int fd = socket_new();

	if (fd < 0)
		return fd;
	fd = checked(fd, !bind(fd, (struct sockaddr *)&a, len) &&
				 !listen(fd, BACKLOG) &&
				 !getsockname(fd, (struct sockaddr *)&a, &len));
	*port = ntohs(a.sin_port);
	return fd;
}

int net_accept(int listener)
{
	for (;;) {
		int fd = accept4(listener, NULL, NULL,
				 SOCK_CLOEXEC | SOCK_NONBLOCK);
		int err;

		if (fd >= 0)
			return fd;
		if (errno == EINTR || errno == ECONNABORTED)
			continue;
		if (errno != EAGAIN)
			return -errno;
		err = worker_wait_fd(listener, EPOLLIN);
		if (err)
			return err;
	}
}

static int connected(int fd)
{
	int err = worker_wait_fd(fd, EPOLLOUT), error = 0;
	socklen_t len = sizeof(error);

	if (!err && getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len))
		err = -errno;
	return err ? err : -error;
}

int net_connect(uint16_t port)
{
	struct sockaddr_in a = loopback(port);
	int fd = socket_new(), err = 0;

	if (fd < 0)
		return fd;
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)))
		err = errno == EINPROGRESS || errno == EINTR ? connected(fd) :
							       -errno;
	if (err)
		close(fd);
	return err ? err : fd;
}

int net_send(int fd, const void *data, size_t len)
{
	const char *p = data;
	int err = 0;

	while (len && !err) {
		ssize_t n = send(fd, p, len, MSG_NOSIGNAL);

		if (n > 0) {
			p += n;
			len -= (size_t)n;
		} else if (errno == EAGAIN) {
			err = worker_wait_fd(fd, EPOLLOUT);
		} else if (errno != EINTR) {
			err = -errno;
		}
	}
	return err;
}

/* Messages. --------------------------------------------------------------------- */

static size_t waiting(const struct conn *c)
{
	return c->b ? c->b->len - c->pos : 0;
}

unsigned char *conn_message(const struct conn *c)
{
	return c->b->data + c->pos;
}

void conn_done(struct conn *c, size_t len)
{
	c->pos += len;
	if (waiting(c))
		return;
	percu_buf_put(c->b);
	c->b = NULL;
	c->pos = 0;
}

void conn_close(struct conn *c)
{
	percu_buf_put(c->b);
	c->b = NULL;
	close(c->fd);
}

/* Room for a piece behind what waits. */
static void make_room(struct conn *c)
{
	if (!c->b)
		c->b = must(percu_buf_get(PIECE));
	if (c->pos) {
		c->b->len -= c->pos;
		memmove(c->b->data, c->b->data + c->pos, c->b->len);
		c->pos = 0;
	}
	if (must_do(percu_buf_reserve(c->b, c->b->len + PIECE)))
		out_of_memory();
}

/* Bytes that came, 0 at the end. */
static ssize_t fill(struct conn *c)
{
	for (;;) {
		ssize_t n;
		int err;

		make_room(c);
		n = read(c->fd, c->b->data + c->b->len, c->b->cap - c->b->len);
		if (n >= 0) {
			c->b->len += (size_t)n;
			return n;
		}
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return -errno;
		if (!c->b->len)
			conn_done(c, 0); /* no buffer while it waits */
		err = worker_wait_fd(c->fd, EPOLLIN);
		if (err)
			return err;
	}
}

/* Bytes of the whole message; 0: that cannot be told yet. */
static ssize_t message_size(const struct conn *c, size_t *body)
{
	static const char field[] = "\r\nContent-Length: ", end[] = "\r\n\r\n";
	const char *from = c->b ? (const char *)conn_message(c) : NULL;
	size_t have = waiting(c), head;
	const char *at;

	at = have ? memmem(from, have, end, strlen(end)) : NULL;
	if (!at)
		return have > HEAD_MAX ? -EMSGSIZE : 0;
	head = (size_t)(at - from) + strlen(end);
	at = memmem(from, head, field, strlen(field));
	if (!at)
		return -EBADMSG;
	*body = strtoul(at + strlen(field), NULL, 10);
	return (ssize_t)(head + *body);
}

ssize_t conn_read(struct conn *c, size_t *body)
{
	for (;;) {
		ssize_t size = message_size(c, body), n;

		if (size < 0 || (size && waiting(c) >= (size_t)size))
			return size;
		n = fill(c);
		if (n < 0)
			return n;
		if (!n)
			return waiting(c) ? -EPIPE : 0;
	}
}
