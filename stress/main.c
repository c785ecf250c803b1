// SPDX-License-Identifier: MIT
/*
 * stress/main.c - percu-stress: use percu in every way, then say if it held
 */
#include <malloc.h>
#include <stdlib.h>
#include "stress.h"

int main(int argc, char **argv)
{
	struct options o;
	bool ok;

	stop_init();
	/* Of other arenas glibc gives nothing back: see end.c. */
	mallopt(M_ARENA_MAX, 1);
	options_parse(&o, argc, argv);
	out_begin(o.output);
	ok = parts_run(&o);
	free(o.paths);
	stop_now();
	return ok && !stop_asked() ? EXIT_SUCCESS : EXIT_FAILURE;
}
