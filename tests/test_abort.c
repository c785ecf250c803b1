/* SPDX-License-Identifier: MIT */
/*
 * tests/test_abort.c - each sequence, aborted at each of its instructions
 *
 * A hardware breakpoint on one instruction makes the kernel deliver SIGTRAP
 * there, and the delivery of a signal aborts a sequence.  So every window is
 * tried, in the machine code as it is shipped, many times over: with a handler
 * that does nothing, with one that gets and puts meanwhile (what the sequence
 * has loaded is stale then), and with one that moves the thread to another CPU
 * (what it has computed is another's then).  A try may be aborted again.
 *
 * Law: each object is out once, each operation counts once, and the audit
 * finds everything.  All instructions of all sequences are hit.
 */
#include <errno.h>
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <percu/alloc.h>
#include <percu/inline.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "tests/conserve.h"
#include "tests/sequences.h"

enum {
	MAX_BYTES = 512, /* of a sequence */
	BEFORE = 24,     /* bytes that are tried too */
	AFTER = 16,
	MAX_AGAIN = 3, /* aborts of one operation */
	NR_CLASSES_USED = 4,
};

/* Flat, and instrumented (whose gets use the sequences of the slow path). */
static struct percu_pool *pool, *limited;

/* Of pool and limited, expected. */
static uint64_t gets[2], puts_[2], rcu[2];
static volatile unsigned long traps, moves, moved;
static volatile unsigned int again, allowed;
static volatile int event = -1;
static void (*volatile meanwhile)(void);
static unsigned long broken;

/* What operations do. ---------------------------------------------------------- */

/* An object says whether it is out. */
static int object_ctor(void *obj, void *arg)
{
	(void)arg;
	*(volatile long *)obj = 0;
	return 0;
}

static void out(void *obj)
{
	if (!obj || (*(volatile long *)obj)++) {
		broken++;
		abort();
	}
}

static void in(void *obj)
{
	if (--*(volatile long *)obj)
		broken++;
}

static void use_pool(unsigned int n)
{
	void *objs[8];

	for (unsigned int i = 0; i < n; i++)
		out(objs[i] = i & 1 ? percu_pool_get(pool) :
				      (percu_pool_get)(pool));
	for (unsigned int i = 0; i < n; i++) {
		in(objs[i]);
		if (i & 1)
			percu_pool_put(pool, objs[i]);
		else
			(percu_pool_put)(pool, objs[i]);
	}
	gets[0] += n;
	puts_[0] += n;
}

static void use_bulk(unsigned int n)
{
	void *objs[8];
	size_t k = percu_pool_get_bulk(pool, objs, n);

	for (size_t i = 0; i < k; i++)
		out(objs[i]);
	for (size_t i = 0; i < k; i++)
		in(objs[i]);
	percu_pool_put_bulk(pool, objs, k);
	gets[0] += k;
	puts_[0] += k;
}

static void use_retire(unsigned int n)
{
	void *objs[8];
	size_t k = percu_pool_get_bulk(pool, objs, n);

	for (size_t i = 0; i < k; i++)
		out(objs[i]);
	for (size_t i = 0; i < k; i++) {
		in(objs[i]);
		percu_pool_put_rcu(pool, objs[i]);
	}
	gets[0] += k;
	rcu[0] += k;
}

/* Instrumented: these do not hit, and use the sequences of the slow path. */
static void use_limited(void)
{
	for (unsigned int i = 0; i < 2; i++) {
		void *obj = (percu_pool_get)(limited);

		out(obj);
		in(obj);
		if (i)
			percu_pool_put_rcu(limited, obj);
		else
			(percu_pool_put)(limited, obj);
	}
	gets[1] += 2;
	puts_[1]++;
	rcu[1]++;
}

