/* SPDX-License-Identifier: MIT */
/*
 * tests/test_vec_sched.c - every order of one writer's stores and one reader's loads
 *
 * Writer and reader are one thread.  Before each store that readers can see
 * the vector calls vec_step(); there, and before and after each operation, the
 * reader takes none, one or more steps, and all the ways to do that are tried.
 * A reader's step is to latch, to get one slot, or to leave its section.
 *
 * Each cell of the table in Documentation/vectors.md is a law here:
 *
 *	fresh	who starts to read between two stores sees the vector as it was
 *		before the operation or as it is after it, and never first the
 *		new, then the old
 *	view	a snapshot; or what the operations in place may change of it
 *	length	a view's stays as it was latched
 *	miss	who goes down never misses what stays; who goes up may
 *	free	nothing is released that the reader has seen and may look at
 *
 * So that the laws can fail, it is counted how often a reader that goes up
 * missed something, or saw it twice: that must happen.
 *
 *	scenario  a vector of a few objects, one or two operations, a reader
 *	point	  where the reader may take steps
 *	schedule  how many it takes at each
 *
 * The flavor is made for this: a grace period of the thread itself lets the
 * reader end, one of another thread waits for it.
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <percu/vec.h>

#include "sys/tool.h"
#include "tests/check.h"
#include "tests/readers.h"
#include "vec/vec.h"

enum {
	LEN = 4,     /* at most, at first */
	SLOTS = 8,   /* at most, ever */
	OBJECTS = 8, /* those of the start, those that operations put in */
	POINTS = 32,
	OPS = 2,
};

enum what {
	APPEND,
	INSERT,
	REPLACE,
	REMOVE,
	REMOVE_NIL,
	REMOVE_EXACT,
	REMOVE_SWAP,
	REMOVE_IF, /* all whose number is odd */
	TAKE,
	TRUNCATE,
	COMPACT,
	BATCH, /* remove one, append one */
	NR_WHATS
};

static const char *const what_name[NR_WHATS] = {
	"append",      "insert",    "replace", "remove",   "nil",     "exact",
	"remove_swap", "remove_if", "take",    "truncate", "compact", "batch"
};

struct op {
	enum what what;
	size_t i;
};

struct object {
	int number;
	bool gone, taken; /* by an operation that has begun */
	bool instead;     /* put in the place of another, where that was */
	int released;     /* (a) */
};

struct state {
	size_t len;
	struct object *slot[SLOTS];
};

enum way {
	VIEW_UP,
	VIEW_DOWN,
	GETS_UP,
	GETS_DOWN,
	NR_WAYS
};

static const char *const way_name[NR_WAYS] = { "view, up", "view, down",
					       "gets, up", "gets, down" };

struct scenario {
	size_t len, room;
	unsigned int flags; /* the vector's */
	bool release;
	size_t nr;
	struct op op[OPS];
	enum way way;
};

struct reader {
	int stage; /* 0: begins; 1: gets; 2: leaves; 3: has left */
	size_t got;
	struct percu_view view;
	struct state frozen; /* when it latched */
	struct object *seen[SLOTS];
};

static struct world {
	const struct scenario *s;
	struct percu_vec vec;
	struct object object[OBJECTS];
	size_t objects;
	struct state allowed[3]; /* of the operation under way, in order */
	size_t nr_allowed, at;   /* which of them the vector is in */
	struct reader reader;
	unsigned int choice[POINTS], points, depth;
	bool more[POINTS]; /* the reader could have taken more steps there */
	bool active, broken;
} w;

/* Totals, to be printed. */
static struct {
	unsigned long scenarios, schedules, points;
	unsigned long missed[NR_WAYS], twice[NR_WAYS], holes, broken;
} sum;

static pthread_t self;
static int reading; /* (a) the number of the section under way, or 0 */
static int sections;

static void broken(const char *law, size_t i)
{
	const struct scenario *s = w.s;

	if (!w.broken && sum.broken < 10) {
		printf("\n    %s, slot %zu: %zu objects, room %zu, flags %u, %s:",
		       law, i, s->len, s->room, s->flags, way_name[s->way]);
		for (size_t k = 0; k < s->nr; k++)
			printf(" %s(%zu)", what_name[s->op[k].what],
			       s->op[k].i);
		printf("; schedule");
		for (unsigned int p = 0; p < w.points; p++)
			printf(" %u", w.choice[p]);
	}
	w.broken = true;
}

