/* SPDX-License-Identifier: MIT */
/*
 * samples/http.h - HTTP/1.1 as far as forwarding needs it
 *
 * Where a message ends, and nothing else: heads and bodies go on as they came.
 */
#ifndef SAMPLES_HTTP_H
#define SAMPLES_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

struct percu_buf;

/* What comes in from a file; zero it, then set fd. */
struct stream {
	int fd;
	struct percu_buf *b; /* NULL while nothing waits in it */
	size_t pos;          /* the bytes of b before it are done with */
};

/* Reads until mark; its end from pos, 0 at the end of input, -errno. */
ssize_t stream_until(struct stream *s, const char *mark);

/* Passes the next n bytes on to a socket, or drops them if to is negative. */
int stream_pass(struct stream *s, uint64_t n, int to);

/* Is there something that was read and is not done with? */
bool stream_waits(const struct stream *s);

/* Gives the buffer back: a stream that waits for input needs none. */
void stream_idle(struct stream *s);

/* What a head says of the length of its message. */
struct http_head {
	size_t size;   /* bytes, the empty line included */
	int status;    /* of a response; 0: it is a request */
	bool bodyless; /* whatever the fields say */
	bool chunked, sized;
	uint64_t length; /* bytes of the body, if sized */
	bool last;       /* the connection ends after this message */
	bool expects;    /* the client waits for "100 Continue" */
};

/* Reads a head and leaves it in the stream: 1, 0 at the end of input, -errno. */
int http_head(struct stream *s, struct http_head *h);

/* Passes the whole message on: the head that is in the stream, and the body. */
int http_pass(struct stream *s, const struct http_head *h, int to);

/*
 * Forwards a request whose head is in client to up, and the response back.
 * 0 or -errno; *begun once the client has got some of the response.
 */
int http_forward(struct stream *client, const struct http_head *rq,
		 struct stream *up, struct http_head *rs, bool *begun);

/* Answers with a status, such as "400 Bad Request", and says false. */
bool http_refuse(int fd, const char *status);

/* Sockets: a file or -errno.  Peers have some seconds' time to read or write. */
int sock_listen(uint16_t *port); /* on loopback; 0: one is chosen */
int sock_accept(int listener);
int sock_connect(const struct sockaddr *addr, socklen_t len);

/* epoll_ctl(): the next that comes in is one event, for one thread. */
int sock_arm(int epoll, int op, int fd);

int send_all(int fd, const void *data, size_t len);

#endif /* SAMPLES_HTTP_H */
