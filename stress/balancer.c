// SPDX-License-Identifier: MIT
/*
 * stress/balancer.c - HTTP through a balancer whose backends come and go
 *
 *	client -> connection of the balancer -> connection of a backend
 *
 * Each of these is a worker, and between them is TCP over loopback.  The
 * backends are a percu_vec: for each request the balancer takes the next one,
 * in a read section of a few instructions, and a reference to it.  Meanwhile a
 * conductor starts backends and removes others, in every way that a vector
 * has.
 *
 * A backend lives as long as it is in the vector or in a request.  The vector
 * gives its reference up a grace period after the removal: whoever finds the
 * backend in a section finds at least one, and may add to it.  Who gives up
 * the last one shuts the listening socket down, and then the backend's own
 * worker ends it.  Were it released a moment too early a connection would be
 * refused, or memory would be another backend's: so no request may fail.
 *
 * A request and its response have a body each, of a size and with a stamp that
 * depend on the request's key; both ends check them.
 *
 * The system decides which socket is ready first: with --threads 1 only what
 * workers draw is repeated.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <urcu-bp.h>
#include <percu/vec.h>
#include "crew.h"
#include "net.h"
#include "tsan.h"

enum {
	CLIENTS = 64,
	FDS_EACH = 8, /* of a client and all that it causes */
	LEAST = 3,    /* backends */
	MOST = 16,
	BODY_MAX = 32 << 10,
	REST_NS = 2000 * 1000, /* between two changes, at most */
	ENOUGH = 20000,        /* requests, for all to have happened */
	LINGER = 64,           /* removed and not released: then wait */
	NOBODYS = 1,           /* a port on which nobody listens */
};

static const char backend_name[] = "backend";

struct balancer {
	const struct options *o;
	struct percu_pool *pool;
	struct percu_vec backends;
	struct group *clients, *conns, *servers;
	int listener;
	uint16_t port;
	_Atomic size_t turn;
	_Atomic uint64_t requests, outlived, bytes, released;
	uint64_t added, removed, gets; /* by the conductor */
	_Atomic uint64_t puts;
	struct progress progress;
};

struct backend {
	struct balancer *ba;
	_Atomic unsigned int refs; /* of the vector, and of requests */
	int listener;
	uint16_t port;
	uint64_t magic; /* MAGIC ^ address, while it lives */
};

#define MAGIC 0x6261636b656e6421u

static void backend_check(const struct backend *b, const char *who)
{
	if (b->magic != (MAGIC ^ (uintptr_t)b))
		fail("%s: %p is no backend any more", who, (const void *)b);
}

/* Bodies. -------------------------------------------------------------------------- */

static size_t body_size(uint64_t key)
{
	struct rng r = { .state = key };

	return 8 + rng_lognormal(&r, 8, 2.5, BODY_MAX);
}

/* "KIND\r\nX-Key: ...\r\nContent-Length: ...\r\n\r\n", and the body. */
static int message_send(int fd, const char *kind, uint64_t key)
{
	struct percu_buf *b = must(percu_buf_get(512));
	size_t size = body_size(key);
	int err;

	if (must_do(percu_buf_printf(b,
				     "%s\r\nX-Key: %016llx\r\n"
				     "Content-Length: %zu\r\n\r\n",
				     kind, (unsigned long long)key, size)) ||
	    must_do(percu_buf_reserve(b, b->len + size)))
		out_of_memory();
	memset(b->data + b->len, (int)key, size);
	stamp(b->data + b->len, size, key);
	b->len += size;
	err = net_send(fd, b->data, b->len);
	percu_buf_put(b);
	return err;
}

/* Is this the message of that key?  0: whichever is in its head. */
static bool message_holds(const struct conn *c, size_t len, size_t body,
			  uint64_t *key)
{
	static const char field[] = "\r\nX-Key: ";
	const unsigned char *from = conn_message(c);
	const char *at = memmem(from, len - body, field, strlen(field));
	uint64_t told = at ? strtoull(at + strlen(field), NULL, 16) : 0;

	if (!*key)
		*key = told;
	return told && told == *key && body == body_size(told) &&
	       stamp_holds(from + len - body, body, told);
}

/* Backends. -------------------------------------------------------------------------- */

static void backend_put(struct backend *b)
{
	backend_check(b, "who gives a backend up");
	if (atomic_fetch_sub(&b->refs, 1) == 1)
		shutdown(b->listener, SHUT_RDWR); /* wakes server() */
}

