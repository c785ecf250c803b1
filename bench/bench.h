/* SPDX-License-Identifier: MIT */
/*
 * bench/bench.h - how percu is measured
 *
 * Only ratios survive a change of machine, so everything is measured against
 * something else, in one go: the contestants take turns, a few milliseconds
 * each, for dozens of rounds, and a slow second of the machine falls on all
 * of them.  Of each the median counts.  What is measured on one thread is
 * measured in time on the CPU, which a neighbour's load does not stretch.
 *
 * contestant	a loop that is timed
 * round	one turn of every contestant
 * row		a result: figure, unit and, where one is promised, a bound
 * worker	a process that holds one contestant and runs it when told to,
 *		for what cannot live in one process with the others
 * form		how a call reaches the library: inlined, static, shared
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

enum {
	KB = 1024,
	MB = 1024 * 1024,
	MSEC = 1000 * 1000,
	OBJECT = 64, /* bytes of what is got and put */
};

/* The value is used and memory may have changed, as far as the compiler knows. */
static inline void touch(void *p)
{
	__asm__ __volatile__("" : : "r"(p) : "memory");
}

/* main.c: the options; (c) constant once main() has read them */
struct options {
	bool small;           /* --short: for a build server */
	bool strict;          /* --strict: a missed bound fails the program */
	const char *json;     /* --json=FILE: where the rows go as JSON */
	unsigned int rounds;  /* --rounds=N */
	uint64_t objects;     /* --objects=N: of handover */
	unsigned int seconds; /* --seconds=N: of retire's flood */
	bool least;           /* --least: least times and not medians */
	int rows_fd;          /* --rows=FD: where a parent reads rows; or -1 */
};
extern struct options opt;

/* clock.c */
uint64_t thread_ns(void);  /* the calling thread's time on a CPU */
uint64_t process_ns(void); /* that of all threads */
uint64_t wall_ns(void);    /* time that others have the CPU counts, too */

/* place.c */
unsigned int cpus(void);  /* how many this process may use */
void pin(unsigned int i); /* the calling thread, to the i-th of them */
void pin_last(void);      /* the one least used by interrupts, as a rule */
size_t rss(void);         /* resident bytes of this process */

/* compare.c */
struct contestant {
	const char *name;
	void (*fn)(void *ctx, uint64_t iters);        /* is timed; or */
	uint64_t (*timed)(void *ctx, uint64_t iters); /* says itself: ns */
	void *ctx;
	unsigned int units; /* what one iteration counts for; 0 is 1 */
	uint64_t iters;     /* of a turn; 0: as many as fill turn_ns */
	double ns;          /* out: a unit, median or least of the rounds */
};

/* Lets the contestants take turns of turn_ns each; 0: the usual length. */
void compare(struct contestant *c, size_t n, uint64_t turn_ns);
double median(double *v, size_t n); /* sorts v */

/* noise.c: of the CPUs' time since the last call, what others used; percent */
double noise(void);

/* rows.c: printed when made, kept for the table */
enum row_kind {
	ROW_INFO,
	ROW_MOST,
	ROW_LEAST,
	ROW_SKIP
};

void row_info(const char *name, double figure, const char *unit);
void row_most(const char *name, double figure, const char *unit, double bound);
void row_least(const char *name, double figure, const char *unit, double bound);
void row_skip(const char *name, const char *why);
void rows_ns(const struct contestant *c, size_t n); /* one info row each */
void rows_read(int fd); /* those that a child writes, till it closes fd */
void rows_table(void);  /* all that have a bound */
bool rows_json(const char *path);
unsigned int rows_missed(void);

/* child.c: programs of this folder */
struct worker;
int child_run(const char *program, const char *command); /* its rows are ours */
struct worker *worker_start(const char *const args[], const char *preload);
uint64_t worker_ask(struct worker *w, const char *what, uint64_t arg);
uint64_t worker_timed(void *worker, uint64_t iters); /* a contestant.timed */
void worker_stop(struct worker *w);
/* Becomes args[0]: a program beside this one, or a path.  Does not return. */
__attribute__((noreturn)) void exec_sibling(const char *const args[]);

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
struct peer {
	const char *name;
	struct worker *worker;
};
/* Starts the malloc worker under each that is installed, glibc's own first. */
size_t peers_start(struct peer *peers, const char *loop);
void peers_stop(struct peer *peers, size_t n);

/* make_pool.c */
struct percu_pool;
struct percu_pool *make_pool(const char *name, size_t size);

/* A command of percu-bench, and what it runs in a worker; false: failed. */
bool bench_pair(void);
bool bench_malloc(void);
bool bench_go(void);
bool bench_threads(void);
bool bench_pools(void);
bool bench_idle(void);
bool bench_handover(void);
bool bench_churn(void);
bool bench_retire(void);
bool bench_vec(void);
int work_alloc(char **args);
int work_pools(char **args);
int work_idle(char **args);
int work_handover(char **args);
int work_churn(char **args);
int work_flood(char **args);

/* pairs.c: a get and a put, or what is said, behind a call; contestant.fn */
void pair_limit(void *none, uint64_t iters);
void pair_pool(void *pool, uint64_t iters);
void pair_alloc(void *size, uint64_t iters);   /* percu_alloc, percu_free */
void pair_sized(void *size, uint64_t iters);   /* and percu_free_sized */
void pair_inlined(void *pool, uint64_t iters); /* pair_inline.c: no call */

#endif /* BENCH_H */
