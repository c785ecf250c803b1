// SPDX-License-Identifier: MIT
/*
 * stress/chaos_thread.c - short threads, moves, signals
 *
 * A restartable sequence is aborted when its thread is preempted, moved to
 * another CPU, or interrupted by a signal.  So threads are moved, and are
 * signalled at no moment of their own choosing; the handler gets and puts in
 * the middle of whatever they do.  A handler's get may be refused, and what
 * it put may wait in a parking place (Documentation/locking.md).
 *
 * Threads that come and go leave their CPU's records, and liburcu's list of
 * readers, to others in whatever state they are.
 */
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <urcu-bp.h>
#include "chaos.h"

enum {
	BATCH = 8,  /* short threads at once */
	SHORT = 24, /* rounds of one */
	MOVES = 4,  /* a tick */
	BURST = 8,  /* signals at once */
	BURST_NS = 200 * 1000,
	BLOCK = 72, /* bytes of a handler's own */
};

/* Short threads. ------------------------------------------------------------- */

static void *short_thread(void *arg)
{
	struct purse *pu = arg;

	for (int i = 0; i < SHORT; i++)
		purse_round(pu);
	rcu_read_lock();
	purse_round(pu);
	rcu_read_unlock();
	purse_empty(pu);
	return NULL;
}

void agent_exit(struct agent *a)
{
	struct purse sum = { .pool = purse_pool("chaos-exit") };
	struct purse pu[BATCH];
	pthread_t t[BATCH];

	while (chaos_goes_on(1)) {
		for (int i = 0; i < BATCH; i++) {
			pu[i] = (struct purse){ .pool = sum.pool,
						.rng = { rng_next(&a->rng) } };
			thread_start(&t[i], short_thread, &pu[i]);
		}
		for (int i = 0; i < BATCH; i++) {
			pthread_join(t[i], NULL);
			purse_add(&sum, &pu[i]);
		}
		fault_fired(FAULT_EXIT, BATCH);
	}
	purse_audit(&sum);
}

/* Moves. --------------------------------------------------------------------- */

/* One time in four the thread may again run anywhere. */
void agent_affinity(struct agent *a)
{
	if (nr_cpus() < 2) {
		fault_skip(FAULT_AFFINITY, "there is but one CPU");
		return;
	}
	while (chaos_goes_on(1)) {
		for (int i = 0; i < MOVES; i++) {
			int tid = thread_any(&a->rng);
			uint32_t cpu = rng_below(&a->rng, nr_cpus());

			if (tid &&
			    cpu_pin(tid,
				    rng_below(&a->rng, 4) ? cpu_nth(cpu) : -1))
				fault_fired(FAULT_AFFINITY, 1);
		}
	}
}

/* Signals. ------------------------------------------------------------------- */

struct handled {
	_Atomic uint32_t taken;
};

static struct percu_pool *handler_pool; /* constant while signals come */
static _Atomic uint64_t handler_got;

static void handle(void)
{
	struct handled *h = percu_pool_get(handler_pool);
	void *block = percu_alloc(BLOCK);

	if (block) {
		stamp(block, BLOCK, (uintptr_t)block);
		if (!stamp_holds(block, BLOCK, (uintptr_t)block))
			fail("a handler's block is somebody else's too");
		percu_free(block);
	}
	if (h) {
		atomic_fetch_add(&handler_got, 1);
		if (atomic_exchange(&h->taken, 1))
			fail("a handler got what somebody else has");
		atomic_store(&h->taken, 0);
		percu_pool_put(handler_pool, h);
	}
	fault_fired(FAULT_SIGNAL, 1);
}

/*
 * Between a fork's beginning and its end every get waits for it, and fork
 * waits for whoever is in malloc(): a handler that came in there would wait for
 * ever (Documentation/locking.md).  So there are no handlers then.  Both sides
 * say what they do before they look: one of them sees the other.
 */
static atomic_int handlers, forks;

void handlers_stop(void)
{
	atomic_fetch_add(&forks, 1);
	while (atomic_load(&handlers))
		sched_yield();
}

void handlers_start(void)
{
	atomic_fetch_sub(&forks, 1);
}

/* errno is the interrupted code's. */
static void on_signal(int sig)
{
	int saved = errno;

	(void)sig;
	atomic_fetch_add(&handlers, 1);
	if (!atomic_load(&forks))
		handle();
	atomic_fetch_sub(&handlers, 1);
	errno = saved;
}

static int handled_ctor(void *obj, void *arg)
{
	struct handled *h = obj;

	(void)arg;
	atomic_init(&h->taken, 0);
	return 0;
}

static void burst(struct rng *r, int sig)
{
	for (int i = 0; i < BURST; i++) {
		int tid = thread_any(r);

		if (tid)
			syscall(SYS_tgkill, getpid(), tid, sig);
	}
}

/* No thread is left in which a handler may run. */
void signal_end(void)
{
	struct purse sum = { .pool = handler_pool };
	void *p;

	signal(SIGUSR1, SIG_IGN); /* drops what is pending */
	/* A miss, so that what handlers have parked comes home. */
	calm_begin();
	percu_pool_shrink(handler_pool);
	p = must(percu_pool_get(handler_pool));
	percu_pool_put(handler_pool, p);
	calm_end();
	sum.got = handler_got + 1;
	sum.put = handler_got + 1;
	purse_audit(&sum);
}

void agent_signal(struct agent *a)
{
	const struct percu_pool_attr attr = { .name = "chaos-signal",
					      .size = sizeof(struct handled),
					      .ctor = handled_ctor };
	struct sigaction sa = { .sa_handler = on_signal,
				.sa_flags = SA_RESTART | SA_ONSTACK };
	const struct timespec pause = { 0, BURST_NS };

	handler_pool = must(percu_pool_create(&attr));
	atomic_store(&handler_got, 0);
	sigemptyset(&sa.sa_mask);
	sigaction(SIGUSR1, &sa, NULL);
	while (chaos_goes_on(0)) {
		burst(&a->rng, SIGUSR1);
		nanosleep(&pause, NULL);
	}
}
