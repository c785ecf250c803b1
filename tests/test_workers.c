/* SPDX-License-Identifier: MIT */
/*
 * tests/test_workers.c - how workers of the stress tool wait for each other
 *
 * Channels are Go's: what is sent is received once, in order; a closed channel
 * gives what is left in it, and then says so; a select takes each of the cases
 * that are ready equally often.  Sleepers wake in order, and a group waits for
 * all.  Each law is tried alone (see crew.h), and on several threads.
 */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "tests/check.h"
#include "tests/crew.h"

/* Channels. ------------------------------------------------------------------- */

struct line {
	struct chan *c;
	uintptr_t n, lead, wrong;
	_Atomic uintptr_t sent, got;
	bool closed;
};

static void line_send(void *arg)
{
	struct line *l = arg;

	for (uintptr_t i = 1; i <= l->n; i++) {
		chan_send(l->c, as_p(i));
		l->sent = i;
		if (i - l->got > l->lead)
			l->lead = i - l->got;
	}
	chan_close(l->c);
}

static void line_recv(void *arg)
{
	struct line *l = arg;
	void *p;

	while (chan_recv(l->c, &p))
		l->wrong += (uintptr_t)p != ++l->got;
	l->closed = !p;
}

static void line_run(unsigned int threads, size_t room, struct line *l)
{
	struct sched *s = crew(threads, check_seed());

	*l = (struct line){ .c = chan_new("line", room),
			    .n = check_short() ? 300 : 3000 };
	sched_go(s, line_send, l, "send", 0);
	sched_go(s, line_recv, l, "recv", 0);
	CU_ASSERT_EQUAL(crew_end(s, NULL), 0);
	chan_free(l->c);
	CU_ASSERT_EQUAL(l->got, l->n);
	CU_ASSERT_EQUAL(l->wrong, 0);
	CU_ASSERT_TRUE(l->closed);
}

static void test_fifo(void)
{
	for (size_t room = 0; room < 9; room += 1 + room) {
		struct line l;

		line_run(1, room, &l);
		/* What is in the ring, in a receiver's hand, or just sent. */
		CU_ASSERT_TRUE(l.lead >= room && l.lead <= room + 2);
		line_run(THREADS, room, &l);
	}
}

/* Senders that wait are served in the order in which they came. */
static struct {
	struct chan *c;
	uintptr_t sent, got;
} row;

static void row_send(void *arg)
{
	(void)arg;
	for (int i = 0; i < 100; i++) {
		chan_send(row.c, as_p(++row.sent));
		if (!worker_draw(4))
			worker_yield();
	}
}

static void row_recv(void *arg)
{
	void *p;

	(void)arg;
	for (int i = 0; i < 500; i++) {
		chan_recv(row.c, &p);
		CU_ASSERT_EQUAL((uintptr_t)p, ++row.got);
		if (worker_draw(2))
			worker_yield();
	}
}

static void test_row(void)
{
	for (size_t room = 0; room < 4; room++) {
		struct sched *s = crew(1, check_seed());

		row.c = chan_new("row", room);
		row.sent = row.got = 0;
		for (unsigned int i = 0; i < 5; i++)
			sched_go(s, row_send, NULL, "send", i);
		sched_go(s, row_recv, NULL, "recv", 0);
		CU_ASSERT_EQUAL(crew_end(s, NULL), 0);
		chan_free(row.c);
	}
}

static void close_first(void *arg)
{
	struct chan *c = arg;
	void *p;

	chan_send(c, as_p(1));
	chan_send(c, as_p(2));
	chan_close(c);
	CU_ASSERT_TRUE(chan_recv(c, &p) && p == as_p(1));
	CU_ASSERT_EQUAL(chan_len(c), 1);
	CU_ASSERT_TRUE(chan_recv(c, &p) && p == as_p(2));
	CU_ASSERT_TRUE(!chan_recv(c, &p) && !p);
	CU_ASSERT_TRUE(!chan_recv(c, &p) && !p);
}

static int woken;

static void close_wait(void *arg)
{
	void *p;

	if (!chan_recv(arg, &p))
		woken++;
}

static void close_later(void *arg)
{
	worker_sleep(1000);
	chan_close(arg);
}