/* The reader. ---------------------------------------------------------------- */

static void state_read(struct state *st)
{
	struct percu_view view = percu_vec_view(&w.vec);

	st->len = percu_view_len(view);
	for (size_t i = 0; i < st->len && i < SLOTS; i++)
		st->slot[i] = percu_view_get(view, i);
}

static bool state_same(const struct state *a, const struct state *b)
{
	return a->len == b->len &&
	       !memcmp(a->slot, b->slot, a->len * sizeof(*a->slot));
}

/* Law "fresh". */
static void probe(void)
{
	struct state st;

	state_read(&st);
	while (w.at < w.nr_allowed && !state_same(&st, &w.allowed[w.at]))
		w.at++;
	if (w.at < w.nr_allowed)
		return;
	broken("fresh", st.len);
	w.at = w.nr_allowed - 1;
}

static void reader_starts(struct reader *r)
{
	__atomic_store_n(&reading, ++sections, __ATOMIC_SEQ_CST);
	state_read(&r->frozen);
	r->view = percu_vec_view(&w.vec);
	r->stage = 1;
}

static void reader_gets(struct reader *r)
{
	bool down = w.s->way == VIEW_DOWN || w.s->way == GETS_DOWN;
	size_t i = down ? r->frozen.len - 1 - r->got : r->got;
	struct object *o, *now;

	if (percu_view_len(r->view) != r->frozen.len)
		broken("length", i);
	if (w.s->way < GETS_UP) {
		o = percu_view_get(r->view, i);
	} else {
		o = percu_vec_get(&w.vec, i);
		now = i < w.allowed[w.at].len ? w.allowed[w.at].slot[i] : NULL;
		if (o != now)
			broken("fresh get", i);
	}
	r->seen[i] = o;
	r->got++;
}

static void reader_leaves(struct reader *r)
{
	for (size_t i = 0; i < r->frozen.len; i++)
		if (r->seen[i] &&
		    __atomic_load_n(&r->seen[i]->released, __ATOMIC_RELAXED))
			broken("free", i);
	reader_passing();
	__atomic_store_n(&reading, 0, __ATOMIC_SEQ_CST);
	r->stage = 3;
}

static bool reader_done(void)
{
	return w.reader.stage == 3;
}

static void reader_steps(void)
{
	struct reader *r = &w.reader;

	if (r->stage == 0)
		reader_starts(r);
	else if (r->stage == 1 && r->got < r->frozen.len)
		reader_gets(r);
	else
		reader_leaves(r);
}

static void reader_ends(void)
{
	while (!reader_done())
		reader_steps();
}

/* The scheduler. ------------------------------------------------------------- */

static void point(void)
{
	unsigned int p = w.points++;

	if (p >= POINTS) {
		broken("points", p);
		return;
	}
	if (p >= w.depth) {
		w.depth = p + 1;
		w.choice[p] = 0;
	}
	probe();
	for (unsigned int n = 0; n < w.choice[p] && !reader_done(); n++)
		reader_steps();
	w.more[p] = !reader_done();
}

/* The next schedule; false: that was the last. */
static bool schedule_next(void)
{
	while (w.depth && !w.more[w.depth - 1])
		w.depth--;
	if (w.depth)
		w.choice[w.depth - 1]++;
	return w.depth;
}

static void step_hook(const char *where)
{
	(void)where;
	if (w.active)
		point();
}

/* The flavor. ---------------------------------------------------------------- */

static void nothing(void)
{
}

static int never(void)
{
	return 0;
}

/* In the thread itself: it waits for the reader, so the reader goes on. */
static void grace(void)
{
	const struct timespec moment = { 0, 20000 };
	int was = __atomic_load_n(&reading, __ATOMIC_SEQ_CST);

	if (pthread_equal(pthread_self(), self)) {
		if (!was)
			return;
		probe();
		reader_ends();
		return;
	}
	while (was && __atomic_load_n(&reading, __ATOMIC_SEQ_CST) == was)
		nanosleep(&moment, NULL);
	reader_passed();
}

static struct rcu_flavor_struct flavor;

static void flavor_init(void)
{
	self = pthread_self();
	flavor = urcu_bp_flavor;
	flavor.read_lock = nothing;
	flavor.read_unlock = nothing;
	flavor.read_ongoing = never;
	flavor.update_synchronize_rcu = grace;
}

/* Operations, and what they do to a state. ------------------------------------ */

