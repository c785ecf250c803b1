/* SPDX-License-Identifier: MIT */
/*
 * rcu/readers.c - which threads hold a grace period back
 *
 * liburcu keeps its list of readers to itself.  But each reader's state is a
 * thread-local variable with a name, and a grace period's phase is a global
 * one with a name, so all that is missing is where another thread's variables
 * are.  The kernel tells: get_robust_list() of any thread of this process is
 * an address inside its thread descriptor, at the same distance from its start
 * in every thread.  So
 *
 *	descriptor(tid) = robust_list(tid) - robust_list(self) + self
 *	reader(tid)     = descriptor(tid) + (reader(self) - self)
 *
 * which holds for variables in static TLS, where the libraries are that a
 * program was started with.  What lies at that address is a reader only if it
 * says so: liburcu writes the thread's descriptor into it.  The thread may end
 * meanwhile, so it is read through the kernel, which reports what is not there.
 *
 * Readers pay nothing for this and do not notice.
 *
 * Words: self (this thread's descriptor, pthread_self()), word (reader.ctr).
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "rcu/readers.h"

/* For what a reader and a phase look like; no code of liburcu's is used. */
#define _LGPL_SOURCE
#include <urcu/static/urcu-bp.h>
#include <urcu/static/urcu-common.h>
#include <urcu/static/urcu-qsbr.h>
#include <urcu/flavor.h>

#include "sys/os.h"

enum kind {
	KIND_PLAIN, /* memb, mb, signal */
	KIND_BP,    /* the variable is a pointer */
	KIND_QSBR,
};

static const struct kinds {
	const char *name, *symbol;
	enum kind kind;
} kinds[] = {
	{ "memb", "urcu_memb", KIND_PLAIN },
	{ "mb", "urcu_mb", KIND_PLAIN },
	{ "signal", "urcu_signal", KIND_PLAIN },
	{ "bp", "urcu_bp", KIND_BP },
	{ "qsbr", "urcu_qsbr", KIND_QSBR },
};

static const struct kinds *kind_of(const struct rcu_flavor_struct *flavor)
{
	void *fn = (void *)(uintptr_t)flavor->update_synchronize_rcu;
	char symbol[64];
	Dl_info info;

	if (!dladdr(fn, &info) || !info.dli_sname)
		return NULL;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		snprintf(symbol, sizeof(symbol), "%s_synchronize_rcu",
			 kinds[i].symbol);
		if (!strcmp(symbol, info.dli_sname))
			return &kinds[i];
	}
	return NULL;
}

const char *flavor_name(const struct rcu_flavor_struct *flavor)
{
	const struct kinds *k = kind_of(flavor);

	return k ? k->name : "?";
}

/* What is needed to find and to read any thread's reader. */
struct search {
	enum kind kind;
	uintptr_t self;
	intptr_t robust; /* from descriptor to robust list */
	intptr_t reader; /* from descriptor to the variable */
	unsigned long phase;
};

static uintptr_t robust_list(pid_t tid)
{
	void *head;
	size_t len;

	if (syscall(SYS_get_robust_list, tid, &head, &len))
		return 0;
	return (uintptr_t)head;
}

static void *symbol_of(const struct kinds *k, const char *what)
{
	char symbol[64];

	snprintf(symbol, sizeof(symbol), "%s_%s", k->symbol, what);
	return dlsym(RTLD_DEFAULT, symbol);
}

static bool search_begin(struct search *s, const struct kinds *k)
{
	char *reader = symbol_of(k, "reader");
	unsigned long *gp = symbol_of(k, "gp"); /* its first member is ctr */
	uintptr_t robust = robust_list(0);

	if (!reader || !gp || !robust)
		return false;
	s->kind = k->kind;
	s->self = (uintptr_t)pthread_self();
	s->robust = (intptr_t)(robust - s->self);
	s->reader = (intptr_t)((uintptr_t)reader - s->self);
	s->phase = __atomic_load_n(gp, __ATOMIC_RELAXED);
	return true;
}

static bool peek(uintptr_t from, void *to, size_t n)
{
	struct iovec local = { to, n }, remote = { (void *)from, n };

	return process_vm_readv(getpid(), &local, 1, &remote, 1, 0) ==
	       (ssize_t)n;
}

