/* SPDX-License-Identifier: MIT */
/*
 * pool/init.c - start, and fork
 *
 * Start.  The library sets itself up on its first slow path or in its
 * constructor, whichever comes first.  Static constructors of others may
 * allocate before that: each size has no class yet, which is a miss.
 *
 * Fork.  The child must find every lock free and every structure whole, with
 * no thread but the one that forked.  The handler before fork takes the age
 * and list locks, stops every pool, fences, and takes every lock in order; so
 * at the moment of the copy no sequence is under way and nothing is half done.
 * After it the parent gives all back, and the child makes its locks new.  What
 * other threads held in their hands the child never sees again: objects that
 * were out count as out for ever, and objects on their way between record and
 * depot are lost to it, with the spans that they are in.
 *
 * A vfork() child shares its parent's memory without being registered for
 * rseq: it may exec or _exit, and must not come here.
 */
#include <pthread.h>
#if __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
#else
#define __libc_single_threaded 0
#endif

#include <percu/stats.h>

#include "pool/block.h"
#include "pool/pool.h"
#include "slab/heap.h"
#include "slab/meta.h"
#include "sys/conf.h"
#include "sys/cpu.h"
#include "sys/os.h"
#include "sys/report.h"
#include "sys/tool.h"

/* Where there is no memory for a dummy: empty, full, and never written. */
static const char no_record[sizeof(struct record)]
	__attribute__((aligned(CACHE_LINE)));

struct class_hits class_hits __attribute__((aligned(CACHE_LINE)));

struct percu_pool class_pool[NR_CLASSES];

struct pools pools;

/*
 * Stands in for struct rseq on the lock path, where an index may be anything
 * and the dummy a single record: a thread that is not registered.
 */
static __thread struct {
	uint32_t cpu_id_start;
	int32_t cpu_id;
	uint64_t rseq_cs; /* sequences write it */
} no_area __attribute__((tls_model("initial-exec"))) = { .cpu_id = -1 };

static ptrdiff_t no_area_offset(void)
{
	char *self = (char *)&no_area;

#if PERCU_HAS_RSEQ
	__asm__("subq %%fs:0, %0" : "+r"(self));
#endif
	return (ptrdiff_t)self;
}

/* Plain: no size has a class yet, and no arena is there to free a block of. */
static void hits_setup(void)
{
	class_hits.front = pools.start;
	for (unsigned int c = 0; c <= NR_CLASSES; c++)
		class_hits.base[c] = pools.start.base;
}

/* Release: who finds a class in the tables finds all else set up. */
static void hits_open(void)
{
	for (unsigned int i = 0; i < sizeof(class_small); i++)
		__atomic_store_n(&class_hits.small[i],
				 (uint8_t)(block_class(i * 8) + 1),
				 __ATOMIC_RELEASE);
	for (unsigned int i = 0; i < sizeof(class_large); i++)
		__atomic_store_n(&class_hits.large[i], class_large[i] + 1,
				 __ATOMIC_RELEASE);
}

static void class_setup(unsigned int c)
{
	struct percu_pool *p = &class_pool[c];
	char name[NAME_MAX_] = "size-";
	struct percu_pool_attr attr = { .name = name, .size = class_size[c] };
	uint32_t size = class_size[c], digits = 1;

	for (uint32_t n = size; n >= 10; n /= 10)
		digits++;
	for (name[5 + digits] = '\0'; digits--; size /= 10)
		name[5 + digits] = (char)('0' + size % 10);
	slab_init(&p->slab, class_size[c], class_size[c] < 16 ? 8 : 16,
		  (uint8_t)(c + 1), p);
	pool_setup(p, &attr);
	p->hot = &class_hits.base[c + 1];
	p->open = meta_alloc(bitmap_bytes());
	list_add_tail(&p->pools, &pools.list);
	__atomic_store_n(&p->magic, POOL_ALIVE, __ATOMIC_RELEASE);
}

/*
 * A zero record for each index, on either path: who inlines get and put looks
 * at the front of a pool of the lock path too.  Without memory for it at start
 * the lock path is used, and each new pool tries again; the classes, whose
 * sequences find no area there, make do with one record.
 */
static void dummy_setup(void)
{
	char *dummy =
		os_map_zero((size_t)cpu_info.possible << PERCU_RECORD_SHIFT);

	if (!dummy) {
		pools.crippled = true;
		cpu_info.rseq = false;
		dummy = (char *)(uintptr_t)no_record;
	}
	pools.start.base = dummy;
	pools.start.rseq = cpu_info.rseq ? PERCU_RSEQ_OFFSET : no_area_offset();
	pools.start.index_off = cpu_info.index_off;
}

/* Is there a dummy for a new pool? */
bool dummy_obtain(void)
{
	char *dummy;

	if (likely(!__atomic_load_n(&pools.crippled, __ATOMIC_ACQUIRE)))
		return true;
	lock_take(&pools.age, LOCK_AGE);
	if (pools.crippled) {
		dummy = os_map_zero((size_t)cpu_info.possible
				    << PERCU_RECORD_SHIFT);
		if (dummy)
			pools.start.base = dummy;
		/* Release: who finds it false finds the base (above). */
		__atomic_store_n(&pools.crippled, !dummy, __ATOMIC_RELEASE);
	}
	lock_give(&pools.age, LOCK_AGE);
	return !pools.crippled;
}

static void fork_setup(void);

