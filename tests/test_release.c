/* SPDX-License-Identifier: MIT */
/*
 * tests/test_release.c - release pools, and from where one may retire
 *
 * Laws: each object that was retired to a release pool is released once, with
 * the pool's argument, by a reclaimer, after its readers have left.  A callback
 * may use the library as any thread may, but that it does not wait for grace
 * periods.  Retiring works from wherever there is an object: a thread without
 * a registration for rseq, a read section, a signal handler that has
 * interrupted percu itself, a thread that is about to end.
 */
#include <errno.h>
#include <percu/alloc.h>
#include <percu/vec.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "pool/pool.h"
#include "pool/retire.h"
#include "sys/tool.h"
#include "tests/check.h"
#include "tests/pools.h"
#include "tests/retire.h"

enum {
	MANY = 1000,
	ERRNO_OF_MINE = 77,
};

static struct percu_pool *plain(const char *name)
{
	struct percu_pool *p = percu_pool_create(
		&(struct percu_pool_attr){ .name = name, .size = 64 });

	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	return p;
}

static struct percu_pool *
release_pool(const char *name, void (*fn)(void *obj, void *arg), void *arg)
{
	struct percu_pool *p = release_pool_create(name, 0, fn, arg);

	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	return p;
}

/* Once each. ------------------------------------------------------------------------- */

/* What is retired, and what became of it. */
static struct item {
	unsigned int released;
	bool elsewhere; /* not in the reclaimer, or with a wrong argument */
} items[MANY];

static void note(void *obj, void *arg)
{
	struct item *item = obj;
	char name[17] = "";

	prctl(PR_GET_NAME, name);
	item->released++;
	item->elsewhere |= arg != items || strcmp(name, "percu-reclaim") != 0;
}

static void retire_items(struct percu_pool *p, size_t n)
{
	memset(items, 0, sizeof(items));
	for (size_t i = 0; i < n; i++) {
		errno = ERRNO_OF_MINE;
		percu_pool_put_rcu(p, &items[i]);
		CU_ASSERT_EQUAL(errno, ERRNO_OF_MINE);
	}
}

static unsigned int released_once(size_t n)
{
	unsigned int good = 0;

	for (size_t i = 0; i < n; i++)
		good += items[i].released == 1 && !items[i].elsewhere;
	return good;
}

static void once(void)
{
	struct percu_pool *p = release_pool("once", note, items);
	struct holder h = { .flavor = &urcu_bp_flavor };
	struct percu_pool_stats st;
	unsigned int any = 0;

	holder_begin(&h);
	retire_items(p, MANY);
	for (int i = 0; i < MANY; i++)
		any += items[i].released;
	CU_ASSERT_EQUAL(any, 0);
	st = stats_of(p);
	CU_ASSERT_EQUAL(st.puts_rcu, MANY);
	CU_ASSERT_EQUAL(st.deferred, MANY);
	CU_ASSERT_EQUAL(st.outstanding, 0);
	CU_ASSERT_EQUAL(st.destroyed, 0);
	holder_end(&h);
	percu_pool_barrier(p);
	CU_ASSERT_EQUAL(released_once(MANY), MANY);
	st = stats_of(p);
	CU_ASSERT_EQUAL(st.deferred, 0);
	CU_ASSERT_EQUAL(st.created, MANY);
	CU_ASSERT_EQUAL(st.destroyed, MANY);
	CU_ASSERT_EQUAL(st.cached, 0);
	/* Its end waits for what it has not released. */
	retire_items(p, 3);
	CU_ASSERT_EQUAL(percu_pool_destroy(p), 0);
	CU_ASSERT_EQUAL(released_once(3), 3);
	ASSERT_POOLS_HOLD(0);
}

/* It hands nothing out. */
static void gets_nothing(void)
{
	struct percu_pool *p = release_pool("none", note, items);

	errno = 0;
	CU_ASSERT_PTR_NULL(percu_pool_get(p));
	CU_ASSERT_EQUAL(errno, EINVAL);
	CU_ASSERT_EQUAL(percu_pool_destroy(p), 0);
}

/* What callbacks do. -------------------------------------------------------------------- */

static struct percu_pool *mine, *other;
static _Atomic unsigned long calls, refused, wrong;

/* All that allocates, and gives back. */
static void allocate(void *obj, void *arg)
{
	void *a = percu_alloc(100), *b = percu_alloc(100000);
	void *c = percu_pool_get(other);

	(void)arg;
	wrong += !a || !b || !c;
	percu_free(a);
	percu_free(b);
	percu_pool_put(other, c);
	percu_free(obj);
	if (++calls % 100 == 0) {
		percu_age();
		percu_pool_shrink(other);
	}
}

