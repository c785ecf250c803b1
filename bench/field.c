/* SPDX-License-Identifier: MIT */
/*
 * bench/field.c - all who can run a loop, each in a worker
 */
#include <stdio.h>

#include "bench/bench.h"

static const struct own {
	char letter;
	const char *who, *name;
	enum role role;
} owns[] = {
	{ 'l', "limit", "limit", LIMIT },
	{ 'p', "pool", "pool", OURS },
	{ 'a', "alloc", "alloc + free", OURS },
	{ 's', "sized", "alloc + free_sized", OURS },
	{ 'n', "nothing", "nothing", PLAIN },
};

static const struct own *find(char letter)
{
	size_t i = 0;

	while (owns[i].letter != letter)
		i++;
	return &owns[i];
}

/* The same program as the peers' workers, and percu in malloc's place. */
static struct contestant preloaded(const char *loop, const char *size,
				   const char *arg)
{
	const char *const args[] = { "percu-bench-malloc", loop, size, arg,
				     NULL };

	return (struct contestant){
		.name = OWN_MALLOC,
		.role = OURS,
		.timed = worker_timed,
		.ctx = worker_start(args, own_malloc()),
	};
}

void field_start(struct field *f, const char *who, const char *loop,
		 size_t bytes, const char *arg)
{
	char size[16];
	bool malloc_too;

	snprintf(size, sizeof(size), "%zu", bytes);
	for (f->n = 0; who[f->n] && who[f->n] != 'm'; f->n++) {
		const struct own *o = find(who[f->n]);
		const char *const args[] = { "percu-bench-shared",
					     "worker",
					     "field",
					     o->who,
					     loop,
					     size,
					     arg,
					     NULL };

		f->c[f->n] = (struct contestant){
			.name = o->name,
			.role = o->role,
			.timed = worker_timed,
			.ctx = worker_start(args, NULL),
		};
	}
	f->nr_linked = f->n;
	malloc_too = who[f->n];
	if (malloc_too && own_malloc())
		f->c[f->n++] = preloaded(loop, size, arg);
	f->nr_own = f->n;
	f->nr_peers = malloc_too ? peers_start(f->peers, loop, size, arg) : 0;
	f->n = peers_join(f->c, f->n, f->peers, f->nr_peers);
}

struct worker *field_worker(const struct field *f, size_t i)
{
	return f->c[i].ctx;
}

void field_stop(struct field *f)
{
	for (size_t i = 0; i < f->nr_own; i++)
		worker_stop(f->c[i].ctx);
	peers_stop(f->peers, f->nr_peers);
}
