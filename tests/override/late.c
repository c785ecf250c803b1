/* SPDX-License-Identifier: MIT */
/* tests/override/late.c - one file alone, which includes it after all others */
#include <stdlib.h>
#include <string.h>
#include <percu/override.h>
#include <stdlib.h>
#include <malloc.h>

#include "tree.h"

int late_part(void)
{
	char *s = strdup("late"), *p = s ? realloc(s, 1000) : NULL;
	int ok = p && !strcmp(p, "late");

	free(p);
	return ok ? 2 : -1;
}
