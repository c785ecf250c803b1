/* SPDX-License-Identifier: MIT */
/*
 * tests/test_vec_torture.c - readers that look too late are told so
 *
 * Threads read vectors in every way while others edit them in every way; see
 * tests/torture.h for how a reader knows that what it sees should be gone.
 *
 * It is done with the readers of every flavor, and with readers in signal
 * handlers.  tests/small builds it with nodes of a few slots and with memory
 * that is refused now and then: trees are higher, and removals are made in
 * place, under readers who hold the version.  And in a process of its own with a flavor whose grace periods
 * are over at once: there the torture must find something, or it proves
 * nothing.
 */
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sys/tool.h"
#include "tests/pools.h"
#include "tests/vec_torture.h"
#include "vec/vec.h"

#ifdef PERCU_VEC_SMALL
#define SMALL     1
#define STARVE(n) __atomic_store_n(&starve_one_in, n, __ATOMIC_RELAXED)
#else
#define SMALL     0
#define STARVE(n) ((void)0)
unsigned int starve_one_in;
#endif

enum {
	NR_READING = 3,
	NR_WRITING = 2,
};

struct torture tt;
pthread_mutex_t torture_lock = PTHREAD_MUTEX_INITIALIZER;

struct subject subjects[NR_SUBJECTS] = {
	{ .name = "small", .most = 12, .marked = true },
	{ .name = "in-place",
	  .most = 40,
	  .marked = true,
	  .flags = PERCU_VEC_INPLACE },
	{ .name = "blind", .most = 60 },
	{ .name = "blind-in-place", .most = 60, .flags = PERCU_VEC_INPLACE },
	{ .name = "queue",
	  .least = 4,
	  .most = 200,
	  .marked = true,
	  .queue = true },
	{ .name = "long-queue",
	  .least = 1200,
	  .most = 1800,
	  .marked = true,
	  .queue = true },
	{ .name = "border", .least = 200, .most = 1500, .marked = true },
	{ .name = "large",
	  .least = 6000,
	  .most = 9000,
	  .marked = true,
	  .flags = PERCU_VEC_INPLACE },
};

const struct readers *flavor;
unsigned long borders, signals;
static uint64_t in_place; /* removals that found no memory */
unsigned int ended;
int section_signal;

/* The clock: whole grace periods, of liburcu's flavor whatever is tested. */
static void tick(void)
{
	const struct timespec moment = { 0, 200000 };

	flavor->urcu->update_synchronize_rcu();
	reader_passed();
	__atomic_add_fetch(&tt.ticks, 1, __ATOMIC_ACQ_REL);
	nanosleep(&moment, NULL);
}

static uint64_t milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void ticker(unsigned int ms)
{
	uint64_t end = milliseconds() + ms;

	while (milliseconds() < end)
		tick();
	__atomic_store_n(&tt.stop, true, __ATOMIC_RELAXED);
	/* Until the writers have given back what they took. */
	while (__atomic_load_n(&ended, __ATOMIC_ACQUIRE) < NR_WRITING)
		tick();
}

struct plan {
	unsigned int ms;
	uint64_t seed;
};

static void thread(unsigned int i, void *arg)
{
	const struct plan *p = arg;

	if (i == 0)
		ticker(p->ms);
	else if (i <= NR_READING)
		reader(p->seed + i);
	else
		writer(p->seed + i);
}

static void subjects_begin(void)
{
	for (struct subject *s = subjects; s < subjects + NR_SUBJECTS; s++) {
		const struct percu_vec_attr attr = {
			.name = s->name,
			.release = element_release,
			.flags = s->flags,
		};

		pthread_mutex_init(&s->lock, NULL);
		s->number = 0;
		s->tree = false;
		s->target = s->least + 1;
		if (percu_vec_init_flavor(&s->vec, &attr, &flavor->flavor))
			abort();
	}
}

/* Every element is home. */
static void subjects_end(void)
{
	for (struct subject *s = subjects; s < subjects + NR_SUBJECTS; s++) {
		if (percu_vec_check(&s->vec))
			crime(AUDIT);
		in_place += s->vec.writer->paths[VEC_NO_MEMORY];
		percu_vec_destroy(&s->vec);
		pthread_mutex_destroy(&s->lock);
	}
	if (tt.nr_free != NR_ELEMENTS)
		crime(LOST);
}

static void torture(enum readers_flavor which, unsigned int ms)
{
	struct plan p = { ms, check_seed() };

	flavor = &readers[which];
	borders = signals = in_place = 0;
	ended = 0;
	torture_begin();
	subjects_begin();
	STARVE(20);
	check_threads(1 + NR_READING + NR_WRITING, thread, &p);
	STARVE(0);
	subjects_end();
	torture_print(flavor->name);
	printf("(%lu times over the border, %lu signals, %llu removals without memory) ",
	       borders, signals, (unsigned long long)in_place);
}

static unsigned int how_long(void)
{
	if (SMALL && tool_any())
		return 100;
	return check_short() || SMALL ? 300 : 1500;
}

static void torture_holds(enum readers_flavor which)
{
	torture(which, how_long());
	CU_ASSERT_EQUAL(crimes(), 0);
	CU_ASSERT(tt.walks > 0 && tt.updates > 0 && tt.releases > 0);
	CU_ASSERT(readers_graces(flavor) > 0);
	CU_ASSERT(borders > 0 || tool_any());
	CU_ASSERT(in_place > 0 || !SMALL);
}