static void test_close(void)
{
	struct chan *c = chan_new("closed", 2), *d = chan_new("woken", 1);
	struct sched *s = crew(1, 1);

	woken = 0;
	sched_go(s, close_first, c, "first", 0);
	for (unsigned int i = 0; i < 5; i++)
		sched_go(s, close_wait, d, "wait", i);
	sched_go(s, close_later, d, "later", 0);
	CU_ASSERT_EQUAL(crew_end(s, NULL), 0);
	CU_ASSERT_EQUAL(woken, 5);
	chan_free(c);
	chan_free(d);
}

/* Many to many: each number once. */
struct crowd {
	struct chan *c[4];
	struct group *senders;
	unsigned int nr, each;
	_Atomic uint64_t sum, got, selected;
};

static void crowd_send(void *arg)
{
	struct crowd *cr = arg;

	for (unsigned int i = 1; i <= cr->each; i++) {
		struct chan_case k[4];

		for (int n = 0; n < 4; n++)
			k[n] = (struct chan_case){ .c = cr->c[n],
						   .how = CHAN_SEND,
						   .p = as_p(i) };
		if (worker_draw(2))
			chan_select(k, 4, true);
		else
			chan_send(cr->c[worker_draw(4)], as_p(i));
		if (!worker_draw(8))
			worker_yield();
	}
	group_done(cr->senders);
}

static void crowd_recv(void *arg)
{
	struct crowd *cr = arg;
	struct chan_case k[4];
	int open = 4;

	for (int n = 0; n < 4; n++)
		k[n] = (struct chan_case){ .c = cr->c[n], .how = CHAN_RECV };
	while (open) {
		int n = chan_select(k, 4, true);

		if (!k[n].ok) {
			k[n].c = NULL;
			open--;
			continue;
		}
		atomic_fetch_add(&cr->sum, (uintptr_t)k[n].p);
		atomic_fetch_add(&cr->got, 1);
	}
}

static void crowd_close(void *arg)
{
	struct crowd *cr = arg;

	group_wait(cr->senders);
	for (int n = 0; n < 4; n++)
		chan_close(cr->c[n]);
}

static void crowd_run(unsigned int threads)
{
	struct crowd cr = { .nr = check_short() ? 20 : 100, .each = 50 };
	struct sched *s = crew(threads, check_seed());

	cr.senders = group_new("senders");
	group_add(cr.senders, cr.nr);
	for (size_t n = 0; n < 4; n++)
		cr.c[n] = chan_new("crowd", n);
	for (unsigned int i = 0; i < cr.nr; i++) {
		sched_go(s, crowd_send, &cr, "send", i);
		if (i % 2)
			sched_go(s, crowd_recv, &cr, "recv", i);
	}
	sched_go(s, crowd_close, &cr, "close", 0);
	CU_ASSERT_EQUAL(crew_end(s, NULL), 0);
	CU_ASSERT_EQUAL(cr.got, cr.nr * cr.each);
	CU_ASSERT_EQUAL(cr.sum, (uint64_t)cr.nr * cr.each * (cr.each + 1) / 2);
	for (size_t n = 0; n < 4; n++)
		chan_free(cr.c[n]);
	group_free(cr.senders);
}

/*
 * A select is served at one channel while another of its channels is closed:
 * it is woken once, and where it waits next it waits.
 */
struct served {
	struct chan *closed, *other, *later;
	_Atomic uint64_t early;
};

static void served_receive(void *arg)
{
	struct served *sv = arg;
	void *p;

	chan_recv(sv->closed, &p);
}

static void served_select(void *arg)
{
	struct served *sv = arg;
	struct chan_case k[2] = { { .c = sv->closed, .how = CHAN_RECV },
				  { .c = sv->other, .how = CHAN_RECV } };
	void *p;

	chan_select(k, 2, true);
	if (!chan_recv(sv->later, &p) || p != as_p(7))
		atomic_fetch_add(&sv->early, 1);
}

static void served_close(void *arg)
{
	struct served *sv = arg;

	for (int i = 0; i < 4; i++)
		worker_yield(); /* most often they wait by now */
	chan_send(sv->other, as_p(1));
	chan_close(sv->closed);
	for (int i = 0; i < 4; i++)
		worker_yield();
	chan_send(sv->later, as_p(7));
}

enum {
	SETS = 4,
	RECEIVERS = 200, /* that wait before the select, and are woken first */
};

