/* SPDX-License-Identifier: MIT */
/*
 * tests/test_vec_torture.c - readers that look too late are told so
 *
 * Threads read vectors in every way while others edit them in every way; see
 * tests/torture.h for how a reader knows that what it sees should be gone.
 *
 *	subject	a vector under test, with a habit of its own:
 *	marked	its writers take turns and write into what they have removed
 *		when that was, so its age can be told
 *	blind	its writers do not know of each other
 *	queue	appended to at its end, removed from at its front: every view
 *		is a row of consecutive numbers
 *	border	grows to a tree and shrinks to a block again
 *
 * It is done with the readers of every flavor, and with readers in signal
 * handlers.  And in a process of its own with a flavor whose grace periods
 * are over at once: there the torture must find something, or it proves
 * nothing.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <percu/vec.h>

#include "sys/tool.h"
#include "tests/pools.h"
#include "tests/torture.h"
#include "vec/vec.h"

enum {
	NR_READING = 3,
	NR_WRITING = 2,
	MANY = 300, /* elements put in or taken out at once */
	TAKEN_MAX = 1024,
	TICK = 1000000, /* nanoseconds between signals */
};

struct subject {
	const char *name;
	size_t least, most;
	bool marked, queue;
	unsigned int flags;
	struct percu_vec vec;
	pthread_mutex_t lock; /* (s) of a marked one's writers */
	uint64_t number;      /* (s) */
	bool tree;            /* (s) as it was last seen */
	size_t target;        /* (a) */
};

