/* SPDX-License-Identifier: MIT */
/* tests/retire.c - what the tests of retirement share */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "rcu/grace.h"
#include "sys/os.h"
#include "sys/tool.h"
#include "tests/check.h"
#include "tests/pools.h"
#include "tests/retire.h"

struct percu_pool *pool_of(const struct percu_pool_attr *attr)
{
	struct percu_pool *p = percu_pool_create(attr);

	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	return p;
}

void *got(struct percu_pool *p)
{
	void *obj = percu_pool_get(p);

	CU_ASSERT_PTR_NOT_NULL_FATAL(obj);
	return obj;
}

void get_many(struct percu_pool *p, void **objs, size_t n)
{
	CU_ASSERT_EQUAL_FATAL(percu_pool_get_bulk(p, objs, n), n);
}

bool is_among(void *const *objs, size_t n, const void *obj)
{
	while (n)
		if (objs[--n] == obj)
			return true;
	return false;
}

void get_back(struct percu_pool *p, void *obj)
{
	void *objs[500];
	uint64_t n = stats_of(p).cached;

	CU_ASSERT_FATAL(n && n <= sizeof(objs) / sizeof(*objs));
	get_many(p, objs, n);
	CU_ASSERT_TRUE_FATAL(is_among(objs, n, obj));
	for (size_t i = 0; i < n; i++)
		if (objs[i] != obj)
			percu_pool_put(p, objs[i]);
}

bool stats_are(struct percu_pool *p, uint64_t gets, uint64_t puts,
	       uint64_t puts_rcu, uint64_t deferred)
{
	struct percu_pool_stats st = stats_of(p);
	bool ok = st.gets == gets && st.puts == puts &&
		  st.puts_rcu == puts_rcu && st.deferred == deferred &&
		  st.outstanding == gets - puts - puts_rcu &&
		  st.cached ==
			  st.created - st.destroyed - st.outstanding - deferred;

	if (!ok)
		printf("\n    gets %llu, puts %llu, puts_rcu %llu, deferred %llu, out %llu, cached %llu ",
		       (unsigned long long)st.gets, (unsigned long long)st.puts,
		       (unsigned long long)st.puts_rcu,
		       (unsigned long long)st.deferred,
		       (unsigned long long)st.outstanding,
		       (unsigned long long)st.cached);
	return ok;
}

struct holder held_back(void)
{
	return (struct holder){ .flavor = &urcu_bp_flavor };
}

uint64_t round_since(void)
{
	uint64_t since = 0;

	lock_take(&graces.lock, LOCK_GRACE);
	for (int i = 0; i < NR_GRACES; i++)
		if (graces.grace[i].since)
			since = graces.grace[i].since;
	lock_give(&graces.lock, LOCK_GRACE);
	return since;
}

void reader_leaves(const struct rcu_flavor_struct *flavor)
{
	tool_release((void *)(uintptr_t)flavor->update_synchronize_rcu);
}

static void *holder_thread(void *arg)
{
	struct holder *h = arg;
	const struct rcu_flavor_struct *f = h->flavor;
	int nest = h->nest ? h->nest : 1;

	h->tid = (pid_t)syscall(SYS_gettid);
	if (h->name)
		pthread_setname_np(pthread_self(), h->name);
	f->register_thread();
	for (int i = 0; i < nest; i++)
		f->read_lock();
	sem_post(&h->holds);
	while (sem_wait(&h->leave))
		;
	h->well = !h->obj || bytes_hold(h->obj, h->size, h->seed);
	reader_leaves(f);
	for (int i = 0; i < nest; i++)
		f->read_unlock();
	f->read_quiescent_state();
	f->unregister_thread();
	return NULL;
}

void holder_begin(struct holder *h)
{
	sem_init(&h->holds, 0, 0);
	sem_init(&h->leave, 0, 0);
	if (pthread_create(&h->id, NULL, holder_thread, h))
		abort();
	while (sem_wait(&h->holds))
		;
}

bool holder_end(struct holder *h)
{
	sem_post(&h->leave);
	pthread_join(h->id, NULL);
	sem_destroy(&h->holds);
	sem_destroy(&h->leave);
	return h->well;
}

char thread_state(pid_t tid)
{
	char path[64], text[512], *p;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)tid);
	n = os_read_file(path, text, sizeof(text));
	p = n > 0 ? strrchr(text, ')') : NULL;
	return p && p[1] == ' ' ? p[2] : 0;
}

/* Counts the threads, those of that name if there is one. */
static unsigned int count_threads(const char *name, pid_t *tid)
{
	char path[300], text[64];
	unsigned int n = 0;
	struct dirent *e;
	DIR *dir = opendir("/proc/self/task");

	while (dir && (e = readdir(dir))) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/proc/self/task/%s/comm",
			 e->d_name);
		if (os_read_file(path, text, sizeof(text)) <= 0)
			continue;
		text[strcspn(text, "\n")] = '\0';
		if (name && strcmp(text, name) != 0)
			continue;
		n++;
		if (tid)
			*tid = atoi(e->d_name);
	}
	if (dir)
		closedir(dir);
	return n;
}

unsigned int threads_named(const char *name, pid_t *tid)
{
	return count_threads(name, tid);
}

unsigned int nr_threads(void)
{
	return count_threads(NULL, NULL);
}

static void *call_thread(void *arg)
{
	struct call *c = arg;

	c->tid = (pid_t)syscall(SYS_gettid);
	sem_post(&c->begins);
	c->fn(c->arg);
	c->returned = true;
	return NULL;
}

void call_begin(struct call *c, void (*fn)(void *arg), void *arg)
{
	c->fn = fn;
	c->arg = arg;
	c->returned = false;
	sem_init(&c->begins, 0, 0);
	if (pthread_create(&c->id, NULL, call_thread, c))
		abort();
	while (sem_wait(&c->begins))
		;
}

bool call_waits(struct call *c)
{
	int asleep = 0;

	for (int i = 0; i < 10000 && asleep < 30; i++) {
		if (c->returned)
			return false;
		usleep(1000);
		asleep = thread_state(c->tid) == 'S' ? asleep + 1 : 0;
	}
	return asleep == 30 && !c->returned;
}

void call_end(struct call *c)
{
	pthread_join(c->id, NULL);
	sem_destroy(&c->begins);
}
