/* SPDX-License-Identifier: MIT */
/*
 * pool/leak.c - what a leak checker must not take for a pointer
 *
 * Memcheck looks for leaks when the program has ended: a block is reachable if
 * any word in readable memory points to it.  percu's own memory has many that
 * do and mean nothing by it: the slots above a record's count, the magazines
 * that were emptied, a descriptor that says where its span begins.  Words that
 * are undefined do not count.  So the last thing that the library does under
 * Valgrind is to declare these undefined; their values stay.
 *
 * A pointer to a foreign object that waits is none of them: the object is
 * from malloc(), and the pool is all that has it.
 */
#include "pool/pool.h"
#include "slab/arena.h"
#include "sys/cpu.h"
#include "sys/tool.h"

static void forget_slots(const struct percu_pool *p, void **slot, size_t used,
			 size_t n)
{
	if (!p->foreign)
		used = 0;
	tool_forget(slot + used, (n - used) * sizeof(*slot));
}

static void forget_magazines(const struct percu_pool *p, struct list *head)
{
	list_for_each (l, head) {
		struct magazine *m = list_entry(l, struct magazine, list);

		forget_slots(p, m->slot, m->count, p->magazine);
	}
}

static void forget_pool(struct percu_pool *p)
{
	for (uint32_t i = 0; p->records && i < cpu_info.possible; i++) {
		struct record *r = record_at(p->records, i);

		if (!(p->open[i / 64] >> i % 64 & 1))
			continue;
		forget_slots(p, r->slot, r->word & PERCU_WORD_COUNT,
			     p->capacity_max);
		if (r->spare)
			forget_slots(p, r->spare->slot, 0, p->magazine);
	}
	forget_magazines(p, &p->depot.full);
	forget_magazines(p, &p->depot.victim);
	forget_magazines(p, &p->depot.empty);
}

static void forget_arena(struct arena *a)
{
	struct span *last = NULL;

	for (uint32_t page = 0; page < ARENA_PAGES; page++) {
		struct span *s = a->span[page];

		if (s && s != last)
			tool_forget(&s->start, sizeof(s->start));
		last = s;
	}
	tool_forget(&a->base, sizeof(a->base));
}

void leak_forget(void)
{
	/* A reclaimer that waits for a reader may still look at all of this. */
	if (!tool.valgrind || grace_runs())
		return;
	list_for_each (l, &pools.list)
		forget_pool(list_entry(l, struct percu_pool, pools));
	for (struct arena *a = arena_first(); a; a = a->next)
		forget_arena(a);
}
