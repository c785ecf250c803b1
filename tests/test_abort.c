/* SPDX-License-Identifier: MIT */
/*
 * tests/test_abort.c - each sequence, aborted at each of its instructions
 *
 * A hardware breakpoint on one instruction makes the kernel deliver SIGTRAP
 * there, and the delivery of a signal aborts a sequence.  So every window is
 * tried, in the machine code as it is shipped, many times over: once, twice in
 * a row (what starts over is aborted again), with a handler that gets and puts
 * meanwhile (what the sequence has loaded is stale then), and with one that
 * moves the thread to another CPU (what it has computed is another's then).
 *
 * Laws: the kernel aborts what is inside.  Each object is out once, each
 * operation counts once, and the audit finds everything.  A thread that was
 * moved does nothing more in the record that it has left.  All instructions of
 * all sequences are hit, each as often as was asked for.
 *
 *	test_abort NUMBER	times an instruction
 *	test_abort --has WHAT	exits 0 if the machine has rseq, or breakpoints
 */
#include <errno.h>
#include <limits.h>
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <ucontext.h>

#include "tests/abort.h"
#include "tests/check.h"
#include "tests/conserve.h"
#include "tests/sequences.h"

enum {
	MAX_BYTES = 512, /* of a sequence */
	BEFORE = 24,     /* bytes that are tried too */
	AFTER = 16,
	FORMS = 40, /* operations that reach all there is to reach */
};

/* How an instruction is tried. */
struct way {
	void (*meanwhile)(void); /* what the handler does */
	unsigned int in_a_row;   /* aborts of one operation */
	unsigned long want;      /* times an instruction */
};

static volatile struct {
	unsigned long traps, aborts, moves, moved, strayed;
	unsigned int again; /* aborts of this operation */
} seen;
static volatile int event = -1;
static struct way way;
static unsigned long asked; /* times, or 0 */

/* What a handler does meanwhile. ------------------------------------------------ */

static void nothing(void)
{
}

/* The record that the thread has left. */
static struct {
	bool known;
	uint32_t from, to;
	uint64_t done;
	long switches;
} left;

/* An index may be given back to who is switched out and in. */
static long switches(void)
{
	struct rusage u;

	getrusage(RUSAGE_THREAD, &u);
	return u.ru_nvcsw + u.ru_nivcsw;
}

static void move(void)
{
	uint32_t before = cpu_index();
	cpu_set_t one;
	int cpu = sched_getcpu();

	CPU_ZERO(&one);
	CPU_SET(cpu ? 0 : 1, &one);
	sched_setaffinity(0, sizeof(one), &one);
	seen.moves += sched_getcpu() != cpu;
	left.switches = switches();
	left.to = cpu_index();
	left.from = before;
	left.known = left.to != before;
	left.done = done_at(before);
	seen.moved += left.known;
}

/* Behind an operation. */
static void look_back(void)
{
	if (left.known && done_at(left.from) != left.done &&
	    cpu_index() == left.to && switches() == left.switches)
		seen.strayed++;
	left.known = false;
}