/* Blocks of a size are all alike: only two that are one would show. */
static void use_classes(void)
{
	static const size_t sizes[NR_CLASSES_USED] = { 8, 200, 1500, 20000 };

	for (int i = 0; i < NR_CLASSES_USED; i++) {
		size_t *p = percu_alloc(sizes[i]), *q = percu_alloc(sizes[i]);

		if (!p || !q || p == q) {
			broken++;
			abort();
		}
		*p = 1;
		*q = 2;
		broken += *p != 1;
		if (i & 1)
			percu_free_rcu(p);
		else
			percu_free(p);
		percu_free_sized(q, sizes[i]);
	}
}

/* Lets the next operations be aborted, this often each. */
static void allow(unsigned int n)
{
	allowed = n;
	again = 0;
	if (event >= 0)
		ioctl(event, PERF_EVENT_IOC_ENABLE, 0);
}

static void operations(unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		if (again || !i)
			allow(1 + i % MAX_AGAIN);
		use_pool(1 + i % 4);
		if (again)
			allow(1 + i % MAX_AGAIN);
		use_bulk(1 + i % 5);
		if (again)
			allow(1 + i % MAX_AGAIN);
		use_retire(1 + i % 3);
		if (again)
			allow(1 + i % MAX_AGAIN);
		use_classes();
		if (again)
			allow(1 + i % MAX_AGAIN);
		use_limited();
	}
}

/* What a handler does meanwhile. ------------------------------------------------ */

static void nothing(void)
{
}

static void *kept, *kept_block;

/* The record has one less, or one more. */
static void get_put(void)
{
	int err = errno;

	if (kept && traps & 2) {
		percu_pool_put_rcu(pool, kept);
		percu_free_rcu(kept_block);
		rcu[0]++;
		kept = NULL;
	} else if (kept) {
		(percu_pool_put)(pool, kept);
		percu_free(kept_block);
		puts_[0]++;
		kept = NULL;
	} else {
		kept = (percu_pool_get)(pool);
		kept_block = percu_alloc(200);
		gets[0] += !!kept;
	}
	errno = err;
}

static void move(void)
{
	uint32_t before = cpu_index();
	cpu_set_t one;
	int cpu = sched_getcpu();

	CPU_ZERO(&one);
	CPU_SET(cpu ? 0 : 1, &one);
	sched_setaffinity(0, sizeof(one), &one);
	moves += sched_getcpu() != cpu;
	moved += cpu_index() != before;
}

/* The event is off while the handler is at work, in whatever sequence. */
static void on_trap(int sig)
{
	(void)sig;
	ioctl(event, PERF_EVENT_IOC_DISABLE, 0);
	traps++;
	meanwhile();
	if (++again < allowed)
		ioctl(event, PERF_EVENT_IOC_ENABLE, 0);
}

static int breakpoint(uintptr_t address)
{
	struct perf_event_attr a = {
		.type = PERF_TYPE_BREAKPOINT,
		.size = sizeof(a),
		.bp_type = HW_BREAKPOINT_X,
		.bp_addr = address,
		.bp_len = sizeof(long),
		.sample_period = 1,
		.disabled = 1,
		.exclude_kernel = 1,
		.exclude_hv = 1,
		.sigtrap = 1,
		.remove_on_exec = 1,
	};

	return (int)syscall(SYS_perf_event_open, &a, 0, -1, -1,
			    PERF_FLAG_FD_CLOEXEC);
}

/* One sequence. -------------------------------------------------------------------- */

struct cover {
	bool start[MAX_BYTES]; /* of an instruction */
	unsigned int starts, hits, around;
	unsigned long traps;
	char name[64];
};

static bool exact(void)
{
	struct percu_pool_stats st = stats_of(pool), sl = stats_of(limited);

	return !broken && st.gets == gets[0] && st.puts == puts_[0] &&
	       st.puts_rcu == rcu[0] && sl.gets == gets[1] &&
	       sl.puts == puts_[1] && sl.puts_rcu == rcu[1];
}

