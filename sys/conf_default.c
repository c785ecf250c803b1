/* SPDX-License-Identifier: MIT */
/*
 * sys/conf_default.c - what holds where PERCU says nothing else
 *
 * In a file of its own: the malloc made of percu is linked with another one.
 */
#include "sys/conf.h"

const struct conf conf_default = {
#ifdef PERCU_DEBUG
	.debug = true,
#endif
	.cpu_cache = (size_t)1 << 20,
	.defer_wait = true,
	.defer_age = 100,
	.stall = 10000,
	.private_stderr = true,
};
