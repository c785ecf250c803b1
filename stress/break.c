// SPDX-License-Identifier: MIT
/*
 * stress/break.c - laws that are broken on purpose
 *
 * A verdict that nobody has ever seen fail proves nothing.  --break LAW breaks
 * one of the laws of the end just before it is looked at, in the way in which
 * a program or percu would: by an object that is never put, a slice that is
 * kept, a reader that stays, a slot that was not cleared, a worker that waits
 * for ever, memory that is not given back, a fault that nobody forces.  Only
 * percu's own sums cannot be made wrong from outside: there it is the copy that
 * is compared.  The verdict has to name that law, and no other.
 *
 * What was broken is mended after the look, so that the next law holds.
 *
 * The laws of a scenario are broken by the scenario, where it can be done, in
 * one place: break_now() says when, once, and not while the run warms up.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <urcu-bp.h>
#include <percu/alloc.h>
#include <percu/buf.h>
#include <percu/vec.h>
#include "crew.h"

enum {
	BLOCK = 100,
	SHOWN = 8,
	LENGTH = 4,
	LEAKED = LEAKS_SHOWN + 3,
	KEPT = 32 << 20,
};

static unsigned int broken; /* bits, by enum end_law */

static void *block;             /* not put; of the vector's one object */
static struct percu_slice kept; /* not put */
static char *resident;          /* not freed */
static struct chan *nobodys;

static void block_keep(void)
{
	block = must(percu_alloc(BLOCK));
}

static void block_put(void)
{
	percu_free(block);
}

static void slice_keep(void)
{
	static const char text[SHOWN] = "kept";
	struct percu_buf *b = must(percu_buf_get(BLOCK));

	if (must_do(percu_buf_append(b, text, sizeof(text))))
		out_of_memory();
	kept = percu_slice_of(b, 0, sizeof(text));
	percu_buf_put(b);
}

static void slice_put(void)
{
	percu_slice_put(kept);
}

static void reader_stay(void)
{
	block_keep();
	rcu_read_lock();
	percu_free_rcu(block);
}

static void reader_leave(void)
{
	rcu_read_unlock();
	percu_barrier();
	percu_age();
	percu_age();
}

static void nothing(void *obj, void *arg)
{
	(void)obj;
	(void)arg;
}

/* A pointer behind the length, as a removal leaves one that clears nothing. */
static void slot_forget(void)
{
	const struct percu_vec_attr attr = { .name = "broken",
					     .capacity = LENGTH,
					     .release = nothing };
	struct percu_node *node; /* the writer's, not a reader's */
	struct percu_vec v;

	if (must_do(percu_vec_init(&v, &attr)))
		out_of_memory();
	for (int i = 1; i < LENGTH; i++)
		if (must_do(percu_vec_append(&v, &v)))
			out_of_memory();
	node = v.root;
	node->slot[LENGTH - 1] = &v;
	verdict_stale(percu_vec_check(&v) != 0, attr.name);
	node->slot[LENGTH - 1] = NULL;
	percu_vec_destroy(&v);
}

static void wait_for_ever(void *arg)
{
	worker_holds("nothing's", 1);
	crew_recv(arg, "nothing's");
}

static void worker_leak(void)
{
	const struct options o = { .threads = 1 };
	struct sched *s = crew_new(&o, 0, 0);

	/* Not freed: the workers wait for it. */
	nobodys = must(chan_new("of nobody", 1));
	for (unsigned int i = 0; i < LEAKED; i++)
		sched_go(s, wait_for_ever, nobodys, "broken", i);
	crew_run(s);
}

static void memory_keep(void)
{
	resident = must(malloc(KEPT));
	memset(resident, 1, KEPT);
}

static void memory_free(void)
{
	free(resident);
}

static void sum_spoil(void)
{
	audit_spoil(1);
}

static void sum_mend(void)
{
	audit_spoil(0);
}

static const struct {
	void (*begin)(void), (*end)(void);
} ways[NR_END_LAWS] = {
	[END_CONSERVED] = { block_keep, block_put },
	[END_RETAINED] = { slice_keep, slice_put },
	[END_DEFERRED] = { reader_stay, reader_leave },
	[END_STALE] = { slot_forget, NULL },
	[END_WORKERS] = { worker_leak, NULL },
	[END_STATISTICS] = { sum_spoil, sum_mend },
	[END_RESIDENT] = { memory_keep, memory_free },
	[END_FAULTS] = { NULL, NULL }, /* chaos.c */
};

/* Scenarios, and what is looked at besides. ----------------------------------- */

