/* SPDX-License-Identifier: MIT */
/*
 * tests/readers.h - readers of each of liburcu's flavors in one program
 *
 *	reader_begin		this thread is going to read
 *	reader_lock, _unlock	a read section
 *	reader_end		it reads no more
 *
 * liburcu 0.13 tells TSan nothing.  What it does to order a reader's accesses
 * with what comes after a grace period is said here: a section's end is a
 * release, and the return from a grace period an acquire, of one address.
 * Release callbacks acquire it too (reader_passed()), so that nothing is asked
 * of who runs them.  For that vectors are given the flavor that stands here,
 * liburcu's own but that its grace periods are counted and said.
 *
 * The program links -lurcu-memb -lurcu-qsbr -lurcu-mb.
 */
#ifndef PERCU_TESTS_READERS_H
#define PERCU_TESTS_READERS_H

#include <stdbool.h>
#include <stdint.h>
#include <urcu/urcu-bp.h>

extern const struct rcu_flavor_struct urcu_memb_flavor, urcu_qsbr_flavor,
	urcu_mb_flavor;

#if defined(__SANITIZE_THREAD__)
#define READERS_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define READERS_TSAN 1
#endif
#endif

extern char readers_word; /* its address is what matters */

#ifdef READERS_TSAN
void __tsan_acquire(void *p);
void __tsan_release(void *p);
static inline void reader_passed(void)
{
	__tsan_acquire(&readers_word);
}
static inline void reader_passing(void)
{
	__tsan_release(&readers_word);
}
#else
static inline void reader_passed(void)
{
}
static inline void reader_passing(void)
{
}
#endif

enum readers_flavor {
	READERS_MEMB,
	READERS_QSBR,
	READERS_MB,
	READERS_BP,
	READERS_NONE, /* grace periods are over at once: for tests of tests */
	NR_READERS
};

struct readers {
	const char *name;
	const struct rcu_flavor_struct *urcu; /* liburcu's */
	struct rcu_flavor_struct flavor;      /* for percu_vec_init_flavor() */
	bool signals;                         /* handlers may read */
	uint64_t graces;                      /* (a) grace periods so far */
};

extern struct readers readers[NR_READERS];

/* How many grace periods of the flavor have ended. */
static inline uint64_t readers_graces(const struct readers *r)
{
	return __atomic_load_n(&r->graces, __ATOMIC_ACQUIRE);
}

static inline void reader_begin(const struct readers *r)
{
	r->urcu->register_thread();
}

static inline void reader_end(const struct readers *r)
{
	reader_passing();
	r->urcu->unregister_thread();
}

static inline void reader_lock(const struct readers *r)
{
	r->urcu->read_lock();
}

/* Of a flavor that has them, a quiescent state as well. */
static inline void reader_unlock(const struct readers *r)
{
	reader_passing();
	r->urcu->read_unlock();
	r->urcu->read_quiescent_state();
}

/* Before and after what may take its time; not in a section. */
static inline void reader_offline(const struct readers *r)
{
	reader_passing();
	r->urcu->thread_offline();
}

static inline void reader_online(const struct readers *r)
{
	r->urcu->thread_online();
}

#endif /* PERCU_TESTS_READERS_H */
