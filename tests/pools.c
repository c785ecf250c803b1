/* SPDX-License-Identifier: MIT */
/* tests/pools.c - what the tests of pool/ share */
#include <linux/membarrier.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pool/waiting.h"
#include "slab/heap.h"
#include "sys/cpu.h"
#include "sys/tool.h"
#include "tests/check.h"
#include "tests/pools.h"

#if PERCU_HAS_RSEQ
#include <sys/rseq.h>
#endif

struct percu_pool_stats stats_of(struct percu_pool *pool)
{
	struct percu_pool_stats st;

	percu_pool_stats(pool, &st);
	return st;
}

uint64_t visits_of(struct percu_pool *pool)
{
	uint64_t n;

	lock_take(&pool->depot.lock, LOCK_DEPOT);
	n = pool->depot.visits;
	lock_give(&pool->depot.lock, LOCK_DEPOT);
	return n;
}

uint32_t capacity_here(struct percu_pool *pool)
{
	uint32_t index = cpu_index();

	if (!pool->records || index >= cpu_info.possible)
		return 0;
	return __atomic_load_n(&record_at(pool->records, index)->capacity,
			       __ATOMIC_RELAXED);
}

uint64_t budget_used(void)
{
	uint64_t most = 0, n;

	for (uint32_t i = 0; i < cpu_info.possible; i++) {
		n = counter_read(&pools.cached[i]);
		most = n > most ? n : most;
	}
	return most;
}

/* Conservation. ----------------------------------------------------------- */

static bool wrong(const char *name, const char *what, uint64_t a, uint64_t b)
{
	printf("\n    pool %s: %s: %llu, not %llu\n", name, what,
	       (unsigned long long)a, (unsigned long long)b);
	fflush(stdout); /* a child may be about to _exit() */
	return false;
}

/* What a pool says of itself against what its audit finds. */
static bool pool_holds(struct percu_pool *p, uint64_t *out)
{
	struct percu_pool_stats st;
	struct audit a;
	bool ok = true;

	if (pool_audit(p, &a))
		ok = wrong(p->name, "audit", 1, 0);
	st = stats_of(p);
	if (st.outstanding != a.out)
		ok = wrong(p->name, "outstanding", st.outstanding, a.out);
	if (st.outstanding != st.gets - st.puts - st.puts_rcu)
		ok = wrong(p->name, "gets - puts", st.gets - st.puts, a.out);
	if (st.cached != a.records + a.depot + a.slab)
		ok = wrong(p->name, "cached", st.cached,
			   a.records + a.depot + a.slab);
	if (st.created - st.destroyed !=
	    st.outstanding + st.cached + st.deferred)
		ok = wrong(p->name, "created - destroyed",
			   st.created - st.destroyed,
			   st.outstanding + st.cached + st.deferred);
	if (st.deferred != a.deferred)
		ok = wrong(p->name, "deferred", st.deferred, a.deferred);
	if (p->attr.limit && counter_read(&p->out) != a.out)
		ok = wrong(p->name, "limit's count", p->out, a.out);
	*out += a.out;
	return ok;
}

/* Both budgets count what is there. */
static bool budgets_hold(void)
{
	uint64_t depots = 0, ripe = 0, caps, n;
	bool ok = true;

	list_for_each (l, &pools.list) {
		struct percu_pool *p = list_entry(l, struct percu_pool, pools);

		depots += (p->depot.nobj - p->depot.ripe) * p->weight;
		ripe += p->depot.ripe_counted * p->weight;
	}
	n = counter_read(&pools.depot_bytes);
	if (n != depots)
		ok = wrong("(all)", "depots' budget", n, depots);
	n = counter_read(&pools.ripe_bytes);
	if (n != ripe)
		ok = wrong("(all)", "ripe bytes", n, ripe);
	for (uint32_t i = 0; i < cpu_info.possible; i++) {
		caps = 0;
		list_for_each (l, &pools.list) {
			struct percu_pool *p =
				list_entry(l, struct percu_pool, pools);

			if (p->records)
				caps += (uint64_t)record_at(p->records, i)
						->capacity *
					p->weight;
		}
		n = counter_read(&pools.cached[i]);
		if (n != caps)
			ok = wrong("(all)", "a CPU's budget", n, caps);
	}
	return ok;
}

/* No reclaimer is about to trim what came back to a pool, or does.  (g) */
static bool at_rest(void *arg)
{
	bool rest = true;

	(void)arg;
	for (int i = 0; i < NR_GRACES; i++)
		rest = rest && !graces.grace[i].busy;
	lock_take(&pools.age, LOCK_AGE);
	list_for_each (l, &retires) {
		const struct retire *r = to_retire(l);

		if (!r->pool->ended &&
		    __atomic_load_n(&r->ripe, __ATOMIC_RELAXED))
			rest = false;
	}
	lock_give(&pools.age, LOCK_AGE);
	return rest;
}

