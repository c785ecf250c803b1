/* SPDX-License-Identifier: MIT */
/*
 * tests/test_slice.c - what percu/buf.h says of slices, and of retention
 *
 * Each test leaves no slice behind, so each begins with figures of 0, but for
 * the clones, which only grow.  Threads are in test_slice_share.c, want of memory in
 * test_buf_oom.c.
 */
#include <errno.h>
#include <stdlib.h>

#include <percu/buf.h>
#include <percu/cleanup.h>

#include "tests/bufs.h"

/* From a buffer. ----------------------------------------------------------- */

/* Law: nothing is copied; the buffer is empty and gets other storage. */
static void of_takes_the_storage(void)
{
	struct percu_buf *b = filled(1000);
	const unsigned char *data = b->data;
	struct percu_slice s = percu_slice_of(b, 100, 800);

	CU_ASSERT_PTR_EQUAL(s.ptr, data + 100);
	CU_ASSERT(shows(s, 100, 800));
	CU_ASSERT(!b->data && !b->len && !b->cap);
	CU_ASSERT(retains(1, 1, 800));
	/* No append writes into what a slice shows. */
	for (int i = 0; i < 3000; i++)
		CU_ASSERT_EQUAL(percu_buf_append(b, "x", 1), 0);
	CU_ASSERT(b->data + b->cap <= data || b->data >= data + 1000);
	CU_ASSERT(shows(s, 100, 800));
	percu_buf_put(b);
	CU_ASSERT(shows(s, 100, 800));
	errno = EDOM;
	percu_slice_put(s);
	CU_ASSERT_EQUAL(errno, EDOM);
	CU_ASSERT(retains(0, 0, 0));
}

/* Law: bytes on the stack are copied, and stay the buffer's room. */
static void of_stack_copies(void)
{
	struct percu_slice s, grown;
	PERCU_BUF_ONSTACK(b, 200);

	percu_buf_append(&b, patterned, 200);
	s = percu_slice_of(&b, 50, 100);
	CU_ASSERT(shows(s, 50, 100));
	CU_ASSERT(b.data == b_stack_ && !b.len && b.cap == 200);
	percu_buf_append(&b, "overwritten", 11);
	CU_ASSERT(shows(s, 50, 100));
	percu_buf_reset(&b);
	percu_buf_append(&b, patterned, 1000);
	grown = percu_slice_of(&b, 0, 1000);
	CU_ASSERT(shows(grown, 0, 1000) && !b.data && !b.cap);
	CU_ASSERT(retains(2, 2, 1100));
	CU_ASSERT_EQUAL(retained().clones, 0);
	percu_slice_put(s);
	percu_slice_put(grown);
}

static const size_t bad[][2] = {
	{ 0, 101 },
	{ 101, 0 },
	{ 100, 1 },
	{ 1, SIZE_MAX },
	{ SIZE_MAX, 1 },
	{ SIZE_MAX, SIZE_MAX },
	{ SIZE_MAX / 2 + 1, SIZE_MAX / 2 + 1 },
};

/* Law: off + len is at most the length; else ERANGE, and all is as it was. */
static void ranges(void)
{
	struct percu_buf *b = filled(100), was = *b;
	struct percu_slice s;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		errno = 0;
		s = percu_slice_of(b, bad[i][0], bad[i][1]);
		CU_ASSERT(is_null(s) && errno == ERANGE);
		CU_ASSERT(same_buf(b, &was));
	}
	s = percu_slice_of(b, 0, 100);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		errno = 0;
		CU_ASSERT(is_null(percu_slice_sub(s, bad[i][0], bad[i][1])) &&
			  errno == ERANGE);
	}
	CU_ASSERT(retains(1, 1, 100));
	percu_slice_put(s);
	percu_buf_put(b);
}

