/* SPDX-License-Identifier: MIT */
/*
 * samples/echo_load.c - a client of samples/echo.c, which compares what it gets
 *
 *	echo_load PORT CONNECTIONS MILLISECONDS
 *
 * Sends a message on each connection, then reads each of them back: as many
 * are under way as there are connections.
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum {
	LARGEST = 4096,
};

static long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int reach(int port)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				  .sin_port = htons((uint16_t)port) };
	int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);

	if (connect(fd, (struct sockaddr *)&to, sizeof(to))) {
		perror("connect");
		exit(1);
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fd;
}

int main(int argc, char **argv)
{
	char out[LARGEST], in[LARGEST];
	int nr = argc == 4 ? atoi(argv[2]) : 0, fd[1024];
	long done = 0, end;

	if (nr < 1 || nr > 1024) {
		fprintf(stderr, "usage: %s PORT CONNECTIONS MILLISECONDS\n",
			argv[0]);
		return 2;
	}
	for (int i = 0; i < nr; i++)
		fd[i] = reach(atoi(argv[1]));
	for (end = now_ms() + atol(argv[3]); now_ms() < end;) {
		size_t len = 1 + (size_t)(rand() % LARGEST);

		memset(out, (int)done, len);
		for (int i = 0; i < nr; i++)
			if (send(fd[i], out, len, MSG_NOSIGNAL) != (ssize_t)len)
				return perror("send"), 1;
		for (int i = 0; i < nr; i++, done++) {
			if (recv(fd[i], in, len, MSG_WAITALL) == (ssize_t)len &&
			    !memcmp(in, out, len))
				continue;
			fprintf(stderr, "message %ld is not what was sent\n",
				done);
			return 1;
		}
	}
	printf("%ld messages came back\n", done);
	return 0;
}