static void callbacks_allocate(void)
{
	other = plain("other");
	mine = release_pool("allocates", allocate, NULL);
	calls = wrong = 0;
	for (int i = 0; i < MANY; i++)
		percu_pool_put_rcu(mine, percu_alloc(50));
	percu_pool_barrier(mine);
	CU_ASSERT_EQUAL(calls, MANY);
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT_EQUAL(percu_pool_destroy(mine), 0);
	CU_ASSERT_EQUAL(percu_pool_destroy(other), 0);
	ASSERT_POOLS_HOLD(0);
}

/* A chain: an object is retired again until its count is used up. */
static void again(void *obj, void *arg)
{
	int *left = obj;

	(void)arg;
	calls++;
	if (--*left > 0) {
		percu_pool_put_rcu(mine, left);
	} else {
		percu_free_rcu(left);
		percu_pool_put_rcu(other, percu_pool_get(other));
		percu_free_rcu(percu_alloc(100000));
	}
}

static void callbacks_retire(void)
{
	enum {
		LINKS = 5,
		CHAINS = 200
	};

	other = plain("other");
	mine = release_pool("chain", again, NULL);
	calls = 0;
	for (int i = 0; i < CHAINS; i++) {
		int *left = percu_alloc(sizeof(*left));

		*left = LINKS;
		percu_pool_put_rcu(mine, left);
	}
	/* One barrier for each link. */
	for (unsigned long i = 1; i <= LINKS; i++) {
		percu_pool_barrier(mine);
		CU_ASSERT_TRUE(calls >= i * CHAINS);
	}
	CU_ASSERT_EQUAL(calls, LINKS * CHAINS);
	percu_barrier();
	CU_ASSERT_EQUAL(stats_of(other).puts_rcu, CHAINS);
	CU_ASSERT_EQUAL(stats_of(other).deferred, 0);
	CU_ASSERT_EQUAL(percu_pool_destroy(mine), 0);
	CU_ASSERT_EQUAL(percu_pool_destroy(other), 0);
	ASSERT_POOLS_HOLD(0);
}

/* A pool whose owner is released: nothing was retired to it. */
static void destroy_pool(void *obj, void *arg)
{
	(void)arg;
	calls++;
	wrong += percu_pool_destroy(obj) != 0;
}

static void callbacks_destroy(void)
{
	mine = release_pool("pools", destroy_pool, NULL);
	calls = wrong = 0;
	for (int i = 0; i < 100; i++) {
		struct percu_pool *p = plain("short-lived");

		percu_pool_put(p, percu_pool_get(p));
		percu_pool_put_rcu(mine, p);
		if (i % 10 == 9)
			percu_barrier();
	}
	CU_ASSERT_EQUAL(calls, 100);
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT_EQUAL(percu_pool_destroy(mine), 0);
	ASSERT_POOLS_HOLD(0);
}

/* It may read, and is told that it may not wait. */
static void read_in(void *obj, void *arg)
{
	(void)obj;
	(void)arg;
	urcu_bp_flavor.read_lock();
	calls++;
	reader_leaves(&urcu_bp_flavor);
	urcu_bp_flavor.read_unlock();
	wrong += !grace_in_callback();
	wrong += grace_may_wait(&urcu_bp_flavor);
}

static void callbacks_read(void)
{
	mine = release_pool("reads", read_in, NULL);
	calls = wrong = 0;
	retire_items(mine, MANY);
	percu_pool_barrier(mine);
	CU_ASSERT_EQUAL(calls, MANY);
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT_EQUAL(percu_pool_destroy(mine), 0);
}

/* From where. ------------------------------------------------------------------------------ */

static void inside_section(void)
{
	struct percu_pool *p = plain("inside");

	for (int i = 0; i < MANY; i++) {
		void *obj = percu_pool_get(p);

		urcu_bp_flavor.read_lock();
		if (i % 3 == 0)
			urcu_bp_flavor.read_lock();
		percu_pool_put_rcu(p, obj);
		percu_free_rcu(percu_alloc(i % 10 ? 100 : 40000));
		if (i % 3 == 0)
			urcu_bp_flavor.read_unlock();
		reader_leaves(&urcu_bp_flavor);
		urcu_bp_flavor.read_unlock();
	}
	percu_pool_barrier(p);
	CU_ASSERT_EQUAL(stats_of(p).deferred, 0);
	CU_ASSERT_EQUAL(stats_of(p).puts_rcu, MANY);
	CU_ASSERT_EQUAL(percu_pool_destroy(p), 0);
	ASSERT_POOLS_HOLD(0);
}