/* Law: no bytes are the null slice, of which errno hears nothing. */
static void null_slice(void)
{
	const struct percu_slice null = { NULL, 0, NULL };
	struct percu_buf *b = filled(100);
	uint64_t alloc = memstats().alloc;
	struct percu_slice s;

	errno = EDOM;
	CU_ASSERT(is_null(percu_slice_of(b, 100, 0)));
	CU_ASSERT(!b->data && !b->len && !b->cap);
	CU_ASSERT_TRUE(memstats().alloc < alloc);
	percu_buf_put(b);
	CU_ASSERT(is_null(percu_slice_dup(null)));
	CU_ASSERT(is_null(percu_slice_clone(null)));
	CU_ASSERT(is_null(percu_slice_sub(null, 0, 0)));
	percu_slice_put(null);
	s = slice(10);
	CU_ASSERT(is_null(percu_slice_sub(s, 10, 0)));
	CU_ASSERT(is_null(percu_slice_sub(s, 0, 0)));
	CU_ASSERT(retains(1, 1, 10));
	percu_slice_put(s);
	CU_ASSERT_EQUAL(errno, EDOM);
}

/* From a slice. -------------------------------------------------------------- */

/* Law: the block lives while any slice of it does, whichever goes first. */
static void block_lives(void)
{
	for (unsigned int order = 0; order < 8; order++) {
		struct percu_slice s[4] = { slice(2000) };
		uint64_t alloc = memstats().alloc;

		s[1] = percu_slice_sub(s[0], 500, 100);
		s[2] = percu_slice_dup(s[1]);
		s[3] = percu_slice_sub(s[2], 10, 1);
		CU_ASSERT_PTR_EQUAL(s[1].ptr, s[0].ptr + 500);
		CU_ASSERT_PTR_EQUAL(s[2].ptr, s[1].ptr);
		CU_ASSERT_PTR_EQUAL(s[3].ptr, s[0].ptr + 510);
		CU_ASSERT_EQUAL(memstats().alloc, alloc);
		CU_ASSERT(retains(4, 1, 2201));
		for (unsigned int i = 0; i < 4; i++) {
			percu_slice_put(s[(i + order) % 4 ^ order >> 2]);
			CU_ASSERT_EQUAL(memstats().alloc == alloc, i < 3);
		}
		CU_ASSERT(retains(0, 0, 0));
	}
}

/* Law: a clone shares nothing, and its bytes are aligned too. */
static void clones(void)
{
	static const size_t lens[] = { 1, 15, 16, 17, 100, 5000, LARGE };
	struct percu_slice s, c;

	for (size_t i = 0; i < sizeof(lens) / sizeof(*lens); i++) {
		s = slice(lens[i]);
		c = percu_slice_clone(s);
		CU_ASSERT(shows(c, 0, lens[i]));
		CU_ASSERT_EQUAL((uintptr_t)c.ptr % 16, 0);
		CU_ASSERT_EQUAL((uintptr_t)s.ptr % 16, 0);
		CU_ASSERT_PTR_NOT_EQUAL(c.block, s.block);
		CU_ASSERT(retains(2, 2, 2 * lens[i]));
		percu_slice_put(s);
		CU_ASSERT(shows(c, 0, lens[i]));
		percu_slice_put(c);
	}
	CU_ASSERT_EQUAL(retained().clones, 0);
}

/* The ratio. --------------------------------------------------------------------- */

/* Law: a slice that keeps more than ratio times what it shows is a clone. */
static void ratio_is_exact(void)
{
	static const unsigned int ratios[] = { 1, 2, 3, 64, 1000, 1u << 31 };
	struct percu_slice s = slice(LARGE), sub;
	const size_t size = LARGE;

	for (size_t i = 0; i < sizeof(ratios) / sizeof(*ratios); i++) {
		size_t edge = size / ratios[i];

		percu_slice_set_ratio(ratios[i]);
		for (size_t len = edge ? edge - 1 : 0; len <= edge + 1; len++) {
			uint64_t made = retained().clones;
			bool clone = ratios[i] * len < size;

			if (!len || len > size)
				continue;
			sub = percu_slice_sub(s, 0, len);
			CU_ASSERT(shows(sub, 0, len));
			CU_ASSERT_EQUAL(sub.block != s.block, clone);
			CU_ASSERT_EQUAL(retained().clones, made + clone);
			percu_slice_put(sub);
		}
	}
	percu_slice_put(s);
	CU_ASSERT_EQUAL(percu_slice_set_ratio(RATIO_START), 1u << 31);
}