static void setup(void)
{
	report_init();
	conf_init();
	tool_init();
	/* TSan sees locks, and does not see into sequences. */
	cpu_init(conf.lock || tool.tsan);
	heap_init();
	dummy_setup();
	hits_setup();
	lock_init(&pools.age);
	lock_init(&pools.list_lock);
	pthread_cond_init(&pools.idle, NULL);
	list_init(&pools.list);
	pools.hand = &pools.list;
	list_init(&pools.dead);
	pools.cached = meta_alloc(cpu_info.possible * sizeof(uint64_t));
	if (!pools.cached)
		conf.cpu_cache = 0;
	pools.depot_max = conf.depot_cache;
	if (!pools.depot_max)
		pools.depot_max =
			(uint64_t)cpu_info.possible * conf.cpu_cache / 2;
	retire_init();
	for (unsigned int c = 0; c < NR_CLASSES; c++)
		class_setup(c);
	large_setup();
	fork_setup();
	hits_open();
}

static pthread_once_t once = PTHREAD_ONCE_INIT;

/* This thread is in setup(). */
static __thread bool setting_up __attribute__((tls_model("initial-exec")));

static void setup_once(void)
{
	setting_up = true;
	setup();
	setting_up = false;
}

/*
 * What setup() calls may be interposed, and may allocate: who must not wait for
 * it here asks first.
 */
bool pool_is_setting_up(void)
{
	return setting_up;
}

void pool_init(void)
{
	pthread_once(&once, setup_once);
}

__attribute__((constructor(101))) static void pool_constructor(void)
{
	pool_init();
}

__attribute__((destructor(101))) static void pool_destructor(void)
{
	leak_forget();
}

PERCU_API const char *percu_mode(void)
{
	pool_init();
	return cpu_mode();
}

/* Fork. --------------------------------------------------------------------- */

#define for_each_pool(p)                                               \
	list_for_each (l_, &pools.list)                                \
		for (struct percu_pool *p =                            \
			     list_entry(l_, struct percu_pool, pools), \
				       *done_ = NULL;                  \
		     !done_; done_ = p)

/*
 * Where there is one thread, nothing is half done while it forks, no lock is
 * held, and the child needs no more than it gets.
 */
static bool alone; /* (a) by who forks, from before to after */

static void before_fork(void)
{
	bool single = __libc_single_threaded;
	uint64_t patience;

	/* Threads that fork at once all say that they are not. */
	__atomic_store_n(&alone, single, __ATOMIC_RELAXED);
	if (single)
		return;
	lock_order_pause();
	patience = grace_park();
	stdio_before_fork();
	grace_before_fork(patience);
	lock_take(&pools.age, LOCK_AGE);
	lock_take(&pools.list_lock, LOCK_POOLS);
	for_each_pool(p) pool_stop(p);
	retire_stop_all();
	/*
	 * Without the fence a sequence may be copied half-way: its slot is
	 * written and its word is not, which is as if it had not begun.
	 */
	pools_quiesce(NULL);
	if (!cpu_info.rseq)
		retire_quiesce();
	lock_take_unseen(left_lock(), LOCK_DEPOT);
	lock_take_unseen(origin_lock(), LOCK_DEPOT);
	for_each_pool(p) lock_take_unseen(&p->depot.lock, LOCK_DEPOT);
	for_each_pool(p)
	{
		if (p->known)
			lock_take_unseen(foreign_lock(p->known), LOCK_SLAB);
		if (!p->foreign)
			lock_take_unseen(&p->slab.lock, LOCK_SLAB);
	}
	heap_lock();
	meta_lock();
}

static void after_fork_parent(void)
{
	if (__atomic_load_n(&alone, __ATOMIC_RELAXED))
		return;
	meta_unlock();
	heap_unlock();
	for_each_pool(p)
	{
		if (!p->foreign)
			lock_give_unseen(&p->slab.lock, LOCK_SLAB);
		if (p->known)
			lock_give_unseen(foreign_lock(p->known), LOCK_SLAB);
	}
	for_each_pool(p) lock_give_unseen(&p->depot.lock, LOCK_DEPOT);
	lock_give_unseen(origin_lock(), LOCK_DEPOT);
	lock_give_unseen(left_lock(), LOCK_DEPOT);
	retire_start_all();
	for_each_pool(p) pool_start(p);
	lock_give(&pools.list_lock, LOCK_POOLS);
	lock_give(&pools.age, LOCK_AGE);
	grace_after_fork_parent();
	stdio_after_fork_parent();
	lock_order_resume();
}

/* A pool as the child finds it: nobody else is at work on it. */
static void pool_after_fork(struct percu_pool *p)
{
	lock_init(&p->depot.lock);
	lock_init(&p->slab.lock);
	if (p->known)
		lock_init(foreign_lock(p->known));
	for (uint32_t i = 0; p->records && i < cpu_info.possible; i++)
		if (p->open[i / 64] >> i % 64 & 1)
			lock_init(&record_at(p->records, i)->lock);
	list_init(&p->todo);
	p->busy = 0;
	p->forked = true;
	p->left = 0; /* see left_after_fork() */
	pool_start(p);
}

static void after_fork_child(void)
{
	if (__atomic_load_n(&alone, __ATOMIC_RELAXED))
		return;
	meta_lock_reinit();
	heap_lock_reinit();
	for_each_pool(p) pool_after_fork(p);
	lock_init(origin_lock());
	parked_after_fork();
	retire_after_fork();
	grace_after_fork_child();
	/* The thread that took them gives them: TSan believes no other. */
	lock_give(&pools.list_lock, LOCK_POOLS);
	lock_give(&pools.age, LOCK_AGE);
	lock_init(&pools.list_lock);
	lock_init(&pools.age);
	pthread_cond_init(&pools.idle, NULL);
	locks_held = 0; /* all of them are new */
	stdio_after_fork_child();
	lock_order_resume();
}

static void fork_setup(void)
{
	pthread_atfork(before_fork, after_fork_parent, after_fork_child);
}
