// SPDX-License-Identifier: MIT
/*
 * stress/tokens.c - text in, words out
 *
 * A word is a maximal run of letters: ASCII letters, folded to lower case,
 * and all bytes from 0x80 on, so that any UTF-8 script has words too.  Of a
 * longer run its first WORD_MAX bytes are the word.  That makes a cut
 * harmless: a run that continues behind the end of a chunk is carried over as
 * its first WORD_MAX bytes at most, and what it loses would not have counted.
 *
 * The hash is FNV-1a over the folded bytes, finished so that its low bits
 * can index a table.
 */
#include "words.h"

/* The letter that c counts as, 0 if it is none. */
static inline unsigned int fold(unsigned char c)
{
	unsigned int low = c | 0x20u;

	if (low - 'a' < 26)
		return low;
	return c & 0x80 ? c : 0;
}

void tokens_begin(struct tokens *t, const void *text, size_t len)
{
	t->p = text;
	t->end = t->p + len;
}

bool tokens_next(struct tokens *t, struct token *tok)
{
	const unsigned char *p = t->p, *end = t->end;
	uint64_t hash = 0xcbf29ce484222325u;
	uint32_t len = 0;
	unsigned int c;

	while (p < end && !fold(*p))
		p++;
	for (; p < end && (c = fold(*p)); p++) {
		if (len == WORD_MAX)
			continue;
		t->folded[len++] = (char)c;
		hash = (hash ^ c) * 0x100000001b3u;
	}
	t->p = p;
	tok->text = t->folded;
	tok->len = len;
	tok->hash = (uint32_t)((hash ^ hash >> 32) * 0x9e3779b1u);
	tok->hash ^= tok->hash >> 15;
	return len;
}

size_t tokens_tail(const unsigned char *text, size_t len)
{
	size_t tail = 0;

	while (tail < len && fold(text[len - 1 - tail]))
		tail++;
	return tail;
}