/* Law: 0 never clones, and of small blocks nothing does. */
static void ratio_has_limits(void)
{
	uint64_t made = retained().clones;
	struct percu_slice s = slice(LARGE), sub;

	CU_ASSERT_EQUAL(percu_slice_set_ratio(0), RATIO_START);
	sub = percu_slice_sub(s, 1, 1);
	CU_ASSERT_PTR_EQUAL(sub.block, s.block);
	percu_slice_put(sub);
	CU_ASSERT_EQUAL(percu_slice_set_ratio(1), 0);
	percu_slice_put(s);
	s = slice(THIN_MIN - 600); /* not of the class of THIN_MIN */
	sub = percu_slice_sub(s, 1, 1);
	CU_ASSERT_PTR_EQUAL(sub.block, s.block);
	percu_slice_put(sub);
	percu_slice_put(s);
	CU_ASSERT_EQUAL(retained().clones, made);
	s = slice(THIN_MIN);
	sub = percu_slice_sub(s, 1, 1);
	CU_ASSERT_PTR_NOT_EQUAL(sub.block, s.block);
	percu_slice_put(sub);
	percu_slice_put(s);
	CU_ASSERT_EQUAL(retained().clones, made + 1);
	percu_slice_set_ratio(RATIO_START);
}

/* The example of the manual: 20 bytes of a request of 64 KiB. */
static void header_of_a_request(void)
{
	uint64_t made = retained().clones;
	struct percu_buf *b = filled(LARGE);
	struct percu_slice header, shared, request;

	header = percu_slice_of(b, 0, 20);
	CU_ASSERT(shows(header, 0, 20) && !b->data && !b->cap);
	CU_ASSERT_EQUAL(retained().clones, made + 1);
	CU_ASSERT(retains(1, 1, 20));
	CU_ASSERT_EQUAL(retained().held, percu_good_size(16 + 20));
	percu_slice_put(header);
	percu_buf_put(b);
	/* The same with the ratio off: 20 bytes shown, all of them held. */
	percu_slice_set_ratio(0);
	request = slice(LARGE);
	shared = percu_slice_sub(request, 0, 20);
	percu_slice_put(request);
	CU_ASSERT(retains(1, 1, 20));
	CU_ASSERT_EQUAL(retained().held, LARGE + percu_good_size(24));
	header = percu_slice_clone(shared);
	percu_slice_put(shared);
	CU_ASSERT(retains(1, 1, 20));
	CU_ASSERT_EQUAL(retained().held, percu_good_size(16 + 20));
	percu_slice_put(header);
	percu_slice_set_ratio(RATIO_START);
}

/* Law: what slices hold is what percu says is out, when nothing else is. */
static void held_is_alloc(void)
{
	struct percu_slice s[3] = { slice(100), slice(5000), slice(LARGE) };
	struct percu_slice sub = percu_slice_sub(s[2], 0, 10);
	struct percu_slice copy = percu_slice_clone(s[1]);

	if (tool_redzone())
		check_skip("blocks have redzones under this tool");
	else
		CU_ASSERT_EQUAL(retained().held, memstats().alloc);
	CU_ASSERT_EQUAL(retained().blocks, 5);
	for (int i = 0; i < 3; i++)
		percu_slice_put(s[i]);
	percu_slice_put(sub);
	percu_slice_put(copy);
	CU_ASSERT_EQUAL(memstats().alloc, 0);
	CU_ASSERT(retains(0, 0, 0));
}

static void scope_puts(void)
{
	{
		struct percu_slice s percu_auto(slice) = slice(100);
		struct percu_slice none percu_auto(slice) = { NULL, 0, NULL };

		CU_ASSERT(shows(s, 0, 100) && is_null(none));
		CU_ASSERT(retains(1, 1, 100));
	}
	CU_ASSERT(retains(0, 0, 0));
}

/* A model. ------------------------------------------------------------------------- */

enum {
	MODEL_SLOTS = 64
};

/* A slice, and a copy of what it must show. */
struct shadow_slice {
	struct percu_slice s;
	unsigned char *bytes;
};

static void shadow_set(struct shadow_slice *sh, struct percu_slice s,
		       const unsigned char *bytes, size_t len)
{
	unsigned char *copy = malloc(len + 1);

	if (!copy)
		abort();
	memcpy(copy, bytes, len);
	CU_ASSERT_EQUAL(s.len, len);
	percu_slice_put(sh->s);
	free(sh->bytes);
	sh->s = s;
	sh->bytes = copy;
}

