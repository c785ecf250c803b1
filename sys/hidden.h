/* SPDX-License-Identifier: MIT */
/*
 * sys/hidden.h - data that the hit paths read
 *
 * -fvisibility=hidden speaks of definitions.  A declaration without this is
 * read through the GOT, which is a load more on a path of twenty instructions.
 */
#ifndef PERCU_SYS_HIDDEN_H
#define PERCU_SYS_HIDDEN_H

#define HIDDEN __attribute__((visibility("hidden")))

#endif /* PERCU_SYS_HIDDEN_H */
