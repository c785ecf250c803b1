/* SPDX-License-Identifier: MIT */
/*
 * tests/vec_torture.h - what the readers and the writers of the torture share
 *
 *	subject	a vector under test, with a habit of its own:
 *	marked	its writers take turns and write into what they have removed
 *		when that was, so its age can be told
 *	blind	its writers do not know of each other
 *	queue	appended to at its end, removed from at its front: every view
 *		is a row of consecutive numbers
 */
#ifndef PERCU_TESTS_VEC_TORTURE_H
#define PERCU_TESTS_VEC_TORTURE_H

#include <percu/vec.h>

#include "tests/torture.h"

enum {
	NR_SUBJECTS = 8
};

struct subject {
	const char *name;
	size_t least, most;
	bool marked, queue;
	unsigned int flags;
	struct percu_vec vec;
	pthread_mutex_t lock; /* (s) of a marked one's writers */
	uint64_t number;      /* (s) */
	bool tree;            /* (s) as it was last seen */
	size_t target;        /* (a) */
};

extern struct subject subjects[NR_SUBJECTS];
extern const struct readers *flavor;
extern unsigned long borders, signals; /* (a) */
extern unsigned int ended;             /* (a) writers */
extern int section_signal;             /* handlers read; or 0 */

/* The program's own, when it is set: of so many requests for memory one fails. */
extern unsigned int starve_one_in; /* (a) */

static inline bool starves(void)
{
	return __atomic_load_n(&starve_one_in, __ATOMIC_RELAXED);
}

void reader(uint64_t seed);
void writer(uint64_t seed);
void handler(int sig); /* reads */
/* This thread's signals, if there are to be any. */
void signals_begin(uint64_t seed);
void signals_end(void);

static inline bool stopped(void)
{
	return __atomic_load_n(&tt.stop, __ATOMIC_RELAXED);
}

#endif /* PERCU_TESTS_VEC_TORTURE_H */
