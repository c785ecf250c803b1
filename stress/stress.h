/* SPDX-License-Identifier: MIT */
/*
 * stress/stress.h - what the scenarios of percu-stress share
 *
 * Each scenario states the laws that it checks, breaks in on itself in every
 * way it knows, and ends with a verdict.  A law that does not hold is a call
 * of fail(); the verdict is the number of those calls.
 *
 *	scenario	a file with a xxx_run() function: words, churn, handover
 *	stamp		a pattern that fills a block and depends on a key
 *	audit		the comparison of percu's statistics with our own counts
 *
 * The library is used through its public headers alone.
 */
#ifndef STRESS_STRESS_H
#define STRESS_STRESS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <pthread.h>
#include <percu/pool.h>
#include <percu/stats.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define STRESS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define STRESS_SANITIZED 1
#endif
#endif
#ifndef STRESS_SANITIZED
#define STRESS_SANITIZED 0 /* else: RSS means nothing, fork is unsafe */
#endif

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* What makes a scenario harder (churn). */
enum storm {
	STORM_AFFINITY = 1 << 0, /* threads are moved between CPUs */
	STORM_SIGNAL = 1 << 1,   /* a timer's signals interrupt them */
	STORM_FORK = 1 << 2,     /* children are forked, and use percu */
	STORM_EXIT = 1 << 3,     /* threads exit and are replaced */
	STORM_ALL = (1 << 4) - 1,
};

struct options {
	const char **paths; /* words: where the input is */
	size_t nr_paths;
	unsigned int workers; /* 0: the scenario's default */
	unsigned int seconds;
	unsigned int storms; /* of enum storm */
	bool brief;          /* words: 20 MB of the input */
	uint64_t seed;
};

void words_run(const struct options *o);
void churn_run(const struct options *o);
void handover_run(const struct options *o);
void drain_run(const struct options *o);
void vec_run(const struct options *o);

/* verdict.c: may be called by any thread, and by a forked child. */
__attribute__((format(printf, 1, 2), cold)) void fail(const char *fmt, ...);
__attribute__((format(printf, 1, 2), cold, noreturn)) void
die(const char *fmt, ...); /* fail, verdict, exit */
void verdict_begin(const char *scenario, const struct options *o);
bool verdict_end(void);              /* prints it; true: ok */
unsigned int verdict_failures(void); /* so far */
void law(const char *text);          /* prints what is going to be checked */
void *must(void *p);                 /* dies of NULL */

/* rng.c: splitmix64.  One generator a thread. */
struct rng {
	uint64_t state;
};

uint64_t mix64(uint64_t x);
uint64_t rng_next(struct rng *r);
uint32_t rng_below(struct rng *r, uint32_t n); /* 0 .. n - 1 */
/* About log-normal: 2^N(log2_median, log2_sigma), in 0 .. max. */
size_t rng_lognormal(struct rng *r, double log2_median, double log2_sigma,
		     size_t max);

/* stamp.c: byte o of a stamped block depends on o and the key alone. */
void stamp(void *p, size_t size, uint64_t key);
bool stamp_holds(const void *p, size_t size, uint64_t key); /* all of it */
bool stamp_prefix(const void *p, size_t kept, size_t size, uint64_t key);
bool all_zero(const void *p, size_t size);

/* host.c: the machine and the process. */
uint64_t now_ns(void);
double cpu_seconds(void); /* of all threads so far */
void sleep_ms(unsigned int ms);
uint64_t rss_bytes(void);       /* resident; 0: not known */
unsigned int nr_cpus(void);     /* that we may run on */
int cpu_nth(unsigned int n);    /* the n-th of those, modulo */
void cpu_pin(int tid, int cpu); /* tid 0: the caller; cpu -1: all */
void thread_start(pthread_t *t, void *(*fn)(void *), void *arg);

/* text.c: numbers for people, by value, so that printf can take many. */
struct numeral {
	char s[32];
};

struct numeral num_count(uint64_t n); /* 1,234,567 */
struct numeral num_bytes(uint64_t n); /* 12.3 MB; 1 MB = 10^6 */
struct numeral num_percent(uint64_t part, uint64_t whole);

/* progress.c: a bar on stderr, if that is a terminal; a stop-watch anyway. */
enum progress_unit {
	PROGRESS_BYTES, /* ends when done == total */
	PROGRESS_TIME,  /* ends total ms after its start */
	PROGRESS_FILES, /* counts, nobody knows how far */
};

struct progress {
	const char *label;
	enum progress_unit unit;
	uint64_t total;        /* bytes, or milliseconds */
	_Atomic uint64_t done; /* bytes, operations, files */
	uint64_t start_ns, end_ns;
	atomic_bool stop;
	bool shown;
	pthread_t painter;
};

void progress_start(struct progress *p, const char *label,
		    enum progress_unit unit, uint64_t total);
double progress_stop(struct progress *p); /* seconds */
void progress_clear(void);                /* wipe the bar's line */
static inline void progress_add(struct progress *p, uint64_t n)
{
	atomic_fetch_add_explicit(&p->done, n, memory_order_relaxed);
}

/* audit.c */
struct audit {
	struct percu_memstats start;
};

void audit_begin(struct audit *a);
void audit_end(const struct audit *a); /* memory is as it was */
void audit_identities(void);           /* hold at any time */
/* A quiet pool, out of which n objects were taken and put back. */
void audit_quiet(struct percu_pool *pool, uint64_t gets, uint64_t puts);
/* Shrinks a quiet pool to its reserve, then destroys it. */
/* reserve: AUDIT_KEEPS_ALL where no shrink gives anything back. */
#define AUDIT_KEEPS_ALL UINT64_MAX
void audit_destroy(struct percu_pool *pool, uint64_t reserve);
/* Later statistics against earlier ones, any time. */
void audit_monotonic(const struct percu_pool_stats *was,
		     const struct percu_pool_stats *is);
void audit_table_head(void);
void audit_table_row(struct percu_pool *pool);

#endif /* STRESS_STRESS_H */