/* The vector calls it, a grace period after the removal. */
static void backend_release(void *obj, void *arg)
{
	struct balancer *ba = arg;
	struct backend *b = obj;

	if (crew_is_copy())
		return; /* the socket is the parent's */
	if (atomic_load(&b->refs) > 1)
		atomic_fetch_add(&ba->outlived, 1);
	backend_put(b);
	atomic_fetch_add(&ba->released, 1);
}

struct inbound {
	struct balancer *ba;
	int fd;
};

static struct inbound *inbound(struct balancer *ba, int fd)
{
	struct inbound *in = must(malloc(sizeof(*in)));

	*in = (struct inbound){ ba, fd };
	group_add(ba->conns, 1);
	return in;
}

/*
 * One request on a connection of its own.  When it has its response, whoever
 * sent it may let go of the backend: that is not looked at here.
 */
static void serve(void *arg)
{
	struct inbound in = *(struct inbound *)arg;
	struct conn c = { .fd = in.fd };
	uint64_t key = 0;
	size_t body;
	ssize_t len = conn_read(&c, &body);

	if (len <= 0 || !message_holds(&c, (size_t)len, body, &key))
		fail("a backend got a request that is none: %zd", len);
	else if (message_send(c.fd, "HTTP/1.1 200 OK", key))
		fail("a backend could not send its response");
	conn_close(&c);
	group_done(in.ba->conns);
	free(arg);
}

/* Until its last reference has gone. */
static void server(void *arg)
{
	struct backend *b = arg;
	struct balancer *ba = b->ba;
	int fd;

	worker_holds(backend_name, 1);
	while ((fd = net_accept(b->listener)) >= 0)
		worker_go(serve, inbound(ba, fd), "backend's connection",
			  b->port);
	if (fd != -EINVAL || atomic_load(&b->refs))
		fail("a backend with %u references cannot accept: %s", b->refs,
		     strerror(-fd));
	close(b->listener);
	b->magic = 0;
	percu_pool_put(ba->pool, b);
	worker_holds(backend_name, -1);
	atomic_fetch_add(&ba->puts, 1);
	group_done(ba->servers);
}

static struct backend *backend_new(struct balancer *ba)
{
	struct backend *b = must(percu_pool_get(ba->pool));

	memset(b, 0, sizeof(*b));
	b->ba = ba;
	b->refs = 1;
	b->magic = MAGIC ^ (uintptr_t)b;
	b->listener = net_listen(&b->port);
	if (b->listener < 0)
		die("no socket: %s", strerror(-b->listener));
	ba->gets++;
	group_add(ba->servers, 1);
	worker_go(server, b, "backend", b->port);
	return b;
}

/* The balancer. ------------------------------------------------------------------------ */

__attribute__((noinline)) static struct backend *pick(struct balancer *ba)
{
	size_t first = atomic_fetch_add(&ba->turn, 1), len;
	struct backend *b = NULL;
	struct percu_view view;

	rcu_read_lock();
	view = percu_vec_view(&ba->backends);
	len = percu_view_len(view);
	for (size_t i = 0; i < len && !b; i++)
		b = percu_view_get(view, (first + i) % len); /* or a hole */
	if (b)
		atomic_fetch_add(&b->refs, 1);
	rcu_read_unlock();
	return b;
}

/* Passes a request on, and the response back: 0 or -errno. */
static int forward(struct conn *c, size_t len, const struct backend *b)
{
	struct conn up = {
		.fd = net_connect(break_now(BREAK_BALANCER) ? NOBODYS : b->port)
	};
	ssize_t got;
	size_t body;
	int err;

	if (up.fd < 0)
		return up.fd;
	err = net_send(up.fd, conn_message(c), len);
	got = err ? err : conn_read(&up, &body);
	if (got > 0)
		err = net_send(c->fd, conn_message(&up), (size_t)got);
	else
		err = got ? (int)got : -EPIPE;
	conn_close(&up);
	return err;
}

/* False: the connection is to end. */
static bool request_serve(struct balancer *ba, struct conn *c, size_t len)
{
	struct backend *b = pick(ba);
	int err;

	atomic_fetch_add(&ba->requests, 1);
	if (!b) {
		fail("a request found no backend");
		return false;
	}
	backend_check(b, "a request");
	err = forward(c, len, b);
	if (err)
		fail("a request failed at a backend with %u references: %s",
		     b->refs, strerror(-err));
	backend_put(b);
	return !err;
}

