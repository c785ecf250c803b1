/* SPDX-License-Identifier: MIT */
/*
 * samples/loop.h - connections on epoll, one loop a thread
 *
 * A connection begins with a struct peer.  The loop accepts, and calls ready()
 * when something has changed; ready() goes on until the socket has nothing
 * more or takes nothing more, for epoll speaks of changes only.
 */
#ifndef SAMPLES_LOOP_H
#define SAMPLES_LOOP_H

#include <netinet/tcp.h>
#include <sys/epoll.h>

#include "serve.h"

struct peer {
	int fd;
	struct peer *next, **prev; /* of this thread's */
};

struct loop {
	struct peer *(*begin)(void);   /* NULL: no memory */
	bool (*ready)(struct peer *p); /* false: it has ended */
	void (*end)(struct peer *p);   /* gives back what it has, and itself */
};

static inline void loop_watch(int ep, int fd, uint32_t events, void *data)
{
	struct epoll_event ev = { .events = events, .data.ptr = data };

	if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev))
		perror("epoll_ctl");
}

static inline void loop_accept(const struct loop *l, int ep, int listener,
			       struct peer **list)
{
	int one = 1, fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
	struct peer *p = fd < 0 ? NULL : l->begin();

	if (!p) {
		if (fd >= 0)
			close(fd);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	*p = (struct peer){ .fd = fd, .next = *list, .prev = list };
	if (p->next)
		p->next->prev = &p->next;
	*list = p;
	loop_watch(ep, fd, EPOLLIN | EPOLLOUT | EPOLLET, p);
}

static inline void loop_drop(const struct loop *l, struct peer *p)
{
	*p->prev = p->next;
	if (p->next)
		p->next->prev = p->prev;
	close(p->fd);
	l->end(p);
}

/* Until it is time to stop. */
static inline void loop_run(const struct loop *l, int listener)
{
	int ep = epoll_create1(0);
	struct epoll_event ev[64];
	struct peer *list = NULL;
	bool on = true;

	loop_watch(ep, stop, EPOLLIN, &stop);
	loop_watch(ep, listener, EPOLLIN, &list);
	while (on) {
		int n = epoll_wait(ep, ev, 64, -1);

		for (int i = 0; i < n; i++) {
			if (ev[i].data.ptr == &stop)
				on = false;
			else if (ev[i].data.ptr == &list)
				loop_accept(l, ep, listener, &list);
			else if (!l->ready(ev[i].data.ptr))
				loop_drop(l, ev[i].data.ptr);
		}
	}
	while (list)
		loop_drop(l, list);
	close(ep);
	close(listener);
}

#endif /* SAMPLES_LOOP_H */
