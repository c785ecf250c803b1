/* SPDX-License-Identifier: MIT */
/*
 * stress/stress.h - what the scenarios of percu-stress share
 *
 * Each scenario states the laws that it checks, breaks in on itself in every
 * way it knows, and ends with a verdict.  A law that does not hold is a call
 * of fail(); the verdict is the number of those calls, and what the end of the
 * run finds (end.c).
 *
 *	scenario	a file with a xxx_run() function, and a row in scenarios[]
 *	part		a run of one scenario, or of several at once (mixed)
 *	fault		what is forced to happen, with a count (fault.c)
 *	chaos		the faults that happen beside any scenario (chaos.c)
 *	stamp		a pattern that fills a block and depends on a key
 *	audit		the comparison of percu's statistics with our own counts
 *
 * What a scenario does to fit in:
 *
 *	- it has xxx_run(o), stops by itself after o->seconds, and starts from
 *	  nothing each time: it is run more than once in a process;
 *	- it starts threads with thread_start() alone, so that chaos finds them
 *	  and a failure in them is known as the scenario's;
 *	- it prints with printf() from the thread that runs xxx_run(), and is
 *	  muted, prefixed or turned into comments as the user has asked (out.c);
 *	- it wraps what may be refused in must() or must_do(), or can do without;
 *	- it counts with progress_add() and calls audit_quiet() and
 *	  audit_destroy() for its pools; that all memory is back is seen to by
 *	  who runs it;
 *	- what it asks of the process alone (resident memory, the whole heap) it
 *	  asks only if alone();
 *	- slots that percu_vec_check() found stale go to verdict_stale(), workers
 *	  that never ended to verdict_leaked().
 *
 * The library is used through its public headers, but for its fault points
 * (sys/os.h), which chaos_os.c arms.
 */
#ifndef STRESS_STRESS_H
#define STRESS_STRESS_H

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
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

enum output {
	OUTPUT_TEXT,
	OUTPUT_TAP,
	OUTPUT_JSON,
};

struct options {
	const char **paths; /* words: where the input is */
	size_t nr_paths;
	const char **traces; /* replay: files; none: those it has */
	unsigned int nr_traces;
	const char *record, *dump; /* files; then nothing is run */
	char **command;            /* to record */
	unsigned int workers;      /* coroutines; 0: the scenario's default */
	unsigned int threads;      /* of the OS; 0: by the number of CPUs */
	double seconds;            /* for this run of this scenario */
	double patience;           /* without any progress it hangs */
	bool brief;                /* words: 20 MB of the input */
	bool once;                 /* jobs are done once */
	bool mixed;                /* others run at the same time */
	uint64_t seed;
	/* What scenarios do not ask for. */
	enum output output;
	const char *report;  /* a folder, or NULL */
	unsigned int chosen; /* bits of scenarios[] */
	bool named;          /* by the user: who cannot run then fails */
	bool everything;     /* all of them, and a mixed part in the end */
	const char *chaos;   /* as it was asked for, or NULL */
	const char *broken;  /* the last that is to be broken, or NULL */
};

void words_run(const struct options *o);
void pipeline_run(const struct options *o);
void churn_run(const struct options *o);
void handover_run(const struct options *o);
void drain_run(const struct options *o);
void vec_run(const struct options *o);
void slices_run(const struct options *o);
void balancer_run(const struct options *o);
void replay_run(const struct options *o);

/* scenarios.c: the table */
struct scenario {
	const char *name, *what;
	void (*run)(const struct options *o);
	bool job; /* ends when it is done: done again until time is up */
};

enum {
	NR_SCENARIOS = 9
};

extern const struct scenario scenarios[NR_SCENARIOS];

/* parts.c: runs what was chosen, then the end.  True: all laws held. */
bool parts_run(const struct options *o);
bool alone(void); /* no other scenario, no chaos at the moment */
struct part;
struct part *part_at_work(void); /* or NULL; part_begins: which it is */
void part_begins(struct part *p);

/* cmdline.c */
void options_parse(struct options *o, int argc, char **argv);
/* The command that repeats it: these scenarios; NULL: what was asked for. */
void options_again(const struct options *o, const char *names, char *buf,
		   size_t size);

/*
 * verdict.c: may be called by any thread, and by a forked child.  A failure
 * belongs to the part that the calling thread works for.
 */
struct part {
	char name[40];
	char again[1024]; /* the command that repeats it */
	char skipped[96]; /* why it cannot run here */
	atomic_uint failures;
	uint64_t start_ns;
	double seconds;                     /* that it took */
	_Atomic uint64_t operations, bytes; /* of its progress */
};