static struct object *object_new(void)
{
	struct object *o = &w.object[w.objects];

	*o = (struct object){ .number = (int)w.objects++ };
	return o;
}

static void object_release(void *obj, void *arg)
{
	struct object *o = obj;

	(void)arg;
	reader_passed();
	__atomic_add_fetch(&o->released, 1, __ATOMIC_RELAXED);
}

static void object_gone(struct object *o)
{
	if (o)
		o->gone = true;
}

static void state_insert(struct state *st, size_t i, struct object *o)
{
	memmove(st->slot + i + 1, st->slot + i,
		(st->len++ - i) * sizeof(*st->slot));
	st->slot[i] = o;
}

static void state_remove(struct state *st, size_t i)
{
	object_gone(st->slot[i]);
	memmove(st->slot + i, st->slot + i + 1,
		(--st->len - i) * sizeof(*st->slot));
}

static bool adds(enum what what)
{
	return what <= REPLACE || what == BATCH;
}

static bool odd(void *obj, void *arg)
{
	struct object *o = obj;

	(void)arg;
	return o->number & 1;
}

static void state_keep(struct state *st, bool all)
{
	size_t n = 0;

	for (size_t i = 0; i < st->len; i++) {
		struct object *o = st->slot[i];

		if (o && (all || !odd(o, NULL)))
			st->slot[n++] = o;
		else
			object_gone(o);
	}
	st->len = n;
}

/* The states that the vector passes through. */
static void foresee(const struct op *op, struct object *o)
{
	bool inplace = w.s->flags & PERCU_VEC_INPLACE;
	struct state st = w.allowed[w.at];
	struct object *was = op->i < st.len ? st.slot[op->i] : NULL;

	w.allowed[0] = st;
	w.nr_allowed = 1;
	w.at = 0;
	switch (op->what) {
	case APPEND:
	case INSERT:
		state_insert(&st, op->i, o);
		break;
	case REPLACE:
		object_gone(was);
		o->instead = inplace;
		st.slot[op->i] = o;
		break;
	case TAKE:
		if (was)
			was->taken = true;
		state_remove(&st, op->i);
		break;
	case REMOVE:
	case REMOVE_EXACT:
		state_remove(&st, op->i);
		break;
	case REMOVE_NIL:
		object_gone(was);
		st.slot[op->i] = NULL;
		break;
	case REMOVE_SWAP:
		object_gone(was);
		st.slot[op->i] = st.slot[st.len - 1];
		/* In place the last one is for a moment in both slots. */
		if (inplace)
			w.allowed[w.nr_allowed++] = st;
		st.len--;
		break;
	case TRUNCATE:
		while (st.len > op->i)
			state_remove(&st, st.len - 1);
		break;
	case REMOVE_IF:
	case COMPACT:
		state_keep(&st, op->what == COMPACT);
		break;
	case BATCH:
		state_remove(&st, op->i);
		state_insert(&st, st.len, o);
		break;
	case NR_WHATS:
		break;
	}
	w.allowed[w.nr_allowed++] = st;
}

static int batch(struct percu_vec *v, size_t i, struct object *o)
{
	struct percu_vec_batch b;

	if (percu_vec_batch_begin(&b, v) || percu_vec_batch_remove(&b, i))
		return -1;
	point();
	if (percu_vec_batch_append(&b, o))
		return -1;
	point();
	return percu_vec_batch_commit(&b);
}

static bool takes(struct percu_vec *v, size_t i)
{
	struct object *was = w.allowed[0].slot[i];

	return percu_vec_take(v, i) == was;
}

static bool perform(const struct op *op, struct object *o)
{
	struct percu_vec *v = &w.vec;

	switch (op->what) {
	case APPEND:
		return !percu_vec_append(v, o);
	case INSERT:
		return !percu_vec_insert(v, op->i, o);
	case REPLACE:
		return !percu_vec_replace(v, op->i, o);
	case REMOVE:
		return !percu_vec_remove(v, op->i);
	case REMOVE_NIL:
		return !percu_vec_remove_nil(v, op->i);
	case REMOVE_EXACT:
		return !percu_vec_remove_exact(v, op->i);
	case REMOVE_SWAP:
		return !percu_vec_remove_swap(v, op->i);
	case REMOVE_IF:
		return percu_vec_remove_if(v, odd, NULL) >= 0;
	case TAKE:
		return takes(v, op->i);
	case TRUNCATE:
		return !percu_vec_truncate(v, op->i);
	case COMPACT:
		return !percu_vec_compact(v);
	case BATCH:
		return !batch(v, op->i, o);
	case NR_WHATS:
		break;
	}
	return false;
}

