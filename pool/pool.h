/* SPDX-License-Identifier: MIT */
/*
 * pool/pool.h - what the files of this folder share
 *
 * A pool's objects are, at any moment, each in exactly one place:
 *
 *	out		with a caller
 *	record		in one CPU's record of the pool
 *	magazine	in a magazine of the depot, or in one that a thread in
 *			a slow path holds
 *	retired		in a record or a magazine of struct retire, or in what
 *			a reclaimer has in hand
 *	slab		in a free slot of one of the pool's spans
 *
 *	record.c	one CPU's record: the sequences, the lock path
 *	budget.c	where records come from and how large they are
 *	magazine.c	what objects travel in, by the block
 *	depot.c		the shared store of magazines
 *	pool.c		get and put, and what they do on a miss
 *	checked.c	the same for instrumented pools
 *	retire.c, flush.c, reclaim.c, left.c, barrier.c
 *			objects that wait for a grace period (waiting.h)
 *	origin.c	where these came from, in debug mode
 *	foreign.c	what is known of objects that have no span
 *	handler.c	misses in signal handlers
 *	create.c	making and ending pools
 *	define.c	pools that their first use makes
 *	age.c		stopping pools, draining records, ageing
 *	alloc.c		memory by size
 *	init.c		start, fork
 *	retention.c	figures of what slices keep alive
 *	stats.c, write.c	reading it all
 *	audit.c		the conservation check
 *	leak.c		what a leak checker must not take for a pointer
 *
 * Keys for who may touch a field: (c) constant after create, (o) the CPU that
 * owns the record, in a sequence or under the record's lock, or the drainer
 * while the pool is stopped, (d) depot lock, (A) age lock, (P) pools lock, (a)
 * atomic, (r) read by sequences without a lock, written under the age lock.
 */
#ifndef PERCU_POOL_POOL_H
#define PERCU_POOL_POOL_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <percu/pool.h>
#include <percu/record.h>
#include <percu/stats.h>

#include "rcu/grace.h"
#include "slab/class.h"
#include "slab/slab.h"
#include "sys/cpu.h"
#include "sys/hidden.h"
#include "sys/list.h"
#include "sys/lock.h"

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

enum {
	CACHE_LINE = 64,
	MAGAZINE_MAX = 60,             /* a magazine then fills 512 bytes */
	RECORD_MAX = 2 * MAGAZINE_MAX, /* objects in a record */
	MAGAZINE_BYTES = 16384,        /* of objects in a magazine */
	FOREIGN_WEIGHT = 1024,         /* bytes that a foreign object counts */
	POOL_MAX_SIZE = 256 << 10,
	POOL_MAX_ALIGN = 4096,
	NAME_MAX_ = 32,
};

/*
 * One CPU's record.  The word is described in <percu/record.h>.  A side holds
 * what the word cannot: the gets counted before the word's, and the net number
 * of objects that came from or went to magazines rather than callers.
 * A bulk sequence writes the side that is not current, and its commit makes
 * it current together with the new count, so
 *
 *	gets = side.gets + gets(word)
 *	puts - gets = count(word) - side.net
 *
 * hold at every moment.  seq tells a reader on another CPU that the side it
 * read was whole: SIDE_BUSY while it is written, else the number of the
 * writing, and a side is never written while it is current.
 */
#define SIDE_BUSY UINT64_MAX

struct record_side {
	uint64_t seq, gets;
	int64_t net;
};

struct record {
	uint64_t word;              /* (o), read by all */
	uint32_t capacity;          /* (a); 0: not opened */
	uint16_t seen;              /* (P) operations, when the clock came by */
	uint8_t last;               /* (a) enum record_event */
	uint8_t missed;             /* (a) since the last ageing */
	struct record_side side[2]; /* (o), read by all */
	/* cold: slow paths only */
	struct lock lock;       /* lock path: guards what is (o) */
	struct magazine *spare; /* (a) an empty magazine, or NULL */
	uint64_t misses;        /* (a) gets that found nothing, ever */
	void *slot[];           /* (o) */
};