static bool inside(const struct sequence *s, long byte)
{
	return byte >= 0 && byte < (long)s->length;
}

/*
 * Around the sequence too: were its end a store too early, or its start a load
 * too late, then what comes there would break the laws.
 */
static void abort_at(const struct sequence *s, long byte, unsigned int n,
		     struct cover *c)
{
	struct audit a;

	traps = 0;
	event = breakpoint(s->start + (uintptr_t)byte);
	if (event < 0)
		return;
	operations(n);
	close(event);
	event = -1;
	if (!traps)
		return;
	if (inside(s, byte)) {
		c->traps += traps;
		c->hits++;
	} else {
		c->around++;
	}
	CU_ASSERT_TRUE(exact());
	percu_barrier(); /* the reclaimer is quiet */
	CU_ASSERT_EQUAL(pool_audit(pool, &a), 0);
	CU_ASSERT_EQUAL(pool_audit(limited, &a), 0);
}

/* Where the program lies in memory, and does not in its file. */
static uintptr_t load_bias(void)
{
	extern const char __executable_start[];
	uintptr_t first = (uintptr_t)__executable_start;

	return first > 1 << 24 ? first : 0;
}

/* Asks objdump where instructions start, and in which function. */
static void disassemble(const struct sequence *s, struct cover *c)
{
	uintptr_t bias = load_bias(), at;
	char cmd[5000], line[512], exe[4096];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	FILE *f;

	memset(c, 0, sizeof(*c));
	snprintf(c->name, sizeof(c->name), "%#lx", (long)(s->start - bias));
	exe[n > 0 ? n : 0] = '\0';
	snprintf(
		cmd, sizeof(cmd),
		"objdump -d --start-address=%#lx --stop-address=%#lx %s 2>/dev/null",
		(long)(s->start - bias), (long)(s->start - bias + s->length),
		exe);
	f = popen(cmd, "r");
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%*x <%63[^+>]", c->name) == 1)
			continue;
		/* A long one goes on in a line without a mnemonic. */
		if (sscanf(line, " %lx:", &at) != 1 || at < s->start - bias ||
		    !strchr(strchr(line, '\t') + 1, '\t'))
			continue;
		at -= s->start - bias;
		c->starts += at < MAX_BYTES && !c->start[at];
		if (at < MAX_BYTES)
			c->start[at] = true;
	}
	if (f)
		pclose(f);
}

static void sweep(const struct sequence *s, struct cover *c, unsigned int n,
		  void (*what)(void))
{
	meanwhile = what;
	CU_ASSERT_FATAL(s->length < MAX_BYTES);
	for (long byte = -BEFORE; byte < (long)s->length + AFTER; byte++)
		if (!inside(s, byte) || !c->starts || c->start[byte])
			abort_at(s, byte, n, c);
}

/* All of them. ----------------------------------------------------------------------- */

static bool cannot_abort(void)
{
	int fd;

	percu_mode();
	if (!cpu_info.rseq || !nr_sequences()) {
		check_skip("there are no sequences here");
		return true;
	}
	fd = breakpoint(sequence(0)->start);
	if (fd < 0) {
		check_skip("the kernel gives no breakpoints");
		printf("(%s) ", strerror(errno));
		return true;
	}
	close(fd);
	return false;
}

static void begin(void)
{
	const struct percu_pool_attr attr = { .name = "aborted",
					      .size = 64,
					      .ctor = object_ctor };
	const struct percu_pool_attr few = {
		.name = "few", .size = 64, .ctor = object_ctor, .limit = 100
	};

	pool = percu_pool_create(&attr);
	limited = percu_pool_create(&few);
	CU_ASSERT_FATAL(pool && limited);
	memset(gets, 0, sizeof(gets));
	memset(puts_, 0, sizeof(puts_));
	memset(rcu, 0, sizeof(rcu));
	broken = 0;
	moves = 0;
	moved = 0;
	signal(SIGTRAP, on_trap);
	/* So that each record has some and room for more. */
	operations(100);
}

