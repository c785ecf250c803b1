/* SPDX-License-Identifier: MIT */
/*
 * samples/roundrobin.c - an HTTP balancer whose backends come and go
 *
 *	roundrobin PORT [BACKEND'S-PORT...]	"add PORT", "remove PORT [0-3]"
 *						and "quit" come on stdin
 *	roundrobin --demo [REQUESTS]
 *
 * The backends, servers on this machine, are a percu_vec.  A request finds the
 * next one without a lock, however often the list changes, and changes wait for
 * no request.
 *
 * pick() is all of the read section: a few instructions.  Network I/O inside it
 * would keep every deferred free of the program waiting for the slowest peer.
 * So it takes a reference and leaves.
 *
 * A backend lives until it is in no vector and in no request.  The vector has
 * one reference, which its release function gives up a grace period after the
 * removal: whoever still finds the backend in a read section finds at least
 * one, and may add to it without looking.
 *
 * A connection has one request, and a worker.  Left out: TLS, bodies in chunks,
 * connections that stay, and backends that are down.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>
#include <urcu-bp.h>

#include <percu/buf.h>
#include <percu/cleanup.h>
#include <percu/pool.h>
#include <percu/stats.h>
#include <percu/vec.h>

enum {
	NR_WORKERS = 8,
	NR_SERVERS = 3, /* of the demonstration */
	NR_CLIENTS = 6,
	PIECE = 4096, /* bytes that one read has room for */
	REQUEST_MAX = 1 << 20,
	PATIENCE = 10, /* seconds that a peer may take to read or write */
};

struct backend {
	_Atomic unsigned int refs; /* the vector's, and one of each request */
	uint16_t port;
};

static struct percu_vec backends;
static struct percu_pool *pool;
static _Atomic unsigned int turn, requests, failures, outlived;
static unsigned int added, removed;
static int listener;

static bool backend_put(struct backend *b)
{
	if (--b->refs)
		return false;
	percu_pool_put(pool, b);
	return true;
}

/* The vector calls it, a grace period after the removal. */
static void backend_release(void *obj, void *arg)
{
	(void)arg;
	outlived += !backend_put(obj);
}

static void read_unlock(void)
{
#ifdef __SANITIZE_THREAD__ /* which does not see into liburcu */
	void __tsan_release(void *);
	__tsan_release((void *)(uintptr_t)rcu_flavor.update_synchronize_rcu);
#endif
	rcu_read_unlock();
}

static struct backend *pick(void)
{
	struct backend *b = NULL;
	struct percu_view view;
	size_t first = turn++, len;

	rcu_read_lock();
	/* Latched: the length and the slots are of one moment. */
	view = percu_vec_view(&backends);
	len = percu_view_len(view);
	for (size_t i = 0; i < len && !b; i++)
		b = percu_view_get(view, (first + i) % len); /* or a hole */
	if (b)
		b->refs++;
	read_unlock();
	return b;
}

/* Its slot, or -1: for the one thread that changes the list, even afterwards. */
static ssize_t find(uint16_t port)
{
	const struct backend *b;
	ssize_t at = -1;
	size_t i;

	rcu_read_lock();
	percu_vec_for_each (&backends, i, b)
		if (b->port == port)
			at = (ssize_t)i;
	read_unlock();
	return at;
}

static int add(uint16_t port)
{
	struct backend *b;
	int err;

	if (find(port) >= 0)
		return -EEXIST;
	b = percu_pool_get(pool);
	if (!b)
		return -ENOMEM;
	*b = (struct backend){ .refs = 1, .port = port };
	/* What remove_nil has left is closed first. */
	err = percu_vec_compact(&backends) ?: percu_vec_append(&backends, b);
	if (err)
		percu_pool_put(pool, b);
	added += !err;
	return err;
}

static int drop(uint16_t port, unsigned int way)
{
	static int (*const ways[])(struct percu_vec * v, size_t i) = {
		percu_vec_remove, percu_vec_remove_nil, percu_vec_remove_exact,
		percu_vec_remove_swap
	};
	ssize_t at = find(port);
	int err = at < 0 ? -ENOENT : ways[way % 4](&backends, (size_t)at);

	removed += !err;
	return err;
}

