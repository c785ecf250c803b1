/* SPDX-License-Identifier: MIT */
/*
 * bench/bench.h - what all parts of percu-bench share
 *
 * case		what --only names: one file or so, run in a process of its own
 * contest	contestants that take turns in one run: method.h
 * row		a result, on paper, as a line for the parent and in JSON: rows.h
 * worker	a process that holds one contestant and runs it when told to,
 *		for what cannot live in one process with the others
 * peer		somebody else's malloc, in a worker
 * form		how a call reaches the library: inlined, static, shared
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/method.h"
#include "bench/rows.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

enum {
	KB = 1024,
	MB = 1024 * 1024,
	USEC = 1000,
	MSEC = 1000 * 1000,
	OBJECT = 64, /* bytes of what is got and put */
};

/* The value is used and memory may have changed, as far as the compiler knows. */
static inline void touch(void *p)
{
	__asm__ __volatile__("" : : "r"(p) : "memory");
}

/* A loop is inlined into a function that names what it calls: loops.h. */
#define LOOP static inline __attribute__((always_inline)) void

/* How much is done: for a result, for the guard, to see that it works. */
enum scale {
	FULL,
	SHORT,
	TINY
};

/* main.c: the options; (c) constant once main() has read them */
struct options {
	enum scale scale;       /* --short, --tiny */
	bool strict;            /* --strict: a missed bound fails the program */
	const char *only;       /* --only=CASE,...; NULL: all */
	const char *json, *tsv; /* --json=FILE, --tsv=FILE: where the rows go */
	const char *counts;     /* --counts=FILE: instructions of a hit */
	unsigned int budget;    /* --budget=MS: a contest's; 0: the usual */
	unsigned int seconds;   /* --seconds=S: of each flood; 0: the usual */
	int rows_fd; /* --rows=FD: where a parent reads rows; or -1 */
};
extern struct options opt;

static inline uint64_t by_scale(uint64_t full, uint64_t brief, uint64_t tiny)
{
	return opt.scale == FULL ? full : opt.scale == SHORT ? brief : tiny;
}

/* cases.c: what there is */
struct bench_case {
	const char *name;
	bool (*run)(void); /* false: it could not be run */
	const char *what;
};
extern const struct bench_case cases[];
extern const size_t nr_cases;
bool case_wanted(const struct bench_case *c); /* --only: main.c */
int work(char **args); /* percu-bench worker JOB ARG...: what child.c starts */

/* check.c: percu-bench check; false: something is worse than it was */
bool check(void);

/* clock.c */
uint64_t thread_ns(void);  /* the calling thread's time on a CPU */
uint64_t process_ns(void); /* that of all threads */
uint64_t wall_ns(void);    /* time that others have the CPU counts, too */

/* place.c */
unsigned int cpus(void);     /* how many this process may use */
void pin(unsigned int i);    /* the calling thread, to the i-th of them */
void pin_last(void);         /* the one least used by interrupts, as a rule */
size_t rss(void);            /* resident bytes of this process */
const char *cpu_model(void); /* as the kernel names it */

/* noise.c: of the CPUs' time since the last call, what others used; percent */
double noise(void);

/* versions.c: a row of the machine for each peer's version */
void versions(void);

/* child.c: programs of this folder */
struct worker;
bool child_case(const char *program, const char *name); /* its rows are ours */
struct worker *worker_start(const char *const args[], const char *preload);
uint64_t worker_ask(struct worker *w, const char *what, uint64_t arg);
double worker_figure(struct worker *w, const char *what); /* of no argument */
uint64_t worker_timed(void *worker, uint64_t iters); /* a contestant.timed */
void worker_stop(struct worker *w);
/* Becomes args[0]: a program beside this one, or a path.  Does not return. */
__attribute__((noreturn)) void exec_sibling(const char *const args[]);
#define OWN_MALLOC "percu's malloc"
/* percu's own malloc, for LD_PRELOAD; NULL: it has not been built. */
const char *own_malloc(void);

/*
 * serve.c: a worker's side.  Answers each question with a number, until there
 * are no more; "rss" and "run" (by timing fn) it knows itself.
 */
struct service {
	void (*fn)(void *ctx, uint64_t iters);
	void *ctx;
	uint64_t (*answer)(void *ctx, const char *what, uint64_t arg);
};
int serve(const struct service *s);

/* peers.c: the mallocs that the system packages */
enum {
	NR_PEERS = 6
};
/* The i-th: what to preload, or NULL for glibc's; false: it is not installed. */
bool peer_known(size_t i, const char **name, const char **preload);
struct peer {
	const char *name;
	struct worker *worker;
};
/*
 * Starts the malloc worker under each that is installed, glibc's own first;
 * arg is the loop's, or NULL.
 */
size_t peers_start(struct peer *peers, const char *loop, const char *size,
		   const char *arg);
/* The same of those which can be told the size that they free; named so. */
size_t peers_start_sized(struct peer *peers, const char *loop,
			 const char *size);
void peers_missing(void); /* a row for each that is not installed */
void peers_stop(struct peer *peers, size_t n);
/* field.c: all who can run a loop of loops.h on objects of one size */
struct field {
	struct contestant c[8 + NR_PEERS];
	struct peer peers[NR_PEERS];
	size_t n, nr_linked, nr_own,
		nr_peers; /* with percu's: linked, or its malloc */
};
/*
 * who: a letter each: l the limit, p a pool, a alloc and free, s alloc and
 * free_sized, n nothing at all; and last, m every malloc, percu's own first.
 */
void field_start(struct field *f, const char *who, const char *loop,
		 size_t bytes, const char *arg);
void field_stop(struct field *f);
struct worker *field_worker(const struct field *f, size_t i);

/* The contestants that they are, behind those that are there: how many now. */
size_t peers_join(struct contestant *c, size_t n, const struct peer *peers,
		  size_t nr_peers);

/* make_pool.c */
struct percu_pool;
struct percu_pool *make_pool(const char *name, size_t size);
void die_unless(bool ok, const char *what); /* with errno's text */

#endif /* BENCH_H */
