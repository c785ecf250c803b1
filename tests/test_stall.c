/* SPDX-License-Identifier: MIT */
/*
 * tests/test_stall.c - who holds a grace period back is named
 *
 * Laws: a grace period that is conf.stall old is reported, with the threads
 * that it waits for and what waits for them, by pool and by place; and again
 * whenever it is twice as old.  Whatever is in time is not.  Each case is a
 * program of its own, which says first what its line must say.
 */
#include <fcntl.h>
#include <percu/alloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pool/pool.h"
#include "sys/report.h"
#include "sys/tool.h"
#include "tests/check.h"
#include "tests/pools.h"
#include "tests/retire.h"

enum {
	MS = 1000, /* microseconds */
	TEXT = 4096,
};

static const struct flavor {
	const char *name;
	const struct rcu_flavor_struct *flavor;
} flavors[] = {
	{ "memb", &urcu_memb_flavor },
	{ "mb", &urcu_mb_flavor },
	{ "bp", &urcu_bp_flavor },
	{ "qsbr", &urcu_qsbr_flavor },
};

enum {
	NR_FLAVORS = sizeof(flavors) / sizeof(flavors[0])
};

/* What a line must say. */
struct want {
	char flavor[16], name[17], pool[32];
	int tid, nesting;
	unsigned long objects, bytes;
};

/*
 * One place, two magazines full; what is less waits in the record unseen, but
 * for a round that begins late, which takes it along.
 */
static void retire_two(struct percu_pool *p, const struct flavor *f)
{
	for (uint32_t i = 0; i < 2 * p->magazine + 1; i++)
		percu_pool_put_rcu_flavor(p, percu_pool_get(p), f->flavor);
}

/*
 * Until the grace period that waits in this flavor was told of n times: all but
 * the last have been written then.
 */
static void told(const struct rcu_flavor_struct *flavor, unsigned int n)
{
	unsigned int most = 0;

	while (most < n) {
		usleep(MS);
		lock_take(&graces.lock, LOCK_GRACE);
		for (int i = 0; i < NR_GRACES; i++)
			if (graces.grace[i].flavor == flavor)
				most = graces.grace[i].told;
		lock_give(&graces.lock, LOCK_GRACE);
	}
}

static void child_holds(const struct flavor *f)
{
	struct percu_pool *p = percu_pool_create(
		&(struct percu_pool_attr){ .name = "kept-long", .size = 64 });
	struct holder h = { .flavor = f->flavor, .name = "sleeper", .nest = 2 };

	pin(0);
	holder_begin(&h);
	dprintf(STDERR_FILENO, "%s sleeper kept-long %d %d %lu %lu\n", f->name,
		(int)h.tid, strcmp(f->name, "qsbr") ? 2 : 0, 2ul * p->magazine,
		2ul * p->magazine * p->weight);
	retire_two(p, f);
	told(f->flavor, 3);
	usleep(100 * MS); /* the third is being written; the fourth is far */
	holder_end(&h);
	percu_pool_barrier(p);
	/* It is over, and nothing is overdue. */
	dprintf(STDERR_FILENO, "end\n");
	usleep(250 * MS);
	child_must(!percu_pool_destroy(p));
}

#define HOLDS(flavor, n)                       \
	static void child_holds_##flavor(void) \
	{                                      \
		child_holds(&flavors[n]);      \
	}
HOLDS(memb, 0)
HOLDS(mb, 1)
HOLDS(bp, 2)
HOLDS(qsbr, 3)