/* The event is off while the handler is at work, in whatever sequence. */
static void on_trap(int sig, siginfo_t *info, void *context)
{
	const ucontext_t *at = context;

	(void)sig;
	(void)info;
	ioctl(event, PERF_EVENT_IOC_DISABLE, 0);
	seen.traps++;
	seen.aborts += is_abort((uintptr_t)at->uc_mcontext.gregs[REG_RIP]);
	way.meanwhile();
	if (++seen.again < way.in_a_row)
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

/* One instruction. ----------------------------------------------------------------- */

/* One operation with the breakpoint set: was it aborted as often as wanted? */
static bool attempt(int k, unsigned int i)
{
	seen.again = 0;
	ioctl(event, PERF_EVENT_IOC_ENABLE, 0);
	operation[k](i);
	look_back();
	return seen.again == way.in_a_row;
}

/* How often the operation came there in each of its forms. */
static unsigned long attempts(int k)
{
	unsigned long n = 0;

	for (unsigned int i = 0; i < FORMS; i++)
		n += attempt(k, i);
	return n;
}

/* How often it was tried: as often as wanted, or never. */
static unsigned long try_at(uintptr_t address, unsigned long want)
{
	unsigned long reach[NR_OPERATIONS], n = 0, before;

	event = breakpoint(address);
	if (event < 0)
		return 0;
	for (int k = 0; k < NR_OPERATIONS; k++)
		n += reach[k] = attempts(k);
	do {
		before = n;
		for (int k = 0; k < NR_OPERATIONS && n < want; k++)
			n += reach[k] ? attempts(k) : 0;
	} while (n < want && n > before);
	close(event);
	event = -1;
	return n;
}

/* One sequence. -------------------------------------------------------------------- */

struct cover {
	bool start[MAX_BYTES]; /* of an instruction */
	unsigned int starts, hits, around;
	unsigned long aborts, least; /* aborts of an instruction */
	char name[64];
};

static bool inside(const struct sequence *s, long byte)
{
	return byte >= 0 && byte < (long)s->length;
}

/*
 * Around the sequence too: were its end a store too early, or its start a load
 * too late, then what comes there would break the laws.
 */
static void abort_at(const struct sequence *s, long byte, struct cover *c)
{
	unsigned long n;

	seen.traps = seen.aborts = 0;
	n = try_at(s->start + (uintptr_t)byte,
		   inside(s, byte) ? way.want : way.want / 4);
	if (!seen.traps)
		return;
	CU_ASSERT_TRUE(books_agree());
	if (!inside(s, byte)) {
		c->around++;
		return;
	}
	CU_ASSERT_EQUAL(seen.aborts, seen.traps);
	c->aborts += seen.aborts;
	c->least = n < c->least ? n : c->least;
	c->hits++;
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
	c->least = ULONG_MAX;
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

static void sweep(const struct sequence *s, struct cover *c)
{
	CU_ASSERT_FATAL(s->length < MAX_BYTES);
	for (long byte = -BEFORE; byte < (long)s->length + AFTER; byte++)
		if (!inside(s, byte) || !c->starts || c->start[byte])
			abort_at(s, byte, c);
	books_audit();
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

/* In debug and under tools a hit's sequence ends where it finds the dummy. */
static void verdict(const struct cover *c, bool all)
{
	printf("\n    %-25s %2u of %2u instructions, each %4lu times, %7lu aborts, %2u around",
	       c->name, c->hits, c->starts, c->hits ? c->least : 0, c->aborts,
	       c->around);
	if (all && c->starts)
		CU_ASSERT_EQUAL(c->hits, c->starts);
	if (all)
		CU_ASSERT_TRUE(c->hits && c->least >= way.want);
}

static void sweep_all(void)
{
	unsigned long hits = 0, starts = 0, aborts = 0;
	bool all = hits_are_hits();
	struct cover c;

	for (size_t i = 0; i < nr_sequences(); i++) {
		disassemble(sequence(i), &c);
		sweep(sequence(i), &c);
		verdict(&c, all);
		hits += c.hits;
		starts += c.starts;
		aborts += c.aborts;
	}
	printf("\n    %lu/%lu instructions, %lu aborts, %lu moves, %lu changes of record ",
	       hits, starts, aborts, seen.moves, seen.moved);
	if (!starts)
		check_skip("objdump, which would say how many there are");
	CU_ASSERT_TRUE(aborts > 0);
}

static void run(void (*meanwhile)(void), unsigned int in_a_row,
		unsigned long want)
{
	struct sigaction sa = { .sa_sigaction = on_trap,
				.sa_flags = SA_SIGINFO };

	way = (struct way){ meanwhile, in_a_row, want };
	if (check_short())
		way.want = want / 4;
	if (asked)
		way.want = asked;
	memset((void *)(uintptr_t)&seen, 0, sizeof(seen));
	books_begin();
	sigaction(SIGTRAP, &sa, NULL);
	sweep_all();
	signal(SIGTRAP, SIG_DFL);
	CU_ASSERT_EQUAL(seen.strayed, 0);
	books_end();
}

static void abort_once(void)
{
	if (!cannot_abort())
		run(nothing, 1, 200);
}

static void abort_twice(void)
{
	if (!cannot_abort())
		run(nothing, 2, 100);
}

static void abort_and_use(void)
{
	if (!cannot_abort())
		run(get_put, 3, 100);
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
	run(move, 1, 50);
	sched_setaffinity(0, sizeof(all), &all);
	CU_ASSERT_TRUE(seen.moved > 0);
	visitors_stop = true;
	for (int i = 0; i < 2; i++)
		pthread_join(id[i], NULL);
}

static const CU_TestInfo tests[] = {
	{ "aborted once", abort_once },
	{ "aborted, and aborted again when it starts over", abort_twice },
	{ "aborted, and the record changed meanwhile", abort_and_use },
	{ "aborted, and moved to another CPU", abort_and_move },
	CU_TEST_INFO_NULL
};

static int has(const char *what)
{
	percu_mode();
	if (!cpu_info.rseq)
		return 77;
	if (strcmp(what, "breakpoints"))
		return 0;
	return nr_sequences() && breakpoint(sequence(0)->start) >= 0 ? 0 : 77;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "--has"))
		return has(argv[2]);
	if (argc == 2)
		asked = strtoul(argv[1], NULL, 10);
	return check_main("abort", tests);
}
