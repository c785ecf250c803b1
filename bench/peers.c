/* SPDX-License-Identifier: MIT */
/*
 * bench/peers.c - other people's mallocs, as the system packages them
 *
 * percu-bench-malloc calls malloc and free and is told by LD_PRELOAD whose.
 * The dynamic linker finds them by name, where it looks for all libraries.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/bench.h"

static const struct known {
	const char *name, *sized; /* with its own call that is told the size */
	const char *soname[3];    /* the first that is there */
} known[] = {
	{ "glibc", "glibc, sized", { NULL } },
	{ "jemalloc", "jemalloc, sized", { "libjemalloc.so.2" } },
	{ "mimalloc",
	  "mimalloc, sized",
	  { "libmimalloc.so.3", "libmimalloc.so.2" } },
	{ "tcmalloc",
	  "tcmalloc, sized",
	  { "libtcmalloc_minimal.so.4", "libtcmalloc.so.4" } },
	{ "tbbmalloc", "tbbmalloc, sized", { "libtbbmalloc_proxy.so.2" } },
	{ "snmalloc",
	  "snmalloc, sized",
	  { "libsnmallocshim.so.0", "libsnmallocshim.so" } },
};
_Static_assert(ARRAY_SIZE(known) == NR_PEERS, "room for all");

/* Asks the program itself, whose dynamic linker would say on stderr that not. */
static bool loads(const char *soname)
{
	const char *const args[] = { "percu-bench-malloc", "preloaded", NULL };
	int status;
	pid_t pid = fork();

	if (!pid) {
		if (!freopen("/dev/null", "w", stderr))
			_exit(1);
		setenv("LD_PRELOAD", soname, 1);
		exec_sibling(args);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && !status;
}

static const char *installed(const struct known *k)
{
	for (size_t i = 0; i < ARRAY_SIZE(k->soname) && k->soname[i]; i++)
		if (loads(k->soname[i]))
			return k->soname[i];
	return NULL;
}

bool peer_known(size_t i, const char **name, const char **preload)
{
	*name = known[i].name;
	*preload = installed(&known[i]);
	return *preload || !known[i].soname[0];
}

size_t peers_start(struct peer *peers, const char *loop, const char *size,
		   const char *arg)
{
	const char *const args[] = { "percu-bench-malloc", loop, size, arg,
				     NULL };
	const char *preload;
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (peer_known(i, &peers[n].name, &preload))
			peers[n++].worker = worker_start(args, preload);
	return n;
}

size_t peers_start_sized(struct peer *peers, const char *loop, const char *size)
{
	const char *const args[] = { "percu-bench-malloc", "sized", size, loop,
				     NULL };
	const char *name, *preload;
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		struct worker *w;

		if (!peer_known(i, &name, &preload))
			continue;
		w = worker_start(args, preload);
		if (worker_ask(w, "sized", 0))
			peers[n++] = (struct peer){ known[i].sized, w };
		else
			worker_stop(w);
	}
	return n;
}

void peers_missing(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (known[i].soname[0] && !installed(&known[i]))
			row_skip("", known[i].name, "not installed");
	if (!own_malloc())
		row_skip("", OWN_MALLOC, "libpercu-malloc.so was not built");
}

void peers_stop(struct peer *peers, size_t n)
{
	while (n--)
		worker_stop(peers[n].worker);
}

size_t peers_join(struct contestant *c, size_t n, const struct peer *peers,
		  size_t nr_peers)
{
	for (size_t i = 0; i < nr_peers; i++)
		c[n++] = (struct contestant){ .name = peers[i].name,
					      .role = PEER,
					      .timed = worker_timed,
					      .ctx = peers[i].worker };
	return n;
}
