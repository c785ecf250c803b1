// SPDX-License-Identifier: MIT
/*
 * stress/workers/chan.c - channels and select
 *
 * A channel is a ring of pointers with two lists: senders that found it full,
 * and receivers that found it empty.  At most one of the lists is not empty,
 * and:
 *
 *	a receiver waits	=> the ring is empty
 *	a sender waits		=> the ring is full
 *
 * So what is sent goes to the receiver that has waited longest, or else into
 * the ring; and who receives takes the oldest of the ring, and the sender that
 * has waited longest fills its place.  Order is that of the sends.
 *
 * A waiter is on its worker's stack.  Who serves it takes it off the list,
 * under the channel's lock, and then wakes the worker.  A select waits on
 * several channels at once; who serves one of its waiters first claims the
 * whole, and those that are left are passed over until the select, which takes
 * the locks of all its channels, by address, has removed them.
 */
#include <stdlib.h>
#include "stress/workers/sched.h"

struct waiter {
	struct waiter *next, **at; /* at: what points to it; NULL: nothing */
	struct worker *w;
	_Atomic int *claim; /* of a select: which waiter was served, or -1 */
	int nth;            /* of it */
	void *p;
	bool ok; /* it was served, and not woken by a close */
};

struct waiters {
	struct waiter *first, **last;
};

struct chan {
	pthread_mutex_t lock;
	const char *name;                  /* (c) */
	struct waiters senders, receivers; /* under the lock from here on */
	bool closed;
	size_t room, head, len;
	void *ring[];
};

static const char *const does[] = { "sends on channel", "receives on channel" };

/* Waiters: under the channel's lock. --------------------------------------------- */

static void waiter_add(struct waiters *l, struct waiter *x)
{
	x->next = NULL;
	x->at = l->last;
	*l->last = x;
	l->last = &x->next;
}

static void waiter_remove(struct waiters *l, struct waiter *x)
{
	if (!x->at)
		return;
	*x->at = x->next;
	if (x->next)
		x->next->at = x->at;
	else
		l->last = x->at;
	x->at = NULL;
}

/* The one that has waited longest, and that is ours to serve. */
static struct waiter *waiter_take(struct waiters *l)
{
	struct waiter *x;

	while ((x = l->first)) {
		int nobody = -1;

		waiter_remove(l, x);
		if (!x->claim ||
		    atomic_compare_exchange_strong(x->claim, &nobody, x->nth))
			return x;
	}
	return NULL;
}

static struct waiters *list_of(struct chan *c, enum chan_how how)
{
	return how == CHAN_SEND ? &c->senders : &c->receivers;
}

/* Sends and receives that need not wait: under the lock. --------------------------- */

static void ring_put(struct chan *c, void *p)
{
	c->ring[(c->head + c->len++) % c->room] = p;
}

static void *ring_take(struct chan *c)
{
	void *p = c->ring[c->head];

	c->head = (c->head + 1) % c->room;
	c->len--;
	return p;
}

/* *served: whom to wake when the lock is free. */
static bool try_send(struct chan *c, void *p, struct waiter **served)
{
	*served = NULL;
	if (c->closed) {
		pthread_mutex_unlock(&c->lock);
		workers_misuse("sends on channel \"%s\", which is closed",
			       c->name);
	}
	*served = waiter_take(&c->receivers);
	if (*served) {
		(*served)->p = p;
		(*served)->ok = true;
		return true;
	}
	if (c->len == c->room)
		return false;
	ring_put(c, p);
	return true;
}

static bool try_recv(struct chan *c, void **p, bool *ok, struct waiter **served)
{
	*p = NULL;
	*ok = true;
	*served = NULL;
	if (c->len) {
		*p = ring_take(c);
		*served = waiter_take(&c->senders);
		if (*served)
			ring_put(c, (*served)->p);
	} else if ((*served = waiter_take(&c->senders))) {
		*p = (*served)->p;
	} else {
		*ok = false;
		return c->closed;
	}
	if (*served)
		(*served)->ok = true;
	return true;
}

static bool try_case(struct chan_case *k, struct waiter **served)
{
	if (k->how == CHAN_RECV)
		return try_recv(k->c, &k->p, &k->ok, served);
	k->ok = true;
	return try_send(k->c, k->p, served);
}

/* A waiter is gone as soon as its worker is woken: it is read before. */
static void serve(struct waiter *x)
{
	if (x)
		wake(x->w);
}

/* A send or a receive. ------------------------------------------------------------ */

static void one(struct chan_case *k)
{
	struct waiter *served, me = { .nth = 0 };
	struct chan *c = k->c;

	worker_self(does[k->how]);
	pthread_mutex_lock(&c->lock);
	if (try_case(k, &served)) {
		pthread_mutex_unlock(&c->lock);
		serve(served);
		return;
	}
	me.p = k->p;
	me.w = park_begin(does[k->how], c->name);
	waiter_add(list_of(c, k->how), &me);
	pthread_mutex_unlock(&c->lock);
	park(me.w);
	k->ok = me.ok;
	if (k->how == CHAN_RECV)
		k->p = me.p;
}

void chan_send(struct chan *c, void *p)
{
	struct chan_case k = { .c = c, .how = CHAN_SEND, .p = p };

	one(&k);
}

bool chan_recv(struct chan *c, void **p)
{
	struct chan_case k = { .c = c, .how = CHAN_RECV };

	one(&k);
	*p = k.p;
	return k.ok;
}

/* Select. -------------------------------------------------------------------------- */