static void end(void)
{
	CU_ASSERT_TRUE(exact());
	if (kept)
		get_put();
	percu_barrier();
	CU_ASSERT_TRUE(all_conserve());
	CU_ASSERT_EQUAL(percu_pool_destroy(pool), 0);
	CU_ASSERT_EQUAL(percu_pool_destroy(limited), 0);
	CU_ASSERT_EQUAL(memstats().alloc, 0);
	signal(SIGTRAP, SIG_DFL);
}

/* In debug and under tools a hit's sequence ends where it finds the dummy. */
static void verdict(const struct cover *c, bool all)
{
	printf("\n    %-20s %3u of %3u instructions, %7lu aborts, %2u around",
	       c->name, c->hits, c->starts, c->traps, c->around);
	if (all && c->starts)
		CU_ASSERT_EQUAL(c->hits, c->starts);
	if (all)
		CU_ASSERT_TRUE(c->traps > 0);
}

static void run(void (*what)(void), unsigned int n)
{
	unsigned long hits = 0, starts = 0, aborts = 0;
	bool all = hits_are_hits();
	struct cover c;

	begin();
	for (size_t i = 0; i < nr_sequences(); i++) {
		disassemble(sequence(i), &c);
		sweep(sequence(i), &c, n, what);
		verdict(&c, all);
		hits += c.hits;
		starts += c.starts;
		aborts += c.traps;
	}
	printf("\n    %lu of %lu instructions, %lu aborts, %lu moves, %lu changes of record ",
	       hits, starts, aborts, moves, moved);
	if (!starts)
		check_skip("objdump, which would say how many there are");
	CU_ASSERT_TRUE(aborts > 0);
	end();
}

static void abort_only(void)
{
	if (!cannot_abort())
		run(nothing, check_short() ? 100 : 500);
}

static void abort_and_use(void)
{
	if (!cannot_abort())
		run(get_put, check_short() ? 100 : 500);
}

static _Atomic bool visitors_stop;

/* Runs on one CPU, now and then. */
static void *visitor(void *arg)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET((int)(intptr_t)arg, &one);
	sched_setaffinity(0, sizeof(one), &one);
	while (!visitors_stop)
		usleep(100);
	return NULL;
}

/*
 * The kernel lets a thread keep its index wherever it runs, if it can.  It
 * cannot where other threads of the process have been on the CPUs.
 */
static void abort_and_move(void)
{
	pthread_t id[2];
	cpu_set_t all;

	if (cannot_abort())
		return;
	sched_getaffinity(0, sizeof(all), &all);
	if (!CPU_ISSET(0, &all) || !CPU_ISSET(1, &all)) {
		check_skip("two CPUs to move between");
		return;
	}
	for (intptr_t i = 0; i < 2; i++)
		CU_ASSERT_FATAL(
			!pthread_create(&id[i], NULL, visitor, (void *)i));
	run(move, check_short() ? 10 : 100);
	sched_setaffinity(0, sizeof(all), &all);
	CU_ASSERT_TRUE(moves > 0);
	visitors_stop = true;
	for (int i = 0; i < 2; i++)
		pthread_join(id[i], NULL);
}

static const CU_TestInfo tests[] = {
	{ "aborted, and nothing else", abort_only },
	{ "aborted, and the record changed meanwhile", abort_and_use },
	{ "aborted, and moved to another CPU", abort_and_move },
	CU_TEST_INFO_NULL
};

/* For scripts: does this machine have it? */
static int has(const char *what)
{
	percu_mode();
	if (!strcmp(what, "rseq"))
		return cpu_info.rseq ? 0 : 77;
	return cpu_info.rseq && nr_sequences() &&
			       breakpoint(sequence(0)->start) >= 0 ?
		       0 :
		       77;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "--has"))
		return has(argv[2]);
	return check_main("abort", tests);
}
