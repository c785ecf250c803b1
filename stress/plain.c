// SPDX-License-Identifier: MIT
/*
 * stress/plain.c - the reference: one thread, malloc, whole files
 *
 * What the pass under test does with chunks, queues, threads and pools, done
 * as plainly as possible: a file is read into one buffer as large as the file
 * and counted from end to end.  Nothing but the tokenizer is shared, so that
 * a mistake at a chunk's border or in a merge shows as well as a mistake of
 * the library.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "words.h"

struct plain {
	struct plain_entry **slots;
	size_t nr_slots, nr_words;
	uint64_t total;
};

static void plain_grow(struct plain *pl)
{
	size_t nr = 2 * pl->nr_slots;
	struct plain_entry **slots = must(calloc(nr, sizeof(*slots)));

	for (size_t i = 0; i < pl->nr_slots; i++) {
		struct plain_entry *e, *next;

		for (e = pl->slots[i]; e; e = next) {
			next = e->next;
			e->next = slots[e->hash & (nr - 1)];
			slots[e->hash & (nr - 1)] = e;
		}
	}
	free(pl->slots);
	pl->slots = slots;
	pl->nr_slots = nr;
}

static struct plain_entry *lookup(const struct plain *pl,
				  const struct token *tok)
{
	struct plain_entry *e = pl->slots[tok->hash & (pl->nr_slots - 1)];

	while (e && (e->hash != tok->hash || e->len != tok->len ||
		     memcmp(e->text, tok->text, tok->len)))
		e = e->next;
	return e;
}

static struct plain_entry *insert(struct plain *pl, const struct token *tok)
{
	struct plain_entry *e = must(malloc(sizeof(*e) + tok->len));
	struct plain_entry **slot;

	if (pl->nr_words++ >= pl->nr_slots)
		plain_grow(pl);
	slot = &pl->slots[tok->hash & (pl->nr_slots - 1)];
	e->count = 0;
	e->hash = tok->hash;
	e->len = tok->len;
	memcpy(e->text, tok->text, tok->len);
	e->next = *slot;
	*slot = e;
	return e;
}

static void count_text(struct plain *pl, const char *text, size_t len)
{
	struct tokens tokens;
	struct token tok;

	tokens_begin(&tokens, text, len);
	while (tokens_next(&tokens, &tok)) {
		struct plain_entry *e = lookup(pl, &tok);

		if (!e)
			e = insert(pl, &tok);
		e->count++;
		pl->total++;
	}
}

static void count_file(struct plain *pl, struct input_file *f,
		       struct progress *p)
{
	size_t size = (size_t)f->st.st_size, len = 0;
	int fd = input_open(f);
	char *text;

	if (fd < 0)
		return;
	text = must(malloc(size));
	while (len < size) {
		ssize_t n = read(fd, text + len, size - len);

		if (n <= 0) {
			f->changed = true;
			break;
		}
		len += (size_t)n;
		progress_add(p, (uint64_t)n);
	}
	input_close(f, fd);
	count_text(pl, text, len);
	free(text);
}

struct plain *plain_pass(struct input *in, struct progress *p)
{
	struct plain *pl = must(calloc(1, sizeof(*pl)));

	pl->nr_slots = 1024;
	pl->slots = must(calloc(pl->nr_slots, sizeof(*pl->slots)));
	for (size_t i = 0; i < in->nr && !stop_asked(); i++)
		count_file(pl, &in->files[i], p);
	return pl;
}

const struct plain_entry *plain_find(const struct plain *pl,
				     const struct token *tok)
{
	return lookup(pl, tok);
}

size_t plain_words(const struct plain *pl)
{
	return pl->nr_words;
}

uint64_t plain_total(const struct plain *pl)
{
	return pl->total;
}

/* The n most frequent words, most frequent first: how many there are. */
size_t plain_top(const struct plain *pl, const struct plain_entry **top,
		 size_t n)
{
	size_t have = 0;

	for (size_t i = 0; i < pl->nr_slots; i++) {
		for (const struct plain_entry *e = pl->slots[i]; e;
		     e = e->next) {
			size_t at = have;

			while (at && top[at - 1]->count < e->count)
				at--;
			if (at == n)
				continue;
			have += have < n;
			memmove(top + at + 1, top + at,
				(have - at - 1) * sizeof(*top));
			top[at] = e;
		}
	}
	return have;
}

void plain_free(struct plain *pl)
{
	for (size_t i = 0; i < pl->nr_slots; i++) {
		struct plain_entry *e, *next;

		for (e = pl->slots[i]; e; e = next) {
			next = e->next;
			free(e);
		}
	}
	free(pl->slots);
	free(pl);
}