static_assert(offsetof(struct record, capacity) == 8, "known to the sequences");
static_assert(offsetof(struct record, side) == 16, "known to the sequences");
static_assert(sizeof(struct record_side) == 24, "known to the sequences");
static_assert(offsetof(struct record, slot) == PERCU_RECORD_SLOTS ||
		      !PERCU_HAS_RSEQ,
	      "likewise");

enum record_event {
	RECORD_NONE,
	RECORD_EMPTY,
	RECORD_FULL,
};

struct magazine {
	union {
		struct list list;       /* (d) */
		struct grace_wait wait; /* while it waits for readers */
	};
	uint32_t count;
	uint32_t side;         /* of retire->in_hand, while it is in hand */
	struct retire *retire; /* waits or is ripe; else NULL */
	void *slot[];          /* pool->magazine of them */
};

/*
 * Objects of one pool that were retired under one flavor, until they are in a
 * magazine that waits.  A CPU's record of it is one of struct record, of which
 * nothing is ever popped: it is closed (capacity 0) when it is flushed, and
 * the push that then misses opens it and arms the next flush.
 */
struct retire {
	struct percu_front front; /* (r) what percu_pool_put_rcu uses */
	const struct rcu_flavor_struct *flavor; /* (a) NULL: not in use */
	struct grace *grace;                    /* (c) */
	struct percu_front inner; /* (r) the records, unless stopped */
	struct percu_pool *pool;  /* (c) */
	char *dummy;              /* (c) its base while it has no other */
	struct retire *next;      /* (a) the pool's, under another flavor */
	struct list all;          /* (A) of all that are in use */
	char *records;            /* (A) */
	uint64_t *open;           /* (a) bitmap: records that were opened */
	struct magazine *partial; /* (d) what came past the records */
	void *site;               /* (a) of the last retirement that missed */
	bool armed;               /* (a) there is something to flush */
	bool ripe;                /* (a) the depot may hold ripe magazines */
	bool stopped;             /* (A) its base is the dummy */
	uint32_t phase;           /* (a) its parity: which side is in use */
	uint32_t in_hand[2];      /* (a) magazines between record and inbox */
	uint64_t seen;            /* (A) in, at the flush before */
	uint64_t in, out;         /* (a) magazines handed over, and done */
	uint64_t direct;          /* (a) objects that came past the records */
	uint64_t done;            /* (a) objects that wait no more */
};

struct depot {
	struct lock lock;
	struct list full;      /* (d) magazines with objects */
	struct list victim;    /* (d) the same, idle for a cycle */
	struct list empty;     /* (d) */
	uint64_t nobj;         /* (d) objects in full and victim */
	uint64_t ripe;         /* (d) of these, in ripe magazines */
	uint64_t ripe_counted; /* (d) of these, in pools.ripe_bytes */
	uint64_t visits;       /* (d) times the lock was taken for objects */
};

enum pool_magic {
	POOL_UNBORN = 0, /* a class pool before init */
	POOL_ALIVE = 0x706f6f6c,
	POOL_DEAD = 0x64656164,
};

struct percu_pool {
	struct percu_front front; /* (r) what percu_pool_get and put use */
	struct percu_front inner; /* (r) the records, unless stopped */
	char **hot;               /* (c) &front.base, or one of class_hits */
	uint32_t magic;           /* (a) enum pool_magic */
	uint32_t magazine;        /* (c) objects in a magazine */
	uint32_t capacity_max;    /* (c) of a record */
	uint32_t weight;          /* (c) bytes that an object counts */
	bool foreign;             /* (c) no slab */
	bool release;             /* (c) foreign, and only ever retired to */
	bool checked;             /* (c) instrumented: front stays the dummy */
	bool debug;               /* (c) */
	char *dummy;              /* (c) its base while it has no other */
	char *records; /* (A) base of the records, once there are any */
	struct percu_pool_attr attr; /* (c) */
	char name[NAME_MAX_];        /* (c) */

