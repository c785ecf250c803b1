// SPDX-License-Identifier: MIT
/*
 * stress/main.c - percu-stress: use percu in every way, then say if it held
 */
#include <malloc.h>
#include <stdlib.h>
#include "traces.h"

int main(int argc, char **argv)
{
	struct options o;
	bool ok;

	/* Of other arenas glibc gives nothing back: see end.c. */
	mallopt(M_ARENA_MAX, 1);
	options_parse(&o, argc, argv);
	if (o.dump)
		return trace_dump(o.dump);
	if (o.record)
		return trace_record(o.record, o.command);
	stop_init(); /* not before: what is recorded would inherit it */
	if (!traces_load(&o))
		return 2;
	out_begin(o.output);
	ok = parts_run(&o);
	traces_free();
	free(o.paths);
	free(o.traces);
	stop_now();
	return ok && !stop_asked() ? EXIT_SUCCESS : EXIT_FAILURE;
}
