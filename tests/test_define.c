/* SPDX-License-Identifier: MIT */
/*
 * tests/test_define.c - pools that nobody initialises
 *
 * Laws: a definition has one pool, whoever comes first and however many do; a
 * first use that fails leaves nothing behind, and a later one succeeds; what is
 * defined is what is created.
 */
#include <errno.h>
#include <pthread.h>
#include <stdalign.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <urcu.h>

#include "tests/define.h"
#include "tests/faults.h"

enum {
	NTHREADS = 16,
};

struct item {
	int n;
	char text[60];
};

PERCU_POOL_DEFINE(item, struct item);

/* A first use before main(), and before the library's own constructor or not. */
static struct item *first_item;

__attribute__((constructor(101))) static void early(void)
{
	first_item = item_get();
	if (first_item)
		first_item->n = 7;
}

static void test_constructor(void)
{
	struct percu_pool_stats st;

	CU_ASSERT_TRUE_FATAL(first_item && first_item->n == 7);
	st = stats_of(item_pool());
	CU_ASSERT_STRING_EQUAL(st.name, "item");
	CU_ASSERT_EQUAL(st.size, sizeof(struct item));
	CU_ASSERT_EQUAL(st.outstanding, 1);
	item_put(first_item);
	item_put(NULL);
	CU_ASSERT_EQUAL(stats_of(item_pool()).puts, 1);
	CU_ASSERT_EQUAL(item_destroy(), 0);
	CU_ASSERT_TRUE(all_conserve());
}

/* How many pools of that name there are, when all is quiet. */
static unsigned int pools_named(const char *name)
{
	unsigned int n = 0;

	list_for_each (l, &pools.list)
		n += !strcmp(list_entry(l, struct percu_pool, pools)->name,
			     name);
	return n;
}

/* First use. --------------------------------------------------------------- */

static struct item *got[NTHREADS];

static void first_use(unsigned int i, void *arg)
{
	(void)arg;
	got[i] = item_get();
	if (got[i])
		got[i]->n = (int)i;
}

static void test_threads(void)
{
	int rounds = check_short() ? 5 : 50;

	for (int r = 0; r < rounds; r++) {
		CU_ASSERT_EQUAL(pools_named("item"), 0);
		check_threads(NTHREADS, first_use, NULL);
		CU_ASSERT_EQUAL(pools_named("item"), 1);
		CU_ASSERT_EQUAL(stats_of(item_pool()).outstanding, NTHREADS);
		for (int i = 0; i < NTHREADS; i++) {
			CU_ASSERT_TRUE_FATAL(got[i] && got[i]->n == i);
			item_put(got[i]);
		}
		CU_ASSERT_EQUAL(item_destroy(), 0);
	}
	CU_ASSERT_TRUE(all_conserve());
}

/* Both threads are in percu_pool_create() at once: one of them is second. */
static pthread_barrier_t both_make;
static unsigned int ctors, dtors;

static int met_ctor(void *obj, void *arg)
{
	(void)arg;
	memset(obj, 1, sizeof(struct item));
	if (__atomic_fetch_add(&ctors, 1, __ATOMIC_RELAXED) < 2)
		pthread_barrier_wait(&both_make);
	return 0;
}

static void met_dtor(void *obj, void *arg)
{
	(void)arg;
	CU_ASSERT_EQUAL(((char *)obj)[0], 1);
	__atomic_fetch_add(&dtors, 1, __ATOMIC_RELAXED);
}

PERCU_POOL_DEFINE(met, struct item, .ctor = met_ctor, .dtor = met_dtor,
		  .reserve = 1);

static void meet(unsigned int i, void *arg)
{
	struct percu_pool **seen = arg;

	seen[i] = met_pool();
}