	struct slab slab __attribute__((aligned(CACHE_LINE)));
	struct depot depot __attribute__((aligned(CACHE_LINE)));

	struct retire retire __attribute__((aligned(CACHE_LINE)));

	uint64_t *open; /* (a) bitmap: records that were opened */
	uint64_t out;   /* (a) objects out, where there is a limit */
	uint64_t direct_gets, direct_puts; /* (a) past the records */
	uint32_t left;    /* (a) objects in one of retire.c's NR_LEFT places */
	uint64_t left_in; /* (a) objects that were there, ever */
	uint64_t direct_misses; /* (a) without a record to miss in */
	uint32_t rest;          /* (a) misses until the clock is asked again */
	uint64_t limit_hits, failures; /* (a) */
	uint64_t made, unmade;         /* (a) foreign objects, ever */
	struct foreign *known; /* (c) foreign objects, where asked for */

	struct list pools;     /* (P) the list of all pools */
	struct list todo;      /* (P) has condemned objects */
	struct list condemned; /* (d) magazines to destroy */
	uint32_t busy;         /* (P) threads that destroy objects of it */
	bool stopped;          /* (A) */
	bool ended;            /* (A) stopped for good */
	bool forked;           /* (c) in a child: see pool_after_fork() */
};

static_assert(offsetof(struct percu_pool, front) == 0, "known to inline.h");

extern struct percu_pool class_pool[NR_CLASSES] HIDDEN;

/*
 * What a hit of a size class reads, behind one address: one more load in get
 * and put costs a pair about a cycle of eleven.  Classes are counted from one,
 * as in the page map.  No class, 0, has the dummy for ever, and turns every
 * other free into a miss; that a size has none says that the library is not set
 * up yet.
 */
struct class_hits {
	struct percu_front front;   /* (c) the classes', but for their bases */
	char *base[1 + NR_CLASSES]; /* (r) */
	uint8_t small[CLASS_SMALL_MAX / 8 + 1]; /* (a) class_small, plus one */
	uint8_t large[CLASS_MAX / 128 + 1];     /* (a) class_large, plus one */
};
extern struct class_hits class_hits HIDDEN;

/* init.c */
extern struct pools {
	struct lock age, list_lock;
	struct list list;         /* (P) struct percu_pool.pools */
	struct list dead;         /* (P) ended, oldest first */
	uint32_t ndead;           /* (P) */
	struct list *hand;        /* (P) of budget.c's clock, in list */
	pthread_cond_t idle;      /* (P) some pool is no longer busy */
	struct percu_front start; /* (A) with the dummy: what a new pool has */
	bool crippled;            /* (a) no memory for the dummy so far */
	uint64_t *cached;         /* (a) bytes of capacity, by index */
	uint64_t depot_bytes;     /* (a) but for the ripe ones */
	uint64_t ripe_bytes;      /* (a) of depots' ripe_counted */
	uint64_t depot_max;       /* (c) */
	uint64_t ages;            /* (a) */
} pools;
bool dummy_obtain(void);
void pool_init(void);          /* at most once, by whoever comes first */
bool pool_is_setting_up(void); /* by the calling thread */

static inline struct record *record_at(char *base, uint32_t index)
{
	return (struct record *)(base + ((size_t)index << PERCU_RECORD_SHIFT));
}

static inline size_t record_bytes(const struct percu_pool *p)
{
	return offsetof(struct record, slot) + p->capacity_max * sizeof(void *);
}

/* Of a bitmap of the records that were opened. */
static inline size_t bitmap_bytes(void)
{
	return (cpu_info.possible + 63) / 64 * sizeof(uint64_t);
}

/* Sequentially consistent: see record_lock(). */
static inline bool bitmap_test(const uint64_t *map, uint32_t i)
{
	return __atomic_load_n(&map[i / 64], __ATOMIC_SEQ_CST) >> i % 64 & 1;
}

