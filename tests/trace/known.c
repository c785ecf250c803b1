/* SPDX-License-Identifier: MIT */
/*
 * tests/trace/known.c - does what its argument says, and nothing else
 *
 * It prints nothing, so that what is recorded of it is what is written here,
 * with sizes that nobody else asks for: 1001 and more.
 */
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static void single(void)
{
	void *p = malloc(1001), *q = calloc(10, 101), *r;

	p = realloc(p, 2002);
	r = realloc(NULL, 1003);
	free(q);
	if (realloc(r, SIZE_MAX / 4) || malloc(SIZE_MAX / 4) || errno != ENOMEM)
		_exit(9); /* refused: no event */
	free(NULL);
	if (realloc(r, 0)) /* it is freed */
		_exit(9);
	q = aligned_alloc(64, 1088);
	if (posix_memalign(&r, 32, 1004))
		_exit(9);
	free(q);
	free(r);
	q = memalign(4096, 1005);
	r = valloc(1006);
	q = reallocarray(q, 11, 110);
	free(strndup("", 0));
	free(q);
	free(r);
	(void)p; /* lives on */
}

/* Each thread's block is resized by the next one and freed by the first. */
static void *shared[4];

static void *thread(void *arg)
{
	int i = (int)(intptr_t)arg;

	if (i)
		shared[i - 1] = realloc(shared[i - 1], 1200 + i - 1);
	shared[i] = malloc(1100 + i);
	return NULL;
}

static void threads(void)
{
	for (int i = 0; i < 4; i++) {
		pthread_t t;

		if (pthread_create(&t, NULL, thread, (void *)(intptr_t)i) ||
		    pthread_join(t, NULL))
			_exit(9);
	}
	for (int i = 0; i < 4; i++)
		free(shared[i]);
}

/* Blocks change hands without a pause, and move while they do. */
static void *slots[64];

static void *storm(void *arg)
{
	unsigned int seed = (unsigned int)(intptr_t)arg;

	for (int i = 0; i < 20000; i++) {
		unsigned int r = rand_r(&seed);
		void *p = malloc(1000 + r % 1000);

		if (r / 1000 % 2)
			p = realloc(p, 1000 + r % 30000);
		free(__atomic_exchange_n(&slots[r % 64], p, __ATOMIC_ACQ_REL));
	}
	return NULL;
}

static void storms(void)
{
	pthread_t t[4];

	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, storm, (void *)(intptr_t)(i + 1));
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	for (int i = 0; i < 64; i++)
		free(slots[i]);
}

/* A child, which does more than its parent, or less. */
static void forked(int blocks)
{
	void *p = malloc(1301);
	pid_t pid = fork();

	if (!pid) {
		free(p);
		for (int i = 0; i < blocks; i++)
			free(malloc(1400));
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	p = realloc(p, 1302);
	for (int i = 0; i < 20; i++)
		free(malloc(1300));
	free(p);
}

static void handler(int sig)
{
	(void)sig;
	free(realloc(malloc(1501), 1502));
}

/* For an allocator that handlers may call. */
static void signals(void)
{
	const struct itimerval often = { { 0, 50 }, { 0, 50 } };
	struct sigaction sa = { .sa_handler = handler, .sa_flags = SA_RESTART };

	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	for (int i = 0; i < 200000; i++)
		free(realloc(malloc(1600), 1700));
	signal(SIGALRM, SIG_IGN);
}

/* And the recorder takes no descriptor for good. */
static void many(int n)
{
	int fd = dup(STDERR_FILENO);

	close(fd);
	for (int i = 0; i < n; i++)
		free(malloc(1800));
	if (dup(STDERR_FILENO) != fd)
		_exit(9);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (!strcmp(what, "single") || !strcmp(what, "exit") ||
	    !strcmp(what, "kill"))
		single();
	if (!strcmp(what, "exit"))
		_exit(3);
	if (!strcmp(what, "kill"))
		raise(SIGKILL);
	if (!strcmp(what, "wait") && malloc(1601) && write(1, "\n", 1))
		pause();
	if (!strcmp(what, "threads"))
		threads();
	if (!strcmp(what, "storms"))
		storms();
	if (!strcmp(what, "parent"))
		forked(3);
	if (!strcmp(what, "child"))
		forked(100);
	if (!strcmp(what, "signals"))
		signals();
	if (!strcmp(what, "many"))
		many(200000);
	if (!strcmp(what, "more"))
		many(500000);
	if (!strcmp(what, "exec")) {
		free(malloc(1901));
		execl("/proc/self/exe", argv[0], "single", NULL);
	}
	if (!strcmp(what, "closed")) {
		for (int fd = 0; fd < 64; fd++)
			close(fd);
		many(200000);
	}
	return 0;
}