static void connection(void *arg)
{
	struct inbound in = *(struct inbound *)arg;
	struct balancer *ba = in.ba;
	struct conn c = { .fd = in.fd };
	ssize_t len;
	size_t body;

	free(arg);
	while ((len = conn_read(&c, &body)) > 0 &&
	       request_serve(ba, &c, (size_t)len))
		conn_done(&c, (size_t)len);
	if (len < 0)
		fail("a client's connection broke: %s", strerror((int)-len));
	conn_close(&c);
	group_done(ba->conns);
}

static void acceptor(void *arg)
{
	struct balancer *ba = arg;
	int fd;

	while ((fd = net_accept(ba->listener)) >= 0)
		worker_go(connection, inbound(ba, fd), "balancer's connection",
			  (uint64_t)fd);
	if (fd != -EINVAL)
		fail("the balancer cannot accept: %s", strerror(-fd));
	close(ba->listener);
	group_done(ba->conns);
}

/* Clients. ------------------------------------------------------------------------------- */

struct client {
	struct balancer *ba;
	struct rng rng;
};

static bool request(struct client *cl, struct conn *c)
{
	uint64_t key = rng_next(&cl->rng) | 1;
	size_t body;
	ssize_t len;
	int err = message_send(c->fd, "POST / HTTP/1.1\r\nHost: here", key);

	len = err ? err : conn_read(c, &body);
	if (len <= 0 || !message_holds(c, (size_t)len, body, &key)) {
		fail("a client got no whole response, or another's: %zd", len);
		return false;
	}
	atomic_fetch_add(&cl->ba->bytes, (uint64_t)len);
	conn_done(c, (size_t)len);
	progress_add(&cl->ba->progress, 1);
	return true;
}

static void client(void *arg)
{
	struct client *cl = arg;
	struct balancer *ba = cl->ba;
	bool good;

	do {
		struct conn c = { .fd = net_connect(ba->port) };
		uint32_t n = rng_below(&cl->rng, 200);

		if (c.fd < 0) {
			fail("a client cannot connect: %s", strerror(-c.fd));
			break;
		}
		do
			good = request(cl, &c);
		while (good && n-- && crew_goes_on(ba->o));
		conn_close(&c);
	} while (good && crew_goes_on(ba->o));
	group_done(ba->clients);
}

/* The conductor: the only one who changes the vector. -------------------------------------- */

static size_t live(const struct balancer *ba)
{
	return percu_vec_live(&ba->backends);
}

static void backend_add(struct balancer *ba)
{
	struct percu_vec *v = &ba->backends;
	struct backend *b = backend_new(ba);
	size_t len;
	int err;

	rcu_read_lock();
	len = percu_vec_len(v);
	rcu_read_unlock();
	if (worker_draw(2))
		err = must_do(percu_vec_append(v, b));
	else
		err = must_do(
			percu_vec_insert(v, worker_draw((uint32_t)len + 1), b));
	if (err) {
		fail("a backend cannot be added: %s", strerror(-err));
		backend_put(b);
		return;
	}
	ba->added++;
}

/* The slot of a backend that is drawn; there are some. */
static size_t drawn(const struct balancer *ba)
{
	struct percu_view view;
	size_t i;

	rcu_read_lock();
	view = percu_vec_view(&ba->backends);
	i = worker_draw((uint32_t)percu_view_len(view));
	while (!percu_view_get(view, i))
		i = (i + 1) % percu_view_len(view);
	rcu_read_unlock();
	return i;
}

static void backend_remove(struct balancer *ba)
{
	static int (*const how[])(struct percu_vec * v, size_t i) = {
		percu_vec_remove, percu_vec_remove_nil, percu_vec_remove_exact,
		percu_vec_remove_swap
	};
	int err = how[worker_draw(ARRAY_SIZE(how))](&ba->backends, drawn(ba));

	if (err)
		fail("a backend cannot be removed: %s", strerror(-err));
	ba->removed++;
	if (ba->removed - atomic_load(&ba->released) > LINGER)
		percu_barrier();
}

/* Ends everybody, in the order in which they need each other. */
static void wind_up(struct balancer *ba)
{
	group_wait(ba->clients);
	shutdown(ba->listener, SHUT_RDWR);
	group_wait(ba->conns);
	verdict_stale(percu_vec_check(&ba->backends) != 0, "backends");
	calm_begin();
	percu_vec_destroy(&ba->backends); /* releases them all */
	calm_end();
	group_wait(ba->servers);
}