/* budget.c */
char *records_alloc(size_t bytes); /* a record for each index, or NULL */
void records_free(char *base, size_t bytes); /* all zero again */
struct record *record_here(struct percu_pool *p);
bool record_grow(struct percu_pool *p, struct record *r, enum record_event ev,
		 bool contended);
void record_relax(struct percu_pool *p, uint32_t index);
void record_close(struct percu_pool *p, uint32_t index);

/* record.c */
void *record_get(struct percu_pool *p);
bool record_put(struct percu_pool *p, void *obj);
enum record_how {
	RECORD_MOVE = 0,
	RECORD_COUNT = -1
};
size_t record_take(struct percu_pool *p, void **objs, size_t n,
		   enum record_how how);
size_t record_give(struct percu_pool *p, void *const *objs, size_t n,
		   enum record_how how);
size_t record_drain(struct record *r, void **objs, size_t n);
/* The same on the records of a struct retire. */
bool record_retire(struct retire *r, void *obj);
size_t record_spill(struct retire *r, void **objs, size_t n);
struct record_counts {
	uint64_t count, gets, puts;
};
void record_read(const struct record *r, struct record_counts *c);

/* magazine.c */
struct magazine *magazine_new(struct percu_pool *p);
void magazine_free(struct percu_pool *p, struct magazine *m);
void magazine_check_in(struct percu_pool *p, void *const *objs, size_t n);
void magazine_check_out(struct percu_pool *p, void *const *objs, size_t n);
struct magazine *spare_swap(struct record *r, struct magazine *m);

/* depot.c */
void depot_init(struct depot *d);
bool depot_take(struct percu_pool *p, struct record *r, void ***objs, size_t *n,
		struct magazine **whole, bool *contended);
void depot_emptied(struct percu_pool *p, struct record *r, struct magazine *m);
void depot_store(struct percu_pool *p, struct record *r, void *const *objs,
		 size_t n, bool *contended);
size_t depot_spill(struct percu_pool *p, struct record *r, size_t n,
		   bool *contended);
void depot_keep(struct percu_pool *p, struct record *r);
struct magazine *depot_empty(struct percu_pool *p);
int depot_stock(struct percu_pool *p, size_t n);
void depot_add(struct percu_pool *p, struct list *magazines, size_t nobj);
void depot_condemn(struct percu_pool *p);
void depot_age(struct percu_pool *p, struct list *drained, bool all);
void depot_release_spares(struct percu_pool *p);

struct magazine *depot_obtain(struct percu_pool *p);
void depot_receive(struct percu_pool *p, struct list *magazines);
void depot_return(struct percu_pool *p, struct magazine *m);
void depot_trim(struct percu_pool *p);

/* retire.c */
void retire_setup(struct percu_pool *p);

/* reclaim.c */
void retire_init(void);
uint64_t retire_count(struct percu_pool *p, uint64_t *waiting);

/* barrier.c */
bool retire_hurry(struct percu_pool *p);
int retire_end(struct percu_pool *p);
void retire_empty(struct percu_pool *p);

/* left.c */
struct lock *left_lock(void);

/* flush.c: fork */
void retire_stop_all(void);
void retire_start_all(void);
void retire_after_fork(void);
void retire_quiesce(void);

/* origin.c: debug mode */
struct retire_origin;
void origin_note(struct percu_pool *p, void *obj, void *site,
		 struct retire_origin *origin);
void origin_check(struct percu_pool *p, void *obj);
struct lock *origin_lock(void);

/* pool.c */
void *pool_get_slow(struct percu_pool *p);
void pool_put_slow(struct percu_pool *p, void *obj);
void pool_put_from(struct percu_pool *p, void *obj, void *site);
void pool_check(struct percu_pool *p, const char *what);
void *pool_get_any(struct percu_pool *p, bool *fresh);
void pool_put_any(struct percu_pool *p, void *obj);
size_t pool_make(struct percu_pool *p, void **objs, size_t n);
size_t pool_spare(struct percu_pool *p, size_t n);
void pool_unmake(struct percu_pool *p, void *const *objs, size_t n,
		 uint64_t idle_since);

