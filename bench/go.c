/* SPDX-License-Identifier: MIT */
/*
 * bench/go.c - Go's sync.Pool, the model, beside what was made of it
 *
 * The Go program's text is part of this one; where there is a Go compiler it
 * is built in a temporary folder and run as a worker.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <percu/pool.h>

#include "bench/bench.h"
#include "bench/cases.h"
#include "bench/own_loops.h"
#include "bench/shapes.h"

/* The assembler looks it up from the top folder, where make runs. */
__asm__(".pushsection .rodata\n"
	"go_text:\n\t"
	".incbin \"bench/go/main.go\"\n"
	"go_text_end:\n\t"
	".popsection\n");
extern const char go_text[], go_text_end[];

static bool write_text(const char *dir)
{
	char path[PATH_MAX];
	FILE *f;

	snprintf(path, sizeof(path), "%s/main.go", dir);
	f = fopen(path, "w");
	return f && fwrite(go_text, 1, (size_t)(go_text_end - go_text), f) &&
	       !fclose(f);
}

/* dir is ours: mkdtemp() made its name. */
static bool build(const char *dir)
{
	char command[128];

	snprintf(command, sizeof(command),
		 "cd %s && GO111MODULE=off go build -o pool main.go", dir);
	return write_text(dir) && !system(command);
}

static void remove_all(const char *dir)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", dir);
	if (system(command))
		fprintf(stderr, "percu-bench: %s remains\n", dir);
}

static char program[PATH_MAX];

struct worker *go_start(const char *shape)
{
	char threads[16];
	const char *const args[] = { program, shape, threads, NULL };

	snprintf(threads, sizeof(threads), "%u", cpus());
	return worker_start(args, NULL);
}

static void pair(void)
{
	struct percu_pool *pool = make_pool("bench-go", OBJECT);
	struct contestant c[] = {
		{ .name = "pool, inlined",
		  .role = OURS,
		  .fn = pair_inlined,
		  .ctx = pool },
		{ .name = "pool",
		  .role = OURS,
		  .fn = own_loops("pool")->pair,
		  .ctx = pool },
		{ .name = "sync.Pool",
		  .role = PEER,
		  .timed = worker_timed,
		  .ctx = go_start("pair") },
	};
	struct contest ct = { .name = "go",
			      .what = "a Get and a Put of 64 bytes, one thread",
			      .x = NO_X,
			      .c = c,
			      .n = ARRAY_SIZE(c),
			      .turn_ns = 10 * MSEC };

	contest(&ct);
	worker_stop(c[2].ctx);
	percu_pool_destroy(pool);
}

static bool built(const char *dir)
{
	snprintf(program, sizeof(program), "%s/pool", dir);
	if (build(dir))
		return true;
	row_skip("go", "go", "go build failed");
	return false;
}

bool case_go(void)
{
	char dir[] = P_tmpdir "/percu-bench-XXXXXX";
	bool ok;

	if (system("go version >/dev/null 2>&1")) {
		row_skip("go", "go", "go is not installed");
		return true;
	}
	if (!mkdtemp(dir)) {
		perror(dir);
		return false;
	}
	ok = built(dir);
	if (opt.scale == SHORT)
		row_skip("go-shapes", "Go's shapes", "not in short");
	else if (ok)
		shapes(); /* where threads may still run anywhere */
	pin_last();
	if (ok)
		pair();
	remove_all(dir);
	return ok;
}
