/* SPDX-License-Identifier: MIT */
/* tests/malloc/misuse.c - free() of what is not to be freed, by its argument */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char nowhere[64];

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	char stack[64], *p = malloc(100), *large = malloc(100000);

	if (!strcmp(what, "static"))
		free(nowhere + 16);
	else if (!strcmp(what, "stack"))
		free(stack + 16);
	else if (!strcmp(what, "null page"))
		free((void *)16);
	else if (!strcmp(what, "wild"))
		free((void *)0xdead00000000beef);
	else if (!strcmp(what, "inside large"))
		free(large + 8192);
	else if (!strcmp(what, "large twice"))
		free(large), free(large);
	else if (!strcmp(what, "realloc"))
		p = realloc(stack + 16, 200);
	else if (!strcmp(what, "usable"))
		return (int)malloc_usable_size(stack);
	else if (!strcmp(what, "inside"))
		free(p + 16);
	else if (!strcmp(what, "twice"))
		free(p), free(p);
	return puts(p ? "nothing noticed" : "no memory") < 0;
}