static void served_go(struct sched *s, struct served *sv, unsigned int nth)
{
	*sv = (struct served){ .closed = chan_new("closed", 0),
			       .other = chan_new("other", 1),
			       .later = chan_new("later", 1) };
	for (unsigned int i = 0; i < RECEIVERS; i++)
		sched_go(s, served_receive, sv, "receive", i);
	sched_go(s, served_select, sv, "select", nth);
	sched_go(s, served_close, sv, "close", nth);
}

static void test_served(void)
{
	struct served sv[SETS];
	uint64_t early = 0;

	for (int round = check_short() ? 140 : 0; round < 150; round++) {
		const struct sched_attr attr = { .threads = THREADS,
						 .seed = check_seed(),
						 .scatter = 1 };
		struct sched *s = sched_new(&attr);

		for (unsigned int i = 0; i < SETS; i++)
			served_go(s, &sv[i], i);
		CU_ASSERT_EQUAL(crew_end(s, NULL), 0);
		for (unsigned int i = 0; i < SETS; i++) {
			early += sv[i].early;
			chan_free(sv[i].closed);
			chan_free(sv[i].other);
			chan_free(sv[i].later);
		}
	}
	CU_ASSERT_EQUAL(early, 0);
}

static void test_crowd(void)
{
	crowd_run(1);
	crowd_run(THREADS);
}

static void select_fair(void *arg)
{
	unsigned int *took = arg;
	struct chan_case k[4];

	for (int n = 0; n < 4; n++)
		k[n] = (struct chan_case){ .c = chan_new("ready", 2),
					   .how = n % 2 ? CHAN_SEND :
							  CHAN_RECV };
	for (int i = 0; i < 4000; i++) {
		int n;

		for (n = 0; n < 4; n += 2)
			if (!chan_len(k[n].c))
				chan_send(k[n].c, NULL);
		n = chan_select(k, 4, false);
		CU_ASSERT_TRUE(n >= 0 && k[n].ok);
		took[n]++;
		if (n % 2) {
			void *p;

			chan_recv(k[n].c, &p);
		}
	}
	for (int n = 0; n < 4; n++)
		chan_free(k[n].c);
}

static void select_none(void *arg)
{
	struct chan *c = chan_new("empty", 1);
	struct chan_case k[2] = { { .c = c, .how = CHAN_RECV },
				  { .c = NULL, .how = CHAN_SEND } };

	(void)arg;
	CU_ASSERT_EQUAL(chan_select(k, 2, false), -1);
	chan_send(c, as_p(7));
	CU_ASSERT_EQUAL(chan_select(k, 2, true), 0);
	CU_ASSERT_TRUE(k[0].ok && k[0].p == as_p(7));
	chan_close(c);
	CU_ASSERT_EQUAL(chan_select(k, 2, true), 0);
	CU_ASSERT_TRUE(!k[0].ok && !k[0].p);
	chan_free(c);
}

static void test_select(void)
{
	unsigned int took[4] = { 0 };
	struct sched *s = crew(1, check_seed());

	sched_go(s, select_fair, took, "fair", 0);
	sched_go(s, select_none, NULL, "none", 0);
	CU_ASSERT_EQUAL(crew_end(s, NULL), 0);
	/* 1000 each, give or take five standard deviations. */
	for (int n = 0; n < 4; n++)
		CU_ASSERT_TRUE(took[n] > 860 && took[n] < 1140);
}

/* Time, descriptors, groups. ---------------------------------------------------- */

static struct {
	uint64_t asked[64], woke[64], late;
	_Atomic unsigned int nr;
} nap;

static void nap_take(void *arg)
{
	uint64_t ns = (uintptr_t)arg, start = worker_now();
	unsigned int i;

	worker_sleep(ns);
	i = atomic_fetch_add(&nap.nr, 1);
	nap.asked[i] = ns;
	nap.woke[i] = worker_now() - start;
}