static struct subject subjects[] = {
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

enum {
	NR_SUBJECTS = sizeof(subjects) / sizeof(subjects[0])
};

static const struct readers *flavor;
static unsigned long borders, signals; /* (a) */
static unsigned int ended;             /* (a) writers */
static int section_signal;             /* handlers read; or 0 */

static bool stopped(void)
{
	return __atomic_load_n(&tt.stop, __ATOMIC_RELAXED);
}

/* Readers. ------------------------------------------------------------------- */

static void linger(struct looker *l)
{
	uint32_t p = check_rand_below(&l->rand, 512);
	const struct timespec moment = { 0, 500000 };

	if (p == 0)
		nanosleep(&moment, NULL);
	else if (p < 64)
		sched_yield();
}

/* Where a long walk begins; most look at a part only. */
static size_t some_start(struct looker *l, size_t len)
{
	if (len < 300 || !check_rand_below(&l->rand, 16))
		return 0;
	return check_rand_below(&l->rand, (uint32_t)len - 200);
}

static size_t some_end(struct looker *l, size_t len, size_t from)
{
	(void)l;
	return from && len - from > 200 ? from + 200 : len;
}

static void walk_up(struct looker *l, struct percu_view view)
{
	size_t len = percu_view_len(view), from = some_start(l, len);
	size_t end = some_end(l, len, from);

	for (size_t i = from; i < end; i++) {
		struct element *e = percu_view_get(view, i);

		if (e)
			element_look(l, e);
	}
}

static void walk_down(struct looker *l, struct percu_view view)
{
	size_t len = percu_view_len(view), from = some_start(l, len);

	for (size_t i = some_end(l, len, from); i-- > from;) {
		struct element *e = percu_view_get(view, i);

		if (e)
			element_look(l, e);
	}
}

static void walk_each(struct looker *l, struct percu_view view)
{
	struct element *e;
	size_t i, n = 0;

	percu_view_for_each(view, i, e)
	{
		element_look(l, e);
		if (++n == 300)
			break;
	}
}

static void walk_gets(struct looker *l, const struct percu_vec *v)
{
	size_t len = percu_vec_len(v);

	for (int n = 0; len && n < 32; n++) {
		struct element *e = percu_vec_get(
			v, check_rand_below(&l->rand, (uint32_t)len));

		if (e)
			element_look(l, e);
	}
}

/* Law of a queue: nothing missed, nothing twice, nothing moved. */
static void walk_queue(struct looker *l, struct percu_view view)
{
	size_t len = percu_view_len(view), from = some_start(l, len);
	size_t end = some_end(l, len, from);
	uint64_t first = 0;

	for (size_t i = from; i < end; i++) {
		struct element *e = percu_view_get(view, i);

		if (!e) {
			crime(OUT_OF_ORDER);
			continue;
		}
		if (!element_look(l, e))
			continue;
		if (i == from)
			first = e->number;
		else if (e->number != first + (i - from))
			crime(OUT_OF_ORDER);
	}
}

/* Law of a snapshot: a second look finds the same, or a hole since. */
static void view_again(struct looker *l, struct percu_view view)
{
	size_t len = percu_view_len(view), from = some_start(l, len);
	void *was[16];
	size_t n = len - from < 16 ? len - from : 16;

	for (size_t i = 0; i < n; i++)
		was[i] = percu_view_get(view, from + i);
	linger(l);
	for (size_t i = 0; i < n; i++) {
		void *is = percu_view_get(view, from + i);

		if (is != was[i] && is)
			crime(VIEW_CHANGED);
	}
}

static void section(struct looker *l, const struct subject *s)
{
	struct percu_view view = percu_vec_view(&s->vec);

	switch (check_rand_below(&l->rand, 5)) {
	case 0:
		walk_up(l, view);
		break;
	case 1:
		walk_down(l, view);
		break;
	case 2:
		walk_each(l, view);
		break;
	case 3:
		walk_gets(l, &s->vec);
		break;
	case 4:
		if (!s->flags)
			view_again(l, view);
		break;
	}
	if (s->queue)
		walk_queue(l, view);
	linger(l);
	looker_again(l);
}

static const struct subject *some_subject(struct check_rand *r)
{
	return &subjects[check_rand_below(r, NR_SUBJECTS)];
}

/* Signals. ------------------------------------------------------------------- */

static __thread struct looker of_handler;

/* A whole section, maybe inside one that it interrupts. */
static void handler(int sig)
{
	struct looker *l = &of_handler;
	const struct subject *s = some_subject(&l->rand);
	int err = errno;

	(void)sig;
	reader_lock(flavor);
	walk_up(l, percu_vec_view(&s->vec));
	walk_gets(l, &s->vec);
	looker_again(l);
	reader_unlock(flavor);
	__atomic_add_fetch(&signals, 1, __ATOMIC_RELAXED);
	errno = err;
}

static timer_t timer_begin(uint64_t seed)
{
	struct sigevent ev = { .sigev_notify = SIGEV_THREAD_ID,
			       .sigev_signo = section_signal };
	struct itimerspec every = { { 0, TICK }, { 0, TICK } };
	timer_t t = NULL;

	if (!section_signal)
		return t;
	of_handler.rand.state = seed;
	ev._sigev_un._tid = (pid_t)syscall(SYS_gettid);
	if (timer_create(CLOCK_MONOTONIC, &ev, &t) ||
	    timer_settime(t, 0, &every, NULL))
		abort();
	return t;
}

/* No signal comes after it. */
static void timer_end(timer_t t)
{
	struct timespec none = { 0, 0 };
	sigset_t set;

	if (!section_signal)
		return;
	sigemptyset(&set);
	sigaddset(&set, section_signal);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	timer_delete(t);
	while (sigtimedwait(&set, NULL, &none) == section_signal)
		;
	looker_end(&of_handler);
	memset(&of_handler, 0, sizeof(of_handler));
}

static void reader(uint64_t seed)
{
	struct looker l = { .rand = { seed } };
	unsigned long walks = 0;
	timer_t t;

	reader_begin(flavor);
	t = timer_begin(~seed);
	while (!stopped()) {
		reader_lock(flavor);
		section(&l, some_subject(&l.rand));
		reader_unlock(flavor);
		walks++;
	}
	timer_end(t);
	reader_end(flavor);
	__atomic_add_fetch(&tt.walks, walks, __ATOMIC_RELAXED);
	looker_end(&l);
}

/* Writers. ------------------------------------------------------------------- */

struct writer {
	struct check_rand rand;
	struct subject *s;
	struct element *gone[MANY * 2];
	uint32_t version[MANY * 2];
	size_t nr_gone;
	struct {
		struct element *e;
		uint64_t tick;
	} taken[TAKEN_MAX];
	size_t nr_taken;
	unsigned long updates;
};

static size_t len_now(const struct subject *s)
{
	size_t len;

	reader_lock(flavor);
	len = percu_vec_len(&s->vec);
	reader_unlock(flavor);
	return len;
}

/* Who is about to be removed; only where nobody else removes. */
static void will_go(struct writer *w, size_t from, size_t end)
{
	if (!w->s->marked)
		return;
	reader_lock(flavor);
	for (size_t i = from; i < end && w->nr_gone < 2 * MANY; i++) {
		struct element *e = percu_vec_get(&w->s->vec, i);

		if (!e)
			continue;
		w->gone[w->nr_gone] = e;
		w->version[w->nr_gone++] = e->version;
	}
	reader_unlock(flavor);
}

static void have_gone(struct writer *w)
{
	while (w->nr_gone) {
		w->nr_gone--;
		element_removed(w->gone[w->nr_gone], w->version[w->nr_gone]);
	}
}

/* Of a blind subject the length may be another by now; memory may lack. */
static void did(struct writer *w, int err)
{
	w->updates++;
	if (err && err != -EAGAIN && (err != -ERANGE || w->s->marked))
		crime(REFUSED);
}

static struct element *fresh(struct writer *w)
{
	struct element *e = element_make(w->s->number);

