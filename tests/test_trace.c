/* SPDX-License-Identifier: MIT */
/*
 * tests/test_trace.c - traces of the stress tool: what is written is read
 *
 * The reader believes nothing: whatever is changed in a trace, it says so and
 * stays within its bytes; where the digest is made to fit, it still accepts
 * nothing that breaks a law.  What the recorder leaves behind is converted in
 * the order of its places, whole or not.
 */
#include <CUnit/CUnit.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "stress/trace/raw.h"
#include "stress/trace/trace.h"
#include "tests/check.h"

enum {
	BYTES = 1 << 16,
	EVENTS = 500,
	SLOTS = 40,
	THREADS = 5,
	MUTATIONS = 1000,
	DIGEST = 8,
};

/* A trace in memory. */
struct text {
	unsigned char bytes[BYTES];
	size_t len;
};

static void text_close(struct text *x, FILE *f)
{
	x->len = (size_t)ftell(f);
	fclose(f);
}

static void text_write(struct text *x, const struct trace_event *e, size_t n)
{
	FILE *f = fmemopen(x->bytes, sizeof(x->bytes), "w");
	struct trace_writer w;

	trace_write_begin(&w, f);
	for (size_t i = 0; i < n; i++)
		trace_write(&w, &e[i]);
	CU_ASSERT_TRUE(trace_write_end(&w, n ? e[n - 1].us : 0));
	text_close(x, f);
}

/* Random events that keep the law, and what they come to. */
static size_t draw(struct check_rand *r, struct trace_event *e,
		   struct trace *want)
{
	uint64_t sizes[SLOTS];
	bool live[SLOTS] = { false };
	uint32_t slots = 0;

	memset(want, 0, sizeof(*want));
	for (size_t i = 0; i < EVENTS; i++, e++) {
		uint32_t slot =
			check_rand_below(r, slots < SLOTS ? slots + 1 : SLOTS);

		slots += slot == slots;
		if (!live[slot])
			sizes[slot] = 0;
		*e = (struct trace_event){
			.op = live[slot] ?
				      TRACE_REALLOC + check_rand_below(r, 2) :
				      TRACE_MALLOC + check_rand_below(r, 3),
			.thread = check_rand_below(
				r, want->threads < THREADS ? want->threads + 1 :
							     THREADS),
			.slot = slot,
			.size = check_rand(r) >> (20 + check_rand_below(r, 44)),
			.us = want->us += check_rand_below(r, 60),
		};
		if (e->op == TRACE_ALIGNED)
			e->align = check_rand_below(r, 20);
		if (e->op == TRACE_FREE)
			e->size = sizes[slot];
		want->threads += e->thread == want->threads;
		live[slot] = e->op != TRACE_FREE;
		want->bytes -= sizes[slot];
		sizes[slot] = live[slot] ? e->size : 0;
		want->bytes += sizes[slot];
		want->peak = want->bytes > want->peak ? want->bytes :
							want->peak;
		want->of[e->op]++;
	}
	want->slots = slots;
	for (uint32_t i = 0; i < SLOTS; i++)
		want->blocks += live[i];
	return EVENTS;
}

static bool same_event(const struct trace_event *a, const struct trace_event *b)
{
	return a->op == b->op && a->thread == b->thread && a->slot == b->slot &&
	       a->align == b->align && a->size == b->size && a->us == b->us;
}

static void test_round(void)
{
	struct check_rand r = { check_seed() };
	struct trace_event e[EVENTS], is;
	struct text x;
	struct trace t, want;
	size_t n = draw(&r, e, &want), i;

	text_write(&x, e, n);
	trace_open(&t, x.bytes, x.len);
	for (i = 0; i < n; i++) {
		if (trace_next(&t, &is) != 1 || !same_event(&is, &e[i]))
			break;
	}
	CU_ASSERT_EQUAL(i, n);
	CU_ASSERT_EQUAL(trace_next(&t, &is), 0);
	CU_ASSERT_EQUAL(trace_next(&t, &is), 0);
	CU_ASSERT_EQUAL(t.ops, n);
	CU_ASSERT_EQUAL(t.blocks, want.blocks);
	CU_ASSERT_EQUAL(t.bytes, want.bytes);
	CU_ASSERT_EQUAL(t.peak, want.peak);
	CU_ASSERT_EQUAL(t.threads, want.threads);
	CU_ASSERT_EQUAL(t.slots, want.slots);
	CU_ASSERT_EQUAL(t.us, want.us);
	CU_ASSERT_FALSE(memcmp(t.of, want.of, sizeof(t.of)));
	trace_close(&t);
}

