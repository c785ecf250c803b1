/* SPDX-License-Identifier: MIT */
/*
 * samples/roundrobin_main.c - the balancer as a program, and a demonstration
 *
 *	roundrobin PORT [HOST:PORT...]
 *	roundrobin --demo [SECONDS]
 *
 * Commands come on stdin, whose end is a "quit" too:
 *
 *	add HOST:PORT
 *	remove [copy|nil|exact|swap] HOST:PORT
 *	list
 *	stats
 *	quit
 *
 * The demonstration has three backends on threads of its own, clients that
 * send requests of all kinds, and commands that remove and add backends
 * meanwhile, in all four ways.  Then no request may have failed, each response
 * must have come from a backend, and nothing may be out.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <percu/buf.h>
#include <percu/pool.h>
#include <percu/stats.h>

#include "samples/http.h"
#include "samples/roundrobin.h"

enum {
	NR_SERVERS = 3,
	NR_CLIENTS = 6,
	AGE = 10, /* seconds without a command to an ageing cycle */
};

/* Commands. ----------------------------------------------------------------- */

static int list(void)
{
	PERCU_BUF_ONSTACK(text, 1024);
	int err = balancer_list(&text);

	fwrite(text.data, 1, text.len, stdout);
	return err;
}

static bool command(const char *line)
{
	char word[3][64] = { "", "", "" };
	int n = sscanf(line, "%63s %63s %63s", word[0], word[1], word[2]);
	int err = -EINVAL;

	if (n < 1)
		return true;
	if (!strcmp(word[0], "quit"))
		return false;
	if (!strcmp(word[0], "add") && n == 2)
		err = balancer_add(word[1]);
	else if (!strcmp(word[0], "remove") && n >= 2)
		err = balancer_remove(n == 3 ? word[1] : "copy", word[n - 1]);
	else if (!strcmp(word[0], "list"))
		err = list();
	else if (!strcmp(word[0], "stats"))
		err = percu_stats_write(STDOUT_FILENO, PERCU_STATS_TEXT);
	if (err)
		printf("%s: %s\n", word[0], strerror(-err));
	fflush(stdout);
	return true;
}

static void commands(void)
{
	struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };
	char line[256];

	setvbuf(stdin, NULL, _IONBF, 0); /* what waits, poll() sees */
	for (;;) {
		if (poll(&p, 1, AGE * 1000) == 0)
			percu_age(); /* what lay idle goes back */
		else if (!fgets(line, sizeof(line), stdin) || !command(line))
			return;
	}
}

/* The demonstration. -------------------------------------------------------- */

struct server {
	pthread_t thread;
	int listener, nr;
	uint16_t port;
	_Atomic uint64_t answers; /* that clients got */
};

static struct server servers[NR_SERVERS];
static _Atomic uint64_t bad;
static _Atomic bool clients_over, servers_over;

/* Three ways to say where a response ends, one for each server. */
static void answer(int fd, int nr)
{
	static const char *const way[NR_SERVERS] = {
		"Content-Length: 3\r\n\r\nyes",
		"Transfer-Encoding: chunked\r\n\r\n2\r\nye\r\n1\r\ns\r\n0\r\n\r\n",
		"Connection: close\r\n\r\nyes",
	};
	char text[160];
	int n = snprintf(text, sizeof(text),
			 "HTTP/1.1 200 OK\r\nServer: %d\r\n%s", nr, way[nr]);

	send_all(fd, text, (size_t)n);
}

static void *server(void *arg)
{
	struct server *s = arg;

	while (!servers_over) {
		struct stream in = { .fd = sock_accept(s->listener) };
		struct http_head h;

		if (in.fd < 0)
			continue;
		if (http_head(&in, &h) > 0 && !http_pass(&in, &h, -1))
			answer(in.fd, s->nr);
		stream_idle(&in);
		close(in.fd);
	}
	return NULL;
}

/* A GET, a POST with a body of a length, or one in chunks. */
static int ask(int fd, unsigned int i)
{
	PERCU_BUF_ONSTACK(text, 512);
	int size = (int)(i % 7) * 5000 + 1; /* most outgrow the stack */
	int err;

	if (i % 3 == 0)
		err = percu_buf_printf(&text, "GET /%u HTTP/1.1\r\n\r\n", i);
	else if (i % 3 == 1)
		err = percu_buf_printf(&text,
				       "POST /%u HTTP/1.1\r\n"
				       "Content-Length: %d\r\n\r\n%*s",
				       i, size, size, "");
	else
		err = percu_buf_printf(&text,
				       "POST /%u HTTP/1.1\r\n"
				       "Transfer-Encoding: chunked\r\n\r\n"
				       "%x\r\n%*s\r\n0\r\n\r\n",
				       i, (unsigned int)size, size, "");
	if (!err)
		err = send_all(fd, text.data, text.len);
	return err;
}