	w->s->number += w->s->marked && e;
	return e;
}

/* It was refused, so nobody has seen it. */
static void put_in(struct writer *w, struct element *e, int err)
{
	did(w, err);
	if (!err)
		return;
	w->s->number -= w->s->marked;
	element_release(e, NULL);
}

static void append_one(struct writer *w, size_t len)
{
	struct element *e = fresh(w);

	(void)len;
	if (e)
		put_in(w, e, percu_vec_append(&w->s->vec, e));
}

static void insert_one(struct writer *w, size_t len)
{
	struct element *e = fresh(w);
	size_t i = check_rand_below(&w->rand, (uint32_t)len + 1);

	if (e)
		put_in(w, e, percu_vec_insert(&w->s->vec, i, e));
}

static void append_many(struct writer *w, size_t len)
{
	size_t most = w->s->most > len ? w->s->most - len : 0, n;
	void *objs[MANY];
	int err;

	most = most < MANY ? most : MANY;
	for (n = 0; n < most && (objs[n] = fresh(w)); n++)
		;
	if (!n)
		return;
	err = percu_vec_append_bulk(&w->s->vec, objs, n);
	did(w, err);
	while (err && n)
		put_in(w, objs[--n], err);
}

static void replace_one(struct writer *w, size_t len)
{
	size_t i = check_rand_below(&w->rand, (uint32_t)len);
	struct element *e = fresh(w);
	int err;

	if (!e)
		return;
	will_go(w, i, i + 1);
	err = percu_vec_replace(&w->s->vec, i, e);
	if (err)
		w->nr_gone = 0;
	put_in(w, e, err);
}

static void take_one(struct writer *w, size_t i)
{
	struct element *e = NULL;

	if (w->nr_taken < TAKEN_MAX)
		e = percu_vec_take(&w->s->vec, i);
	w->nr_gone = 0;
	if (!e)
		return;
	element_removed(e, e->version);
	w->taken[w->nr_taken].e = e;
	w->taken[w->nr_taken++].tick = ticks();
}

/* What was taken is ours, and is released when its time has come. */
static void taken_release(struct writer *w)
{
	size_t n = 0;

	for (size_t k = 0; k < w->nr_taken; k++) {
		if (ticks() - w->taken[k].tick >= AGE_LIMIT)
			element_release(w->taken[k].e, NULL);
		else
			w->taken[n++] = w->taken[k];
	}
	w->nr_taken = n;
}

static void remove_one(struct writer *w, size_t len)
{
	size_t i = check_rand_below(&w->rand, (uint32_t)len);
	struct percu_vec *v = &w->s->vec;

	if (w->s->queue)
		i = 0;
	will_go(w, i, i + 1);
	switch (check_rand_below(&w->rand, w->s->queue ? 3 : 5)) {
	case 0:
		did(w, percu_vec_remove(v, i));
		break;
	case 1:
		did(w, percu_vec_remove_exact(v, i));
		break;
	case 2:
		take_one(w, i);
		break;
	case 3:
		did(w, percu_vec_remove_nil(v, i));
		break;
	case 4:
		did(w, percu_vec_remove_swap(v, i));
		break;
	}
}

struct ask {
	struct writer *w;
	uint64_t mod, below;
};

static bool named(void *obj, void *arg)
{
	struct ask *a = arg;
	struct element *e = obj;
	bool yes = e->number < a->below || (a->mod && e->version % a->mod == 0);

	if (a->w->nr_gone == 2 * MANY)
		return false;
	if (yes && a->w->s->marked) {
		a->w->gone[a->w->nr_gone] = e;
		a->w->version[a->w->nr_gone++] = e->version;
	}
	return yes;
}

static void remove_many(struct writer *w, size_t len)
{
	struct subject *s = w->s;
	struct ask a = { .w = w, .mod = 2 + check_rand_below(&w->rand, 9) };
	size_t to;

	if (s->queue) {
		a.mod = 0;
		a.below = s->number - len + len / 4;
	}
	if (!s->queue && check_rand_below(&w->rand, 2)) {
		to = len > s->least ? s->least : len / 2;
		to = len - to > MANY ? len - MANY : to;
		will_go(w, to, len);
		did(w, percu_vec_truncate(&s->vec, to));
	} else {
		did(w, percu_vec_remove_if(&s->vec, named, &a) < 0);
	}
}

static void batch_edits(struct writer *w, struct percu_vec_batch *b)
{
	size_t n = check_rand_below(&w->rand, 20);

	for (size_t k = 0; k < n; k++) {
		size_t len = percu_vec_batch_len(b);
		size_t i = w->s->queue ?
				   0 :
				   check_rand_below(&w->rand, (uint32_t)len);
		struct element *e;

		if (len > w->s->least / 2 && len) {
			e = percu_vec_batch_get(b, i);
			if (e) {
				w->gone[w->nr_gone] = e;
				w->version[w->nr_gone++] = e->version;
			}
			did(w, percu_vec_batch_remove(b, i));
		}
		e = fresh(w);
		if (e)
			put_in(w, e, percu_vec_batch_append(b, e));
	}
}

static void batch(struct writer *w, size_t len)
{
	struct percu_vec_batch b;
	int err = percu_vec_batch_begin(&b, &w->s->vec);

	(void)len;
	did(w, err);
	if (err)
		return;
	batch_edits(w, &b);
	percu_vec_batch_commit(&b);
}

static void tidy(struct writer *w, size_t len)
{
	struct percu_vec *v = &w->s->vec;

	switch (check_rand_below(&w->rand, 4)) {
	case 0:
		did(w, percu_vec_clip(v));
		break;
	case 1:
		did(w, percu_vec_compact(v));
		break;
	case 2:
		did(w, percu_vec_reserve(v, 2 * len));
		break;
	case 3:
		if (percu_vec_check(v))
			crime(REFUSED);
		break;
	}
}

static void border_count(struct subject *s)
{
	bool tree;

	if (!s->marked)
		return;
	tree = node_level(percu_vec_root(&s->vec)) != 0;
	if (tree != s->tree)
		__atomic_add_fetch(&borders, 1, __ATOMIC_RELAXED);
	s->tree = tree;
}

static void edit(struct writer *w)
{
	struct subject *s = w->s;
	size_t len = len_now(s), target;
	uint32_t p = check_rand_below(&w->rand, 100);

	target = __atomic_load_n(&s->target, __ATOMIC_RELAXED);
	if (len == target || p == 0)
		__atomic_store_n(
			&s->target,
			s->least + check_rand_below(
					   &w->rand,
					   (uint32_t)(s->most - s->least + 1)),
			__ATOMIC_RELAXED);
	if (p < 4)
		tidy(w, len);
	else if (p < 12)
		batch(w, len);
	else if (len && p < 20 && !s->queue)
		replace_one(w, len);
	else if (len < target)
		(p < 30             ? append_many :
		 s->queue || p < 60 ? append_one :
				      insert_one)(w, len);
	else if (len)
		(p < 26 ? remove_many : remove_one)(w, len);
	have_gone(w);
	border_count(s);
}

/* Other writers wait for us: see that no grace period waits for them. */
static void turn(struct writer *w)
{
	reader_offline(flavor);
	if (w->s->marked)
		pthread_mutex_lock(&w->s->lock);
	reader_online(flavor);
	edit(w);
	if (w->s->marked)
		pthread_mutex_unlock(&w->s->lock);
	taken_release(w);
}

static void writer(uint64_t seed)
{
	struct writer *w = calloc(1, sizeof(*w));
	timer_t t;

	if (!w)
		abort();
	w->rand.state = seed;
	reader_begin(flavor);
	t = timer_begin(~seed);
	while (!stopped()) {
		w->s = &subjects[check_rand_below(&w->rand, NR_SUBJECTS)];
		turn(w);
	}
	timer_end(t);
	reader_end(flavor);
	__atomic_add_fetch(&tt.updates, w->updates, __ATOMIC_RELAXED);
	while (w->nr_taken) {
		taken_release(w);
		sched_yield();
	}
	free(w);
	__atomic_add_fetch(&ended, 1, __ATOMIC_RELEASE);
}

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
		CU_ASSERT_FATAL(!percu_vec_init_flavor(&s->vec, &attr,
						       &flavor->flavor));
	}
}