struct select {
	struct chan_case *cases;
	unsigned int n;
	struct chan *lock[SELECT_MAX]; /* each once, by address */
	unsigned int nr_locks;
	const char *also[SELECT_MAX]; /* names of all but the first */
	struct waiter waiter[SELECT_MAX];
	_Atomic int claim;
};

/* Insertion into a few that are sorted. */
static void lock_add(struct select *sel, struct chan *c)
{
	unsigned int i = sel->nr_locks;

	for (unsigned int k = 0; k < i; k++)
		if (sel->lock[k] == c)
			return;
	for (; i && (uintptr_t)sel->lock[i - 1] > (uintptr_t)c; i--)
		sel->lock[i] = sel->lock[i - 1];
	sel->lock[i] = c;
	sel->nr_locks++;
}

static void lock_all(struct select *sel)
{
	for (unsigned int i = 0; i < sel->nr_locks; i++)
		pthread_mutex_lock(&sel->lock[i]->lock);
}

static void unlock_all(struct select *sel)
{
	for (unsigned int i = sel->nr_locks; i--;)
		pthread_mutex_unlock(&sel->lock[i]->lock);
}

/* In an order that is drawn: which was done, or -1. */
static int try_all(struct select *sel, struct waiter **served)
{
	unsigned int order[SELECT_MAX];

	for (unsigned int i = 0; i < sel->n; i++) {
		unsigned int k = thread_draw(thread_self(), i + 1);

		order[i] = order[k];
		order[k] = i;
	}
	for (unsigned int i = 0; i < sel->n; i++) {
		struct chan_case *k = &sel->cases[order[i]];

		if (k->c && try_case(k, served))
			return (int)order[i];
	}
	return -1;
}

static struct worker *wait_all(struct select *sel)
{
	const char *on = sel->nr_locks ? sel->lock[0]->name : NULL;
	struct worker *w = park_begin("selects on channel", on);

	for (unsigned int i = 1; i < sel->nr_locks; i++)
		sel->also[i - 1] = sel->lock[i]->name;
	w->also = sel->also;
	atomic_store(&sel->claim, -1);
	for (unsigned int i = 0; i < sel->n; i++) {
		struct chan_case *k = &sel->cases[i];
		struct waiter *x = &sel->waiter[i];

		*x = (struct waiter){
			.w = w, .claim = &sel->claim, .nth = (int)i, .p = k->p
		};
		if (k->c)
			waiter_add(list_of(k->c, k->how), x);
	}
	return w;
}

/* What the one who served us has left in the waiter. */
static int served_by(struct select *sel)
{
	int done = atomic_load(&sel->claim);
	struct chan_case *k = &sel->cases[done];
	const struct waiter *x = &sel->waiter[done];

	lock_all(sel);
	for (unsigned int i = 0; i < sel->n; i++) {
		struct chan *c = sel->cases[i].c;

		if (c)
			waiter_remove(list_of(c, sel->cases[i].how),
				      &sel->waiter[i]);
	}
	unlock_all(sel);
	k->ok = x->ok;
	if (k->how == CHAN_RECV)
		k->p = x->p;
	return done;
}

int chan_select(struct chan_case *cases, unsigned int n, bool wait)
{
	struct select sel = { .cases = cases, .n = n };
	struct waiter *served = NULL;
	struct worker *w;
	int done;

	worker_self("selects");
	if (n > SELECT_MAX)
		workers_misuse("selects among %u, more than %d", n, SELECT_MAX);
	for (unsigned int i = 0; i < n; i++)
		if (cases[i].c)
			lock_add(&sel, cases[i].c);
	lock_all(&sel);
	done = try_all(&sel, &served);
	if (done >= 0 || !wait) {
		unlock_all(&sel);
		serve(served);
		return done;
	}
	w = wait_all(&sel);
	unlock_all(&sel);
	park(w);
	return served_by(&sel);
}

/* The channel itself. ----------------------------------------------------------------- */

struct chan *chan_new(const char *name, size_t room)
{
	struct chan *c = calloc(1, sizeof(*c) + room * sizeof(void *));

	if (!c)
		return NULL;
	pthread_mutex_init(&c->lock, NULL);
	c->senders.last = &c->senders.first;
	c->receivers.last = &c->receivers.first;
	c->name = name;
	c->room = room;
	return c;
}

void chan_close(struct chan *c)
{
	struct waiter *x, *first = NULL, **last = &first;

	pthread_mutex_lock(&c->lock);
	if (c->closed)
		workers_misuse("closes channel \"%s\" twice", c->name);
	if (c->senders.first)
		workers_misuse(
			"closes channel \"%s\", which worker \"%s %llu\" sends on",
			c->name, c->senders.first->w->name,
			(unsigned long long)c->senders.first->w->nth);
	c->closed = true;
	while ((x = waiter_take(&c->receivers))) {
		x->next = NULL; /* it may point to one that was passed over */
		x->p = NULL;
		*last = x;
		last = &x->next;
	}
	pthread_mutex_unlock(&c->lock);
	while ((x = first)) {
		first = x->next;
		wake(x->w);
	}
}

size_t chan_len(struct chan *c)
{
	size_t len;

	pthread_mutex_lock(&c->lock);
	len = c->len;
	pthread_mutex_unlock(&c->lock);
	return len;
}

void chan_free(struct chan *c)
{
	const struct waiter *x = c->senders.first ? c->senders.first :
						    c->receivers.first;

	if (x)
		workers_misuse(
			"frees channel \"%s\", which worker \"%s %llu\" waits for",
			c->name, x->w->name, (unsigned long long)x->w->nth);
	pthread_mutex_destroy(&c->lock);
	free(c);
}
