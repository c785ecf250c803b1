/* SPDX-License-Identifier: MIT */
/*
 * bench/exchange_serve.c - a worker's threads that put what others have got
 *
 * As in handover_serve.c, who waits for one that is not running is charged for
 * it: the thread with the least time on its CPU is the one that counts.
 */
#include <stdatomic.h>
#include <string.h>

#include "bench/crew.h"
#include "bench/loops.h"

static const struct subject *subject;
static struct exchange x;
static struct crew *crew;
static _Atomic uint64_t entered, least_ns;

static void member(void *none, uint64_t n)
{
	size_t me = atomic_fetch_add(&entered, 1) % x.n;
	uint64_t ns = thread_ns(), least;

	(void)none;
	subject->loops->exchange(&x, me, n, subject->ctx);
	ns = thread_ns() - ns;
	least = atomic_load(&least_ns);
	while (ns < least &&
	       !atomic_compare_exchange_weak(&least_ns, &least, ns))
		;
}

static uint64_t answer(void *none, const char *what, uint64_t arg)
{
	(void)none;
	if (strcmp(what, "run"))
		return subject_answer(subject, what, arg);
	x.producing = x.n;
	entered = 0;
	least_ns = UINT64_MAX;
	crew_run(crew, member, NULL, 0, arg);
	return least_ns;
}

int serve_exchange(const struct subject *s, size_t threads)
{
	const struct service service = { .answer = answer };
	size_t bytes = threads * threads * sizeof(*x.ring);

	subject = s;
	x.n = threads;
	x.ring = aligned_alloc(64, bytes);
	die_unless(x.ring, "exchange");
	memset(x.ring, 0, bytes);
	crew = crew_start((unsigned int)threads, true, NULL);
	return serve(&service);
}
