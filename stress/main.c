// SPDX-License-Identifier: MIT
/*
 * stress/main.c - percu-stress: use percu in every way, then say if it held
 */
#include <malloc.h>
#include <stdlib.h>
#include "traces.h"

static int scenarios_run(const struct options *o)
{
	int status = 2;

	stop_init(); /* not before: what is recorded would inherit it */
	if (traces_load(o)) {
		out_begin(o->output);
		status = parts_run(o) && !stop_asked() ? EXIT_SUCCESS :
							 EXIT_FAILURE;
	}
	traces_free();
	return status;
}

int main(int argc, char **argv)
{
	struct options o;
	int status;

	/* Of other arenas glibc gives nothing back: see end.c. */
	mallopt(M_ARENA_MAX, 1);
	options_parse(&o, argc, argv);
	status = o.dump   ? trace_dump(o.dump) :
		 o.record ? trace_record(o.record, o.command) :
			    scenarios_run(&o);
	free(o.paths);
	free(o.traces);
	stop_now();
	return status;
}