/* The word of the thread with this descriptor; false: it is no reader. */
static bool word_of(const struct search *s, uintptr_t thread,
		    unsigned long *word)
{
	uintptr_t at = thread + (uintptr_t)s->reader;
	union {
		struct urcu_reader plain;
		struct urcu_bp_reader bp;
		struct urcu_qsbr_reader qsbr;
	} u;

	switch (s->kind) {
	case KIND_PLAIN:
		*word = 0;
		if (!peek(at, &u.plain, sizeof(u.plain)))
			return false;
		*word = u.plain.ctr;
		return (uintptr_t)u.plain.tid == thread;
	case KIND_BP:
		if (!peek(at, &at, sizeof(at)) ||
		    !peek(at, &u.bp, sizeof(u.bp)))
			return false;
		*word = u.bp.ctr;
		return (uintptr_t)u.bp.tid == thread;
	case KIND_QSBR:
		if (!peek(at, &u.qsbr, sizeof(u.qsbr)))
			return false;
		*word = u.qsbr.ctr;
		return (uintptr_t)u.qsbr.tid == thread;
	}
	return false;
}

/* As synchronize_rcu() sees it: an old reader, which must be waited for. */
static bool holds_back(const struct search *s, unsigned long word)
{
	if (s->kind == KIND_QSBR)
		return word && word != s->phase;
	return word & URCU_GP_CTR_NEST_MASK &&
	       (word ^ s->phase) & URCU_GP_CTR_PHASE;
}

static void describe(const struct search *s, pid_t tid, unsigned long word,
		     struct reader *r)
{
	char path[64], text[512];
	const char *p;
	ssize_t n;

	*r = (struct reader){ .tid = tid, .name = "?", .state = '?' };
	if (s->kind != KIND_QSBR)
		r->nested = word & URCU_GP_CTR_NEST_MASK;
	snprintf(path, sizeof(path), "/proc/self/task/%d/comm", (int)tid);
	n = os_read_file(path, text, sizeof(text));
	if (n > 1)
		snprintf(r->name, sizeof(r->name), "%.*s", (int)n - 1, text);
	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)tid);
	n = os_read_file(path, text, sizeof(text));
	/* "tid (name) state ...", and a name may hold anything */
	p = n > 0 ? strrchr(text, ')') : NULL;
	if (p && p[1] == ' ' && p[2])
		r->state = p[2];
}

int readers_find(const struct rcu_flavor_struct *flavor, struct reader *r,
		 int max)
{
	const struct kinds *k = kind_of(flavor);
	struct dirent *e;
	struct search s;
	int n = 0;
	DIR *dir;

	if (!k || !search_begin(&s, k))
		return -ENOENT;
	dir = opendir("/proc/self/task");
	if (!dir)
		return -errno;
	while ((e = readdir(dir))) {
		pid_t tid = (pid_t)atoi(e->d_name);
		uintptr_t robust = tid > 0 ? robust_list(tid) : 0;
		unsigned long word;

		if (!robust ||
		    !word_of(&s, robust - (uintptr_t)s.robust, &word) ||
		    !holds_back(&s, word))
			continue;
		if (n < max)
			describe(&s, tid, word, &r[n]);
		n++;
	}
	closedir(dir);
	return n;
}

/*
 * What is known of a flavor, once it was looked up.  Filled in before flavor is
 * stored; two threads may look up the same one and take two places.
 */
static struct known {
	const struct rcu_flavor_struct *flavor; /* (a) NULL: free */
	bool found;
	struct search search;
} known[8];

static uint32_t nr_known; /* (a) */

static const struct known *known_find(const struct rcu_flavor_struct *flavor)
{
	const struct kinds *k;
	uint32_t i;

	/* Acquire: pairs with the release below. */
	for (i = 0; i < 8; i++)
		if (__atomic_load_n(&known[i].flavor, __ATOMIC_ACQUIRE) ==
		    flavor)
			return &known[i];
	k = kind_of(flavor);
	i = __atomic_fetch_add(&nr_known, 1, __ATOMIC_RELAXED);
	if (i >= 8)
		return NULL;
	known[i].found = k && search_begin(&known[i].search, k);
	__atomic_store_n(&known[i].flavor, flavor, __ATOMIC_RELEASE);
	return &known[i];
}

bool reader_registered(const struct rcu_flavor_struct *flavor)
{
	const struct known *k = known_find(flavor);
	uintptr_t self = (uintptr_t)pthread_self(), at;

	if (!k || !k->found || k->search.kind == KIND_BP)
		return true;
	/* The caller's own variable: it is there to be read. */
	at = self + (uintptr_t)k->search.reader;
	if (k->search.kind == KIND_QSBR)
		return ((const struct urcu_qsbr_reader *)at)->registered;
	return ((const struct urcu_reader *)at)->registered;
}