/* Can this be done to that state, and is it worth it? */
static bool possible(const struct op *op, size_t len)
{
	switch (op->what) {
	case APPEND:
		return op->i == len;
	case INSERT:
	case TRUNCATE:
		return op->i <= len;
	case REMOVE_IF:
	case COMPACT:
		return op->i == 0;
	default:
		return op->i < len;
	}
}

/* Verdict. ------------------------------------------------------------------- */

static bool in_state(const struct state *st, const struct object *o)
{
	for (size_t i = 0; i < st->len; i++)
		if (st->slot[i] == o)
			return true;
	return false;
}

static bool did(enum what what)
{
	for (size_t k = 0; k < w.s->nr; k++)
		if (w.s->op[k].what == what)
			return true;
	return false;
}

/* Is the view's slot what it was, or what an operation in place may leave? */
static bool slot_lawful(const struct reader *r, size_t i)
{
	struct object *was = r->frozen.slot[i], *is = r->seen[i];
	bool swap = did(REMOVE_SWAP) && w.s->flags & PERCU_VEC_INPLACE;

	if (is == was)
		return true;
	if (is && is->instead)
		return true;
	/* Cleared by remove_nil, or the tail behind a swap. */
	if (!is)
		return (was && was->gone && did(REMOVE_NIL)) || swap;
	return swap && in_state(&r->frozen, is);
}

static void judge_view(const struct reader *r)
{
	size_t holes = 0, swaps = 0;

	for (size_t i = 0; i < r->frozen.len; i++) {
		if (!slot_lawful(r, i))
			broken("view", i);
		holes += r->frozen.slot[i] && !r->seen[i];
	}
	for (size_t k = 0; k < w.s->nr; k++)
		swaps += w.s->op[k].what == REMOVE_SWAP ||
			 w.s->op[k].what == REMOVE_NIL;
	if (holes > swaps)
		broken("holes", holes);
	sum.holes += holes;
}

static unsigned int times_seen(const struct reader *r, const struct object *o)
{
	unsigned int n = 0;

	for (size_t i = 0; i < r->frozen.len; i++)
		n += r->seen[i] == o;
	return n;
}

/* May this way of reading miss what stays, with these operations? */
static bool may_miss(void)
{
	bool swap = did(REMOVE_SWAP) && w.s->flags & PERCU_VEC_INPLACE;

	switch (w.s->way) {
	case VIEW_UP:
		return swap;
	case VIEW_DOWN:
		return false;
	case GETS_DOWN: /* what moves up can be missed by who goes down */
		return did(INSERT);
	default:
		return true;
	}
}

static void judge_stay(const struct reader *r)
{
	const struct state *last = &w.allowed[w.nr_allowed - 1];

	for (size_t k = 0; k < w.s->len; k++) {
		struct object *o = &w.object[k];
		unsigned int n;

		if (!in_state(&r->frozen, o) || !in_state(last, o))
			continue;
		n = times_seen(r, o);
		sum.missed[w.s->way] += !n;
		sum.twice[w.s->way] += n > 1;
		if (!n && !may_miss())
			broken("miss", k);
	}
}

static void judge(void)
{
	if (w.s->way < GETS_UP)
		judge_view(&w.reader);
	judge_stay(&w.reader);
	if (percu_vec_check(&w.vec))
		broken("audit", 0);
}

/* Each object is released once, if the vector removed it or had it at last. */
static void judge_releases(void)
{
	for (size_t k = 0; k < w.objects; k++) {
		const struct object *o = &w.object[k];

		if (o->released != (w.s->release && !o->taken))
			broken("released", k);
	}
}

/* Runs. ---------------------------------------------------------------------- */

static void world_begin(const struct scenario *s)
{
	struct percu_vec_attr attr = { .name = "sched",
				       .capacity = s->room,
				       .flags = s->flags };
	void *objs[LEN];

	if (s->release)
		attr.release = object_release;
	w.s = s;
	w.objects = 0;
	w.points = 0;
	w.broken = false;
	w.reader = (struct reader){ .stage = 0 };
	CU_ASSERT_FATAL(!percu_vec_init_flavor(&w.vec, &attr, &flavor));
	for (size_t i = 0; i < s->len; i++)
		objs[i] = object_new();
	CU_ASSERT_FATAL(!percu_vec_append_bulk(&w.vec, objs, s->len));
	state_read(&w.allowed[0]);
	w.nr_allowed = 1;
	w.at = 0;
}