/* Which server answered; -1 if that was no whole response. */
static int hear(struct stream *in, struct http_head *h)
{
	static const char mark[] = "\r\nServer: ";
	const char *at;
	int nr;

	if (http_head(in, h) <= 0 || h->status != 200)
		return -1;
	at = memmem(in->b->data + in->pos, h->size, mark, strlen(mark));
	nr = at ? at[strlen(mark)] - '0' : -1;
	return nr < NR_SERVERS && !http_pass(in, h, -1) ? nr : -1;
}

static void *client(void *arg)
{
	const struct sockaddr_in *balancer = arg;
	struct stream in = { .fd = -1 };

	for (unsigned int i = 0; !clients_over; i++) {
		struct http_head h = { .last = true };
		int nr = -1;

		if (in.fd < 0)
			in.fd = sock_connect(arg, sizeof(*balancer));
		if (in.fd >= 0 && !ask(in.fd, i))
			nr = hear(&in, &h);
		atomic_fetch_add(nr < 0 ? &bad : &servers[nr].answers, 1);
		if (in.fd >= 0 && (nr < 0 || h.last)) {
			close(in.fd);
			in.fd = -1;
			stream_idle(&in);
		}
	}
	if (in.fd >= 0)
		close(in.fd);
	stream_idle(&in);
	return NULL;
}

static void servers_start(void)
{
	for (int i = 0; i < NR_SERVERS; i++) {
		struct server *s = &servers[i];
		char line[64];

		s->nr = i;
		s->listener = sock_listen(&s->port);
		if (s->listener < 0 ||
		    pthread_create(&s->thread, NULL, server, s))
			exit(2);
		snprintf(line, sizeof(line), "add 127.0.0.1:%u", s->port);
		command(line);
	}
}

static void servers_end(void)
{
	servers_over = true;
	for (int i = 0; i < NR_SERVERS; i++) {
		shutdown(servers[i].listener, SHUT_RD); /* ends its accept */
		pthread_join(servers[i].thread, NULL);
		close(servers[i].listener);
		printf("server %d: %" PRIu64 " responses\n", i,
		       servers[i].answers);
	}
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* One backend goes and comes back; two are always there. */
static void commands_for(unsigned int seconds)
{
	static const char *const how[] = { "copy", "nil", "exact", "swap" };
	const struct timespec pause = { .tv_nsec = 1000 * 1000 };
	double end = now() + seconds;

	for (unsigned int i = 0; i < 12 || now() < end; i++) {
		unsigned int port = servers[i % NR_SERVERS].port;
		char line[64];

		snprintf(line, sizeof(line), "remove %s 127.0.0.1:%u",
			 how[i % 4], port);
		command(line);
		nanosleep(&pause, NULL);
		snprintf(line, sizeof(line), "add 127.0.0.1:%u", port);
		command(line);
		nanosleep(&pause, NULL);
	}
}

static int demo(unsigned int seconds)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	pthread_t clients[NR_CLIENTS];
	uint64_t good = 0;
	bool clean;

	a.sin_port = htons(balancer_start(0));
	servers_start();
	for (int i = 0; i < NR_CLIENTS; i++)
		if (pthread_create(&clients[i], NULL, client, &a))
			exit(2);
	commands_for(seconds);
	clients_over = true;
	for (int i = 0; i < NR_CLIENTS; i++)
		pthread_join(clients[i], NULL);
	clean = balancer_end();
	servers_end();
	for (int i = 0; i < NR_SERVERS; i++)
		good += servers[i].answers;
	clean = clean && !bad && !counts.failures && good == counts.requests &&
		good && counts.removed >= 12 &&
		counts.added == counts.removed + NR_SERVERS;
	printf("clients: %" PRIu64 " whole responses, %" PRIu64
	       " requests without\n%s\n",
	       good, bad, clean ? "verdict: ok" : "verdict: FAILED");
	return !clean;
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "--demo"))
		return demo(argc > 2 ? (unsigned int)atoi(argv[2]) : 2);
	if (argc < 2) {
		fprintf(stderr, "usage: roundrobin PORT [HOST:PORT...]\n"
				"       roundrobin --demo [SECONDS]\n");
		return 2;
	}
	printf("listening on port %u\n",
	       balancer_start((uint16_t)atoi(argv[1])));
	for (int i = 2; i < argc; i++)
		if (balancer_add(argv[i]))
			fprintf(stderr, "roundrobin: no %s\n", argv[i]);
	commands();
	return !balancer_end();
}
