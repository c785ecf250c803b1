// SPDX-License-Identifier: MIT
/*
 * stress/chaos_host.c - the CPUs of the process, the time of day
 *
 * CPUs are taken away by a cpuset of our own that the whole process enters:
 * threads find themselves elsewhere, and what lies in the records of the CPUs
 * that are gone has to be had all the same.
 *
 * The time of day is moved for this process alone, by a clock_gettime() that
 * the program has in front of the C library's: percu and liburcu call it.  By
 * hours, back and forth.  The kernel's own clock stands as it is, and the
 * monotonic clock does not jump on any Linux.  Percu asks for the time of day
 * where the process ends, and nowhere else: so what waits for readers across
 * a jump is to wait as always, and its grace period to be no longer than
 * the clock on the wall says.
 */
#include <dlfcn.h>
#include <string.h>
#include <time.h>
#include "chaos.h"

enum {
	CPUSET_MS = 40,
	CLOCK_MS = 10,
	JUMP_S = 24 * 3600,
	MOMENT_S = 2,
};

/* CPUs. ---------------------------------------------------------------------- */

static struct {
	struct cgroup group;
	char all[256], one[16];
	bool entered;
} set;

static bool cpuset_make(char *why, size_t size)
{
	char mems[64];

	if (nr_cpus() < 2) {
		snprintf(why, size, "there is but one CPU");
		return false;
	}
	if (!cgroup_make(&set.group, "cpuset", why, size))
		return false;
	snprintf(set.one, sizeof(set.one), "%d", cpu_nth(0));
	set.entered = cgroup_read(set.group.home,
				  set.group.v2 ? "cpuset.cpus.effective" :
						 "cpuset.cpus",
				  set.all, sizeof(set.all)) &&
		      cgroup_read(set.group.home,
				  set.group.v2 ? "cpuset.mems.effective" :
						 "cpuset.mems",
				  mems, sizeof(mems)) &&
		      cgroup_write(&set.group, "cpuset.mems", mems) &&
		      cgroup_write(&set.group, "cpuset.cpus", set.all) &&
		      cgroup_enter(&set.group);
	if (!set.entered) {
		snprintf(why, size, "the group for CPUs takes none");
		cgroup_end(&set.group);
	}
	return set.entered;
}

void agent_cpuset(struct agent *a)
{
	char why[96];

	if (!cpuset_make(why, sizeof(why))) {
		fault_skip(FAULT_CPUSET, "%s", why);
		return;
	}
	do {
		if (cgroup_write(&set.group, "cpuset.cpus", set.one))
			fault_fired(FAULT_CPUSET, 1);
		chaos_goes_on(1 + rng_below(&a->rng, CPUSET_MS));
		cgroup_write(&set.group, "cpuset.cpus", set.all);
	} while (chaos_goes_on(1 + rng_below(&a->rng, CPUSET_MS)));
}

/* When no child is left in it. */
void cpuset_end(void)
{
	if (set.entered)
		cgroup_end(&set.group);
	set.entered = false;
}

/* The time of day. ----------------------------------------------------------- */

#if STRESS_SANITIZED

void agent_clock(struct agent *a)
{
	(void)a;
	fault_skip(FAULT_CLOCK, "a sanitizer has clock_gettime() already");
}

#else

static _Atomic int64_t jumped; /* s */

int clock_gettime(clockid_t clock, struct timespec *ts)
{
	static int (*_Atomic real)(clockid_t, struct timespec *);
	int (*call)(clockid_t, struct timespec *) = atomic_load(&real);
	int err;

	if (!call) {
		call = (int (*)(clockid_t, struct timespec *))dlsym(
			RTLD_NEXT, "clock_gettime");
		atomic_store(&real, call);
	}
	err = call(clock, ts);
	if (!err && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
		ts->tv_sec +=
			atomic_load_explicit(&jumped, memory_order_relaxed);
	return err;
}

/* It goes on for a moment meanwhile. */
static bool jump(int64_t to)
{
	int64_t by = to - atomic_load(&jumped), moved;
	struct timespec before, after;

	clock_gettime(CLOCK_REALTIME, &before);
	atomic_store(&jumped, to);
	clock_gettime(CLOCK_REALTIME, &after);
	moved = after.tv_sec - before.tv_sec;
	return by && moved >= by && moved <= by + MOMENT_S;
}

/* No grace period is longer than the time since the first could begin. */
static void grace_check(uint64_t born)
{
	struct percu_memstats ms;

	percu_memstats(&ms);
	if (break_now(BREAK_CLOCK))
		ms.grace_max_ns += JUMP_S * 1000000000ull;
	if (ms.grace_max_ns > now_ns() - born + MOMENT_S * 1000000000ull)
		fail("the time of day has jumped, and a grace period took %.1f s",
		     (double)ms.grace_max_ns / 1e9);
}

/* One grace period after the other, for the jumps to meet. */
static void *keep_retiring(void *arg)
{
	struct purse *pu = arg;

	while (chaos_goes_on(0)) {
		for (int i = 0; i < PURSE; i++)
			purse_round(pu);
		percu_pool_barrier(pu->pool);
	}
	purse_empty(pu);
	return NULL;
}

void agent_clock(struct agent *a)
{
	static uint64_t born; /* before anything was retired */
	struct purse pu = { .pool = purse_pool("chaos-clock"), .rng = a->rng };
	pthread_t retirer;

	born = born ? born : now_ns();
	thread_start(&retirer, keep_retiring, &pu);
	while (chaos_goes_on(1 + rng_below(&a->rng, CLOCK_MS))) {
		if (jump((int64_t)rng_below(&a->rng, 2 * JUMP_S) - JUMP_S))
			fault_fired(FAULT_CLOCK, 1);
		grace_check(born);
	}
	pthread_join(retirer, NULL);
	atomic_store(&jumped, 0);
	purse_audit(&pu);
}

#endif