static void test_empty(void)
{
	struct text x;
	struct trace t;

	text_write(&x, NULL, 0);
	CU_ASSERT_EQUAL(trace_verify(&t, x.bytes, x.len), 0);
	CU_ASSERT_EQUAL(t.ops, 0);
}

/* What cannot have happened is refused, by name. */
static void refused(const struct trace_event *e, size_t n, const char *why)
{
	struct text x;
	struct trace t;
	const char *colon;

	text_write(&x, e, n);
	CU_ASSERT_EQUAL(trace_verify(&t, x.bytes, x.len), -1);
	colon = strstr(t.error, ": ");
	CU_ASSERT_PTR_NOT_NULL_FATAL(colon);
	CU_ASSERT_STRING_EQUAL(colon + 2, why);
}

#define REFUSED(why, ...)                                               \
	do {                                                            \
		const struct trace_event events[] = { __VA_ARGS__ };    \
		refused(events, sizeof(events) / sizeof(*events), why); \
	} while (0)

#define EV(op_, slot_, size_)                                 \
	{                                                     \
		.op = (op_), .slot = (slot_), .size = (size_) \
	}

static void test_refused(void)
{
	const uint64_t most = 1ull << TRACE_BYTES_LOG2;

	REFUSED("a free of what does not live", EV(TRACE_MALLOC, 0, 8),
		EV(TRACE_FREE, 0, 0), EV(TRACE_FREE, 0, 0));
	REFUSED("a realloc of what does not live", EV(TRACE_MALLOC, 0, 8),
		EV(TRACE_FREE, 0, 0), EV(TRACE_REALLOC, 0, 9));
	REFUSED("a block is made where one lives", EV(TRACE_MALLOC, 0, 8),
		EV(TRACE_CALLOC, 0, 8));
	REFUSED("no such slot", EV(TRACE_MALLOC, 1, 8));
	REFUSED("no such slot", EV(TRACE_FREE, 0, 0));
	REFUSED("no such slot", EV(TRACE_MALLOC, 0, 8),
		EV(TRACE_REALLOC, 1, 8));
	REFUSED("a block is too large", EV(TRACE_MALLOC, 0, most));
	REFUSED("more lives than there are addresses",
		EV(TRACE_MALLOC, 0, most - 1), EV(TRACE_MALLOC, 1, 1));
	REFUSED("no such alignment",
		{ .op = TRACE_ALIGNED, .align = TRACE_ALIGN_MAX + 1 });
	REFUSED("no such thread", { .op = TRACE_MALLOC, .thread = 2 });
	REFUSED("no such thread",
		{ .op = TRACE_MALLOC, .thread = TRACE_THREADS_MAX });
	REFUSED("no such operation", { .op = TRACE_OPS });
}

static void test_cut(void)
{
	struct check_rand r = { check_seed() };
	struct trace_event e[EVENTS];
	struct text x;
	struct trace t, want;
	size_t read = 0;

	text_write(&x, e, draw(&r, e, &want));
	for (size_t len = 0; len < x.len; len++) {
		/* Of its own, so that a tool sees a read beyond it. */
		unsigned char *cut = malloc(len ? len : 1);

		memcpy(cut, x.bytes, len);
		read += !trace_verify(&t, cut, len);
		free(cut);
	}
	CU_ASSERT_EQUAL(read, 0);
	x.bytes[x.len] = 0;
	CU_ASSERT_EQUAL(trace_verify(&t, x.bytes, x.len + 1), -1);
}

static void seal(unsigned char *bytes, size_t len)
{
	uint64_t digest = trace_digest(TRACE_DIGEST, bytes, len - DIGEST);

	for (unsigned int i = 0; i < DIGEST; i++)
		bytes[len - DIGEST + i] = (unsigned char)(digest >> 8 * i);
}

static void mutate(struct check_rand *r, unsigned char *bytes, size_t len)
{
	for (uint32_t n = 1 + check_rand_below(r, 4); n; n--) {
		uint32_t at = check_rand_below(r, (uint32_t)len);

		switch (check_rand_below(r, 3)) {
		case 0:
			bytes[at] ^=
				(unsigned char)(1u << check_rand_below(r, 8));
			break;
		case 1:
			bytes[at] = check_rand_below(r, 2) ? 0xff : 0x80;
			break;
		default:
			memmove(bytes + at, bytes + at / 2, len - at);
		}
	}
}

/* By the reader's own account: all of it is consistent. */
static bool lawful(const struct trace *t, size_t len)
{
	uint64_t made = t->of[TRACE_MALLOC] + t->of[TRACE_CALLOC] +
			t->of[TRACE_ALIGNED];

	return t->blocks == made - t->of[TRACE_FREE] && t->blocks <= t->slots &&
	       t->bytes <= t->peak && t->slots <= t->ops && t->ops <= len &&
	       t->ops == made + t->of[TRACE_FREE] + t->of[TRACE_REALLOC] &&
	       t->peak < 1ull << TRACE_BYTES_LOG2 && t->threads <= len;
}

