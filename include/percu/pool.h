/* SPDX-License-Identifier: MIT */
/*
 * percu/pool.h - typed object pools, cached per CPU
 *
 * What sync.Pool is to a Go program: get an object, use it, put it back from
 * whatever thread holds it then.  An idle object waits on the CPU where it was
 * put, in a plain array; a get there is a handful of instructions without
 * lock, atomic or system call.  Surplus moves between CPUs by the magazine.
 *
 * As sync.Pool: any thread may put what another got, and an idle object
 * survives one ageing cycle (percu_age()) and not two.  Unlike sync.Pool: the
 * memory can belong to the pool (slab objects, attr.size > 0) or to the
 * caller (foreign objects, attr.create), objects are destroyed and not
 * forgotten, there can be a limit and a reserve, gets and puts are counted
 * exactly, and nothing that get or put costs grows with the number of pools.
 *
 * Best for: objects of one type that many threads take and give at a high
 * rate; objects dear to construct; buffers.
 *
 * Not for: a vfork() child; a signal handler that cannot live with EAGAIN (a
 * hit is restartable; a miss that has interrupted percu itself fails); a handful of
 * objects for the whole program.
 */
#ifndef PERCU_POOL_H
#define PERCU_POOL_H

#include <stddef.h>
#include <stdint.h>
#include <percu/compiler.h>
#include <percu/flavor.h>

PERCU_BEGIN_DECLS

struct percu_pool;

/**
 * enum percu_pool_flags - percu_pool_attr.flags
 * @PERCU_POOL_ZERO: get hands out zeroed memory.  Slab objects without a ctor
 *	only.
 * @PERCU_POOL_TYPESAFE: the memory of a put object stays an object of this
 *	pool, for at least a grace period: now until the pool is destroyed, so
 *	no ageing gives it back.  A reader may still look at it, and must check
 *	that it is still the object that it wanted.  Slab objects only.
 */
enum percu_pool_flags {
	PERCU_POOL_ZERO = 1 << 0,
	PERCU_POOL_TYPESAFE = 1 << 1,
};

/**
 * struct percu_pool_attr - what percu_pool_create() makes
 * @name: shown in statistics and reports; copied, at most 31 bytes of it
 * @size: bytes of a slab object, at most 256 KiB; 0 for foreign objects
 * @align: bytes, a power of two, at most 4096; 0 for the natural alignment
 *	(the largest power of two that divides @size, at most 16)
 * @ctor: called once for a slab object when it is first made: 0, or -errno,
 *	which the get that wanted the object then reports
 * @dtor: called once for a constructed slab object before its memory leaves
 *	the pool
 * @reset: called each time before an object is handed out again, by the
 *	getting thread; not before its first time
 * @create: makes a foreign object; NULL means failure, with errno
 * @destroy: disposes of a foreign object
 * @arg: passed to each callback
 * @limit: the most objects that may be out at once; 0 for none.  Counting
 *	costs get and put one atomic operation each.
 * @reserve: objects that are made when the pool is and that no ageing takes
 *	away: while fewer than this are out, a get succeeds.  Of slab objects
 *	whole spans are kept, so it may be some more.
 * @flags: of enum percu_pool_flags
 *
 * Callbacks run outside every lock of percu: they may allocate, and use this
 * pool or another.  Zero the struct, then set what you need.
 */
struct percu_pool_attr {
	const char *name;
	size_t size, align;
	int (*ctor)(void *obj, void *arg);
	void (*dtor)(void *obj, void *arg);
	void (*reset)(void *obj, void *arg);
	void *(*create)(void *arg);
	void (*destroy)(void *obj, void *arg);
	void *arg;
	size_t limit;
	size_t reserve;
	unsigned int flags;
};

/**
 * percu_pool_destroy() - end a pool
 * @pool: what percu_pool_create() returned
 *
 * Waits until the objects that were retired to this pool are put; objects of
 * other pools are not waited for.  Every idle object is destroyed and its
 * memory returned.  No other thread may use the pool meanwhile; a later use of
 * it is misuse, and is reported.
 *
 * Context: any thread, not from a callback of this pool.  Takes locks.  Where
 * objects have been retired: as percu_pool_barrier().
 * Return: 0; or, and then the pool lives on, -EBUSY if objects are still out,
 * and -errno if the system refused to let the other CPUs be interrupted.
 */
