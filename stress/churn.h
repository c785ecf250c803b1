/* SPDX-License-Identifier: MIT */
/*
 * stress/churn.h - the parts of the churn scenario
 *
 *	kind		a pool, with attributes that others of the pools lack
 *	item		one place for an object or a block, full or empty; items
 *			move between hands, so that one hand gives what another took
 *	hand		who works with items: a generator and a tally.  One worker
 *			or thread at a time uses a hand
 *	seat		a hand with items, and a worker
 */
#ifndef STRESS_CHURN_H
#define STRESS_CHURN_H

#include <errno.h>
#include <sys/types.h>
#include "stress.h"

/* kinds.c */
enum {
	NR_KINDS = 18
};

struct kind {
	struct percu_pool_attr attr; /* constant */
	bool fickle;                 /* constant: its ctor may fail */
	struct percu_pool *pool;     /* constant while threads run */
	atomic_size_t out;           /* kinds with a limit only */
	_Atomic uint64_t calls, ctors,
		dtors; /* of ctor or create, dtor or destroy */
};

extern struct kind kinds[NR_KINDS];

/* What the ctor or create makes, in front of the part that items stamp. */
struct made {
	uint64_t magic;   /* MAGIC ^ address */
	uint64_t key;     /* of the last holder's stamp; 0: never stamped */
	void *side;       /* a block of its own, or NULL */
	uint32_t body;    /* bytes behind the struct */
	atomic_bool busy; /* it is out */
	bool given;       /* it has been out before */
	bool clean;       /* new, or reset since it was last out */
};

static inline bool kind_made(const struct kind *k)
{
	return k->attr.ctor || k->attr.create;
}

void kinds_create(void);
void kinds_destroy(void);
void kind_got(struct kind *k, void *obj); /* laws of a get */
void kind_gives(struct kind *k, void *obj, uint64_t key);

/* items.c */
struct hand {
	struct rng rng;
	uint64_t got[NR_KINDS], put[NR_KINDS], refused[NR_KINDS];
	uint64_t blocks_got, blocks_put, moved, checked;
	struct percu_pool_stats seen[NR_KINDS];
};

struct item {
	unsigned char *p;  /* NULL: empty */
	struct kind *kind; /* NULL: a block of percu_alloc() */
	size_t size;       /* bytes asked for */
	size_t align;
	uint64_t key; /* of the stamp */
	bool sized;   /* a block that percu_free_sized() may free */
};

void item_held(const struct item *it, long n);   /* by the worker: n more */
void item_take(struct hand *h, struct item *it); /* may stay empty */
void item_give(struct hand *h, struct item *it);
void item_check(struct hand *h, const struct item *it);
void item_resize(struct hand *h, struct item *it);
void bulk_round(struct hand *h); /* several at once, taken and given */
void hand_look(struct hand *h, uint64_t most_out); /* statistics are sane */
void hand_add(struct hand *sum, const struct hand *h);

#endif /* STRESS_CHURN_H */