/* left: the reader may have ended while this was written. */
static bool line_right(const char *line, const struct want *w, double *age,
		       bool left)
{
	unsigned long objects, bytes, pool_bytes, site, offset, nesting = 0;
	char flavor[16], name[17], pool[32], program[64], state;
	int tid, end = 0;

	if (sscanf(line,
		   "percu: stall: a grace period of %15s has waited %lf s for "
		   "thread %d (%16[^,], state %c%n",
		   flavor, age, &tid, name, &state, &end) != 5)
		return false;
	line += end;
	if (sscanf(line, ", nesting %lu%n", &nesting, &end) == 1)
		line += end;
	end = 0;
	if (sscanf(line,
		   "); behind it %lu objects, %lu bytes: pool %31s %lu bytes, "
		   "0x%lx (%63[^+]+0x%lx)%n",
		   &objects, &bytes, pool, &pool_bytes, &site, program, &offset,
		   &end) != 7 ||
	    line[end] != '\n')
		return false;
	return !strcmp(flavor, w->flavor) && tid == w->tid &&
	       (left || (!strcmp(name, w->name) && state == 'S')) &&
	       nesting == (unsigned long)w->nesting &&
	       (objects == w->objects || objects == w->objects + 1) &&
	       bytes == objects * (w->bytes / w->objects) &&
	       pool_bytes == bytes && !strcmp(pool, w->pool) &&
	       !strcmp(program, "test_stall");
}

static const char *next_line(const char *s)
{
	s = strchr(s, '\n');
	return s ? s + 1 : "";
}

static void named(const struct flavor *f)
{
	char what[32], out[TEXT];
	struct want w;
	const char *s = out;
	double age, least = 0.1;
	int n = 0;

	snprintf(what, sizeof(what), "holds-%s", f->name);
	CU_ASSERT_EQUAL(run_saying("stall:100", what, out, sizeof(out)), 0);
	if (strstr(out, "cannot be named") && tool_any()) {
		check_skip("the tool hides other threads' variables");
		return;
	}
	CU_ASSERT_EQUAL_FATAL(sscanf(out, "%15s %16s %31s %d %d %lu %lu",
				     w.flavor, w.name, w.pool, &w.tid,
				     &w.nesting, &w.objects, &w.bytes),
			      7);
	for (s = next_line(s); *s == 'p'; s = next_line(s)) {
		age = -1;
		/* The reader may have left while the last was written. */
		CU_ASSERT_TRUE(line_right(s, &w, &age, n >= 2));
		if (!line_right(s, &w, &age, n >= 2))
			printf("\n    %s", out);
		CU_ASSERT_TRUE(age >= least);
		least *= 2;
		n++;
	}
	/* At 100 and 200 ms, at least; at which age more may come is said above. */
	CU_ASSERT_TRUE(n >= 2);
	CU_ASSERT_PTR_NOT_NULL(strstr(s, "end\n"));
	/* What was being written when it was over; not more. */
	s = next_line(s);
	CU_ASSERT_TRUE(!*s ||
		       (line_right(s, &w, &age, true) && !*next_line(s)));
}

static void all_named(void)
{
	for (int i = 0; i < NR_FLAVORS; i++)
		named(&flavors[i]);
}

/* Three are named, and how many there are more; pools by their bytes. */
static void child_many(void)
{
	struct percu_pool *p[4];
	struct holder h[5];

	pin(0);
	for (int i = 0; i < 5; i++) {
		h[i] = (struct holder){ .flavor = &urcu_memb_flavor,
					.name = "one-of-five" };
		holder_begin(&h[i]);
	}
	for (int i = 0; i < 4; i++) {
		char name[] = "pool-0";

		name[5] = (char)('0' + i);
		p[i] = percu_pool_create(&(struct percu_pool_attr){
			.name = name, .size = 100u << i });
		retire_two(p[i], &flavors[0]);
	}
	told(&urcu_memb_flavor, 2);
	for (int i = 0; i < 5; i++)
		holder_end(&h[i]);
	for (int i = 0; i < 4; i++)
		child_must(!percu_pool_destroy(p[i]));
}

static unsigned int count(const char *s, const char *what)
{
	unsigned int n = 0;

	while ((s = strstr(s, what))) {
		s += strlen(what);
		n++;
	}
	return n;
}