PERCU_API PERCU_NONNULL(1) int percu_pool_destroy(struct percu_pool *pool);

/**
 * percu_pool_create() - make a pool
 * @attr: what it is to hold; not kept
 *
 * Context: any thread.  Takes locks; runs @attr's ctor or create for the
 * reserve.
 * Return: the pool, owned by the caller until percu_pool_destroy(); NULL with
 * errno EINVAL (attributes that contradict each other or are out of range),
 * ENOMEM, or what a callback said.
 */
PERCU_API PERCU_MUST_CHECK PERCU_NONNULL(1) struct percu_pool
	*percu_pool_create(const struct percu_pool_attr *attr);

/**
 * percu_pool_put() - give an object back
 * @pool: the pool that it came from
 * @obj: an object that is out; the caller must not touch it any more.  NULL
 *	is ignored.
 *
 * What the caller wrote to the object before happens before what the next
 * getter reads of it.  errno is left alone.  An object of another pool, a
 * pointer that is no object, and an object that was put before are misuse:
 * see Documentation/misuse.md for when each is found.
 *
 * Context: any thread.  May take locks; may run dtor or destroy.
 */
PERCU_API PERCU_NONNULL(1) void percu_pool_put(struct percu_pool *pool,
					       void *obj);

/**
 * percu_pool_get() - take an object
 * @pool: the pool
 *
 * The object last put on this CPU, as a rule: most likely still in its cache.
 *
 * Context: any thread.  May take locks and ask the system for memory; may run
 * ctor, create and reset.  Where there is no memory and objects of the pool
 * wait for readers, it waits for them, as percu_pool_put_rcu() does above the
 * hard mark, before it fails.
 * Return: an object that the caller owns until it puts it; NULL with errno
 * ENOMEM (no memory, or the limit is reached), EAGAIN (a signal handler that
 * has interrupted percu itself, and missed), or what ctor or create said.
 */
PERCU_API PERCU_MUST_CHECK PERCU_NONNULL(1)
	PERCU_FREED_BY(percu_pool_put,
		       2) void *percu_pool_get(struct percu_pool *pool);

/**
 * percu_pool_get_bulk() - take several objects at once
 * @pool: the pool
 * @objs: where the pointers go
 * @n: how many are wanted
 *
 * Context: as percu_pool_get().
 * Return: how many it got, and put at the start of @objs; fewer than @n only
 * where percu_pool_get() would have failed, and errno says why.
 */
PERCU_API PERCU_MUST_CHECK PERCU_NONNULL(1) size_t
	percu_pool_get_bulk(struct percu_pool *pool, void **objs, size_t n);

/**
 * percu_pool_put_bulk() - give several objects back at once
 * @pool: the pool that they came from
 * @objs: the objects, none of them NULL; the array is left as it is
 * @n: how many
 *
 * Context: as percu_pool_put().
 */
PERCU_API PERCU_NONNULL(1) void percu_pool_put_bulk(struct percu_pool *pool,
						    void **objs, size_t n);

/**
 * percu_pool_put_rcu() - give an object back once no reader can see it
 * @pool: the pool that it came from
 * @obj: an object that is out and that no new reader can find; the caller
 *	must not touch it any more than a reader may.  NULL is ignored.
 *
 * The object waits for a grace period of the flavor in scope (see
 * <percu/flavor.h>) and is then put.  Objects wait by the magazine, so this
 * costs what percu_pool_put() costs, and the object needs no head.  What the
 * readers read of the object, and what the caller wrote, happens before what
 * its next owner does.  It never fails, and errno is left alone.
 *
 * Putting or retiring an object that waits is misuse, as is retiring what is
 * no object of @pool: see Documentation/misuse.md.
 *
 * Context: any thread, inside a read section or not; for flavors that want
 * registration the caller needs none.  May take locks; may start percu's
 * reclaiming thread of this flavor.  Above the hard mark (PERCU=defer_hard) a
 * caller outside of a read section waits for grace periods.
 */
#define percu_pool_put_rcu(pool, ...) \
	percu_pool_put_rcu_flavor(pool, (__VA_ARGS__), &rcu_flavor)

