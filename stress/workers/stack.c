// SPDX-License-Identifier: MIT
/*
 * stress/workers/stack.c - many stacks, few mappings
 *
 * Linux gives a process some 65,000 mappings, and a guard page of its own
 * would cost each stack two.  So stacks lie side by side in regions, which
 * the system merges into one mapping.  Behind each comes a guard:
 *
 *	- MADV_GUARD_INSTALL (Linux 6.13), which costs no mapping;
 *	- else mprotect(), for the first MPROTECTED stacks of the process;
 *	- else a mark, which is looked at after each switch: that finds an
 *	  overflow late, and is why it comes last.
 *
 *	| guard or mark |  ...  <- stack grows down | struct worker | colour |
 *
 * Pages are the system's until they are touched.  Huge pages are declined:
 * the first touch would make 2 MiB resident, of some 30 stacks.  Colours keep
 * the tops of stacks, which are what is used, from falling on the same lines
 * of the caches.  A stack that is given back is the next to be used again.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "stress/workers/sched.h"
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#else
#define VALGRIND_STACK_REGISTER(lo, hi) 0
#define VALGRIND_STACK_DEREGISTER(id)   (void)(id)
#endif

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

enum {
	MPROTECTED = 4096,
	PAGE = 4096,
	COLOURS = 16,
	COLOUR = 128, /* bytes */
	MARK = 64,
	MARKED = 0xa5,
};

/* Mappings are the process's, whatever the number of schedulers in it. */
static _Atomic unsigned int mprotected;

int stacks_init(struct stacks *k, size_t size, bool marks)
{
	size = (size + PAGE - 1) & ~(size_t)(PAGE - 1);
	k->size = size + PAGE;
	k->marks = marks;
	return pthread_mutex_init(&k->lock, NULL);
}

struct worker *stack_nth(const struct stacks *k, size_t nth)
{
	unsigned char *end = k->region[nth / STACKS_REGION] +
			     (nth % STACKS_REGION + 1) * k->size;

	end -= nth % COLOURS * COLOUR + sizeof(struct worker);
	return (struct worker *)((uintptr_t)end & ~(uintptr_t)63);
}

static int region_map(struct stacks *k)
{
	unsigned char **region =
		realloc(k->region, (k->nr_regions + 1) * sizeof(*region));
	void *p;

	if (!region)
		return -1;
	k->region = region;
	p = mmap(NULL, STACKS_REGION * k->size, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return -1;
	madvise(p, STACKS_REGION * k->size, MADV_NOHUGEPAGE);
	region[k->nr_regions++] = p;
	return 0;
}

/* (k) False: there is a mark instead. */
static bool guard(struct stacks *k, unsigned char *bottom)
{
	if (!k->marks && !madvise(bottom, PAGE, MADV_GUARD_INSTALL))
		return true;
	if (!k->marks && atomic_fetch_add(&mprotected, 1) < MPROTECTED &&
	    !mprotect(bottom, PAGE, PROT_NONE)) {
		k->mprotected++;
		return true;
	}
	if (!k->marks)
		atomic_fetch_sub(&mprotected, 1);
	memset(bottom, MARKED, MARK);
	return false;
}

/* A stack that was never used. (k) */
static struct worker *stack_carve(struct stacks *k)
{
	unsigned char *bottom;
	struct worker *w;

	if (k->nr == k->nr_regions * STACKS_REGION && region_map(k))
		return NULL;
	w = stack_nth(k, k->nr);
	bottom = k->region[k->nr / STACKS_REGION] +
		 k->nr % STACKS_REGION * k->size;
	k->nr++;
	if (guard(k, bottom))
		k->guarded++;
	else
		w->mark = bottom;
	bottom += PAGE;
	w->ctx.bottom = bottom;
	w->ctx.size = (size_t)((unsigned char *)w - bottom);
	w->valgrind_id = VALGRIND_STACK_REGISTER(bottom, w);
	return w;
}

struct worker *stack_get(struct stacks *k)
{
	struct worker *w;

	pthread_mutex_lock(&k->lock);
	w = k->unused;
	if (w)
		k->unused = w->next;
	else
		w = stack_carve(k);
	pthread_mutex_unlock(&k->lock);
	return w;
}

void stack_put(struct stacks *k, struct worker *w)
{
	pthread_mutex_lock(&k->lock);
	w->next = k->unused;
	k->unused = w;
	pthread_mutex_unlock(&k->lock);
}

bool stack_overrun(const struct worker *w)
{
	for (int i = 0; w->mark && i < MARK; i++)
		if (w->mark[i] != MARKED)
			return true;
	return false;
}

void stacks_free(struct stacks *k)
{
	for (size_t i = 0; i < k->nr; i++)
		VALGRIND_STACK_DEREGISTER(stack_nth(k, i)->valgrind_id);
	for (size_t i = 0; i < k->nr_regions; i++)
		munmap(k->region[i], STACKS_REGION * k->size);
	atomic_fetch_sub(&mprotected, k->mprotected);
	free(k->region);
	pthread_mutex_destroy(&k->lock);
}
