/* SPDX-License-Identifier: MIT */
/*
 * samples/roundrobin.c - an HTTP balancer whose backends come and go
 *
 * The backends are a percu_vec.  A request finds its backend without a lock,
 * however often the list changes, and changes wait for no request.  What there
 * is to learn:
 *
 *	pick() is all of the read section: a few instructions.  Network I/O
 *	inside it would keep every deferred free of the program waiting for the
 *	slowest peer.  So it takes a reference and leaves.
 *
 *	A backend lives until it is in no vector and in no request.  The vector
 *	has one reference, which its release function gives up a grace period
 *	after the removal: whoever still finds the backend in a read section
 *	finds at least one, and may add to it without looking.
 *
 *	A connection that waits for a request has no thread and no buffer.
 *
 * Workers share an epoll instance.  An event is a connection that has a
 * request; the worker serves it with blocking I/O, then lets it wait again.
 *
 * Left out: TLS, upgrades, connections kept to backends, changes to heads, and
 * a defence against clients that send a request slowly: each has a worker.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include <urcu-bp.h>

#include <percu/buf.h>
#include <percu/pool.h>
#include <percu/stats.h>
#include <percu/vec.h>

#include "samples/http.h"
#include "samples/roundrobin.h"
#include "stress/tsan.h"

enum {
	NR_WORKERS = 4,
	NR_FDS = 4096,
};

struct backend {
	_Atomic unsigned int refs; /* of the vector, and of requests */
	_Atomic uint64_t requests;
	struct sockaddr_storage addr;
	socklen_t addrlen;
	char name[64];
};

struct counts counts;
static struct percu_vec backends;
static _Atomic size_t turn;
static struct percu_pool *backend_pool, *client_pool;
static struct stream *_Atomic clients[NR_FDS]; /* by file */
static pthread_t workers[NR_WORKERS];
static int listener, epoll, stop;

static void die(const char *what)
{
	perror(what);
	exit(2);
}

/* Backends. ----------------------------------------------------------------- */

static struct backend *backend_new(const char *name)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *ai;
	const char *colon = strrchr(name, ':');
	struct backend *b;
	char host[64];

	if (!colon || strlen(name) >= sizeof(host))
		return NULL;
	snprintf(host, sizeof(host), "%.*s", (int)(colon - name), name);
	if (getaddrinfo(host, colon + 1, &hints, &ai))
		return NULL;
	b = percu_pool_get(backend_pool);
	if (b) {
		*b = (struct backend){ .refs = 1, .addrlen = ai->ai_addrlen };
		memcpy(&b->addr, ai->ai_addr, ai->ai_addrlen);
		strcpy(b->name, name);
	}
	freeaddrinfo(ai);
	return b;
}

static bool backend_put(struct backend *b)
{
	if (atomic_fetch_sub(&b->refs, 1) != 1)
		return false;
	percu_pool_put(backend_pool, b);
	return true;
}

/* The vector calls it, a grace period after the removal. */
static void backend_release(void *obj, void *arg)
{
	(void)arg;
	if (!backend_put(obj))
		atomic_fetch_add(&counts.outlived, 1);
}

static struct backend *pick(void)
{
	size_t first = atomic_fetch_add(&turn, 1), len;
	struct backend *b = NULL;
	struct percu_view view;

	rcu_read_lock();
	/* Latched: the length and the slots are of one moment. */
	view = percu_vec_view(&backends);
	len = percu_view_len(view);
	for (size_t i = 0; i < len && !b; i++)
		b = percu_view_get(view, (first + i) % len); /* or a hole */
	if (b)
		atomic_fetch_add(&b->refs, 1);
	rcu_read_unlock();
	return b;
}

/* A backend that does not answer is passed over, twice. */
static struct backend *pick_connected(int *fd)
{
	for (int i = 0; i < 3; i++) {
		struct backend *b = pick();

		*fd = b ? sock_connect((struct sockaddr *)&b->addr,
				       b->addrlen) :
			  -ENOENT;
		if (!b || *fd >= 0)
			return b;
		backend_put(b);
	}
	return NULL;
}