/* handler.c */
static inline bool in_handler(void)
{
	return locks_held != 0;
}
void parked_add(struct percu_pool *p, void *obj,
		const struct rcu_flavor_struct *flavor, void *site);
void parked_place(void);
/* Until what was parked to be retired to the pool is; NULL: to any. */
void parked_wait(const struct percu_pool *p);
void parked_after_fork(void);

/* checked.c */
void *checked_get(struct percu_pool *p);
void checked_put(struct percu_pool *p, void *obj, void *site);
void checked_retire(struct percu_pool *p, void *obj, void *site,
		    struct retire_origin *origin);
void checked_retired(struct percu_pool *p, void *const *objs, size_t n);

/* foreign.c */
struct foreign *foreign_new(void);
void foreign_delete(struct foreign *f);
bool foreign_expect(struct percu_pool *p);
void foreign_made(struct percu_pool *p, void *obj);
void foreign_unmade(struct percu_pool *p, void *obj);
bool foreign_get(struct percu_pool *p, void *obj);
void foreign_put(struct percu_pool *p, void *obj, void *site);
struct lock *foreign_lock(struct foreign *f);

/* alloc.c */
struct large_stats {
	uint64_t mallocs, frees, bytes_in, bytes_out;
	uint64_t bytes_back; /* of bytes_out, those that wait no more */
};
extern struct large_stats large_stats;      /* (a) */
extern struct percu_pool large_pool HIDDEN; /* what is retired of them */
void large_setup(void);

/* stdio.c: of the C library's list of files, among threads */
void stdio_before_fork(void);
void stdio_after_fork_parent(void);
void stdio_after_fork_child(void);
uint64_t large_bytes(void *const *objs, size_t n);
void class_back(void *obj); /* tools: it comes back */

/* create.c */
void pool_setup(struct percu_pool *p, const struct percu_pool_attr *attr);
void pool_publish(struct percu_pool *p);

/* age.c */
void pool_busy_enter(struct percu_pool *p);
void pool_busy_leave(struct percu_pool *p);
struct percu_pool *pool_next(struct percu_pool *p);
void pool_stop(struct percu_pool *p);
int pools_quiesce(struct percu_pool *only);
void pool_start(struct percu_pool *p);
ssize_t pool_gather(struct percu_pool *p);
int pool_end(struct percu_pool *p);
void pool_empty(struct percu_pool *p);
void pool_bury(struct percu_pool *p, uint64_t idle_since);

/* leak.c */
void leak_forget(void);

/* audit.c */
struct audit {
	uint64_t out, records, depot, slab, deferred; /* objects */
};
int pool_audit(struct percu_pool *p, struct audit *a);

/* stats.c */
struct pool_sums {
	uint64_t gets, puts, misses; /* puts: retirements too */
	uint64_t puts_rcu, deferred;
};
void pool_sum(struct percu_pool *p, struct pool_sums *sum);
void pool_stats(struct percu_pool *pool, struct percu_pool_stats *st);
void stats_keep(struct percu_pool *p);

/* write.c: a string and its length; 0 or -errno, which ends it */
typedef int (*stats_sink)(void *arg, const char *text, size_t len);
int stats_write(stats_sink sink, void *arg, enum percu_stats_format fmt);

static inline uint64_t counter_read(const uint64_t *c)
{
	return __atomic_load_n(c, __ATOMIC_RELAXED);
}

static inline void counter_add(uint64_t *c, uint64_t n)
{
	/* Releases: a put that is counted had its get counted (pool_sum()). */
	__atomic_fetch_add(c, n, __ATOMIC_RELEASE);
}

#endif /* PERCU_POOL_POOL_H */