static void test_mutated(void)
{
	struct check_rand r = { check_seed() };
	struct trace_event e[EVENTS];
	struct text x;
	struct trace t, want;
	unsigned int passed = 0, broken = 0, read = 0;

	text_write(&x, e, draw(&r, e, &want));
	for (int i = 0; i < MUTATIONS; i++) {
		unsigned char *bytes = malloc(x.len);

		memcpy(bytes, x.bytes, x.len);
		mutate(&r, bytes, x.len);
		passed += memcmp(bytes, x.bytes, x.len) &&
			  !trace_verify(&t, bytes, x.len);
		seal(bytes, x.len);
		if (!trace_verify(&t, bytes, x.len)) {
			read++;
			broken += !lawful(&t, x.len);
		}
		free(bytes);
	}
	CU_ASSERT_EQUAL(passed, 0);
	CU_ASSERT_EQUAL(broken, 0);
	/* Some sizes and times were changed only: the law let them pass. */
	CU_ASSERT_TRUE(read > 0 && read < MUTATIONS);
}

/* What the recorder leaves behind. --------------------------------------------- */

#define RAW(op_, thread_, addr_, size_, begun_)                                \
	{                                                                      \
		.op_addr = (uint64_t)(op_) << 56 | (addr_), .when = (thread_), \
		.size = (size_), .begun = (begun_)                             \
	}

static void convert(const struct raw_event *raw, size_t n, struct text *x,
		    struct converted *c)
{
	struct raw_head h = { .magic = RAW_MAGIC, .pid = 7, .command = "x" };
	int fd = memfd_create("raw", MFD_CLOEXEC);
	FILE *f = fmemopen(x->bytes, sizeof(x->bytes), "w");

	CU_ASSERT_EQUAL(pwrite(fd, &h, sizeof(h), 0), sizeof(h));
	CU_ASSERT_EQUAL(pwrite(fd, raw, n * sizeof(*raw), RAW_HEAD),
			(ssize_t)(n * sizeof(*raw)));
	CU_ASSERT_EQUAL(raw_convert(fd, f, c), 0);
	text_close(x, f);
	close(fd);
}

/* Each as "op slot size", and the thread. */
static void converts(const struct raw_event *raw, size_t n, uint64_t foreign,
		     uint64_t mended, const char *want)
{
	static const char ops[] = ".mcarf";
	struct trace_event e;
	struct converted c;
	struct trace t;
	struct text x;
	char is[400] = "";
	int more;

	convert(raw, n, &x, &c);
	trace_open(&t, x.bytes, x.len);
	while ((more = trace_next(&t, &e)) > 0)
		sprintf(is + strlen(is), "%u%c%u:%u ", e.thread, ops[e.op],
			e.slot, (unsigned int)e.size);
	trace_close(&t);
	CU_ASSERT_EQUAL(more, 0);
	CU_ASSERT_STRING_EQUAL(is, want);
	CU_ASSERT_EQUAL(c.foreign, foreign);
	CU_ASSERT_EQUAL(c.mended, mended);
}

#define CONVERTS(foreign, mended, want, ...)                                \
	do {                                                                \
		const struct raw_event events[] = { __VA_ARGS__ };          \
		converts(events, sizeof(events) / sizeof(*events), foreign, \
			 mended, want);                                     \
	} while (0)

static void test_convert(void)
{
	const uint64_t a = 0x7f0000001000, b = 0x7f0000002000;

	CONVERTS(0, 0, "0m0:5 0c1:6 0f0:5 0m0:7 ", RAW(RAW_MALLOC, 0, a, 5, 0),
		 RAW(RAW_CALLOC, 0, b, 6, 0), RAW(RAW_FREE, 0, a, 0, 0),
		 RAW(RAW_MALLOC, 0, a, 7, 0));
	/* Threads are numbered as they come. */
	CONVERTS(0, 0, "0m0:5 1f0:5 0m0:6 ", RAW(RAW_MALLOC, 9, a, 5, 0),
		 RAW(RAW_FREE, 4, a, 0, 0), RAW(RAW_MALLOC, 9, b, 6, 0));
	/* Nobody came to write the second. */
	CONVERTS(0, 0, "0m0:5 0f0:5 ", RAW(RAW_MALLOC, 0, a, 5, 0),
		 RAW(RAW_NONE, 0, 0, 0, 0), RAW(RAW_FREE, 0, a, 0, 0));
	CONVERTS(1, 0, "0m0:5 ", RAW(RAW_FREE, 0, b, 0, 0),
		 RAW(RAW_MALLOC, 0, a, 5, 0));
	CONVERTS(0, 1, "0m0:5 1f0:5 1m0:6 ", RAW(RAW_MALLOC, 0, a, 5, 0),
		 RAW(RAW_MALLOC, 1, a, 6, 0));
}

