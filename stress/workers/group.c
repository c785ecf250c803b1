// SPDX-License-Identifier: MIT
/*
 * stress/workers/group.c - wait until all of a number of workers are done
 */
#include <stdlib.h>
#include "stress/workers/sched.h"

struct group_waiter {
	struct group_waiter *next;
	struct worker *w;
};

struct group {
	pthread_mutex_t lock;
	const char *name; /* (c) */
	long under_way;   /* under the lock from here on */
	struct group_waiter *first, **last;
};

struct group *group_new(const char *name)
{
	struct group *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	pthread_mutex_init(&g->lock, NULL);
	g->name = name;
	g->last = &g->first;
	return g;
}

void group_free(struct group *g)
{
	if (g->first)
		workers_misuse(
			"frees group \"%s\", which worker \"%s %llu\" waits for",
			g->name, g->first->w->name,
			(unsigned long long)g->first->w->nth);
	pthread_mutex_destroy(&g->lock);
	free(g);
}

void group_add(struct group *g, long n)
{
	struct group_waiter *x = NULL;

	pthread_mutex_lock(&g->lock);
	g->under_way += n;
	if (g->under_way < 0)
		workers_misuse(
			"is done with group \"%s\" more often than was added",
			g->name);
	if (!g->under_way) {
		x = g->first;
		g->first = NULL;
		g->last = &g->first;
	}
	pthread_mutex_unlock(&g->lock);
	while (x) {
		struct group_waiter *next = x->next;

		wake(x->w);
		x = next;
	}
}

void group_done(struct group *g)
{
	group_add(g, -1);
}

void group_wait(struct group *g)
{
	struct group_waiter me = { NULL, NULL };

	worker_self("waits for group");
	pthread_mutex_lock(&g->lock);
	if (!g->under_way) {
		pthread_mutex_unlock(&g->lock);
		return;
	}
	me.w = park_begin("waits for group", g->name);
	*g->last = &me;
	g->last = &me.next;
	pthread_mutex_unlock(&g->lock);
	park(me.w);
}
