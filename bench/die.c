/* SPDX-License-Identifier: MIT */
/* bench/die.c - an end, where going on would measure something else */
#include <stdio.h>
#include <stdlib.h>

#include "bench/bench.h"

void die_unless(bool ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(1);
}