static void test_second(void)
{
	struct percu_pool *seen[2];

	pthread_barrier_init(&both_make, NULL, 2);
	check_threads(2, meet, seen);
	CU_ASSERT_TRUE(seen[0] && seen[0] == seen[1]);
	CU_ASSERT_EQUAL(pools_named("met"), 1);
	/* What the other has made is gone, every object of it. */
	CU_ASSERT_TRUE(dtors > 0 && ctors > dtors);
	CU_ASSERT_EQUAL(stats_of(met_pool()).created, ctors - dtors);
	CU_ASSERT_EQUAL(met_destroy(), 0);
	CU_ASSERT_EQUAL(ctors, dtors);
	pthread_barrier_destroy(&both_make);
}

/* No memory. ---------------------------------------------------------------- */

static void oom_op(void)
{
	struct item *it = item_get();

	if (!faults_refused(!it, errno)) {
		child_must(item_pool() && stats_of(item_pool()).gets == 1);
		item_put(it);
	}
	if (item_destroy()) { /* the other CPUs were not to be interrupted */
		child_must(faults->armed && os_fault_fired());
		faults_disarm();
		child_must(item_destroy() == 0);
	}
	child_must(pools_named("item") == 0);
}

static void test_no_memory(void)
{
	faults_sweep("first use", oom_op);
}

static void test_handler(void)
{
	lock_take(&pools.age, LOCK_AGE); /* as if it had been interrupted */
	errno = 0;
	CU_ASSERT_PTR_NULL(item_get());
	CU_ASSERT_EQUAL(errno, EAGAIN);
	lock_give(&pools.age, LOCK_AGE);
	CU_ASSERT_EQUAL(pools_named("item"), 0);
}

/* Fork. ---------------------------------------------------------------------- */

static void fork_child(void *arg)
{
	struct item *mine = item_get();

	child_must(mine && mine != arg);
	child_must(pools_named("item") == 1);
	item_put(mine);
	if (arg)
		item_put(arg);
	child_must(stats_of(item_pool()).outstanding == 0);
	child_must(item_destroy() == 0);
}

static void in_child(struct item *it)
{
	char out[1000];
	int status = check_fork(fork_child, it, out, sizeof(out));

	CU_ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	CU_ASSERT_STRING_EQUAL(out, "");
}

static void test_fork(void)
{
	struct item *it;

	CU_ASSERT_EQUAL(pools_named("item"), 0);
	in_child(NULL); /* the child is first */
	CU_ASSERT_EQUAL(pools_named("item"), 0);
	it = item_get();
	CU_ASSERT_PTR_NOT_NULL_FATAL(it);
	in_child(it);
	CU_ASSERT_EQUAL(item_destroy(), -EBUSY);
	item_put(it);
	CU_ASSERT_EQUAL(item_destroy(), 0);
}

/* Attributes. ----------------------------------------------------------------- */

static int counted(void *obj, void *arg)
{
	*(int *)obj = 5;
	++*(int *)arg;
	return 0;
}

static int made;

struct wide {
	alignas(128) char bytes[300];
};

PERCU_POOL_DEFINE(limited, struct item, .ctor = counted, .arg = &made,
		  .limit = 2);
PERCU_POOL_DEFINE(wide, struct wide, .flags = PERCU_POOL_ZERO);
PERCU_POOL_DEFINE(broken, struct item, .limit = 1, .reserve = 2);

static bool all_zero(const struct wide *w)
{
	for (size_t i = 0; i < sizeof(w->bytes); i++)
		if (w->bytes[i])
			return false;
	return true;
}

