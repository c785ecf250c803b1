/* SPDX-License-Identifier: MIT */
/*
 * bench/kit.c - Concurrency Kit, where its headers are installed
 *
 * Each thread has an epoch record of its own; a section is open around each
 * batch of objects, as readers of RCU have theirs.  An array's old memory is
 * freed after its readers if the array says so: an entry of the epoch lies in
 * front of each piece.
 */
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"
#include "bench/kit.h"

#ifdef BENCH_HAS_KIT
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wundef"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wredundant-decls"
#include <ck_array.h>
#include <ck_epoch.h>
#pragma GCC diagnostic pop

enum {
	A_SECTION = 256 /* objects */
};

struct retired {
	ck_epoch_entry_t entry; /* first: it is where the object is */
	char rest[OBJECT - sizeof(ck_epoch_entry_t)];
};

static ck_epoch_t epoch;
static __thread ck_epoch_record_t *record;

bool kit_there(void)
{
	return true;
}

const void *kit_code(void)
{
	return (const void *)ck_epoch_register;
}

static __attribute__((constructor)) void init(void)
{
	ck_epoch_init(&epoch);
}

void kit_enter(void)
{
	/* A record is the epoch's for ever; who leaves recycles it. */
	record = ck_epoch_recycle(&epoch, NULL);
	if (record)
		return;
	record = aligned_alloc(64, (sizeof(*record) + 63) & ~(size_t)63);
	die_unless(record, "ck_epoch");
	ck_epoch_register(&epoch, record, NULL);
}

/* What is still waiting would be forgotten with the record. */
void kit_leave(void)
{
	ck_epoch_barrier(record);
	ck_epoch_unregister(record);
}

static void release(ck_epoch_entry_t *entry)
{
	free(entry);
}

void kit_retire(uint64_t n)
{
	while (n) {
		uint64_t i = n < A_SECTION ? n : A_SECTION;

		ck_epoch_begin(record, NULL);
		for (n -= i; i--;) {
			struct retired *p = malloc(sizeof(*p));

			touch(p);
			ck_epoch_call(record, &p->entry, release);
		}
		ck_epoch_end(record, NULL);
		ck_epoch_poll(record);
	}
}

void kit_barrier(void)
{
	ck_epoch_barrier(record);
}

/* Arrays. ---------------------------------------------------------------------- */

struct piece {
	_Alignas(16) ck_epoch_entry_t entry;
	char memory[];
};

static struct piece *piece_of(void *p)
{
	return (struct piece *)((char *)p - offsetof(struct piece, memory));
}

static void *kit_malloc(size_t n)
{
	struct piece *piece = malloc(sizeof(*piece) + n);

	return piece ? piece->memory : NULL;
}

static void kit_free(void *p, size_t n, bool defer)
{
	(void)n;
	if (!p)
		return;
	if (defer)
		ck_epoch_call(record, &piece_of(p)->entry, release);
	else
		free(piece_of(p));
}

static void *kit_realloc(void *p, size_t old, size_t n, bool defer)
{
	void *copy = kit_malloc(n);

	if (copy && p)
		memcpy(copy, p, old < n ? old : n);
	if (copy)
		kit_free(p, old, defer);
	return copy;
}

struct kit_array {
	ck_array_t array;
};

struct kit_array *kit_array_make(void *const *slot, size_t n)
{
	static struct ck_malloc how = { .malloc = kit_malloc,
					.realloc = kit_realloc,
					.free = kit_free };
	struct kit_array *a = malloc(sizeof(*a));

	die_unless(a && ck_array_init(&a->array, CK_ARRAY_MODE_SPMC, &how,
				      (unsigned int)n),
		   "ck_array");
	for (size_t i = 0; i < n; i++)
		die_unless(ck_array_put(&a->array, slot[i]), "ck_array");
	die_unless(ck_array_commit(&a->array), "ck_array");
	return a;
}

void kit_array_free(struct kit_array *a)
{
	ck_array_deinit(&a->array, false);
	free(a);
}

void kit_array_each(void *ctx, uint64_t iters)
{
	struct kit_array *a = ctx;

	while (iters--) {
		ck_array_iterator_t i;
		void *obj;

		CK_ARRAY_FOREACH(&a->array, &i, &obj)
		__asm__ __volatile__("" : : "r"(obj));
	}
}

void kit_array_get(struct kit_array *a, const uint32_t *order, size_t mask,
		   uint64_t iters)
{
	for (uint64_t k = 0; k < iters; k++) {
		unsigned int n;
		void *const *slot;
		size_t i = order[k & mask];

		ck_epoch_begin(record, NULL);
		slot = ck_array_buffer(&a->array, &n);
		if (i < n)
			(void)*(volatile const uint64_t *)slot[i];
		ck_epoch_end(record, NULL);
	}
}

void kit_array_edit(struct kit_array *a, void *obj)
{
	die_unless(ck_array_put(&a->array, obj), "ck_array");
	die_unless(ck_array_commit(&a->array), "ck_array");
	die_unless(ck_array_remove(&a->array, obj), "ck_array");
	die_unless(ck_array_commit(&a->array), "ck_array");
	ck_epoch_poll(record);
}

#else /* without it: nobody calls these */

bool kit_there(void)
{
	return false;
}

const void *kit_code(void)
{
	return NULL;
}

void kit_enter(void)
{
}

void kit_leave(void)
{
}

void kit_retire(uint64_t n)
{
	(void)n;
	abort();
}

void kit_barrier(void)
{
	abort();
}

struct kit_array *kit_array_make(void *const *slot, size_t n)
{
	(void)slot;
	(void)n;
	abort();
}

void kit_array_free(struct kit_array *a)
{
	(void)a;
	abort();
}

void kit_array_each(void *array, uint64_t iters)
{
	(void)array;
	(void)iters;
	abort();
}

void kit_array_get(struct kit_array *a, const uint32_t *order, size_t mask,
		   uint64_t iters)
{
	(void)a;
	(void)order;
	(void)mask;
	(void)iters;
	abort();
}

void kit_array_edit(struct kit_array *a, void *obj)
{
	(void)a;
	(void)obj;
	abort();
}

#endif /* BENCH_HAS_KIT */
