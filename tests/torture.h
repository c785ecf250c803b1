/* SPDX-License-Identifier: MIT */
/*
 * tests/torture.h - elements that know how long they have been removed
 *
 * As in the kernel's rcutorture: whoever removes an element writes into it
 * how many grace periods there had been by then.  A reader that still sees it
 * counts how many there have been since.  None: it was removed while the
 * reader looked.  One: a grace period that had begun before the removal has
 * ended.  Two: a whole one has passed, and the reader should have been waited
 * for.  An element that was released is poisoned, and who sees one says so.
 *
 * Elements are never unmapped, and are used again after all others that are
 * free: what is seen too late is a number and not a crash.
 */
#ifndef PERCU_TESTS_TORTURE_H
#define PERCU_TESTS_TORTURE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "tests/check.h"
#include "tests/readers.h"

enum {
	NR_ELEMENTS = 1 << 16, /* a power of two */
	AGES = 10,             /* the last counts all that are older */
	AGE_LIMIT = 2,
	NR_SEEN = 64,
};

enum element_state {
	ELEMENT_FREE, /* or released */
	ELEMENT_LIVE,
	ELEMENT_REMOVED,
};

#define ELEMENT_MAGIC  0x656c656d656e7421u
#define ELEMENT_POISON 0x6b6b6b6b6b6b6b6bu

struct element {
	uint64_t word;    /* (a) version, age of removal, state */
	uint64_t magic;   /* MAGIC + version; POISON */
	uint64_t number;  /* in the order of making, for one vector */
	uint32_t version; /* how often it was made */
};

enum crime {
	SEEN_RELEASED,
	SEEN_OLD, /* AGE_LIMIT or more */
	SEEN_BROKEN,
	CHANGED_UNDER_READER,
	RELEASED_TWICE,
	OUT_OF_ORDER,
	VIEW_CHANGED,
	REFUSED,
	AUDIT,
	LOST,
	NR_CRIMES
};

static const char *const crime_name[NR_CRIMES] = {
	"seen released",  "seen old",
	"seen broken",    "changed in a section",
	"released twice", "out of order",
	"view changed",   "refused",
	"audit",          "lost",
};

extern struct torture {
	struct element element[NR_ELEMENTS];
	uint32_t fifo[NR_ELEMENTS];     /* (l) the free ones, oldest first */
	uint32_t head, nr_free;         /* (l) */
	uint64_t ticks;                 /* (a) grace periods that have ended */
	unsigned long crime[NR_CRIMES]; /* (a) */
	unsigned long age[AGES];        /* (a) */
	unsigned long walks, looks, updates, releases; /* (a) */
	bool stop;                                     /* (a) */
} tt;

extern pthread_mutex_t torture_lock; /* (l) */

static inline void crime(enum crime c)
{
	__atomic_add_fetch(&tt.crime[c], 1, __ATOMIC_RELAXED);
}

static inline unsigned long crimes(void)
{
	unsigned long n = 0;

	for (int c = 0; c < NR_CRIMES; c++)
		n += __atomic_load_n(&tt.crime[c], __ATOMIC_RELAXED);
	return n;
}

static inline uint64_t ticks(void)
{
	return __atomic_load_n(&tt.ticks, __ATOMIC_ACQUIRE);
}

static inline uint64_t element_word(uint32_t version, enum element_state state,
				    uint64_t tick)
{
	return (uint64_t)version << 32 | (tick & 0x3fffffff) << 2 | state;
}

static inline void torture_begin(void)
{
	memset(&tt, 0, sizeof(tt));
	tt.nr_free = NR_ELEMENTS;
	for (uint32_t i = 0; i < NR_ELEMENTS; i++)
		tt.fifo[i] = i;
}

/* NULL when many are out: remove some. */
static inline struct element *element_make(uint64_t number)
{
	struct element *e = NULL;

	pthread_mutex_lock(&torture_lock);
	/* The younger half of the free ones rests. */
	if (tt.nr_free > NR_ELEMENTS / 2) {
		e = &tt.element[tt.fifo[tt.head++ % NR_ELEMENTS]];
		tt.nr_free--;
	}
	pthread_mutex_unlock(&torture_lock);
	if (!e)
		return NULL;
	e->version++;
	e->number = number;
	e->magic = ELEMENT_MAGIC + e->version;
	/* Published by the vector's release store. */
	__atomic_store_n(&e->word, element_word(e->version, ELEMENT_LIVE, 0),
			 __ATOMIC_RELAXED);
	return e;
}

