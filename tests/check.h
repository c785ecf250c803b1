/* SPDX-License-Identifier: MIT */
/*
 * tests/check.h - what every test program needs beside CUnit
 *
 *	static const CU_TestInfo tests[] = {
 *		{ "what must hold", test_it },
 *		CU_TEST_INFO_NULL
 *	};
 *
 *	int main(void)
 *	{
 *		return check_main("part", tests);
 *	}
 *
 * Environment: PERCU_TEST_SHORT=1 asks for less work, PERCU_TEST_SEED=number
 * repeats a random run, PERCU_TEST_BRIEF=1 prints failures only.
 */
#ifndef PERCU_TESTS_CHECK_H
#define PERCU_TESTS_CHECK_H

#include <CUnit/CUnit.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

/* Runs the suite and prints CUnit's summary: main()'s exit status. */
int check_main(const char *name, const CU_TestInfo *tests);

/* Less work is asked for. */
bool check_short(void);

/* Says on stdout why a test, or a part of one, has nothing to do here. */
void check_skip(const char *why);

/*
 * A sweep makes the first call to the system fail, then the second, and so on:
 * which is next.  In short ever fewer of them are tried.
 */
unsigned long check_next(unsigned long nth);

/* How often the fault points fired since they were armed; disarms them. */
unsigned long check_fired(const char *what);

/*
 * A number to start generators from: PERCU_TEST_SEED, else the time.  The
 * first call prints it, so that a failure can be run again.
 */
uint64_t check_seed(void);

/* A small generator (splitmix64); one for each thread. */
struct check_rand {
	uint64_t state;
};

static inline uint64_t check_rand(struct check_rand *r)
{
	uint64_t z = r->state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

/* 0 .. n - 1, even enough where n is small */
static inline uint32_t check_rand_below(struct check_rand *r, uint32_t n)
{
	return (uint32_t)((check_rand(r) >> 32) * n >> 32);
}

/*
 * Runs fn(arg) in a forked child that has a minute's time, and no core dump.
 * What the child and percu's reports write on stderr goes to out, as a string
 * (cut at outlen).  A child whose fn returns exits with 0; the result is what
 * waitpid() said, for WIFEXITED() and WIFSIGNALED().
 */
int check_fork(void (*fn)(void *arg), void *arg, char *out, size_t outlen);

/* In such a child, or another: ends it, with a line, where a law is broken. */
#define child_must(law)                                                    \
	do {                                                               \
		if (!(law)) {                                              \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, \
				#law);                                     \
			_exit(1);                                          \
		}                                                          \
	} while (0)

/* Waits for its end: did it exit with 0?  Prints what it did, if not. */
bool check_reaped(pid_t pid);

/* In a child: what the threads that were not forked have is no leak. */
void check_forked(void);

/* Does fn(arg) abort, and is this line all that it says?  Prints it if not. */
bool check_aborts(void (*fn)(void *arg), void *arg, const char *line);

/* n threads run fn(0 .. n - 1, arg), all let go at once; returns when all did. */
void check_threads(unsigned int n, void (*fn)(unsigned int i, void *arg),
		   void *arg);

#endif /* PERCU_TESTS_CHECK_H */