static void leave_and_retire(unsigned int i, void *arg)
{
	bool left = i % 2 == 0 && rseq_leave();

	for (unsigned int k = 0; k < MANY; k++) {
		percu_pool_put_rcu(arg, percu_pool_get(arg));
		percu_free_rcu(percu_alloc(k % 10 ? 100 : 40000));
		if (k == MANY / 2)
			percu_pool_barrier(arg);
	}
	refused += left;
}

/* Half of the threads have no record: they go past them. */
static void without_rseq(void)
{
	struct percu_pool *p = plain("unregistered");

	refused = 0;
	check_threads(4, leave_and_retire, p);
	printf("(%lu threads without) ", refused);
	percu_pool_barrier(p);
	CU_ASSERT_EQUAL(stats_of(p).puts_rcu, 4 * MANY);
	CU_ASSERT_EQUAL(stats_of(p).deferred, 0);
	CU_ASSERT_EQUAL(stats_of(p).outstanding, 0);
	CU_ASSERT_TRUE(!refused || p->retire.direct > 0);
	CU_ASSERT_EQUAL(percu_pool_destroy(p), 0);
	ASSERT_POOLS_HOLD(0);
}

/* What such a thread leaves in a magazine that is not full comes back too. */
static void one_without_rseq(unsigned int i, void *arg)
{
	(void)i;
	rseq_leave();
	percu_pool_put_rcu(arg, percu_pool_get(arg));
}

static void partial_comes_back(void)
{
	struct percu_pool *p = plain("partial");

	check_threads(1, one_without_rseq, p);
	for (int i = 0; i < 30000 && stats_of(p).deferred; i++)
		usleep(1000);
	CU_ASSERT_EQUAL(stats_of(p).deferred, 0);
	check_threads(1, one_without_rseq, p);
	CU_ASSERT_EQUAL(percu_pool_destroy(p), 0);
	ASSERT_POOLS_HOLD(0);
}

static void retire_and_end(unsigned int i, void *arg)
{
	if (i % 2)
		urcu_bp_flavor.read_lock();
	percu_pool_put_rcu(arg, percu_pool_get(arg));
	percu_free_rcu(percu_alloc(200));
	if (i % 2) {
		reader_leaves(&urcu_bp_flavor);
		urcu_bp_flavor.read_unlock();
	}
}

static void threads_end(void)
{
	int n = tool_any() ? 10 : check_short() ? 100 : 1000;
	struct percu_pool *p = plain("ends");

	for (int i = 0; i < n; i++)
		check_threads(8, retire_and_end, p);
	percu_pool_barrier(p);
	CU_ASSERT_EQUAL(stats_of(p).puts_rcu, 8 * (uint64_t)n);
	CU_ASSERT_EQUAL(stats_of(p).deferred, 0);
	CU_ASSERT_EQUAL(percu_pool_destroy(p), 0);
	ASSERT_POOLS_HOLD(0);
}

/* The handler comes while this thread has locks, for certain. */
static void *held[3];

static void on_signal(int sig)
{
	(void)sig;
	errno = ERRNO_OF_MINE;
	percu_pool_put_rcu(mine, held[0]);
	percu_free_rcu(held[1]);
	percu_free_rcu(held[2]);
	wrong += errno != ERRNO_OF_MINE;
}

static void in_a_handler(void)
{
	struct percu_pool *p = mine = plain("handler");
	struct holder h = { .flavor = &urcu_bp_flavor };
	struct percu_pool_stats st;

	wrong = 0;
	signal(SIGUSR1, on_signal);
	for (int i = 0; i < 50; i++) {
		h = (struct holder){ .flavor = &urcu_bp_flavor };
		held[0] = percu_pool_get(p);
		held[1] = percu_alloc(64);
		held[2] = percu_alloc(100000);
		CU_ASSERT_FATAL(held[0] && held[1] && held[2]);
		fill_bytes(held[0], 64, (uint32_t)i);
		h.obj = held[0];
		h.size = 64;
		h.seed = (uint32_t)i;
		holder_begin(&h);
		if (i % 2) {
			lock_take(&pools.age, LOCK_AGE);
			raise(SIGUSR1);
			lock_give(&pools.age, LOCK_AGE);
		} else {
			raise(SIGUSR1);
		}
		CU_ASSERT_TRUE(holder_end(&h));
		percu_barrier(); /* which places what is parked */
	}
	st = stats_of(p);
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT_EQUAL(st.puts_rcu, 50);
	CU_ASSERT_EQUAL(st.deferred, 0);
	CU_ASSERT_EQUAL(st.outstanding, 0);
	CU_ASSERT_EQUAL(percu_pool_destroy(p), 0);
	ASSERT_POOLS_HOLD(0);
}

