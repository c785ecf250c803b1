/* SPDX-License-Identifier: MIT */
/*
 * tests/test_inline.c - test_share.c with get and put inlined into the test
 *
 * Whatever holds of the calls holds of <percu/inline.h>.
 */
#define SUITE "inline"

#include <percu/inline.h>

#if PERCU_HAS_RSEQ && !defined(percu_pool_get)
#error "get is not inlined"
#endif

#include "tests/test_share.c"