static void op_run(const struct op *op)
{
	struct object *o = adds(op->what) ? object_new() : NULL;

	point();
	foresee(op, o);
	w.active = true;
	if (!perform(op, o))
		broken("returned", op->i);
	w.active = false;
	probe();
	/* Where it changes nothing, the first state is the last. */
	if (!state_same(&w.allowed[w.at], &w.allowed[w.nr_allowed - 1]))
		broken("done", op->i);
	w.at = w.nr_allowed - 1;
}

static void schedule_run(const struct scenario *s)
{
	world_begin(s);
	for (size_t k = 0; k < s->nr; k++)
		op_run(&s->op[k]);
	point();
	reader_ends();
	judge();
	percu_vec_destroy(&w.vec);
	judge_releases();
	sum.schedules++;
	sum.points += w.points;
	sum.broken += w.broken;
}

static size_t len_after(const struct op *op, size_t len)
{
	switch (op->what) {
	case APPEND:
	case INSERT:
		return len + 1;
	case REPLACE:
	case REMOVE_NIL:
	case COMPACT:
	case BATCH:
		return len;
	case REMOVE_IF:
		return (len + 1) / 2;
	case TRUNCATE:
		return op->i;
	default:
		return len - 1;
	}
}

static void scenario_run(const struct scenario *s)
{
	size_t len = s->len;

	for (size_t k = 0; k < s->nr; k++) {
		if (!possible(&s->op[k], len))
			return;
		len = len_after(&s->op[k], len);
	}
	sum.scenarios++;
	w.depth = 0;
	do
		schedule_run(s);
	while (schedule_next() && sum.broken < 10);
}

/* Every operation after the first ones, at every index. */
static void scenarios_run(struct scenario *s, size_t ops)
{
	if (s->nr == ops) {
		scenario_run(s);
		return;
	}
	s->nr++;
	for (int what = 0; what < NR_WHATS; what++) {
		for (size_t i = 0; i <= LEN; i++) {
			s->op[s->nr - 1] = (struct op){ (enum what)what, i };
			scenarios_run(s, ops);
		}
	}
	s->nr--;
}

/* Both flags, with room for what is appended and without, each reader. */
static void kinds_run(size_t len, size_t ops, bool release)
{
	for (unsigned int k = 0; k < 4 * NR_WAYS; k++) {
		struct scenario s = {
			.len = len,
			.room = len + (k & 1 ? 0 : 2),
			.flags = k & 2 ? PERCU_VEC_INPLACE : 0,
			.release = release,
			.way = (enum way)(k / 4),
		};

		scenarios_run(&s, ops);
	}
}

static void sum_print(void)
{
	printf("(%lu scenarios, %lu schedules, %lu points; missed up %lu, twice up %lu, twice down %lu, holes %lu) ",
	       sum.scenarios, sum.schedules, sum.points,
	       sum.missed[VIEW_UP] + sum.missed[GETS_UP],
	       sum.twice[VIEW_UP] + sum.twice[GETS_UP],
	       sum.twice[VIEW_DOWN] + sum.twice[GETS_DOWN], sum.holes);
	CU_ASSERT_EQUAL(sum.broken, 0);
	CU_ASSERT(sum.schedules > 0);
}

static void sum_begin(void)
{
	memset(&sum, 0, sizeof(sum));
	vec_step = step_hook;
}

static void sum_end(void)
{
	vec_step = NULL;
	sum_print();
}

static void one_operation(void)
{
	size_t most = check_short() && tool_any() ? 3 : LEN;

	sum_begin();
	for (size_t len = 1; len <= most; len++) {
		kinds_run(len, 1, false);
		kinds_run(len, 1, true);
	}
	sum_end();
	/* So they can be missed, where nothing says that they cannot. */
	CU_ASSERT(sum.missed[VIEW_UP] > 0);
	CU_ASSERT(sum.missed[GETS_UP] > 0);
	CU_ASSERT(sum.twice[VIEW_DOWN] > 0);
	CU_ASSERT_EQUAL(sum.missed[VIEW_DOWN], 0);
}

