/* SPDX-License-Identifier: MIT */
/*
 * stress/net.h - HTTP over loopback, for workers
 *
 *	conn		a socket, and what came in from it and is not done with
 *	message		a head and as many bytes of body as it says
 *
 * All of them wait as workers do: no thread is kept.  No read section around
 * them.  They return 0 or what they count, or -errno.
 */
#ifndef STRESS_NET_H
#define STRESS_NET_H

#include <stdint.h>
#include <sys/types.h>
#include <percu/buf.h>

struct conn {
	int fd;
	struct percu_buf *b; /* NULL while nothing waits in it */
	size_t pos;          /* the bytes of b before it are done with */
};

int net_listen(uint16_t *port); /* a socket; *port is chosen */
int net_accept(int listener);   /* -EINVAL: it was shut down */
int net_connect(uint16_t port);
int net_send(int fd, const void *data, size_t len);

/*
 * Reads until a whole message waits: its bytes, from conn_message() on, of
 * which the last *body are its body.  0: the peer has closed, between two.
 */
ssize_t conn_read(struct conn *c, size_t *body);
unsigned char *conn_message(const struct conn *c);
void conn_done(struct conn *c, size_t len); /* with so many bytes */
void conn_close(struct conn *c);

#endif /* STRESS_NET_H */