static inline void element_free(struct element *e)
{
	pthread_mutex_lock(&torture_lock);
	tt.fifo[(tt.head + tt.nr_free++) % NR_ELEMENTS] =
		(uint32_t)(e - tt.element);
	pthread_mutex_unlock(&torture_lock);
}

/* No reader can see it any more, says who calls this. */
static inline void element_release(void *obj, void *arg)
{
	struct element *e = obj;
	uint64_t was;

	(void)arg;
	reader_passed();
	was = __atomic_exchange_n(&e->word,
				  element_word(e->version, ELEMENT_FREE, 0),
				  __ATOMIC_ACQ_REL);
	if ((was & 3) == ELEMENT_FREE) {
		crime(RELEASED_TWICE);
		return;
	}
	e->magic = ELEMENT_POISON;
	__atomic_add_fetch(&tt.releases, 1, __ATOMIC_RELAXED);
	element_free(e);
}

/* It has been removed, and may have been released since. */
static inline void element_removed(struct element *e, uint32_t version)
{
	uint64_t live = element_word(version, ELEMENT_LIVE, 0);

	__atomic_compare_exchange_n(&e->word, &live,
				    element_word(version, ELEMENT_REMOVED,
						 ticks()),
				    false, __ATOMIC_RELEASE, __ATOMIC_RELAXED);
}

/* What a reader keeps of a section. */
struct looker {
	struct element *seen[NR_SEEN];
	uint32_t version[NR_SEEN];
	unsigned int nr, age[AGES];
	unsigned long looks;
	struct check_rand rand;
};

/* In a section.  False: it is a crime to see it. */
static inline bool element_look(struct looker *l, struct element *e)
{
	uint64_t word = __atomic_load_n(&e->word, __ATOMIC_ACQUIRE);
	uint64_t age = 0;

	l->looks++;
	if ((word & 3) == ELEMENT_FREE) {
		crime(SEEN_RELEASED);
		return false;
	}
	if ((word & 3) == ELEMENT_REMOVED)
		age = (ticks() - (word >> 2)) & 0x3fffffff;
	l->age[age < AGES ? age : AGES - 1]++;
	if (age >= AGE_LIMIT)
		crime(SEEN_OLD);
	if (e->version != word >> 32 ||
	    e->magic != ELEMENT_MAGIC + e->version) {
		crime(SEEN_BROKEN);
		return false;
	}
	if (l->nr < NR_SEEN) {
		l->version[l->nr] = e->version;
		l->seen[l->nr++] = e;
	}
	return age < AGE_LIMIT;
}

/* At the end of the section: all is as it was. */
static inline void looker_again(struct looker *l)
{
	unsigned int nr = l->nr;

	for (unsigned int i = 0; i < nr; i++) {
		struct element *e = l->seen[i];

		if (element_look(l, e) && e->version != l->version[i])
			crime(CHANGED_UNDER_READER);
	}
	l->nr = 0;
}

static inline void looker_end(struct looker *l)
{
	for (int i = 0; i < AGES; i++)
		__atomic_add_fetch(&tt.age[i], l->age[i], __ATOMIC_RELAXED);
	__atomic_add_fetch(&tt.looks, l->looks, __ATOMIC_RELAXED);
}

static inline void torture_print(const char *name)
{
	printf("\n    %s: %lu walks, %lu looks, %lu updates, %lu releases, %lu grace periods; ages",
	       name, tt.walks, tt.looks, tt.updates, tt.releases,
	       (unsigned long)tt.ticks);
	for (int i = 0; i < AGES; i++)
		printf(" %lu", tt.age[i]);
	for (int c = 0; c < NR_CRIMES; c++)
		if (tt.crime[c])
			printf("; %s: %lu", crime_name[c], tt.crime[c]);
	printf(" ");
}

#endif /* PERCU_TESTS_TORTURE_H */