/*
 * Somebody has begun to place what a handler parked, and is held up: at the
 * lock that the first use of a flavor takes.
 */
static struct percu_pool *parks;

static void on_signal_park(int sig)
{
	(void)sig;
	percu_pool_put_rcu(parks, held[0]);
}

static void call_place(void *arg)
{
	(void)arg;
	parked_place();
}

static void call_barrier(void *arg)
{
	percu_pool_barrier(arg);
}

static void call_barriers(void *arg)
{
	(void)arg;
	percu_barrier();
}

static void child_parks(void)
{
	struct call place, one, all;

	parks = percu_pool_create(
		&(struct percu_pool_attr){ .name = "parks", .size = 64 });
	signal(SIGUSR1, on_signal_park);
	held[0] = percu_pool_get(parks);
	lock_take(&graces.lock, LOCK_GRACE);
	raise(SIGUSR1);
	call_begin(&place, call_place, NULL);
	child_must(call_waits(&place));
	call_begin(&one, call_barrier, parks);
	call_begin(&all, call_barriers, NULL);
	for (int i = 0; i < 1000; i++)
		sched_yield();
	child_must(!one.returned && !all.returned);
	lock_give(&graces.lock, LOCK_GRACE);
	call_end(&place);
	call_end(&one);
	call_end(&all);
	child_must(stats_of(parks).puts_rcu == 1);
	child_must(stats_of(parks).deferred == 0);
	child_must(!percu_pool_destroy(parks));
}

static void placed(void)
{
	CU_ASSERT_TRUE(run_again("", "parks"));
}

/*
 * What the first vector lets go moves into a second one, whose own elements
 * then leave; the third callback retires what it allocates.  A barrier for
 * each link of the chain, and everything is released once.
 */
static struct percu_vec chain[2];
static unsigned int passed_on, let_go;

static void second_lets_go(void *obj, void *arg)
{
	(void)arg;
	__atomic_fetch_add(&let_go, 1, __ATOMIC_RELAXED);
	percu_free_rcu(obj);
}

static void first_lets_go(void *obj, void *arg)
{
	(void)arg;
	if (percu_vec_append(&chain[1], obj))
		return;
	__atomic_fetch_add(&passed_on, 1, __ATOMIC_RELAXED);
	/* Keeps the second at a few elements, by each way to remove. */
	if (percu_vec_live(&chain[1]) < 8)
		return;
	percu_vec_remove(&chain[1], 3);
	percu_vec_remove_swap(&chain[1], 2);
	percu_vec_remove_nil(&chain[1], 1);
	percu_vec_compact(&chain[1]);
}

static void callbacks_edit(void)
{
	passed_on = let_go = 0;
	CU_ASSERT_EQUAL(percu_vec_init(&chain[0],
				       &(struct percu_vec_attr){
					       .name = "first",
					       .release = first_lets_go }),
			0);
	CU_ASSERT_EQUAL(percu_vec_init(&chain[1],
				       &(struct percu_vec_attr){
					       .name = "second",
					       .release = second_lets_go }),
			0);
	for (int i = 0; i < MANY; i++)
		CU_ASSERT_EQUAL(percu_vec_append(&chain[0], percu_alloc(40)),
				0);
	for (int i = 0; i < MANY - 5; i++)
		CU_ASSERT_EQUAL(percu_vec_remove(&chain[0], 0), 0);
	percu_vec_destroy(&chain[0]);
	CU_ASSERT_EQUAL(passed_on, MANY);
	percu_vec_destroy(&chain[1]);
	CU_ASSERT_EQUAL(let_go, MANY);
	percu_barrier();
	ASSERT_POOLS_HOLD(0);
}

static const CU_TestInfo tests[] = {
	{ "each object is released once, by the reclaimer", once },
	{ "a release pool hands nothing out", gets_nothing },
	{ "callbacks that allocate", callbacks_allocate },
	{ "callbacks that retire, to their own pool and others",
	  callbacks_retire },
	{ "callbacks that end pools", callbacks_destroy },
	{ "callbacks that read", callbacks_read },
	{ "callbacks that edit another vector", callbacks_edit },
	{ "inside a read section", inside_section },
	{ "from threads without rseq", without_rseq },
	{ "what threads without rseq left is flushed", partial_comes_back },
	{ "threads that end at once", threads_end },
	{ "from a handler that has interrupted percu", in_a_handler },
	{ "a barrier waits until what is parked is retired", placed },
	CU_TEST_INFO_NULL
};

static const struct again agains[] = {
	{ "parks", child_parks },
	{ NULL, NULL },
};

int main(int argc, char **argv)
{
	if (pools_again(argc, argv, agains))
		return 0;
	return check_main("release", tests);
}
