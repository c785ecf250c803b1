// SPDX-License-Identifier: MIT
/*
 * stress/table.c - word -> count, on percu's memory
 *
 * A chained hash table that leans on every part of the library: its words
 * are objects of a pool, the text of a long word is a block of percu_alloc(),
 * the slots are doubled with percu_realloc() and the table itself comes from
 * percu_zalloc().
 *
 * Two tables merge into the larger.  A word that both have is counted
 * together and the other object is put, as a rule by a thread that did not
 * get it and on another CPU; a word that only the smaller has moves over as
 * it is.  Hence a table's objects come from everywhere in the end.
 *
 * The tally counts what was taken and given back, and moves with the table:
 * added up it must be what the pool says.
 */
#include <string.h>
#include <percu/alloc.h>
#include "words.h"

enum {
	SLOTS_MIN = 256,
	PUT_BULK = 64
};

struct table *table_new(struct percu_pool *pool)
{
	struct table *t = must(percu_zalloc(sizeof(*t)));

	t->pool = pool;
	t->nr_slots = SLOTS_MIN;
	t->slots = must(percu_zalloc(SLOTS_MIN * sizeof(*t->slots)));
	return t;
}

/* Each chain parts in two: what stays, and what moves up by the old size. */
static void table_grow(struct table *t)
{
	size_t old = t->nr_slots;

	t->slots = must(percu_realloc(t->slots, 2 * old * sizeof(*t->slots)));
	t->nr_slots = 2 * old;
	for (size_t i = 0; i < old; i++) {
		struct word **low = &t->slots[i], **high = &t->slots[i + old];
		struct word *w = *low;

		for (; w; w = w->next) {
			struct word ***to = w->hash & old ? &high : &low;

			**to = w;
			*to = &w->next;
		}
		*low = NULL;
		*high = NULL;
	}
}

static void table_link(struct table *t, struct word *w)
{
	struct word **slot;

	if (t->nr_words >= t->nr_slots)
		table_grow(t);
	slot = &t->slots[w->hash & (t->nr_slots - 1)];
	w->next = *slot;
	*slot = w;
	t->nr_words++;
}

static struct word *table_find(const struct table *t, const char *text,
			       uint32_t len, uint32_t hash)
{
	struct word *w = t->slots[hash & (t->nr_slots - 1)];

	while (w && (w->hash != hash || w->len != len ||
		     memcmp(word_text(w), text, len)))
		w = w->next;
	return w;
}

static struct word *word_new(struct table *t, const struct token *tok)
{
	struct word *w = must(percu_pool_get(t->pool));
	char *text = w->here;

	t->tally.words_got++;
	if (tok->len > WORD_INLINE) {
		text = w->there = must(percu_alloc(tok->len));
		t->tally.texts_got++;
	}
	memcpy(text, tok->text, tok->len);
	w->len = tok->len;
	w->hash = tok->hash;
	w->count = 0;
	return w;
}

/* Everything of a word but the object itself. */
static void word_strip(struct table *t, struct word *w)
{
	if (w->len > WORD_INLINE) {
		percu_free_sized(w->there, w->len);
		t->tally.texts_put++;
	}
	t->tally.words_put++;
}

void table_count(struct table *t, const struct token *tok)
{
	struct word *w = table_find(t, tok->text, tok->len, tok->hash);

	if (!w) {
		w = word_new(t, tok);
		table_link(t, w);
	}
	w->count += break_now(BREAK_WORDS) ? 2 : 1;
	t->total++;
}

static void table_absorb(struct table *to, struct word *w)
{
	struct word *have = table_find(to, word_text(w), w->len, w->hash);

	if (!have) {
		table_link(to, w);
		return;
	}
	have->count += w->count;
	word_strip(to, w);
	percu_pool_put(to->pool, w);
}

struct table *table_merge(struct table *a, struct table *b)
{
	struct table *to = a->nr_words >= b->nr_words ? a : b;
	struct table *from = to == a ? b : a;

	for (size_t i = 0; i < from->nr_slots; i++) {
		for (struct word *w = from->slots[i], *next; w; w = next) {
			next = w->next;
			table_absorb(to, w);
		}
	}
	to->total += from->total;
	to->tally.words_got += from->tally.words_got;
	to->tally.words_put += from->tally.words_put;
	to->tally.texts_got += from->tally.texts_got;
	to->tally.texts_put += from->tally.texts_put;
	percu_free(from->slots);
	percu_free(from);
	return to;
}

struct tally table_free(struct table *t)
{
	struct percu_pool *pool = t->pool;
	void *batch[PUT_BULK];
	struct tally tally;
	size_t n = 0;

	for (size_t i = 0; i < t->nr_slots; i++) {
		for (struct word *w = t->slots[i], *next; w; w = next) {
			next = w->next;
			word_strip(t, w);
			batch[n++] = w;
			if (n == PUT_BULK) {
				percu_pool_put_bulk(pool, batch, n);
				n = 0;
			}
		}
	}
	percu_pool_put_bulk(pool, batch, n);
	tally = t->tally;
	percu_free(t->slots);
	percu_free(t);
	return tally;
}