static void many(void)
{
	char out[TEXT];

	CU_ASSERT_EQUAL(run_saying("stall:100", "many", out, sizeof(out)), 0);
	out[strcspn(out, "\n")] = '\0'; /* of maybe two */
	if (strstr(out, "cannot be named") && tool_any())
		return;
	CU_ASSERT_EQUAL(count(out, "(one-of-five, state S, nesting 1)"), 3);
	CU_ASSERT_EQUAL(count(out, " and 2 more; behind it"), 1);
	CU_ASSERT_EQUAL(count(out, "pool pool-"), 3);
	if (count(out, "pool pool-") != 3)
		printf("\n    %s", out);
}

/* The watch sleeps until a grace period is twice as old; another comes first. */
static void child_second(void)
{
	struct holder memb = { .flavor = &urcu_memb_flavor, .name = "first" };
	struct holder bp = { .flavor = &urcu_bp_flavor, .name = "second" };
	struct percu_pool *p = percu_pool_create(
		&(struct percu_pool_attr){ .name = "two", .size = 64 });

	holder_begin(&memb);
	retire_two(p, &flavors[0]);
	told(&urcu_memb_flavor, 4);
	usleep(100 * MS); /* the watch sleeps until 1600 */
	holder_begin(&bp);
	retire_two(p, &flavors[2]);
	told(&urcu_bp_flavor, 2);
	dprintf(STDERR_FILENO, "end\n");
	holder_end(&bp);
	holder_end(&memb);
	child_must(!percu_pool_destroy(p));
}

static void second(void)
{
	char out[TEXT], *end;

	CU_ASSERT_EQUAL(run_saying("stall:100", "second", out, sizeof(out)), 0);
	end = strstr(out, "end\n");
	CU_ASSERT_PTR_NOT_NULL_FATAL(end);
	*end = '\0';
	CU_ASSERT_TRUE(count(out, "a grace period of memb has waited") >= 2);
	CU_ASSERT_TRUE(count(out, "a grace period of bp has waited") >= 1);
	if (!count(out, "a grace period of bp has waited"))
		printf("\n    %s", out);
}

/* When the flavor's grace period under way began; 0: there is none. */
static uint64_t since_of(const struct rcu_flavor_struct *flavor)
{
	uint64_t since = 0;

	lock_take(&graces.lock, LOCK_GRACE);
	for (int i = 0; i < NR_GRACES; i++)
		if (graces.grace[i].flavor == flavor)
			since = graces.grace[i].since;
	lock_give(&graces.lock, LOCK_GRACE);
	return since;
}

/* A pipe as stderr into which nothing goes any more; its other end. */
static int stderr_full(void)
{
	int fds[2], flags;
	char fill[4096];

	memset(fill, '.', sizeof(fill));
	child_must(!pipe(fds));
	flags = fcntl(fds[1], F_GETFL);
	fcntl(fds[1], F_SETFL, flags | O_NONBLOCK);
	while (write(fds[1], fill, sizeof(fill)) > 0)
		;
	fcntl(fds[1], F_SETFL, flags);
	dup2(fds[1], STDERR_FILENO);
	report_init();
	return fds[0];
}

/* Until there was a line in it. */
static void stderr_empty(int fd)
{
	char c;

	while (read(fd, &c, 1) == 1 && c != '\n')
		;
}

/*
 * The watch has seen that nothing of memb is under way when it finds bp
 * overdue; while it writes of that, memb's grace period begins and bp's ends.
 */
static void child_meanwhile(void)
{
	struct holder memb = { .flavor = &urcu_memb_flavor, .name = "late" };
	struct holder bp = { .flavor = &urcu_bp_flavor, .name = "early" };
	struct percu_pool *p = percu_pool_create(
		&(struct percu_pool_attr){ .name = "both", .size = 64 });
	int fd;

	retire_two(p, &flavors[0]);
	percu_pool_barrier(p);
	child_must(graces.grace[0].flavor == &urcu_memb_flavor);
	fd = stderr_full();
	holder_begin(&bp);
	retire_two(p, &flavors[2]);
	told(&urcu_bp_flavor, 1);
	holder_begin(&memb);
	retire_two(p, &flavors[0]);
	while (!since_of(&urcu_memb_flavor))
		usleep(MS);
	holder_end(&bp);
	while (since_of(&urcu_bp_flavor))
		usleep(MS);
	stderr_empty(fd);
	told(&urcu_memb_flavor, 1); /* or the child's alarm goes off */
	stderr_empty(fd);
	holder_end(&memb);
	child_must(!percu_pool_destroy(p));
}