/* Every element is home. */
static void subjects_end(void)
{
	for (struct subject *s = subjects; s < subjects + NR_SUBJECTS; s++) {
		CU_ASSERT(!percu_vec_check(&s->vec));
		percu_vec_destroy(&s->vec);
		pthread_mutex_destroy(&s->lock);
	}
	CU_ASSERT_EQUAL(tt.nr_free, NR_ELEMENTS);
}

static void torture(enum readers_flavor which, unsigned int ms)
{
	struct plan p = { ms, check_seed() };

	flavor = &readers[which];
	borders = signals = 0;
	ended = 0;
	torture_begin();
	subjects_begin();
	check_threads(1 + NR_READING + NR_WRITING, thread, &p);
	subjects_end();
	torture_print(flavor->name);
	printf("(%lu times over the border, %lu signals) ", borders, signals);
}

static unsigned int how_long(void)
{
	return check_short() ? 300 : 3000;
}

static void torture_holds(enum readers_flavor which)
{
	torture(which, how_long());
	CU_ASSERT_EQUAL(crimes(), 0);
	CU_ASSERT(tt.walks > 0 && tt.updates > 0 && tt.releases > 0);
	CU_ASSERT(readers_graces(flavor) > 0);
	CU_ASSERT(borders > 0 || tool_any());
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

/* Grace periods that are none. -------------------------------------------------- */

enum {
	FOUND = 3, /* exit status */
	NOTHING = 4,
	OF_TSAN = 66,
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

static void must_be_found(void)
{
	char out[256];
	int status = check_fork(exec_without_grace, NULL, out, sizeof(out));
	bool found = WIFEXITED(status) && (WEXITSTATUS(status) == FOUND ||
					   WEXITSTATUS(status) == OF_TSAN);

	if (!found)
		printf("\n    status %#x, said \"%s\" ", (unsigned int)status,
		       out);
	CU_ASSERT(found);
}

static const CU_TestInfo tests[] = {
	{ "readers of memb", memb },
	{ "readers of qsbr", qsbr },
	{ "readers of mb", mb },
	{ "readers of bp", bp },
	{ "readers of memb in signal handlers", memb_signals },
	{ "readers of bp in signal handlers", bp_signals },
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
