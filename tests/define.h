/* SPDX-License-Identifier: MIT */
/* tests/define.h - what the two files of test_define share */
#ifndef PERCU_TESTS_DEFINE_H
#define PERCU_TESTS_DEFINE_H

#include <percu/define.h>

struct shared {
	int value[20];
};

PERCU_POOL_DECLARE(shared, struct shared);

/* The other file's own pool of the name "twice", and its use of "shared". */
struct percu_pool *other_pool(void);
struct shared *other_shared_get(void);

#endif /* PERCU_TESTS_DEFINE_H */