/**
 * percu_pool_put_rcu_flavor() - percu_pool_put_rcu() under a given flavor
 * @pool: as percu_pool_put_rcu()
 * @obj: as percu_pool_put_rcu()
 * @flavor: liburcu's, such as &urcu_memb_flavor; lives as long as the program
 *
 * Context: as percu_pool_put_rcu().
 */
PERCU_API PERCU_NONNULL(1, 3) void percu_pool_put_rcu_flavor(
	struct percu_pool *pool, void *obj,
	const struct rcu_flavor_struct *flavor);

/**
 * percu_pool_barrier() - wait until all that was retired to a pool is put
 * @pool: the pool
 *
 * Waits for what happened before the call, in this pool and no other, and not
 * for what is retired meanwhile.
 *
 * Context: any thread outside of read sections of the flavors in question, and
 * not from a callback that percu runs after a grace period; both are misuse,
 * for it would wait for itself.  A registered thread of the qsbr flavor is
 * offline while it waits.
 */
PERCU_API PERCU_NONNULL(1) void percu_pool_barrier(struct percu_pool *pool);

/**
 * percu_barrier() - percu_pool_barrier() of every pool
 *
 * Blocks of percu_free_rcu() and what vectors have removed are included.
 *
 * Context: as percu_pool_barrier().
 */
PERCU_API void percu_barrier(void);

/**
 * percu_pool_age() - one ageing cycle of one pool
 * @pool: the pool
 *
 * What has lain idle since the cycle before this one goes back to where it was
 * made: foreign objects are destroyed, slab objects when all of their span are
 * back, and the span's pages go to the system.  What lies idle now is the
 * victim of the next cycle.
 *
 * Context: any thread, not from a callback of this pool.  Takes locks; may
 * run dtor and destroy; interrupts the other CPUs once.
 * Return: bytes of memory given back to the system.
 */
PERCU_API PERCU_NONNULL(1) size_t percu_pool_age(struct percu_pool *pool);

/**
 * percu_pool_shrink() - give back all that is idle, now, but for the reserve
 * @pool: the pool
 *
 * Context: as percu_pool_age().
 * Return: bytes of memory given back to the system.
 */
PERCU_API PERCU_NONNULL(1) size_t percu_pool_shrink(struct percu_pool *pool);

/**
 * percu_age() - one ageing cycle of every pool and of the page heap
 *
 * Call it at the rate at which idle memory may be forgotten: every few
 * seconds to minutes (Go: at each garbage collection, at least every two
 * minutes).
 *
 * Context: as percu_pool_age(), of every pool.
 * Return: bytes of memory given back to the system.
 */
PERCU_API size_t percu_age(void);

/**
 * struct percu_pool_stats - what percu_pool_stats() fills in
 * @name: the pool's
 * @size: bytes of an object; 0 for foreign objects
 * @gets: objects handed out, ever
 * @puts: objects put back, ever
 * @puts_rcu: objects put back after a grace period, ever; not among @puts
 * @misses: gets that found nothing on their CPU
 * @created: objects made, ever (slab objects: first handed out from a slab)
 * @destroyed: objects whose memory left the pool, ever
 * @outstanding: objects that are out: gets - puts - puts_rcu
 * @cached: objects that wait in the pool: created - destroyed - outstanding -
 *	deferred
 * @deferred: objects that wait for a grace period
 * @limit_hits: gets that failed at the limit
 * @failures: gets that failed for any reason, the limit included
 *
 * Counters of type "ever" only grow.  While other threads use the pool the
 * fields are each valid at some moment during the call; when the pool is
 * quiet all of them are exact.
 */
struct percu_pool_stats {
	char name[32];
	uint64_t size;
	uint64_t gets, puts, puts_rcu, misses;
	uint64_t created, destroyed;
	uint64_t outstanding, cached, deferred;
	uint64_t limit_hits, failures;
};

/**
 * percu_pool_stats() - read a pool's statistics
 * @pool: the pool
 * @st: where they go
 *
 * Context: any thread.  Stops nobody.
 * Return: 0.
 */
PERCU_API PERCU_NONNULL(1, 2) int percu_pool_stats(struct percu_pool *pool,
						   struct percu_pool_stats *st);

PERCU_END_DECLS

#endif /* PERCU_POOL_H */
