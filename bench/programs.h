/* SPDX-License-Identifier: MIT */
/* bench/programs.h - the programs that bench/programs.c measures */
#ifndef PERCU_BENCH_PROGRAMS_H
#define PERCU_BENCH_PROGRAMS_H

#include <stdbool.h>

/*
 * setup (may be NULL), ready and client are the shell's, and their folder is an
 * empty one of their own at first; command is words between blanks.  A program
 * with a client is a server: it is ready when ready succeeds, and is told to end
 * after the client has.
 */
struct program {
	const char *name, *needs, *setup, *command, *ready, *client;
};

extern const struct program programs[]; /* up to one without a name */

/* Sets $LIVES to the program of that name beside self, and $SRC: it is there. */
bool programs_setup(const char *self);

#endif /* PERCU_BENCH_PROGRAMS_H */