static void test_attributes(void)
{
	struct item *a = limited_get(), *b = limited_get();
	struct wide *w = wide_get();

	CU_ASSERT_TRUE_FATAL(a && b && a->n == 5 && b->n == 5);
	CU_ASSERT_TRUE(made >= 2);
	CU_ASSERT_PTR_NULL(limited_get());
	CU_ASSERT_EQUAL(errno, ENOMEM);
	CU_ASSERT_EQUAL(stats_of(limited_pool()).limit_hits, 1);
	limited_put(a);
	limited_put(b);
	CU_ASSERT_TRUE_FATAL(w && (uintptr_t)w % 128 == 0);
	CU_ASSERT_TRUE(all_zero(w));
	memset(w, 1, sizeof(*w));
	wide_put(w);
	w = wide_get();
	CU_ASSERT_TRUE_FATAL(w && all_zero(w));
	wide_put(w);
	CU_ASSERT_PTR_NULL(broken_get());
	CU_ASSERT_EQUAL(errno, EINVAL);
	CU_ASSERT_PTR_NULL(broken_pool());
	CU_ASSERT_EQUAL(limited_destroy() | wide_destroy() | broken_destroy(),
			0);
	CU_ASSERT_TRUE(all_conserve());
}

struct twice {
	int of_one_size;
};

PERCU_POOL_DEFINE(twice, struct twice);

static void test_files(void)
{
	struct shared *a = shared_get(), *b = other_shared_get();

	CU_ASSERT_TRUE(twice_pool() && other_pool());
	CU_ASSERT_PTR_NOT_EQUAL(twice_pool(), other_pool());
	CU_ASSERT_EQUAL(stats_of(twice_pool()).size, sizeof(struct twice));
	CU_ASSERT_EQUAL(stats_of(other_pool()).size, 200);
	CU_ASSERT_TRUE_FATAL(a && b);
	CU_ASSERT_EQUAL(pools_named("shared"), 1);
	CU_ASSERT_EQUAL(stats_of(shared_pool()).outstanding, 2);
	shared_put(a);
	shared_put(b);
	CU_ASSERT_EQUAL(shared_destroy(), 0);
	CU_ASSERT_EQUAL(twice_destroy(), 0);
	percu_pool_destroy(other_pool());
}

/* Retiring, misuse. ------------------------------------------------------------ */

static void test_retire(void)
{
	struct item *it = item_get();

	CU_ASSERT_PTR_NOT_NULL_FATAL(it);
	rcu_register_thread();
	rcu_read_lock();
	item_put_rcu(it);
	CU_ASSERT_EQUAL(stats_of(item_pool()).deferred, 1);
	rcu_read_unlock();
	percu_pool_barrier(item_pool());
	CU_ASSERT_EQUAL(stats_of(item_pool()).puts_rcu, 1);
	/* The flavor in scope, and no other, is the one that was waited for. */
	CU_ASSERT_PTR_EQUAL(item_pool()->retire.flavor, &rcu_flavor);
	rcu_unregister_thread();
	item_put_rcu(NULL);
	CU_ASSERT_EQUAL(item_destroy(), 0);
	item_put_rcu(NULL);
}

static void put_stray(void *arg)
{
	item_put(arg);
}

static void retire_stray(void *arg)
{
	item_put_rcu(arg);
}

static void test_misuse(void)
{
	struct item it;
	char line[100];

	CU_ASSERT_EQUAL(pools_named("item"), 0);
	snprintf(line, sizeof(line),
		 "percu: misuse: pool item: %p is not an object of this pool\n",
		 (void *)&it);
	CU_ASSERT_TRUE(check_aborts(put_stray, &it, line));
	CU_ASSERT_TRUE(check_aborts(retire_stray, &it, line));
}

static const CU_TestInfo tests[] = {
	{ "the first use may be a constructor's", test_constructor },
	{ "many come first", test_threads },
	{ "who comes second ends what he has made", test_second },
	{ "a first use without memory can be tried again", test_no_memory },
	{ "in a handler that interrupted percu there is none", test_handler },
	{ "fork, before and after the first use", test_fork },
	{ "attributes are those of the definition", test_attributes },
	{ "two files: a pool each, and one for both", test_files },
	{ "objects are retired under the flavor in scope", test_retire },
	{ "what nobody can have got is reported", test_misuse },
	CU_TEST_INFO_NULL
};

int main(void)
{
	return check_main("define", tests);
}