/* One request.  Can the connection have another? */
static bool serve(struct stream *c)
{
	struct http_head rq, rs = { .last = true };
	struct stream up = { .fd = -1 };
	int err = http_head(c, &rq);
	bool begun = false;
	struct backend *b;

	if (err == -EBADMSG || err == -EMSGSIZE || (err > 0 && rq.status))
		return http_refuse(c->fd, "400 Bad Request");
	if (err <= 0)
		return false;
	atomic_fetch_add(&counts.requests, 1);
	b = pick_connected(&up.fd);
	if (!b) {
		atomic_fetch_add(&counts.failures, 1);
		return http_refuse(c->fd, "503 Service Unavailable");
	}
	atomic_fetch_add(&b->requests, 1);
	err = http_forward(c, &rq, &up, &rs, &begun);
	close(up.fd);
	stream_idle(&up);
	backend_put(b);
	if (err) {
		atomic_fetch_add(&counts.failures, 1);
		return begun ? false : http_refuse(c->fd, "502 Bad Gateway");
	}
	return !rq.last && !rs.last && (rs.bodyless || rs.sized || rs.chunked);
}

/* From here on the client is that worker's who is told of its next request. */
static void client_wait(struct stream *c, int op)
{
	int fd = c->fd;

	stream_idle(c);
	/* Releases it; epoll promises nothing.  Pairs with worker()'s load. */
	atomic_store(&clients[fd], c);
	if (sock_arm(epoll, op, fd))
		die("epoll_ctl");
}

static void client_end(struct stream *c)
{
	int fd = c->fd;

	atomic_store(&clients[fd], NULL);
	stream_idle(c);
	percu_pool_put(client_pool, c);
	close(fd);
}

static void client_begin(int fd)
{
	struct stream *c = fd < NR_FDS ? percu_pool_get(client_pool) : NULL;

	if (!c) {
		close(fd);
		return;
	}
	*c = (struct stream){ .fd = fd };
	client_wait(c, EPOLL_CTL_ADD);
}

static void client_serve(struct stream *c)
{
	bool more;

	do /* what was sent ahead makes no event */
		more = serve(c);
	while (more && stream_waits(c));
	if (more)
		client_wait(c, EPOLL_CTL_MOD);
	else
		client_end(c);
}

static void *worker(void *arg)
{
	struct epoll_event ev = { 0 };

	(void)arg;
	while (ev.data.fd != stop) {
		if (epoll_wait(epoll, &ev, 1, -1) != 1)
			continue;
		if (ev.data.fd == listener) {
			int fd = sock_accept(listener);

			if (fd >= 0) /* no other worker was faster */
				client_begin(fd);
		} else if (ev.data.fd != stop) {
			client_serve(atomic_load(&clients[ev.data.fd]));
		}
	}
	return NULL;
}

/* Start and end. ------------------------------------------------------------ */

static void watch(int fd)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = fd };

	if (fd < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &ev))
		die("epoll_ctl");
}

uint16_t balancer_start(uint16_t port)
{
	struct percu_pool_attr attr = { .name = "backend",
					.size = sizeof(struct backend) };
	const struct percu_vec_attr vec_attr = { .name = "backends",
						 .release = backend_release };

	backend_pool = percu_pool_create(&attr);
	attr.name = "client";
	attr.size = sizeof(struct stream);
	client_pool = percu_pool_create(&attr);
	if (!backend_pool || !client_pool ||
	    percu_vec_init(&backends, &vec_attr))
		die("percu");
	listener = sock_listen(&port);
	epoll = epoll_create1(EPOLL_CLOEXEC);
	stop = eventfd(0, EFD_CLOEXEC);
	if (listener < 0 || fcntl(listener, F_SETFL, O_NONBLOCK))
		die("listen");
	watch(listener);
	watch(stop);
	for (int i = 0; i < NR_WORKERS; i++)
		if (pthread_create(&workers[i], NULL, worker, NULL))
			die("pthread_create");
	return port;
}

