/* SPDX-License-Identifier: MIT */
/*
 * pool/waiting.h - what the files of retirement share
 *
 *	retire.c	retiring: records, and past the records
 *	flush.c		what records hold becomes magazines that wait
 *	reclaim.c	what happens to a magazine that has waited
 *	left.c		objects that nothing else would take
 *	barrier.c	waiting for all that; the end of a pool
 */
#ifndef PERCU_POOL_WAITING_H
#define PERCU_POOL_WAITING_H

#include "pool/pool.h"
#include "pool/retire.h"
#include "sys/cpu.h"
#include "sys/delay.h"

/* A pool's, one for each flavor that its objects were retired under. */
#define for_each_retire(r, p)                                 \
	for (struct retire *r = &(p)->retire; r;              \
	     r = __atomic_load_n(&r->next, __ATOMIC_ACQUIRE)) \
		if (__atomic_load_n(&r->flavor, __ATOMIC_ACQUIRE))

/* The records that were opened, ever. */
#define for_each_open(r, i)                                              \
	for (uint32_t i = 0; (r)->records && i < cpu_info.possible; i++) \
		if (bitmap_test((r)->open, i))

static inline size_t retire_bytes(const struct percu_pool *p)
{
	return offsetof(struct record, slot) + p->magazine * sizeof(void *);
}

/* retire.c */
extern struct list retires HIDDEN; /* (A) struct retire.all */
struct retire *retire_of(struct percu_pool *p,
			 const struct rcu_flavor_struct *flavor);
bool retire_place(struct retire *r, void *obj, void *site);
void retire_now(struct percu_pool *pool, void *obj,
		const struct rcu_flavor_struct *flavor, void *site,
		struct retire_origin *origin);
struct magazine *retire_magazine(struct retire *r, struct record *rec);
uint64_t retire_weight(const struct magazine *m);
/*
 * A magazine is in hand from here until it is handed over: before its objects
 * leave the place where a flush finds them.  So who flushes and then looks
 * finds it on one of the two sides; see pool/barrier.c.
 */
static inline void retire_enter(struct retire *r, struct magazine *m)
{
	m->side = __atomic_load_n(&r->phase, __ATOMIC_RELAXED) & 1;
	delay_step();
	__atomic_fetch_add(&r->in_hand[m->side], 1, __ATOMIC_SEQ_CST);
}
void retire_hand_over(struct retire *r, struct magazine *m);
void retire_stop(struct retire *r);
void retire_start(struct retire *r);

/* flush.c: which of the retires */
struct which {
	struct grace *grace;     /* armed ones of it; */
	struct percu_pool *pool; /* or all of it */
	bool starved;            /* out: there was no memory to take it all */
	bool left;               /* out: and some of it was left */
};
int retire_flush(struct which *w);
void quiesce_record(struct record *rec);

/* left.c */
void left_init(void);
bool left_add(struct percu_pool *p, struct grace *g, void *obj);
bool left_move(struct retire *r, struct record *rec);
void left_stage(struct grace *g);
/* That of one of the pool's; any where the last of them is just put. */
struct grace *left_grace(const struct percu_pool *p);
bool left_is(const struct grace_wait *w);
void left_done(const struct grace_wait *w);
bool left_room(void *arg);
void left_after_fork(void);

/* reclaim.c */
void reclaim(struct percu_pool *p, void **objs, size_t n);
void reclaim_after_fork(void);

static inline struct retire *to_retire(struct list *l)
{
	return list_entry(l, struct retire, all);
}

#endif /* PERCU_POOL_WAITING_H */