static void meanwhile(void)
{
	char out[TEXT];

	CU_ASSERT_EQUAL(run_saying("stall:100", "meanwhile", out, sizeof(out)),
			0);
}

/* Readers that come and go hold nothing back for long. */
static _Atomic bool stop;

static void *busy_reader(void *arg)
{
	(void)arg;
	urcu_memb_flavor.register_thread();
	while (!stop) {
		urcu_memb_flavor.read_lock();
		usleep(100);
		reader_leaves(&urcu_memb_flavor);
		urcu_memb_flavor.read_unlock();
	}
	urcu_memb_flavor.unregister_thread();
	return NULL;
}

static void child_in_time(void)
{
	struct percu_pool *p = percu_pool_create(
		&(struct percu_pool_attr){ .name = "in-time", .size = 64 });
	struct holder h = { .flavor = &urcu_bp_flavor };
	pthread_t id;

	/* A section however long, for which nothing waits. */
	holder_begin(&h);
	child_must(!pthread_create(&id, NULL, busy_reader, NULL));
	for (int i = 0; i < 100; i++) {
		retire_two(p, &flavors[0]);
		usleep(20 * MS);
	}
	stop = true;
	pthread_join(id, NULL);
	child_must(!percu_pool_destroy(p));
	holder_end(&h);
}

static void in_time(void)
{
	CU_ASSERT_TRUE(run_again("stall:1500", "in-time"));
}

/* The watch is there when there is something to watch, and if it is wanted. */
static void watch(unsigned int wanted)
{
	struct percu_pool *p = percu_pool_create(
		&(struct percu_pool_attr){ .name = "watched", .size = 64 });

	percu_pool_put(p, percu_pool_get(p));
	percu_pool_barrier(p);
	percu_age();
	child_must(!threads_named("percu-stall", NULL));
	percu_pool_put_rcu(p, percu_pool_get(p));
	percu_pool_barrier(p);
	child_must(threads_named("percu-stall", NULL) == wanted);
	child_must(!percu_pool_destroy(p));
}

static void child_watched(void)
{
	watch(1);
}

static void child_off(void)
{
	struct holder h = { .flavor = &urcu_bp_flavor };
	struct percu_pool *p;

	watch(0);
	p = percu_pool_create(
		&(struct percu_pool_attr){ .name = "off", .size = 64 });
	holder_begin(&h);
	retire_two(p, &flavors[2]);
	usleep(300 * MS);
	holder_end(&h);
	child_must(!percu_pool_destroy(p));
	child_must(!threads_named("percu-stall", NULL));
}

static void off(void)
{
	CU_ASSERT_TRUE(run_again("stall:5000", "watched"));
	CU_ASSERT_TRUE(run_again("stall:0", "off"));
}

static const struct again agains[] = {
	{ "holds-memb", child_holds_memb },
	{ "holds-mb", child_holds_mb },
	{ "holds-bp", child_holds_bp },
	{ "holds-qsbr", child_holds_qsbr },
	{ "many", child_many },
	{ "second", child_second },
	{ "meanwhile", child_meanwhile },
	{ "in-time", child_in_time },
	{ "watched", child_watched },
	{ "off", child_off },
	{ NULL, NULL },
};

static const CU_TestInfo tests[] = {
	{ "a reader of each flavor is named, with what waits for it",
	  all_named },
	{ "the first of many readers, the largest of many pools", many },
	{ "a second stall is not found too late", second },
	{ "nor one that begins while another is told of", meanwhile },
	{ "nothing is said of what is in time", in_time },
	{ "no watch before the first grace period, none with stall:0", off },
	CU_TEST_INFO_NULL
};

int main(int argc, char **argv)
{
	if (pools_again(argc, argv, agains))
		return 0;
	return check_main("stall", tests);
}
