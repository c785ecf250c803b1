// SPDX-License-Identifier: MIT
/*
 * stress/stamp.c - blocks that know whose they are
 *
 * The 8 bytes at offset o of a stamped block are mix64(key + o), so that a
 * block which somebody else wrote to, moved, or handed out twice is told from
 * one that its owner left.  Blocks up to FULL bytes are stamped wholly; larger
 * ones in their first and last EDGE bytes and in one word each STRIDE, which
 * costs little and still touches every page.
 *
 *	|<- EDGE ->|  w ... w ... w ... w  |<- EDGE ->|
 */
#include <string.h>
#include "stress.h"

enum {
	FULL = 512,
	EDGE = 128,
	STRIDE = 1024
};

/* Bytes off .. off + len of the pattern, len <= 8, off a multiple of 8. */
static void word_write(unsigned char *p, size_t off, size_t len, uint64_t key)
{
	uint64_t w = mix64(key + off);

	memcpy(p + off, &w, len);
}

static bool word_holds(const unsigned char *p, size_t off, size_t len,
		       uint64_t key)
{
	uint64_t w = mix64(key + off);

	return !memcmp(p + off, &w, len);
}

/* The stamped offset that follows off in a block of that size. */
static size_t step(size_t off, size_t size)
{
	size_t tail = (size - EDGE) & ~(size_t)7;

	off += 8;
	if (size <= FULL || off < EDGE || off >= tail)
		return off;
	off = (off + STRIDE - 1) & ~(size_t)(STRIDE - 1);
	return off < tail ? off : tail;
}

static size_t word_len(size_t off, size_t end)
{
	return end - off < 8 ? end - off : 8;
}

void stamp(void *p, size_t size, uint64_t key)
{
	for (size_t off = 0; off < size; off = step(off, size))
		word_write(p, off, word_len(off, size), key);
}

/* Of a block that had size bytes, the first kept ones. */
bool stamp_prefix(const void *p, size_t kept, size_t size, uint64_t key)
{
	for (size_t off = 0; off < kept; off = step(off, size))
		if (!word_holds(p, off, word_len(off, kept), key))
			return false;
	return true;
}

bool stamp_holds(const void *p, size_t size, uint64_t key)
{
	return stamp_prefix(p, size, size, key);
}

bool all_zero(const void *p, size_t size)
{
	const unsigned char *b = p;

	return !size || (!b[0] && !memcmp(b, b + 1, size - 1));
}
