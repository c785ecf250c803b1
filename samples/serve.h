/* SPDX-License-Identifier: MIT */
/*
 * samples/serve.h - what the three servers here share
 *
 *	SERVER [--malloc] [PORT]
 *
 * Two threads serve.  At SIGTERM they close their connections and give
 * everything back; one line says what was done and what is still out, which
 * must be nothing.  --malloc does the same work on malloc() and free().
 */
#ifndef SAMPLES_SERVE_H
#define SAMPLES_SERVE_H

#include <arpa/inet.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <percu/pool.h>
#include <percu/stats.h>

static bool plain;                   /* malloc() and free() */
static int stop;                     /* can be read when it is time to end */
static _Atomic uint64_t nr_requests; /* answered */

static inline void *take(struct percu_pool *pool, size_t size)
{
	return plain ? malloc(size) : percu_pool_get(pool);
}

static inline void give(struct percu_pool *pool, void *obj)
{
	if (plain)
		free(obj);
	else
		percu_pool_put(pool, obj);
}

static inline void *need(void *ptr, const char *what)
{
	if (!ptr) {
		perror(what);
		exit(2);
	}
	return ptr;
}

static inline struct percu_pool *pool_of(const char *name, size_t size)
{
	const struct percu_pool_attr attr = { .name = name, .size = size };

	return need(percu_pool_create(&attr), name);
}

/* Where it listens; port 0 is any that is free. */
static struct sockaddr_in serve_at = { .sin_family = AF_INET };

static inline void serve_arguments(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], "--malloc"))
			plain = true;
		else
			serve_at.sin_port = htons((uint16_t)atoi(argv[i]));
	serve_at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
}

/* A socket for each thread: the kernel shares connections out among them. */
static inline int serve_listen(void)
{
	struct sockaddr *at = (struct sockaddr *)&serve_at;
	socklen_t len = sizeof(serve_at);
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	if (setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)) ||
	    bind(fd, at, len) || listen(fd, 1024) || getsockname(fd, at, &len))
		need(NULL, "listen");
	return fd;
}

/* Each thread runs work() on a socket of its own, until SIGTERM. */
static inline void serve(void *(*work)(void *fd))
{
	pthread_t thread[2];
	int fd[2], sig;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	stop = eventfd(0, 0);
	for (int i = 0; i < 2; i++)
		fd[i] = serve_listen();
	for (int i = 0; i < 2; i++)
		if (pthread_create(&thread[i], NULL, work, &fd[i]))
			need(NULL, "pthread_create");
	printf("port %d\n", ntohs(serve_at.sin_port));
	fflush(stdout);
	sigwait(&set, &sig);
	eventfd_write(stop, 1);
	for (int i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	close(stop);
}

static inline long ms_of(struct timeval t)
{
	return (long)t.tv_sec * 1000 + (long)t.tv_usec / 1000;
}

/* The line that tests and benchmarks read.  Return: the exit status. */
static inline int serve_end(void)
{
	struct percu_memstats ms;
	struct rusage ru;

	percu_barrier();
	percu_memstats(&ms);
	getrusage(RUSAGE_SELF, &ru);
	printf("%s: %" PRIu64
	       " requests, %ld ms of CPU time, %ld KiB at most, %" PRIu64
	       " objects out\n",
	       plain ? "malloc" : "percu", nr_requests,
	       ms_of(ru.ru_utime) + ms_of(ru.ru_stime), ru.ru_maxrss,
	       ms.heap_objects);
	return ms.heap_objects != 0;
}

#endif /* SAMPLES_SERVE_H */
