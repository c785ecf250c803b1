/* SPDX-License-Identifier: MIT */
/*
 * tests/hooks/serve.h - the other end of a connection
 *
 *	int port, fd = serve_listen(&port);	on loopback, any free port
 *	int fd = serve_connect(port);
 */
#ifndef PERCU_TESTS_HOOKS_SERVE_H
#define PERCU_TESTS_HOOKS_SERVE_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hook.h"

static inline struct sockaddr_in serve_address(int port)
{
	struct sockaddr_in a;

	memset(&a, 0, sizeof(a));
	a.sin_family = AF_INET;
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	a.sin_port = htons((uint16_t)port);
	return a;
}

static inline int serve_listen(int *port)
{
	struct sockaddr_in a = serve_address(0);
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	must(fd >= 0 && !bind(fd, (struct sockaddr *)&a, len));
	must(!listen(fd, 16) && !getsockname(fd, (struct sockaddr *)&a, &len));
	*port = ntohs(a.sin_port);
	return fd;
}

static inline int serve_connect(int port)
{
	struct sockaddr_in a = serve_address(port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	must(fd >= 0 && !connect(fd, (struct sockaddr *)&a, sizeof(a)));
	return fd;
}

static inline void serve_write(int fd, const void *data, size_t n)
{
	const char *at = (const char *)data;

	while (n) {
		ssize_t done = send(fd, at, n, MSG_NOSIGNAL);

		must(done > 0);
		at += done;
		n -= (size_t)done;
	}
}

/* Until the end, or max bytes.  How many. */
static inline size_t serve_read(int fd, char *to, size_t max)
{
	size_t n = 0;
	ssize_t got;

	while (n < max && (got = read(fd, to + n, max - n)) > 0)
		n += (size_t)got;
	return n;
}

#endif /* PERCU_TESTS_HOOKS_SERVE_H */