static const struct {
	const char *name, *what;
} breaks[NR_BREAKS] = {
	[BREAK_CHURN] = { "churn", "a byte of an item is overwritten" },
	[BREAK_REFUSED] = { "refused", "churn: a get fails for no reason" },
	[BREAK_PIPELINE] = { "pipeline", "a byte of an object is overwritten" },
	[BREAK_BLOCK] = { "block", "pipeline: of the block that it has" },
	[BREAK_HANDOVER] = { "handover", "a byte of an object is overwritten" },
	[BREAK_GROWTH] = { "growth", "handover: memory that passes is kept" },
	[BREAK_DRAIN] = { "drain", "an object is in two hands" },
	[BREAK_WORDS] = { "words", "a word is counted twice" },
	[BREAK_INPUT] = { "input", "words: every file changes" },
	[BREAK_VIEW] = { "view", "vec: a slot of a view changes" },
	[BREAK_AGES] = { "ages", "vec: an element is released too early" },
	[BREAK_REMOVAL] = { "removal", "vec: a removal is refused" },
	[BREAK_BALANCER] = { "balancer", "a backend ends too early" },
	[BREAK_SLICES] = { "slices", "a slice is in nobody's book" },
	[BREAK_BYTES] = { "bytes", "slices: a byte of a slice is overwritten" },
	[BREAK_REPLAY] = { "replay", "a block is out that the trace has not" },
	[BREAK_RESIZED] = { "resized", "replay: a byte is not copied" },
	[BREAK_LEAK] = { "leak", "churn, vec: a worker never ends" },
	[BREAK_IDLE] = { "idle", "what scenarios count is 0" },
	[BREAK_POOR] = { "poor", "memory: a byte of a child is overwritten" },
	[BREAK_CLOCK] = { "clock", "clock: a grace period takes a day" },
	[BREAK_POOLS] = { "pools", "the end: the statistics have no pools" },
	[BREAK_KEYS] = { "keys", "the end: or have other names" },
	[BREAK_UNKNOWN] = { "unknown",
			    "the end: nobody knows what is resident" },
	[BREAK_HANG] = { "hang", "a worker hangs" },
	[BREAK_DEADLOCK] = { "deadlock", "a worker hangs, with percu's locks" },
};

static bool armed, asked[NR_BREAKS];
static atomic_bool done[NR_BREAKS];

void break_arm(void)
{
	armed = true;
}

bool break_now(enum break_id id)
{
	return asked[id] && armed && !atomic_exchange(&done[id], true);
}

bool break_always(enum break_id id)
{
	return asked[id] && armed;
}

void break_list(void)
{
	for (int id = 0; id < NR_BREAKS; id++)
		printf("  %-12s%s\n", breaks[id].name, breaks[id].what);
}

static void wait_in_worker(void *arg)
{
	(void)arg;
	for (;;)
		pause(); /* signals of chaos end it */
}

static atomic_bool forking;

static void fork_in_worker(void *arg)
{
	(void)arg;
	atomic_store(&forking, true);
	fork();
}

static void wait_in_fork(void)
{
	if (atomic_load(&forking))
		wait_in_worker(NULL);
}

/*
 * Who was told first of forks is told last, when percu has all its locks: a
 * constructor like percu's, of an object that is linked before it.
 */
__attribute__((constructor(101))) static void before_percu(void)
{
	pthread_atfork(wait_in_fork, NULL, NULL);
}

void break_hang(void)
{
	const struct options o = { .threads = 2 };
	void (*how)(void *arg) = asked[BREAK_DEADLOCK] ? fork_in_worker :
				 asked[BREAK_HANG]     ? wait_in_worker :
							 NULL;
	struct sched *s;

	if (!how)
		return;
	s = crew_new(&o, 0, 0);
	sched_go(s, how, NULL, "broken", 0);
	crew_run(s);
}

static bool scenario_request(const char *name)
{
	for (int id = 0; id < NR_BREAKS; id++)
		if (!strcmp(breaks[id].name, name)) {
			asked[id] = true;
			return true;
		}
	return false;
}

bool break_request(const char *name)
{
	for (int l = 0; l < NR_END_LAWS; l++)
		if (!strcmp(findings[l].name, name)) {
			broken |= 1u << l;
			return true;
		}
	return scenario_request(name);
}

bool break_asked(enum end_law l)
{
	return broken >> l & 1;
}

void break_begin(enum end_law l)
{
	if (break_asked(l) && ways[l].begin)
		ways[l].begin();
}

void break_end(enum end_law l)
{
	if (break_asked(l) && ways[l].end)
		ways[l].end();
}