enum {
	PARTS_MAX = 2 * NR_SCENARIOS + 4,
	FAILURES_KEPT = 16, /* lines; further ones are counted */
	FAILURE_LINE = 1600,
};

extern struct part parts[PARTS_MAX];
extern unsigned int nr_parts;
extern __thread struct part *part_here; /* NULL: nobody's */

__attribute__((format(printf, 1, 2), cold)) void fail(const char *fmt, ...);
__attribute__((format(printf, 1, 2), cold, noreturn)) void
die(const char *fmt, ...);                /* fail, verdict, exit */
unsigned int verdict_failures(void);      /* of the caller's part so far */
unsigned int verdict_total(void);         /* of all */
const char *verdict_line(unsigned int n); /* the n-th failure; NULL: no more */
void verdict_stale(uint64_t slots, const char *vec); /* 0 counts a check */
__attribute__((format(printf, 2, 3))) void verdict_leaked(unsigned int workers,
							  const char *fmt, ...);
void law(const char *text); /* prints what is going to be checked */
/* Says why the caller's part cannot run here, for its result. */
__attribute__((format(printf, 1, 2))) void part_skip(const char *fmt, ...);
/* Fails if that is 0, unless it was asked to stop: a law held by nothing. */
void happened(uint64_t n, const char *what);

/*
 * What may be refused.  Where a fault refuses what is asked of the system, a
 * call that fails is done once more while no fault is armed: what fails then
 * fails for good.
 */
bool refusals(void); /* a fault may have been the reason */
__attribute__((noreturn, cold)) void out_of_memory(void);

#define must(call)                          \
	({                                  \
		__auto_type must_ = (call); \
		if (!must_ && refusals()) { \
			calm_begin();       \
			must_ = (call);     \
			calm_end();         \
		}                           \
		if (!must_)                 \
			out_of_memory();    \
		must_;                      \
	})

/* The same of 0 and -errno; gives what the last try said. */
#define must_do(call)                                                       \
	({                                                                  \
		int must_ = (call);                                         \
		if ((must_ == -ENOMEM || must_ == -EAGAIN) && refusals()) { \
			calm_begin();                                       \
			must_ = (call);                                     \
			calm_end();                                         \
		}                                                           \
		must_;                                                      \
	})

/* end.c: what must hold when all is over, and what was found */
enum end_law {
	END_CONSERVED,
	END_RETAINED,
	END_DEFERRED,
	END_STALE,
	END_WORKERS,
	END_STATISTICS,
	END_RESIDENT,
	END_FAULTS,
	NR_END_LAWS
};

struct finding {
	const char *name, *what; /* constant */
	bool ok;
	char text[640];
};

extern struct finding findings[NR_END_LAWS];

void end_warm(void); /* resident memory is compared with what it is now */
void end_run(const struct options *o);

/* stop.c: ends that nobody chose.  No scenario goes on when it is asked to. */
void stop_init(void);
bool stop_asked(void);
const char *stop_reason(void); /* NULL: it was not asked to */
void stop_unread(void);        /* stdout cannot be written */
void stop_now(void);           /* ends by the signal, if it was one */
/* By which calls it came here: addresses of the program, for addr2line. */
void frames_write(void);
void frames_prepare(void); /* before any handler writes some */

/* watch.c: fails, and ends, when nothing was counted for so many seconds. */
void watch_begin(double patience);
void watch_end(void);
void watch_beat(void); /* it goes on, though no scenario is counting */

/* break.c: what is broken on purpose; laws of the end before they are looked at */
bool break_request(const char *law); /* false: there is no such law */
bool break_asked(enum end_law l);
void break_begin(enum end_law l);
void break_end(enum end_law l);

/* The others by whom they are asked for. */
enum break_id {
	BREAK_CHURN,
	BREAK_REFUSED,
	BREAK_PIPELINE,
	BREAK_BLOCK,
	BREAK_HANDOVER,
	BREAK_GROWTH,
	BREAK_DRAIN,
	BREAK_WORDS,
	BREAK_INPUT,
	BREAK_VIEW,
	BREAK_AGES,
	BREAK_REMOVAL,
	BREAK_BALANCER,
	BREAK_SLICES,
	BREAK_BYTES,
	BREAK_REPLAY,
	BREAK_RESIZED,
	BREAK_IDLE,
	BREAK_LEAK,
	BREAK_POOR,
	BREAK_CLOCK,
	BREAK_POOLS,
	BREAK_KEYS,
	BREAK_UNKNOWN,
	BREAK_HANG,
	BREAK_DEADLOCK,
	NR_BREAKS
};

void break_arm(void);                /* the warm-up is over */
bool break_now(enum break_id id);    /* true: once */
bool break_always(enum break_id id); /* true: each time */
void break_hang(void);               /* if asked to, armed or not */
void break_list(void);