static void two_operations(void)
{
	size_t most = check_short() ? 2 : 3;

	if (check_short() && tool_any()) {
		check_skip("under a tool, in short");
		return;
	}
	sum_begin();
	for (size_t len = 2; len <= most; len++)
		kinds_run(len, 2, false);
	kinds_run(2, 2, true);
	sum_end();
	CU_ASSERT(sum.missed[VIEW_UP] > 0);
	CU_ASSERT(sum.twice[VIEW_DOWN] > 0);
	CU_ASSERT_EQUAL(sum.missed[VIEW_DOWN], 0);
}

/* What an operation alone makes possible for who reads that way. */
static void alone(enum what what, unsigned int flags, enum way way)
{
	memset(&sum, 0, sizeof(sum));
	for (size_t i = 0; i < LEN; i++) {
		struct scenario s = { .len = LEN,
				      .room = LEN,
				      .flags = flags,
				      .nr = 1,
				      .op = { { what, i } },
				      .way = way };

		scenario_run(&s);
	}
	CU_ASSERT_EQUAL(sum.broken, 0);
	CU_ASSERT(sum.schedules > 0);
}

/*
 * The table: what a view may miss, see twice, or find empty.  "Never" is a
 * law of every scenario; that the rest does happen is said here.
 */
static void the_table(void)
{
	static const struct {
		enum what what;
		unsigned int flags;
		enum way way;
		bool missed, twice, holes;
	} cell[] = {
		{ REMOVE, 0, VIEW_UP, false, false, false },
		{ REMOVE, 0, VIEW_DOWN, false, false, false },
		{ REMOVE, PERCU_VEC_INPLACE, VIEW_UP, false, false, false },
		{ REMOVE_EXACT, 0, VIEW_UP, false, false, false },
		{ REMOVE_EXACT, 0, VIEW_DOWN, false, false, false },
		{ TAKE, 0, VIEW_UP, false, false, false },
		{ REMOVE_NIL, 0, VIEW_UP, false, false, true },
		{ REMOVE_NIL, 0, VIEW_DOWN, false, false, true },
		{ REMOVE_SWAP, 0, VIEW_UP, false, false, false },
		{ REMOVE_SWAP, 0, VIEW_DOWN, false, false, false },
		{ REMOVE_SWAP, PERCU_VEC_INPLACE, VIEW_UP, true, true, true },
		{ REMOVE_SWAP, PERCU_VEC_INPLACE, VIEW_DOWN, false, true,
		  true },
		{ REMOVE, 0, GETS_UP, true, false, true },
		{ REMOVE, 0, GETS_DOWN, false, true, true },
	};

	vec_step = step_hook;
	for (size_t k = 0; k < sizeof(cell) / sizeof(cell[0]); k++) {
		enum way way = cell[k].way;

		alone(cell[k].what, cell[k].flags, way);
		CU_ASSERT_EQUAL(sum.missed[way] > 0, cell[k].missed);
		CU_ASSERT_EQUAL(sum.twice[way] > 0, cell[k].twice);
		if (way < GETS_UP)
			CU_ASSERT_EQUAL(sum.holes > 0, cell[k].holes);
	}
	vec_step = NULL;
}

/*
 * Phantoms: a reader with a longer view must not see in its last slot what
 * was appended after that slot had been given up, whatever room there is.
 */
static void no_phantom(void)
{
	static const enum what shorter[] = { REMOVE, REMOVE_SWAP, TAKE,
					     REMOVE_EXACT, TRUNCATE };

	sum_begin();
	for (size_t k = 0; k < sizeof(shorter) / sizeof(*shorter); k++) {
		for (unsigned int n = 0; n < 4 * LEN; n++) {
			struct scenario s = {
				.len = LEN - 1,
				.room = 2 * LEN,
				.flags = n & 1 ? PERCU_VEC_INPLACE : 0,
				.nr = 2,
				.op = { { shorter[k], n / 4 }, { APPEND, 0 } },
				.way = n & 2 ? VIEW_UP : VIEW_DOWN,
			};

			s.op[1].i = len_after(&s.op[0], s.len);
			scenario_run(&s);
		}
	}
	sum_end();
}

static const CU_TestInfo tests[] = {
	{ "one operation, every schedule", one_operation },
	{ "what each strategy makes possible", the_table },
	{ "no slot is used again under a reader", no_phantom },
	{ "two operations, every schedule", two_operations },
	CU_TEST_INFO_NULL
};

int main(void)
{
	flavor_init();
	return check_main("vec_sched", tests);
}
