/* SPDX-License-Identifier: MIT */
/*
 * stress/words.h - the parts of the words scenario
 *
 *	input		the files, with what proves that they keep still
 *	tokens		text in, words out; the one part that both passes share
 *	table		word -> count on percu's memory (the pass under test)
 *	plain		word -> count on malloc (the reference)
 *	pipe		readers -> channel of chunks -> counters -> merge
 *	chunk		a pooled buffer with whole words of one file
 */
#ifndef STRESS_WORDS_H
#define STRESS_WORDS_H

#include <sys/stat.h>
#include "crew.h"

/* input.c */
struct input_file {
	char *path;
	struct stat st; /* as it was found */
	bool changed;   /* since; by the one thread that reads it */
};

struct input {
	struct input_file *files;
	size_t nr, room;
	uint64_t bytes;
	uint64_t looked_at;        /* files, to see if they are text */
	struct progress *progress; /* of looking */
};

void input_find(struct input *in, const struct options *o);
void input_warm(struct input *in);              /* into the page cache */
int input_open(struct input_file *f);           /* -1: it changed */
void input_close(struct input_file *f, int fd); /* sees if it has changed */
size_t input_drop_changed(struct input *in);    /* how many */
void input_free(struct input *in);

/* tokens.c: a word is a maximal run of letters, of which WORD_MAX bytes count */
enum {
	WORD_MAX = 128
};

struct token {
	const char *text; /* folded; valid until the next one */
	uint32_t len, hash;
};

struct tokens {
	const unsigned char *p, *end;
	char folded[WORD_MAX];
};

void tokens_begin(struct tokens *t, const void *text, size_t len);
bool tokens_next(struct tokens *t, struct token *tok);
/* How many bytes at the end of text are of a word that may go on. */
size_t tokens_tail(const unsigned char *text, size_t len);

/* table.c: used by one thread at a time */
enum {
	WORD_INLINE = 24
};

struct word {
	struct word *next;
	uint64_t count;
	uint32_t hash, len;
	union {
		char here[WORD_INLINE];
		char *there; /* of percu_alloc(), if len > WORD_INLINE */
	};
};

struct tally { /* what a table took and gave back */
	uint64_t words_got, words_put, texts_got, texts_put;
};

struct table {
	struct word **slots;
	size_t nr_slots; /* a power of two */
	size_t nr_words;
	uint64_t total;          /* of the counts */
	struct percu_pool *pool; /* of struct word */
	struct tally tally;
};

struct table *table_new(struct percu_pool *pool);
void table_count(struct table *t, const struct token *tok);
struct table *table_merge(struct table *a, struct table *b); /* what is left */
struct tally table_free(struct table *t);
static inline const char *word_text(const struct word *w)
{
	return w->len <= WORD_INLINE ? w->here : w->there;
}

/* plain.c */
struct plain;
struct plain_entry {
	struct plain_entry *next;
	uint64_t count;
	uint32_t hash, len;
	char text[];
};

struct plain *plain_pass(struct input *in, struct progress *p);
const struct plain_entry *plain_find(const struct plain *pl,
				     const struct token *tok);
size_t plain_words(const struct plain *pl);
uint64_t plain_total(const struct plain *pl);
size_t plain_top(const struct plain *pl, const struct plain_entry **top,
		 size_t n);
void plain_free(struct plain *pl);

/* pipe.c */
struct word_pools {
	struct percu_pool *words, *chunks;
};

size_t pipe_chunk_size(void);
struct table *pipe_pass(struct input *in, const struct word_pools *pools,
			const struct options *o, unsigned int counters,
			struct progress *p, uint64_t *chunks);

#endif /* STRESS_WORDS_H */