static void conduct(void *arg)
{
	struct balancer *ba = arg;

	while (crew_goes_on(ba->o)) {
		if (live(ba) <= LEAST || (live(ba) < MOST && worker_draw(2)))
			backend_add(ba);
		else
			backend_remove(ba);
		worker_sleep(worker_draw(REST_NS));
	}
	wind_up(ba);
}

static void begin(void *arg)
{
	struct balancer *ba = arg;

	while (live(ba) < LEAST)
		backend_add(ba);
	worker_go(acceptor, ba, "acceptor", 0);
	worker_go(conduct, ba, "conductor", 0);
}

/* The scenario. ------------------------------------------------------------------------------ */

static unsigned int nr_clients(const struct options *o)
{
	unsigned int n = crew_size(o, 4 * CLIENTS) / 4;
	struct rlimit fds;

	if (!getrlimit(RLIMIT_NOFILE, &fds) && n > fds.rlim_cur / FDS_EACH)
		n = (unsigned int)(fds.rlim_cur / FDS_EACH);
	return n + !n;
}

static void balancer_init(struct balancer *ba, const struct options *o)
{
	const struct percu_pool_attr attr = { .name = backend_name,
					      .size = sizeof(struct backend) };
	const struct percu_vec_attr vec = { .name = "backends",
					    .release = backend_release,
					    .arg = ba };

	ba->o = o;
	ba->pool = must(percu_pool_create(&attr));
	if (must_do(percu_vec_init(&ba->backends, &vec)))
		out_of_memory();
	ba->clients = must(group_new("clients"));
	ba->conns = must(group_new("connections"));
	ba->servers = must(group_new("servers"));
	ba->listener = net_listen(&ba->port);
	if (ba->listener < 0)
		die("no socket: %s", strerror(-ba->listener));
	group_add(ba->conns, 1); /* the acceptor */
}

static void balancer_print(const struct balancer *ba, double seconds)
{
	printf("  requests  %s in %.1f s, %.1f k/s; %s whole responses, %s\n",
	       num_count(ba->requests).s, seconds,
	       (double)ba->requests / 1e3 / seconds,
	       num_count(ba->progress.done).s, num_bytes(ba->bytes).s);
	printf("  backends  %s added, %s removed; %s released while a request had them\n",
	       num_count(ba->added).s, num_count(ba->removed).s,
	       num_count(ba->outlived).s);
	happened(ba->requests, "asked for");
	if (ba->requests > ENOUGH && alone()) {
		happened(ba->removed, "removed");
		happened(ba->outlived, "released while a request had it");
	}
	if (ba->requests != ba->progress.done)
		fail("%llu requests, %llu whole responses",
		     (unsigned long long)ba->requests,
		     (unsigned long long)ba->progress.done);
}

static void balancer_fini(struct balancer *ba)
{
	audit_quiet(ba->pool, ba->gets, ba->puts);
	audit_table_head();
	audit_table_row(ba->pool);
	audit_destroy(ba->pool, 0);
	group_free(ba->clients);
	group_free(ba->conns);
	group_free(ba->servers);
}

void balancer_run(const struct options *o)
{
	struct balancer *ba = must(calloc(1, sizeof(*ba)));
	struct sched *s = crew_new(o, 0xba1a, o->seconds);
	unsigned int n = nr_clients(o);
	struct client *clients = must(calloc(n, sizeof(*clients)));
	size_t leaked;
	double seconds;

	law("no request fails, however often backends come and go");
	law("a backend lives until its last request, and no longer");
	balancer_init(ba, o);
	group_add(ba->clients, n);
	sched_go(s, begin, ba, "begin", 0);
	for (unsigned int i = 0; i < n; i++) {
		clients[i].ba = ba;
		clients[i].rng.state = mix64(o->seed ^ 0xc11e47 ^ i);
		sched_go(s, client, &clients[i], "client", i);
	}
	progress_start(&ba->progress, "balancer", PROGRESS_TIME,
		       (uint64_t)(o->seconds * 1e3));
	leaked = crew_run(s);
	seconds = progress_stop(&ba->progress);
	balancer_print(ba, seconds);
	if (!leaked)
		balancer_fini(ba);
	free(clients);
	free(ba);
}
