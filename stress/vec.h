/* SPDX-License-Identifier: MIT */
/*
 * stress/vec.h - the parts of the vec scenario
 *
 *	element		what vectors hold; it knows for how long it has been
 *			removed, and is never unmapped
 *	age		grace periods between an element's removal and a look
 *	pin		an element that stays in its vector until the end
 *	subject		a vector, with the edits that it is subject to and what
 *			a reader is promised of it (vec.c has the table)
 *	reader, writer	workers; any of them on any subject
 */
#ifndef STRESS_VEC_H
#define STRESS_VEC_H

#include <errno.h>
#include <urcu-bp.h>
#include <percu/vec.h>
#include "crew.h"
#include "tsan.h"

enum {
	NR_SUBJECTS = 7,
	PINS = 8,
	MANY = 100, /* at once */
	AGES = 4,   /* the last counts all that are older */
	PART = 200, /* slots of a long vector that one walk looks at */
	SEEN = 64,
	TAKEN = 16,
};

/* vec_element.c */
enum state {
	FREE, /* or released */
	LIVE,
	REMOVED,
};

struct element {
	_Atomic uint64_t word; /* version, tick of removal, state */
	uint64_t number;       /* of its subject's elements */
	uint64_t stamp;        /* by version and number; 0: released */
	unsigned int pin;      /* 1 .. PINS; 0: none */
};

struct elements {
	struct element *all;
	pthread_mutex_t lock;
	uint32_t *fifo;         /* (lock) the free ones, oldest first */
	uint32_t head, nr_free; /* (lock) */
	_Atomic uint64_t ticks, releases;
};

void elements_init(struct elements *es);
void elements_fini(struct elements *es); /* all are released */
struct element *element_make(struct elements *es, uint64_t number,
			     unsigned int pin); /* NULL: many are out */
void element_release(void *obj, void *elements);
/* It was like word when it was in the vector; it has been removed since. */
void element_removed(struct elements *es, struct element *e, uint64_t word);

static inline enum state element_state(uint64_t word)
{
	return (enum state)(word & 3);
}

uint64_t element_age(struct elements *es, uint64_t word);
uint64_t element_stamp(uint64_t word, uint64_t number);

/* Edits. */
enum edit {
	APPEND = 1 << 0,
	INSERT = 1 << 1,
	REPLACE = 1 << 2,
	REMOVE = 1 << 3,
	NIL = 1 << 4,
	EXACT = 1 << 5,
	SWAP = 1 << 6,
	TAKE = 1 << 7,
	REMOVE_IF = 1 << 8,
	TRUNCATE = 1 << 9,
	BATCH = 1 << 10,
	COMPACT = 1 << 11,
	CLIP = 1 << 12,
	NR_EDITS = 13,
	REMOVALS = REMOVE | NIL | EXACT | SWAP | TAKE,
};

/* What the slots of a view may become while it is held. */
enum promise {
	SNAPSHOT,  /* nothing else */
	BUT_HOLES, /* holes */
	ELEMENTS,  /* anything, but who stays is not missed going down */
};

struct kind_of_subject {
	const char *name;
	size_t least, most;
	unsigned int edits;
	enum promise promise;
	bool ordered; /* numbers rise */
	bool dense;   /* by one, without a hole, and nothing is pinned */
	bool inplace;
};

struct subject {
	const struct kind_of_subject *kind;
	struct percu_vec vec;
	pthread_mutex_t lock;              /* its writers' */
	uint64_t number;                   /* (lock) of the next element */
	size_t target;                     /* (lock) */
	uint64_t edits[NR_EDITS], refused; /* (lock) */
	bool tree;                         /* (lock) it was long */
	uint64_t grown, collapsed;         /* (lock) */
};

struct stage {
	const struct options *o;
	struct elements elements;
	struct subject subjects[NR_SUBJECTS];
	_Atomic bool stop; /* of the clock */
	struct progress progress;
};

struct reader {
	struct stage *st;
	struct rng rng;
	uint64_t walks, looks, age[AGES];
	uint64_t again[3], pinned[3]; /* checks, by promise */
	struct element *seen[SEEN];
	uint64_t version[SEEN];
	unsigned int nr;
	void *slots[PART]; /* as they were first */
};

struct writer {
	struct stage *st;
	struct rng rng;
	struct subject *s;
	struct element *gone[2 * MANY];
	uint64_t word[2 * MANY]; /* as it was in the vector */
	size_t nr_gone;
	uint64_t number;              /* for the predicate of remove_if */
	struct element *taken[TAKEN]; /* to be released by hand */
	unsigned int nr_taken;
};

void vec_read(void *reader);  /* a worker */
void vec_write(void *writer); /* a worker */

#endif /* STRESS_VEC_H */