bool balancer_end(void)
{
	struct percu_memstats ms;
	uint64_t one = 1;

	if (write(stop, &one, sizeof(one)) < 0)
		die("eventfd");
	for (int i = 0; i < NR_WORKERS; i++)
		pthread_join(workers[i], NULL);
	for (int fd = 0; fd < NR_FDS; fd++)
		if (clients[fd])
			client_end(clients[fd]);
	close(listener);
	close(epoll);
	close(stop);

	/* No request is left: what the vector releases, goes. */
	percu_vec_destroy(&backends);
	percu_barrier();
	percu_memstats(&ms);
	printf("requests %" PRIu64 ", failures %" PRIu64 "\n"
	       "backends added %" PRIu64 ", removed %" PRIu64
	       ", released while a request had them %" PRIu64 "\n",
	       counts.requests, counts.failures, counts.added, counts.removed,
	       counts.outlived);
	printf("percu (%s): %" PRIu64 " gets, %" PRIu64 " puts, %" PRIu64
	       " objects of %" PRIu64 " bytes out, %" PRIu64 " deferred\n",
	       percu_mode(), ms.mallocs, ms.frees, ms.heap_objects, ms.alloc,
	       ms.deferred);
	return !percu_pool_destroy(backend_pool) &&
	       !percu_pool_destroy(client_pool) && ms.heap_objects == 0;
}

/* Changes. ------------------------------------------------------------------ */

/*
 * The slot of a backend, or of a hole if name is NULL; -1 if there is none.
 * Right even after the read section, for one thread makes all the changes.
 */
static ssize_t find(const char *name)
{
	struct percu_view view;
	ssize_t at = -1;

	rcu_read_lock();
	view = percu_vec_view(&backends);
	for (size_t i = 0; at < 0 && i < percu_view_len(view); i++) {
		struct backend *b = percu_view_get(view, i);

		if (name ? b && !strcmp(b->name, name) : !b)
			at = (ssize_t)i;
	}
	rcu_read_unlock();
	return at;
}

int balancer_add(const char *name)
{
	struct backend *b;
	ssize_t hole;
	int err;

	if (find(name) >= 0)
		return -EEXIST;
	b = backend_new(name);
	if (!b)
		return -EINVAL;
	hole = find(NULL); /* what "remove nil" has left */
	err = hole < 0 ? percu_vec_append(&backends, b) :
			 percu_vec_replace(&backends, (size_t)hole, b);
	if (err)
		backend_put(b);
	else
		atomic_fetch_add(&counts.added, 1);
	return err;
}

int balancer_remove(const char *how, const char *name)
{
	ssize_t at = find(name);
	int err;

	if (at < 0)
		return -ENOENT;
	if (!strcmp(how, "copy"))
		err = percu_vec_remove(&backends, (size_t)at);
	else if (!strcmp(how, "nil"))
		err = percu_vec_remove_nil(&backends, (size_t)at);
	else if (!strcmp(how, "exact"))
		err = percu_vec_remove_exact(&backends, (size_t)at);
	else if (!strcmp(how, "swap"))
		err = percu_vec_remove_swap(&backends, (size_t)at);
	else
		err = -EINVAL;
	if (!err)
		atomic_fetch_add(&counts.removed, 1);
	return err;
}

int balancer_list(struct percu_buf *text)
{
	struct backend *b;
	int err = 0;
	size_t i;

	rcu_read_lock();
	percu_vec_for_each (&backends, i, b) {
		err = percu_buf_printf(text, "%zu %s %" PRIu64 "\n", i, b->name,
				       b->requests);
		if (err)
			break;
	}
	rcu_read_unlock();
	return err; /* written out by the caller: that can take its time */
}
