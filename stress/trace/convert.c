// SPDX-License-Identifier: MIT
/*
 * stress/trace/convert.c - from what the recorder left behind to a trace
 *
 * Events are taken in the order of their places.  What lives at which address
 * is kept in a table, and a block has the slot that was freed last, or a new
 * one.  Between the two events of a realloc a block has no address, for another
 * thread may be given the old one already.
 *
 * A recording need not be whole: it may have begun when blocks were there, a
 * program may have been killed between a call and its event, a block may come
 * from a function that the recorder knows nothing of.  A free of a block that
 * is not known is left out (foreign); when an address is handed out where a
 * block lives, that block's free is missing and is put in (mended).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "stress/trace/raw.h"
#include "stress/trace/trace.h"

enum {
	NONE = UINT32_MAX
};

#define ADDR_MASK ((1ull << 56) - 1)

struct place {
	uint64_t addr; /* 0: no block */
	uint32_t slot;
};

/* A block in the middle of a realloc. */
struct moving {
	uint64_t begun;
	uint32_t slot;
};

struct convert {
	struct trace_writer w;
	struct converted *c;
	const struct raw_event *e;
	uint64_t nth, us;
	bool oom;
	struct place *table; /* open addressing; at most half full */
	size_t mask, used;
	uint32_t *unused; /* slots, a stack */
	size_t nr_unused, unused_room;
	uint32_t slots, threads;
	struct moving *moving;
	size_t nr_moving, moving_room;
	uint32_t *thread_of; /* of a raw thread; NONE: not yet seen */
};

/* Doubles *p when n elements fill it. */
static bool room_for(struct convert *v, void *p, size_t n, size_t *room,
		     size_t size)
{
	size_t more = *room ? 2 * *room : 256;
	void *was, *is;

	if (n < *room)
		return true;
	memcpy(&was, p, sizeof(was));
	is = reallocarray(was, more, size);
	if (!is) {
		v->oom = true;
		return false;
	}
	memcpy(p, &is, sizeof(is));
	*room = more;
	return true;
}

/* Addresses to slots. ------------------------------------------------------------ */

static size_t home(const struct convert *v, uint64_t addr)
{
	return (size_t)(addr * 0x9e3779b97f4a7c15u >> 20) & v->mask;
}

/* Where it is, or where it would be. */
static struct place *place_of(const struct convert *v, uint64_t addr)
{
	size_t i = home(v, addr);

	while (v->table[i].addr && v->table[i].addr != addr)
		i = (i + 1) & v->mask;
	return &v->table[i];
}

static bool table_grow(struct convert *v)
{
	struct place *was = v->table;
	size_t n = was ? v->mask + 1 : 0, room = n ? 2 * n : 4096;
	struct place *is = calloc(room, sizeof(*is));

	if (!is) {
		v->oom = true;
		return false;
	}
	v->table = is;
	v->mask = room - 1;
	for (size_t i = 0; i < n; i++)
		if (was[i].addr)
			*place_of(v, was[i].addr) = was[i];
	free(was);
	return true;
}

static void table_add(struct convert *v, uint64_t addr, uint32_t slot)
{
	if (2 * v->used > v->mask && !table_grow(v))
		return;
	*place_of(v, addr) = (struct place){ addr, slot };
	v->used++;
}

/* Its slot, or NONE.  What probed past it moves up. */
static uint32_t table_take(struct convert *v, uint64_t addr)
{
	struct place *p = place_of(v, addr);
	size_t hole = (size_t)(p - v->table), i = hole;
	uint32_t slot = p->slot;

	if (!p->addr)
		return NONE;
	v->used--;
	for (;;) {
		v->table[hole].addr = 0;
		do {
			i = (i + 1) & v->mask;
			if (!v->table[i].addr)
				return slot;
		} while (((i - home(v, v->table[i].addr)) & v->mask) <
			 ((i - hole) & v->mask));
		v->table[hole] = v->table[i];
		hole = i;
	}
}

static uint32_t slot_get(struct convert *v)
{
	return v->nr_unused ? v->unused[--v->nr_unused] : v->slots++;
}

static void slot_put(struct convert *v, uint32_t slot)
{
	if (room_for(v, &v->unused, v->nr_unused, &v->unused_room,
		     sizeof(*v->unused)))
		v->unused[v->nr_unused++] = slot;
}

/* Events. ------------------------------------------------------------------------- */

/* In a trace they are numbered in the order in which they appear. */
static uint32_t thread_of(struct convert *v)
{
	uint32_t raw = v->e->when & ((1u << RAW_THREAD_BITS) - 1);
	uint32_t *t = &v->thread_of[raw % TRACE_THREADS_MAX];

	if (*t == NONE)
		*t = v->threads++;
	return *t;
}

static void out(struct convert *v, enum trace_op op, uint32_t slot)
{
	struct trace_event e = {
		.op = op,
		.thread = thread_of(v),
		.slot = slot,
		.align = (unsigned int)(v->e->size >> 56),
		.size = v->e->size & ADDR_MASK,
		.us = v->us,
	};

	trace_write(&v->w, &e);
}

static void freed(struct convert *v, uint32_t slot)
{
	out(v, TRACE_FREE, slot);
	slot_put(v, slot);
}

/* Nothing can live where a block is handed out. */
static void make_way(struct convert *v, uint64_t addr)
{
	uint32_t slot = table_take(v, addr);

	if (slot == NONE)
		return;
	freed(v, slot);
	v->c->mended++;
}