/* out.c: stdout becomes what the user has asked for. */
void out_begin(enum output how);
void out_mute(bool mute);
bool out_muted(void);
__attribute__((format(printf, 1, 2))) void out_result(const char *fmt, ...);

/* result.c: the verdict on stdout, and in the report. */
void result_begin(const struct options *o);
void result_part(const struct part *p);
void result_end(void);
/* It crashed, or hangs: formats and writes, no more. */
void result_cut(const char *how);
void result_json(FILE *f);

/* fault.c */
enum fault_id {
	FAULT_FORK,
	FAULT_EXIT,
	FAULT_AFFINITY,
	FAULT_CPUSET,
	FAULT_SIGNAL,
	FAULT_MEMORY,
	FAULT_CGROUP,
	FAULT_SLEEP,
	FAULT_CLOCK,
	FAULT_CALLS,
	FAULT_OSCALL,
	NR_FAULTS
};

struct fault {
	const char *name, *what;
	_Atomic uint64_t fired;
	_Atomic uint64_t own; /* of these, met by who forces it */
	bool requested;
	char skipped[96]; /* why it cannot happen here */
};

extern struct fault faults[NR_FAULTS];

/* Also by handlers. */
static inline void fault_fired(enum fault_id id, uint64_t times)
{
	atomic_fetch_add_explicit(&faults[id].fired, times,
				  memory_order_relaxed);
}

static inline uint64_t fault_count(enum fault_id id)
{
	return atomic_load_explicit(&faults[id].fired, memory_order_relaxed);
}

bool faults_request(const char *list); /* "a,b", "all", "none"; false: what? */
uint64_t faults_total(void);
bool faults_wanted(void); /* any */
void faults_reset(void);
void faults_tell(void);              /* prints which are skipped */
bool fault_wanted(enum fault_id id); /* requested, and not skipped */
__attribute__((format(printf, 2, 3))) void fault_skip(enum fault_id id,
						      const char *fmt, ...);

/* chaos.c: the faults that were requested, from begin to end. */
void chaos_begin(uint64_t seed);
void chaos_end(void);
bool chaos_forces(enum fault_id id); /* at the moment, beside the caller */
/*
 * One of age, shrink, stats, barrier, where that was asked for; seldom, so
 * that it costs nothing to call it everywhere.  Not by a reader or a callback,
 * and not under a lock that a callback takes.  pool: one to shrink, or NULL.
 */
struct rng;
void chaos_call(struct rng *r, struct percu_pool *pool);
/* While audits compare, the system refuses nothing; they nest. */
void calm_begin(void);
void calm_end(void);

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
uint64_t rss_anonymous(void);   /* of it, what no file backs */
unsigned int nr_cpus(void);     /* that we may run on */
int cpu_nth(unsigned int n);    /* the n-th of those, modulo */
bool cpu_pin(int tid, int cpu); /* tid 0: the caller; cpu -1: all */
/* The thread belongs to the caller's part, and chaos may meet it. */
void thread_start(pthread_t *t, void *(*fn)(void *), void *arg);
int thread_any(struct rng *r); /* the tid of one of those; 0: none found */
unsigned int thread_list(int *tids, unsigned int most); /* how many */

/* text.c: numbers for people, by value, so that printf can take many. */
struct numeral {
	char s[32];
};

struct numeral num_count(uint64_t n); /* 1,234,567 */
struct numeral num_bytes(uint64_t n); /* 12.3 MB; 1 MB = 10^6 */
struct numeral num_percent(uint64_t part, uint64_t whole);

/* What was printed before out_begin() has gone out; else it says so. */
bool text_flushed(void);

/* progress.c: how far it is, for people and for whoever plots it. */
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
	struct part *part;
	struct progress *before; /* that began before and goes on */
};

void progress_start(struct progress *p, const char *label,
		    enum progress_unit unit, uint64_t total);
double progress_stop(struct progress *p); /* seconds */
void progress_clear(void);                /* wipe the bar's line */
bool progress_sum(uint64_t *done);        /* of all; never waits */
static inline void progress_add(struct progress *p, uint64_t n)
{
	atomic_fetch_add_explicit(&p->done, n, memory_order_relaxed);
}

/* audit.c */
struct audit {
	struct percu_memstats start;
};

/* Around a part, chaos and all: memory is as it was. */
void audit_begin(struct audit *a);
void audit_end(const struct audit *a);
void audit_pools(uint64_t *pools, uint64_t *made); /* each is conserved */
void audit_identities(void);                       /* hold at any time */
void audit_spoil(unsigned int bytes); /* they compare a sum that is wrong */
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
