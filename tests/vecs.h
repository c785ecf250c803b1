/* SPDX-License-Identifier: MIT */
/*
 * tests/vecs.h - what the tests of percu/vec.h share
 *
 * One vector and an array that says what it must hold.  Objects are the
 * elements of another array, and count their releases.  Tests go through the
 * lengths at which a vector is empty, flat, about to become a tree, and a tree.
 */
#ifndef PERCU_TESTS_VECS_H
#define PERCU_TESTS_VECS_H

#include <percu/vec.h>
#include <stdbool.h>
#include <stddef.h>

enum {
	OBJECTS = 1 << 16,
	LENGTHS = 8,
};

extern int object[OBJECTS]; /* how often it was released */
extern unsigned int used;   /* how many of them were handed to the vector */

extern struct percu_vec v;
extern void *want[OBJECTS];
extern size_t want_len;

extern const struct percu_vec_attr released; /* objects count */
extern const struct percu_vec_attr placed;   /* the same, PERCU_VEC_INPLACE */

void *next_object(void);
void *slot(size_t i);
size_t vec_len(void);

/* Law: each way to read says what the want says; the audit says nothing. */
bool same(void);

/* Law: what is in no slot was released once, what is in one was not. */
bool released_once(void);

/* A vector of n objects that was appended to; and the end of it. */
void begin(const struct percu_vec_attr *attr, size_t n);
void end(void);

/* The same in the want. */
void model_open(size_t i, void *obj);
void model_close(size_t i);

extern const size_t vec_lengths[LENGTHS];

#define for_each_length(n)                                                 \
	for (const size_t *at_ = vec_lengths; at_ < vec_lengths + LENGTHS; \
	     at_++)                                                        \
		for (size_t n = *at_, once_ = 1; once_; once_ = 0)

#endif /* PERCU_TESTS_VECS_H */
