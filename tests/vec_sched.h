/* SPDX-License-Identifier: MIT */
/*
 * tests/vec_sched.h - one writer and one reader in one thread, in every order
 *
 *	scenario  a vector of a few objects, some operations, a reader
 *	point	  where the reader may take steps: before and after each
 *		  operation, and before each store in it that readers can see
 *	step	  to latch, to get one slot, to leave
 *	schedule  how many steps the reader takes at each point
 *	state	  what the slots hold at one moment
 */
#ifndef PERCU_TESTS_VEC_SCHED_H
#define PERCU_TESTS_VEC_SCHED_H

#include <stdbool.h>
#include <stddef.h>

#include <percu/vec.h>
#include <urcu/urcu-bp.h>

enum {
	LEN = 4,     /* at most, at first */
	SLOTS = 8,   /* at most, ever */
	OBJECTS = 8, /* those of the start, those that operations put in */
	POINTS = 32,
	OPS = 2,
	SETS = 512,
};

enum what {
	APPEND,
	INSERT,
	REPLACE,
	REMOVE,
	REMOVE_NIL,
	REMOVE_EXACT,
	REMOVE_SWAP,
	REMOVE_IF, /* all whose number is odd */
	TAKE,
	TRUNCATE,
	COMPACT,
	BATCH, /* remove one, append one */
	NR_WHATS
};

struct op {
	enum what what;
	size_t i;
};

struct object {
	int number;
	bool gone, taken; /* by an operation that has begun */
	int released;     /* (a) */
};

struct state {
	size_t len;
	struct object *slot[SLOTS];
};

enum way {
	VIEW_UP,
	VIEW_DOWN,
	GETS_UP, /* from here on what is there at each step */
	GETS_DOWN,
	WAYS_OF_FLAT,
	VIEW_EACH = WAYS_OF_FLAT, /* percu_view_for_each(): leaf by leaf */
	NR_WAYS
};

static inline bool is_view(enum way way)
{
	return way < GETS_UP || way == VIEW_EACH;
}

struct scenario {
	size_t len, room;
	unsigned int flags; /* the vector's */
	bool release;
	bool starves; /* the first operation has no memory */
	size_t nr;
	struct op op[OPS];
	enum way way;
};

struct reader {
	int stage; /* 0: begins; 1: gets; 2: leaves; 3: has left */
	size_t got;
	struct percu_view view;
	struct state frozen; /* when it latched */
	struct object *seen[SLOTS];
	unsigned int lawful[SLOTS]; /* what each may hold: bits by number */
	struct percu_chunk chunk;   /* of VIEW_EACH */
	void *const *at;            /* in it */
};

/*
 * A vector that many schedules use one after the other, each with objects of
 * its own: for to end one takes a grace period.
 */
struct stage {
	struct percu_vec vec;
	bool made, release;
	unsigned int flags;
	struct object set[SETS][OBJECTS];
	size_t objects[SETS]; /* in a set */
	unsigned int used;    /* sets */
};

extern struct world {
	const struct scenario *s;
	struct stage *stage;
	struct object *object;
	size_t objects;
	struct state
		allowed[SLOTS + 4]; /* of the operation under way, in order */
	size_t nr_allowed, at;      /* which of them the vector is in */
	struct reader reader;
	unsigned int choice[POINTS], points, depth;
	bool more[POINTS]; /* the reader could have taken more steps there */
	bool active, broken;
	bool swapped; /* in place, by some operation */
	/* In place, by the operation under way. */
	struct in_place {
		void **slot;
		unsigned int obj; /* a bit */
	} stores[2 * SLOTS];
	unsigned int nr_stores;
} w;

/* Totals, to be printed. */
extern struct sched_sum {
	unsigned long scenarios, schedules, points;
	unsigned long missed[NR_WAYS], twice[NR_WAYS], holes, broken;
	unsigned long changed; /* slots of views: another object */
	unsigned long cut;     /* slots of views whose leaf was cut off */
} sum;

static inline unsigned int bit(const struct object *o)
{
	return o ? 2u << o->number : 1;
}

extern struct rcu_flavor_struct sched_flavor;

void sched_init(void);
void broken(const char *law, size_t i);
void point(void);
void probe(void);         /* law "fresh" */
bool schedule_next(void); /* false: that was the last */
void state_read(struct state *st);
bool state_same(const struct state *a, const struct state *b);
void reader_ends(void);
void judge(void);
void reader_allows(struct reader *r);

/* vec_sched_model.c: the states that the vector passes through, its return */
struct object *object_new(void);
void object_release(void *obj, void *arg);
bool odd(void *obj, void *arg);
int foresee_starved(const struct op *op);
void foresee(const struct op *op, struct object *o);

/* vec_sched_run.c */
size_t len_after(const struct op *op, size_t len);
size_t starved_len(const struct op *op, size_t len);
void scenario_run(const struct scenario *s);
void stages_end(void);
void sum_begin(void);
void sum_end(void); /* prints it */
bool sched_brief(void);

/* The program's own: it may wait for a grace period; no memory; it is back. */
void hunger_begins(void);
void starve(bool now);
void hunger_ends(void);

#endif /* PERCU_TESTS_VEC_SCHED_H */