static void memb(void)
{
	torture_holds(READERS_MEMB);
}

static void qsbr(void)
{
	torture_holds(READERS_QSBR);
}

static void mb(void)
{
	torture_holds(READERS_MB);
}

static void bp(void)
{
	torture_holds(READERS_BP);
}

static void in_handlers(enum readers_flavor which)
{
	struct sigaction on = { .sa_handler = handler, .sa_flags = SA_RESTART };

	if (SMALL && tool_any()) {
		check_skip("slow under a tool; large nodes have it");
		return;
	}
	sigaction(SIGUSR2, &on, NULL);
	section_signal = SIGUSR2;
	torture_holds(which);
	section_signal = 0;
	CU_ASSERT(signals > 0);
}

static void memb_signals(void)
{
	in_handlers(READERS_MEMB);
}

static void bp_signals(void)
{
	in_handlers(READERS_BP);
}

/* The end. ------------------------------------------------------------------- */

static struct {
	struct percu_vec vec;
	int stage; /* (a) 1: the reader is in its section; 2: about to leave */
	bool same;
} end;

static void *end_read(void *arg)
{
	const struct timespec moment = { 0, 30000000 };
	void *must = arg;
	struct percu_view view;

	reader_begin(flavor);
	reader_lock(flavor);
	view = percu_vec_view(&end.vec);
	__atomic_store_n(&end.stage, 1, __ATOMIC_RELEASE);
	nanosleep(&moment, NULL);
	end.same = percu_view_len(view) == (must != NULL) &&
		   percu_view_get(view, 0) == must;
	__atomic_store_n(&end.stage, 2, __ATOMIC_RELEASE);
	reader_unlock(flavor);
	reader_end(flavor);
	return NULL;
}

static void end_release(void *obj, void *arg)
{
	(void)obj;
	(void)arg;
	reader_passed();
}

static void end_once(bool release, bool object)
{
	const struct percu_vec_attr attr = { .name = "end",
					     .release = release ? end_release :
								  NULL };
	struct element *e = object ? &tt.element[0] : NULL;
	pthread_t t;

	end.stage = 0;
	CU_ASSERT_FATAL(
		!percu_vec_init_flavor(&end.vec, &attr, &flavor->flavor));
	CU_ASSERT_FATAL(!e || !percu_vec_append(&end.vec, e));
	CU_ASSERT_FATAL(!pthread_create(&t, NULL, end_read, e));
	while (!__atomic_load_n(&end.stage, __ATOMIC_ACQUIRE))
		sched_yield();
	percu_vec_destroy(&end.vec);
	CU_ASSERT_EQUAL(__atomic_load_n(&end.stage, __ATOMIC_ACQUIRE), 2);
	pthread_join(t, NULL);
	CU_ASSERT(end.same);
}

/* Law: destroy returns when those who read have left, whatever is in it. */
static void waits_for_readers(void)
{
	for (int which = READERS_MEMB; which <= READERS_BP; which++) {
		flavor = &readers[which];
		for (int n = 0; n < 4; n++)
			end_once(n & 1, n & 2);
	}
}

/* Grace periods that are none. -------------------------------------------------- */

enum {
	FOUND = 3, /* exit status */
	NOTHING = 4,
};

static void without_grace(void)
{
	/* Soon, with luck; but luck may take its time. */
	for (int n = 0; n < 20 && !crimes(); n++)
		torture(READERS_NONE, 500);
	fflush(stdout);
	_exit(crimes() ? FOUND : NOTHING);
}

static void exec_without_grace(void *arg)
{
	char self[4096] = "", option[] = "--without-grace";
	char *argv[] = { self, option, NULL };

	(void)arg;
	/* Under Valgrind the link itself leads to Valgrind. */
	if (readlink("/proc/self/exe", self, sizeof(self) - 1) > 0)
		execv(self, argv);
}

/* It says so, a sanitizer does, or it crashes: what it must not is to pass. */
static void must_be_found(void)
{
	char out[256];
	int status = check_fork(exec_without_grace, NULL, out, sizeof(out));
	bool found = WIFEXITED(status) ? WEXITSTATUS(status) != NOTHING &&
						 WEXITSTATUS(status) != 0 :
					 WTERMSIG(status) != SIGALRM;

	printf("\n    status %#x ", (unsigned int)status);
	CU_ASSERT(found);
}

static const CU_TestInfo tests[] = {
	{ "readers of memb", memb },
	{ "readers of qsbr", qsbr },
	{ "readers of mb", mb },
	{ "readers of bp", bp },
	{ "readers of memb in signal handlers", memb_signals },
	{ "readers of bp in signal handlers", bp_signals },
	{ "destroy waits for readers", waits_for_readers },
	{ "without grace periods it would be found", must_be_found },
	CU_TEST_INFO_NULL
};

int main(int argc, char **argv)
{
	const struct again agains[] = {
		{ "without-grace", without_grace },
		{ NULL, NULL },
	};

	if (pools_again(argc, argv, agains))
		return 0;
	return check_main("vec_torture", tests);
}