/* Magazines in a reclaimer's hands are in no place where an audit looks. */
static void settle(void)
{
	percu_barrier();
	for (int i = 0; i < NR_GRACES && graces.grace[i].flavor; i++)
		grace_wait_for(&graces.grace[i], at_rest, NULL);
}

bool pools_hold(uint64_t out)
{
	uint64_t n = counter_read(&large_stats.mallocs) -
		     counter_read(&large_stats.frees);
	bool ok = true;

	settle();
	list_for_each (l, &pools.list)
		ok &= pool_holds(list_entry(l, struct percu_pool, pools), &n);
	ok &= budgets_hold();
	if (heap_check())
		ok = wrong("(heap)", "check", 1, 0);
	if (n != out)
		ok = wrong("(all)", "out", n, out);
	return ok;
}

/* CPUs. ------------------------------------------------------------------- */

static cpu_set_t all_cpus;

/* Before there are threads. */
__attribute__((constructor)) static void cpus_init(void)
{
	sched_getaffinity(0, sizeof(all_cpus), &all_cpus);
}

void pin(unsigned int nth)
{
	cpu_set_t one;

	nth %= (unsigned int)CPU_COUNT(&all_cpus);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &all_cpus) || nth--)
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		sched_setaffinity(0, sizeof(one), &one);
		return;
	}
}

void unpin(void)
{
	sched_setaffinity(0, sizeof(all_cpus), &all_cpus);
}

bool rseq_leave(void)
{
#if PERCU_HAS_RSEQ
	char *area = (char *)__builtin_thread_pointer() + __rseq_offset;

	if (!__rseq_size || !cpu_info.rseq)
		return false;
	for (unsigned int size = 32; size <= 256; size += 4)
		if (!syscall(SYS_rseq, area, size, RSEQ_FLAG_UNREGISTER,
			     RSEQ_SIG))
			return true;
#endif
	return false;
}

static bool rseq_works(void)
{
#if PERCU_HAS_RSEQ
	volatile int32_t *area;
	int cmds = (int)syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);

	area = (volatile int32_t *)((char *)__builtin_thread_pointer() +
				    __rseq_offset);
	return __rseq_size && area[1] >= 0 && cmds > 0 &&
	       cmds & MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ;
#else
	return false;
#endif
}

const char *mode_expected(void)
{
	const char *tunables = getenv("GLIBC_TUNABLES");
	const char *percu = getenv("PERCU");

	if ((tunables && strstr(tunables, "glibc.pthread.rseq=0")) ||
	    (percu && strstr(percu, "mode:lock")) || tool.tsan || !rseq_works())
		return "lock";
	return getauxval(27 /* AT_RSEQ_FEATURE_SIZE */) >= 28 ? "rseq/mm_cid" :
								"rseq/cpu_id";
}

/* This program again. ------------------------------------------------------ */

struct request {
	const char *percu, *what;
};

static void exec_self(void *arg)
{
	char self[4096] = "", option[64];
	const struct request *r = arg;
	char *argv[] = { self, option, NULL };

	snprintf(option, sizeof(option), "--%s", r->what);
	/* Under Valgrind the link itself leads to Valgrind. */
	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		_exit(1);
	setenv("PERCU", r->percu, 1);
	execv(self, argv);
	_exit(1);
}

int run_saying(const char *percu, const char *what, char *out, size_t outlen)
{
	struct request r = { percu, what };

	return check_fork(exec_self, &r, out, outlen);
}

bool run_again(const char *percu, const char *what)
{
	char out[2048];
	int status = run_saying(percu, what, out, sizeof(out));

	if (!status && !out[0])
		return true;
	printf("\n    PERCU=%s --%s: status %#x, said \"%s\"\n", percu, what,
	       (unsigned int)status, out);
	return false;
}

bool pools_again(int argc, char **argv, const struct again *agains)
{
	if (argc != 2)
		return false;
	for (; agains->what; agains++) {
		if (strncmp(argv[1], "--", 2) ||
		    strcmp(argv[1] + 2, agains->what))
			continue;
		agains->fn();
		return true;
	}
	return false;
}

/* Bytes. -------------------------------------------------------------------- */

void fill_bytes(void *p, size_t size, uint32_t seed)
{
	unsigned char *b = p;

	for (size_t i = 0; i < size; i++)
		b[i] = (unsigned char)(seed + i * 31 + (i >> 8));
}

bool bytes_hold(const void *p, size_t size, uint32_t seed)
{
	const unsigned char *b = p;

	for (size_t i = 0; i < size; i++)
		if (b[i] != (unsigned char)(seed + i * 31 + (i >> 8)))
			return false;
	return true;
}

bool bytes_zero(const void *p, size_t size)
{
	const unsigned char *b = p;

	return !size || (!b[0] && !memcmp(b, b + 1, size - 1));
}