static void shadow_clear(struct shadow_slice *sh)
{
	shadow_set(sh, (struct percu_slice){ NULL, 0, NULL }, patterned, 0);
}

static bool shadow_holds(const struct shadow_slice *sh)
{
	return !sh->s.len || !memcmp(sh->s.ptr, sh->bytes, sh->s.len);
}

static void model_of(struct shadow_slice *to, struct check_rand *r)
{
	struct percu_buf *b percu_auto(buf) = percu_buf_get(0);
	uint32_t len =
		1 + check_rand_below(r, check_rand_below(r, 4) ? 300 : LARGE);
	uint32_t off = check_rand_below(r, len), from;
	struct percu_slice s;

	from = check_rand_below(r, LARGE);
	CU_ASSERT_FATAL(b && !percu_buf_append(b, patterned + from, len));
	s = percu_slice_of(b, off, len - off);
	shadow_set(to, s, patterned + from + off, len - off);
}

static void model_step(struct shadow_slice *slot, struct check_rand *r)
{
	struct shadow_slice *to = &slot[check_rand_below(r, MODEL_SLOTS)];
	struct shadow_slice *from = &slot[check_rand_below(r, MODEL_SLOTS)];
	const unsigned char *had = from->bytes ? from->bytes : patterned;
	size_t len = from->s.len, off;

	CU_ASSERT(shadow_holds(to) && shadow_holds(from));
	switch (check_rand_below(r, 5)) {
	case 0:
		model_of(to, r);
		break;
	case 1:
		off = check_rand_below(r, (uint32_t)len + 1);
		len = check_rand_below(r, (uint32_t)(len - off) + 1);
		shadow_set(to, percu_slice_sub(from->s, off, len), had + off,
			   len);
		break;
	case 2:
		shadow_set(to, percu_slice_dup(from->s), had, len);
		break;
	case 3:
		shadow_set(to, percu_slice_clone(from->s), had, len);
		break;
	default:
		shadow_clear(to);
	}
}

/* The figures, counted over the slots. */
static void model_figures(const struct shadow_slice *slot)
{
	uint64_t slices = 0, blocks = 0, shown = 0;

	for (int i = 0; i < MODEL_SLOTS; i++) {
		bool first = slot[i].s.block;

		slices += first;
		shown += slot[i].s.len;
		for (int k = 0; k < i; k++)
			first &= slot[k].s.block != slot[i].s.block;
		blocks += first;
	}
	CU_ASSERT(retains(slices, blocks, shown));
	if (!tool_redzone())
		CU_ASSERT_EQUAL(retained().held, memstats().alloc);
}

/* Law: slices show what was in them, and the figures are exact throughout. */
static void model(void)
{
	struct shadow_slice slot[MODEL_SLOTS];
	struct check_rand r = { check_seed() };
	int steps = check_short() ? 2000 : 100000;

	memset(slot, 0, sizeof(slot));
	for (int i = 0; i < steps; i++) {
		model_step(slot, &r);
		if (i % 64 == 0)
			model_figures(slot);
	}
	for (int i = 0; i < MODEL_SLOTS; i++)
		shadow_clear(&slot[i]);
	for (int i = 0; i < MODEL_SLOTS; i++)
		free(slot[i].bytes);
	CU_ASSERT(retains(0, 0, 0));
	CU_ASSERT_EQUAL(memstats().alloc, 0);
}

static const CU_TestInfo tests[] = {
	{ "a buffer's storage is taken over", of_takes_the_storage },
	{ "bytes on the stack are copied", of_stack_copies },
	{ "ranges", ranges },
	{ "no bytes", null_slice },
	{ "the block lives with its slices", block_lives },
	{ "a clone shares nothing", clones },
	{ "the ratio is exact", ratio_is_exact },
	{ "the ratio has limits", ratio_has_limits },
	{ "the header of a request", header_of_a_request },
	{ "what is held is what is out", held_is_alloc },
	{ "a scope's end puts it", scope_puts },
	{ "as plain memory would", model },
	CU_TEST_INFO_NULL
};

int main(void)
{
	return bufs_main("slice", tests);
}