/* Requests. ----------------------------------------------------------------- */

/* A connection to that port, or a listener there; -1.  Peers get some time. */
static int open_socket(uint16_t port, bool listens)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons(port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const struct timeval t = { .tv_sec = PATIENCE };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (listens ? !bind(fd, (void *)&a, sizeof(a)) && !listen(fd, 1024) :
		      !connect(fd, (void *)&a, sizeof(a)))
		return fd;
	close(fd);
	return -1;
}

static uint16_t port_of(int fd)
{
	struct sockaddr_in a = { .sin_port = 0 };

	getsockname(fd, (void *)&a, &(socklen_t){ sizeof(a) });
	return ntohs(a.sin_port);
}

/* A whole request, as a string; false: it is none, or none for us. */
static bool read_request(int fd, struct percu_buf *b)
{
	char *text, *end, *field, *chunks;
	size_t want = SIZE_MAX;
	ssize_t n;

	while (b->len < want) {
		if (b->len > REQUEST_MAX ||
		    percu_buf_reserve(b, b->len + PIECE))
			return false;
		n = read(fd, b->data + b->len, b->cap - b->len - 1);
		if (n <= 0)
			return false;
		b->data[b->len += (size_t)n] = '\0';
		text = (char *)b->data;
		end = strstr(text, "\r\n\r\n");
		if (!end)
			continue;
		*end = '\0';
		field = strcasestr(text, "\r\nContent-Length:");
		chunks = strcasestr(text, "\r\nTransfer-Encoding:");
		*end = '\r';
		if (chunks)
			return false;
		want = (size_t)(end + 4 - text);
		want += field ? strtoul(field + 17, NULL, 10) : 0;
	}
	return true;
}

/* The request, with a word that it is the last one; then all that comes. */
static bool forward(struct percu_buf *b, int up, int client)
{
	int line = (int)strcspn((char *)b->data, "\r");
	ssize_t n = (ssize_t)b->len - line, all = 0;

	if (dprintf(up, "%.*s\r\nConnection: close", line, b->data) < 0 ||
	    write(up, b->data + line, (size_t)n) < n)
		return false;
	while ((n = read(up, b->data, b->cap)) > 0 &&
	       write(client, b->data, (size_t)n) == n)
		all += n;
	return n == 0 && all;
}

static void serve(int client)
{
	struct percu_buf *text percu_auto(buf) = percu_buf_get(PIECE);
	struct backend *b;
	int up;

	if (!text || !read_request(client, text)) {
		dprintf(client, "HTTP/1.1 400 Bad Request\r\n\r\n");
		return;
	}
	requests++;
	b = pick();
	up = b ? open_socket(b->port, false) : -1;
	if (up < 0)
		dprintf(client, "HTTP/1.1 503 Service Unavailable\r\n\r\n");
	failures += up < 0 || !forward(text, up, client);
	close(up);
	if (b)
		backend_put(b);
}

static void *worker(void *arg)
{
	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		if (fd < 0 && errno == EINVAL)
			return arg; /* it was shut down */
		if (fd >= 0)
			serve(fd);
		close(fd);
	}
}

static bool command(const char *line)
{
	unsigned int port = 0, way = 0;
	char word[16] = "";
	int n = sscanf(line, "%15s %u %u", word, &port, &way), err = -EINVAL;

	if (!strcmp(word, "quit"))
		return false;
	if (!strcmp(word, "add") && n == 2)
		err = add((uint16_t)port);
	else if (!strcmp(word, "remove") && n >= 2)
		err = drop((uint16_t)port, way);
	if (err)
		printf("%s: %s\n", word, strerror(-err));
	fflush(stdout);
	return true;
}

/* The demonstration. -------------------------------------------------------- */

static const char yes[] = "HTTP/1.1 200 OK\r\n\r\nyes";
static unsigned int wanted; /* requests of each client */
static _Atomic unsigned int good, over;

