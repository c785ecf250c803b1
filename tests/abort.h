/* SPDX-License-Identifier: MIT */
/*
 * tests/abort.h - operations that reach each sequence, and their books
 *
 * The operations are done with a breakpoint set, and what a signal handler
 * does in the middle of them too.  Whatever happens, the books say how often
 * each pool was got from, put to and retired to, and each object knows whether
 * it is out.
 */
#ifndef PERCU_TESTS_ABORT_H
#define PERCU_TESTS_ABORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	NR_OPERATIONS = 5
};

/* i: which of its many forms. */
extern void (*const operation[NR_OPERATIONS])(unsigned int i);

void books_begin(void);
/* Laws: each object is out once, each operation has counted once. */
bool books_agree(void);
/* Law, besides: everything is in one place.  Waits for what was retired. */
void books_audit(void);
void books_end(void);

/* For a handler: a record has one less, or one more. */
void get_put(void);

/* What has been done in the records of that index, ever, as they count it. */
uint64_t done_at(uint32_t index);

#endif /* PERCU_TESTS_ABORT_H */