static void test_convert_move(void)
{
	const uint64_t a = 0x7f0000001000, b = 0x7f0000002000;

	/* Another thread has the old address before realloc returns. */
	CONVERTS(0, 0, "0m0:5 1m1:6 0r0:9 1f1:6 ", RAW(RAW_MALLOC, 0, a, 5, 0),
		 RAW(RAW_MOVE, 0, a, 0, 0), RAW(RAW_MALLOC, 1, a, 6, 0),
		 RAW(RAW_MOVED, 0, b, 9, 1), RAW(RAW_FREE, 1, a, 0, 0));
	/* It was refused, in two threads at once. */
	CONVERTS(0, 0, "0m0:5 1m1:6 1f1:6 0f0:5 ", RAW(RAW_MALLOC, 0, a, 5, 0),
		 RAW(RAW_MALLOC, 1, b, 6, 0), RAW(RAW_MOVE, 0, a, 0, 0),
		 RAW(RAW_MOVE, 1, b, 0, 0), RAW(RAW_KEPT, 0, a, 9, 2),
		 RAW(RAW_KEPT, 1, b, 9, 3), RAW(RAW_FREE, 1, b, 0, 0),
		 RAW(RAW_FREE, 0, a, 0, 0));
	CONVERTS(0, 0, "0m0:5 0f0:5 ", RAW(RAW_MALLOC, 0, a, 5, 0),
		 RAW(RAW_MOVE, 0, a, 0, 0), RAW(RAW_GONE, 0, a, 0, 1));
	/* The block was there before the recording. */
	CONVERTS(1, 0, "0m0:9 0f0:9 ", RAW(RAW_MOVE, 0, a, 0, 0),
		 RAW(RAW_MOVED, 0, b, 9, 0), RAW(RAW_FREE, 0, b, 0, 0));
	/* The program was ended in the middle. */
	CONVERTS(0, 0, "0m0:5 ", RAW(RAW_MALLOC, 0, a, 5, 0),
		 RAW(RAW_MOVE, 0, a, 0, 0));
}

/* Many addresses that come and go: the table against the blocks themselves. */
static void test_convert_many(void)
{
	enum {
		N = 20000,
		ADDRS = 3000
	};
	struct raw_event *raw = calloc(N, sizeof(*raw));
	struct check_rand r = { check_seed() };
	bool live[ADDRS] = { false };
	struct converted c;
	uint64_t blocks = 0;
	int fd = memfd_create("raw", MFD_CLOEXEC);
	FILE *f = tmpfile();
	struct raw_head h = { .magic = RAW_MAGIC };
	struct trace t;
	void *bytes;
	long len;

	for (size_t i = 0; i < N; i++) {
		uint32_t at = check_rand_below(&r, ADDRS);

		raw[i].op_addr = (uint64_t)(live[at] ? RAW_FREE : RAW_MALLOC)
					 << 56 |
				 (0x7f0000000000 + 16 * at);
		live[at] = !live[at];
		blocks += live[at] ? 1 : -1ull;
	}
	CU_ASSERT_EQUAL(pwrite(fd, &h, sizeof(h), 0), sizeof(h));
	CU_ASSERT_EQUAL(pwrite(fd, raw, N * sizeof(*raw), RAW_HEAD),
			(ssize_t)(N * sizeof(*raw)));
	CU_ASSERT_EQUAL(raw_convert(fd, f, &c), 0);
	len = ftell(f);
	bytes = malloc((size_t)len);
	rewind(f);
	CU_ASSERT_EQUAL(fread(bytes, 1, (size_t)len, f), (size_t)len);
	CU_ASSERT_EQUAL(trace_verify(&t, bytes, (size_t)len), 0);
	CU_ASSERT_EQUAL(t.ops, N);
	CU_ASSERT_EQUAL(t.blocks, blocks);
	CU_ASSERT_EQUAL(c.foreign + c.mended, 0);
	fclose(f);
	close(fd);
	free(bytes);
	free(raw);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		{ "what is written is read", test_round },
		{ "a trace of nothing", test_empty },
		{ "what cannot have happened is refused", test_refused },
		{ "one that is cut short is refused", test_cut },
		{ "a changed one is refused, or keeps the law", test_mutated },
		{ "events of a recording become a trace", test_convert },
		{ "a realloc has two places", test_convert_move },
		{ "addresses come and go", test_convert_many },
		CU_TEST_INFO_NULL
	};

	return check_main("trace", tests);
}