/* A process of its own, which ends with this one.  Its port. */
static uint16_t server(void)
{
	int from = open_socket(0, true), fd;

	if (fork())
		return port_of(from);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;; close(fd)) {
		struct percu_buf *text percu_auto(buf) = percu_buf_get(PIECE);

		fd = accept(from, NULL, NULL);
		if (text && read_request(fd, text))
			dprintf(fd, "%s", yes);
	}
}

static void *client(void *arg)
{
	for (unsigned int i = 0; i < wanted; i++) {
		int fd = open_socket(port_of(listener), false);
		int size = (int)(i % 7) * 5000 + 1; /* more than a PIECE */
		char text[64] = "";

		dprintf(fd, "POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n%*s",
			size, size, "");
		recv(fd, text, sizeof(text) - 1, MSG_WAITALL);
		good += !strcmp(text, yes);
		close(fd);
	}
	over++;
	return arg;
}

/* One backend at a time goes and comes back; the others are always there. */
static bool demo(unsigned int n)
{
	pthread_t clients[NR_CLIENTS];
	uint16_t port[NR_SERVERS];

	wanted = n / NR_CLIENTS;
	for (int i = 0; i < NR_SERVERS; i++)
		add(port[i] = server());
	for (int i = 0; i < NR_CLIENTS; i++)
		if (pthread_create(&clients[i], NULL, client, NULL))
			errx(2, "no thread");
	for (unsigned int i = 0; i < 12 || over < NR_CLIENTS; i++) {
		drop(port[i % NR_SERVERS], i);
		usleep(1000);
		add(port[i % NR_SERVERS]);
		usleep(1000);
	}
	for (int i = 0; i < NR_CLIENTS; i++)
		pthread_join(clients[i], NULL);
	printf("clients: %u of %u requests have a whole response\n", good,
	       wanted * NR_CLIENTS);
	return good == wanted * NR_CLIENTS && good == requests &&
	       removed >= 12 && added == removed + NR_SERVERS;
}

/* No request is left: what the vector releases, goes. */
static bool nothing_leaks(void)
{
	struct percu_memstats ms;

	percu_vec_destroy(&backends);
	percu_barrier();
	percu_memstats(&ms);
	printf("requests %u, failures %u\nbackends added %u, removed %u, "
	       "released while a request had them %u\n"
	       "percu (%s): %zu objects out, %zu bytes deferred\n",
	       requests, failures, added, removed, outlived, percu_mode(),
	       (size_t)ms.heap_objects, (size_t)ms.deferred);
	return !ms.heap_objects && !percu_pool_destroy(pool);
}

int main(int argc, char **argv)
{
	const struct percu_pool_attr attr = { .name = "backend",
					      .size = sizeof(struct backend) };
	const struct percu_vec_attr vec = { .name = "backends",
					    .release = backend_release };
	bool demonstrate = argc > 1 && !strcmp(argv[1], "--demo"), clean = true;
	pthread_t workers[NR_WORKERS];
	char line[256];

	if (argc < 2)
		errx(2, "usage: roundrobin PORT [PORT...] | --demo [REQUESTS]");
	signal(SIGPIPE, SIG_IGN);
	pool = percu_pool_create(&attr);
	listener = open_socket(demonstrate ? 0 : (uint16_t)atoi(argv[1]), true);
	if (!pool || percu_vec_init(&backends, &vec) || listener < 0)
		err(2, "cannot start");
	for (int i = 0; i < NR_WORKERS; i++)
		if (pthread_create(&workers[i], NULL, worker, NULL))
			errx(2, "no thread");
	if (demonstrate) {
		clean = demo(argc > 2 ? (unsigned int)atoi(argv[2]) : 6000);
	} else {
		printf("listening on port %u\n", port_of(listener));
		for (int i = 2; i < argc; i++)
			add((uint16_t)atoi(argv[i]));
		while (fgets(line, sizeof(line), stdin) && command(line))
			;
	}
	shutdown(listener, SHUT_RD); /* ends each accept */
	for (int i = 0; i < NR_WORKERS; i++)
		pthread_join(workers[i], NULL);
	clean = nothing_leaks() && clean && !failures;
	printf("verdict: %s\n", clean ? "ok" : "FAILED");
	return !clean;
}