static void made(struct convert *v, enum trace_op op, uint64_t addr)
{
	uint32_t slot;

	make_way(v, addr);
	slot = slot_get(v);
	table_add(v, addr, slot);
	out(v, op, slot);
}

static uint32_t moving_take(struct convert *v, uint64_t begun)
{
	for (size_t i = 0; i < v->nr_moving; i++) {
		uint32_t slot = v->moving[i].slot;

		if (v->moving[i].begun != begun)
			continue;
		v->moving[i] = v->moving[--v->nr_moving];
		return slot;
	}
	return NONE;
}

static void move(struct convert *v, uint64_t addr)
{
	uint32_t slot = table_take(v, addr);

	if (slot == NONE)
		v->c->foreign++;
	else if (room_for(v, &v->moving, v->nr_moving, &v->moving_room,
			  sizeof(*v->moving)))
		v->moving[v->nr_moving++] = (struct moving){ v->nth, slot };
}

static void moved(struct convert *v, uint64_t addr)
{
	uint32_t slot = moving_take(v, v->e->begun);

	if (slot == NONE) { /* a block from before, known from now on */
		made(v, TRACE_MALLOC, addr);
		return;
	}
	make_way(v, addr);
	table_add(v, addr, slot);
	out(v, TRACE_REALLOC, slot);
}

static void event(struct convert *v)
{
	uint64_t addr = v->e->op_addr & ADDR_MASK;
	uint32_t slot;

	switch ((enum raw_op)(v->e->op_addr >> 56)) {
	case RAW_NONE:
		break;
	case RAW_MALLOC:
		made(v, TRACE_MALLOC, addr);
		break;
	case RAW_CALLOC:
		made(v, TRACE_CALLOC, addr);
		break;
	case RAW_ALIGNED:
		made(v, TRACE_ALIGNED, addr);
		break;
	case RAW_FREE:
		slot = table_take(v, addr);
		if (slot != NONE)
			freed(v, slot);
		else
			v->c->foreign++;
		break;
	case RAW_MOVE:
		move(v, addr);
		break;
	case RAW_MOVED:
		moved(v, addr);
		break;
	case RAW_KEPT:
		slot = moving_take(v, v->e->begun);
		if (slot != NONE)
			table_add(v, addr, slot);
		break;
	case RAW_GONE:
		slot = moving_take(v, v->e->begun);
		if (slot != NONE)
			freed(v, slot);
		break;
	}
}

static bool convert_begin(struct convert *v, FILE *to)
{
	v->thread_of = malloc(TRACE_THREADS_MAX * sizeof(*v->thread_of));
	if (!v->thread_of || !table_grow(v))
		return false;
	memset(v->thread_of, 0xff, TRACE_THREADS_MAX * sizeof(*v->thread_of));
	trace_write_begin(&v->w, to);
	return true;
}

static void convert_free(struct convert *v)
{
	free(v->table);
	free(v->unused);
	free(v->moving);
	free(v->thread_of);
}

/* The file. ------------------------------------------------------------------------ */

/* Its events, or NULL; *n of them, *len bytes from *map. */
static const struct raw_event *raw_map(int fd, void **map, size_t *len,
				       uint64_t *n, struct converted *c)
{
	const struct raw_head *h;
	struct stat st;

	if (fstat(fd, &st) || st.st_size < RAW_HEAD)
		return NULL;
	*len = (size_t)st.st_size;
	*map = mmap(NULL, *len, PROT_READ, MAP_SHARED, fd, 0);
	if (*map == MAP_FAILED)
		return NULL;
	h = *map;
	if (memcmp(h->magic, RAW_MAGIC, sizeof(h->magic))) {
		munmap(*map, *len);
		return NULL;
	}
	c->pid = h->pid;
	c->error = h->error;
	c->lost = h->lost;
	memcpy(c->command, h->command, sizeof(c->command) - 1);
	*n = (*len - RAW_HEAD) / sizeof(struct raw_event);
	return (const void *)((const char *)*map + RAW_HEAD);
}

bool raw_count(int fd, struct converted *c)
{
	const struct raw_event *e;
	uint64_t n;
	void *map;
	size_t len;

	memset(c, 0, sizeof(*c));
	e = raw_map(fd, &map, &len, &n, c);
	if (!e)
		return false;
	for (uint64_t i = 0; i < n; i++)
		c->events += !!e[i].op_addr;
	munmap(map, len);
	return true;
}

int raw_convert(int fd, FILE *to, struct converted *c)
{
	struct convert v = { .c = c };
	const struct raw_event *e;
	uint64_t n = 0;
	void *map = NULL;
	size_t len = 0;
	int err = 0;

	memset(c, 0, sizeof(*c));
	e = raw_map(fd, &map, &len, &n, c);
	if (!e)
		return -EINVAL;
	if (!convert_begin(&v, to))
		err = -ENOMEM;
	for (v.nth = 0; v.nth < n && !err; v.nth++) {
		uint64_t us = e[v.nth].when >> RAW_THREAD_BITS;

		v.e = &e[v.nth];
		v.us = us > v.us ? us : v.us;
		event(&v);
		err = v.oom ? -ENOMEM : 0;
	}
	if (!err && !trace_write_end(&v.w, v.us))
		err = -EIO;
	c->events = v.w.ops;
	convert_free(&v);
	munmap(map, len);
	return err;
}