static void test_sleep(void)
{
	struct sched *s = crew(1, check_seed());
	uint64_t last = 0;

	atomic_store(&nap.nr, 0);
	for (uintptr_t i = 0; i < 64; i++)
		sched_go(s, nap_take, as_p((i * 37 % 64) * 1000000000 + 1),
			 "nap", i);
	CU_ASSERT_EQUAL(crew_end(s, NULL), 0); /* a minute, and yet at once */
	for (int i = 0; i < 64; i++) {
		CU_ASSERT_TRUE(nap.asked[i] > last);
		CU_ASSERT_TRUE(nap.woke[i] >= nap.asked[i] &&
			       nap.woke[i] < nap.asked[i] + 10000000);
		last = nap.asked[i];
	}
}

static void test_sleep_threads(void)
{
	struct sched *s = crew(THREADS, check_seed());

	atomic_store(&nap.nr, 0);
	for (uintptr_t i = 0; i < 64; i++)
		sched_go(s, nap_take, as_p(i % 16 * 1000000), "nap", i);
	CU_ASSERT_EQUAL(crew_end(s, NULL), 0);
	CU_ASSERT_EQUAL(nap.nr, 64);
	for (int i = 0; i < 64; i++)
		CU_ASSERT_TRUE(nap.woke[i] >= nap.asked[i]);
}

static int fds[2];

static void fd_read(void *arg)
{
	unsigned int *sum = arg;
	unsigned char c;

	while (*sum < 100) {
		while (read(fds[0], &c, 1) < 1)
			if (worker_wait_fd(fds[0], EPOLLIN))
				return;
		*sum += c;
	}
	/* A file is always ready, and epoll says so. */
	if (worker_wait_fd(open("/dev/null", 0), EPOLLIN) == -EPERM)
		*sum += 1000;
}

static void fd_write(void *arg)
{
	(void)arg;
	for (unsigned char i = 0; i < 10; i++) {
		const unsigned char ten = 10;

		worker_sleep(1000000);
		if (write(fds[1], &ten, 1) != 1)
			abort();
	}
}

static void fd_run(unsigned int threads)
{
	struct sched *s = crew(threads, check_seed());
	unsigned int sum = 0;

	CU_ASSERT_EQUAL_FATAL(pipe2(fds, O_NONBLOCK), 0);
	sched_go(s, fd_read, &sum, "read", 0);
	sched_go(s, fd_write, NULL, "write", 0);
	CU_ASSERT_EQUAL(crew_end(s, NULL), 0);
	CU_ASSERT_EQUAL(sum, 1100);
	close(fds[0]);
	close(fds[1]);
}

static void test_fds(void)
{
	fd_run(1);
	fd_run(THREADS);
}

static struct {
	struct group *g;
	_Atomic unsigned int done, early;
} team;

static void team_work(void *arg)
{
	(void)arg;
	worker_sleep(worker_draw(1000));
	atomic_fetch_add(&team.done, 1);
	group_done(team.g);
}

static void team_wait(void *arg)
{
	unsigned int all = (unsigned int)(uintptr_t)arg;

	group_wait(team.g);
	if (atomic_load(&team.done) != all)
		atomic_fetch_add(&team.early, 1);
}

static void team_lead(void *arg)
{
	group_add(team.g, 50);
	for (unsigned int i = 0; i < 50; i++)
		worker_go(team_work, NULL, "work", i);
	for (unsigned int i = 0; i < 3; i++)
		worker_go(team_wait, arg, "wait", i);
	team_wait(arg);
}

static void test_group(void)
{
	for (unsigned int threads = 1; threads <= THREADS; threads += 3) {
		struct sched *s = crew(threads, check_seed());

		team.g = group_new("team");
		team.done = team.early = 0;
		sched_go(s, team_lead, as_p(50), "lead", 0);
		CU_ASSERT_EQUAL(crew_end(s, NULL), 0);
		CU_ASSERT_EQUAL(team.done, 50);
		CU_ASSERT_EQUAL(team.early, 0);
		group_free(team.g);
	}
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		{ "a channel keeps order, whatever its room", test_fifo },
		{ "who waits first is served first", test_row },
		{ "a closed channel gives what is left", test_close },
		{ "many send and receive each number once", test_crowd },
		{ "a select is woken once, whoever closes", test_served },
		{ "a select is fair, and need not wait", test_select },
		{ "sleepers wake in order", test_sleep },
		{ "sleepers sleep long enough", test_sleep_threads },
		{ "a worker waits for a descriptor", test_fds },
		{ "a group waits for all", test_group },
		CU_TEST_INFO_NULL
	};

	return check_main("workers", tests);
}
