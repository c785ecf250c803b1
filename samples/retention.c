/* SPDX-License-Identifier: MIT */
/*
 * samples/retention.c - memory that is kept though nobody needs it
 *
 * Go has a collector, and programs in Go keep memory all the same: what can
 * be reached is kept, needed or not.  Here are five ways to do that, each
 * first as it is usually written, then with percu.  After each step there is a
 * line of what tutorials of Go print from runtime.MemStats, in MiB:
 *
 *	needed		what the program can still make use of
 *	Alloc		in blocks and objects that are out
 *	TotalAlloc	ever handed out
 *	Sys		obtained from the system and not given back
 *	GPs		grace periods so far, as Go prints collections
 *
 * What matters is in blocks of 1 MiB.  How many bytes of these must be out
 * after each step is known exactly, is checked, and decides the exit status.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <urcu-bp.h>

#include <percu/alloc.h>
#include <percu/buf.h>
#include <percu/pool.h>
#include <percu/stats.h>
#include <percu/vec.h>

enum {
	KIB = 1 << 10,
	MIB = 1 << 20,
	NR = 5,
};

static bool failed;
static uint64_t block; /* what 1 MiB counts: more if it is built with guards */

/* There is no better answer to a lack of memory in a sample. */
static void ok(bool good)
{
	if (!good) {
		perror("retention");
		exit(2);
	}
}

/* The table. ---------------------------------------------------------------- */

static void part(const char *title)
{
	printf("\n%-44s%9s%9s%12s%9s%5s\n", title, "needed", "Alloc",
	       "TotalAlloc", "Sys", "GPs");
}

/* Large blocks are counted by number; those of this program have 1 MiB. */
static uint64_t total_alloc(const struct percu_memstats *ms)
{
	uint64_t sum = ms->large_mallocs * block;

	for (int i = 0; i < PERCU_NR_CLASSES_MAX; i++)
		sum += ms->by_size[i].mallocs * ms->by_size[i].size;
	return sum;
}

/* One line.  large: how many large blocks have to be out. */
static void row(const char *what, uint64_t needed, uint64_t large)
{
	struct percu_memstats ms;

	percu_memstats(&ms);
	printf("  %-42s%9.2f%9.2f%12.2f%9.2f%5" PRIu64 "\n", what,
	       (double)needed / MIB, (double)ms.alloc / MIB,
	       (double)total_alloc(&ms) / MIB,
	       (double)(ms.sys - ms.heap_released) / MIB, ms.grace_periods);
	if (ms.large_bytes != large * block) {
		printf("  WRONG: %" PRIu64
		       " bytes in large blocks, not %" PRIu64 "\n",
		       ms.large_bytes, large * block);
		failed = true;
	}
}

/* It counts its references; one is the vector's, until it is released. */
struct object {
	unsigned int refs; /* (a) */
	unsigned char bytes[MIB - sizeof(unsigned int)];
};

static struct object *object_new(int i)
{
	struct object *o = percu_alloc(sizeof(*o));
	struct percu_memstats ms;

	ok(o);
	if (!block) { /* the first */
		percu_memstats(&ms);
		block = ms.large_bytes;
	}
	o->refs = 1;
	memset(o->bytes, 'a' + i, sizeof(o->bytes));
	return o;
}

static void object_put(void *obj, void *arg)
{
	struct object *o = obj;

	(void)arg;
	/* Acquire: what the others have done with it is done. */
	if (__atomic_sub_fetch(&o->refs, 1, __ATOMIC_ACQ_REL) == 0)
		percu_free(o);
}

static void vec_of_five(struct percu_vec *v)
{
	const struct percu_vec_attr attr = { .name = "objects",
					     .release = object_put };

	ok(!percu_vec_init(v, &attr));
	for (int i = 0; i < NR; i++)
		ok(!percu_vec_append(v, object_new(i)));
}

/*
 * a) The stale tail.
 *
 * s = append(s[:i], s[i+1:]...) moves what follows down by one and shortens
 * the slice.  The slot behind the new end still holds what was last.  No index
 * reaches it, but the collector does, which looks at the whole array.  (Since
 * Go 1.22 slices.Delete() clears the tail; this idiom does not.)
 */
struct naive {
	struct object *slot[NR];
	size_t len;
};

/* Go's collector: what is in no slot, whatever the length, is freed. */
static void naive_collect(const struct naive *s, struct object *all[NR])
{
	for (int i = 0; i < NR; i++) {
		bool found = false;

		for (int j = 0; j < NR; j++)
			found |= s->slot[j] == all[i];
		if (!found) {
			percu_free(all[i]);
			all[i] = NULL;
		}
	}
}

static void naive_delete(struct naive *s, size_t i, struct object *all[NR])
{
	memmove(&s->slot[i], &s->slot[i + 1],
		(s->len - i - 1) * sizeof(s->slot[0]));
	s->len--;
	naive_collect(s, all);
}

static void stale_tail_naive(void)
{
	struct object *all[NR];
	struct naive s = { .len = NR };

	for (int i = 0; i < NR; i++)
		s.slot[i] = all[i] = object_new(i);
	row("a slice of five", 5 * MIB, 5);
	naive_delete(&s, 1, all); /* b is overwritten; e is there twice */
	row("append(s[:1], s[2:]...)", 4 * MIB, 4);
	naive_delete(&s, 3, all); /* e again: it stays */
	row("append(s[:3], s[4:]...)", 3 * MIB, 4);
	naive_delete(&s, 2, all); /* and so does d */
	row("append(s[:2], s[3:]...)", 2 * MIB, 4);
	memset(s.slot, 0, sizeof(s.slot));
	naive_collect(&s, all);
	row("nothing refers to the array", 0, 0);
}

static void row_removed(const char *what, int err, uint64_t left)
{
	ok(!err);
	percu_barrier(); /* a grace period later it is released */
	row(what, left * MIB, left);
}

static void stale_tail(void)
{
	struct percu_vec v;

	part("a) what a deletion leaves behind the end");
	stale_tail_naive();
	vec_of_five(&v);
	row("a vector of five", 5 * MIB, 5);
	row_removed("percu_vec_remove(): copy and truncate",
		    percu_vec_remove(&v, 1), 4);
	row_removed("percu_vec_remove_nil(): explicit nil",
		    percu_vec_remove_nil(&v, 3), 3);
	row_removed("percu_vec_remove_exact(): reallocation",
		    percu_vec_remove_exact(&v, 0), 2);
	row_removed("percu_vec_remove_swap(): swap and pop",
		    percu_vec_remove_swap(&v, 0), 1);
	percu_vec_destroy(&v);
	row("percu_vec_destroy()", 0, 0);
}

/*
 * b) A few bytes of a large block.
 *
 * token := body[:64] keeps the whole body.  In Go nothing says so.  Here
 * percu_slice_stats() does, and a clone ends it: one's own, or the one that
 * percu_slice_sub() makes above the ratio that the program has set.
 */
static struct percu_slice token_new(void)
{
	struct percu_buf *b = percu_buf_get(MIB);
	struct percu_slice body, token;

	ok(b);
	memset(b->data, 'x', MIB);
	b->len = MIB;
	body = percu_slice_of(b, 0, b->len);
	token = percu_slice_sub(body, 0, 64);
	ok(token.len);
	percu_slice_put(body);
	percu_buf_put(b);
	return token;
}

static void row_slices(const char *what, uint64_t shown, uint64_t large)
{
	struct percu_slice_stats st;

	percu_slice_stats(&st);
	row(what, shown, large);
	if (st.shown != shown || st.held / MIB != large) {
		printf("  WRONG: slices show %" PRIu64
		       " bytes and hold %" PRIu64 "\n",
		       st.shown, st.held);
		failed = true;
	}
}

static void small_slice(void)
{
	unsigned int ratio = percu_slice_set_ratio(0); /* never clone */
	struct percu_slice token = token_new(), clone;

	part("b) a small slice of a large block");
	row_slices("64 bytes of 1 MiB, shared as in Go", 64, 1);
	clone = percu_slice_clone(token);
	ok(clone.len);
	percu_slice_put(token);
	row_slices("percu_slice_clone() of them", 64, 0);
	percu_slice_put(clone);
	percu_slice_set_ratio(ratio);
	token = token_new();
	row_slices("64 bytes of 1 MiB, above the ratio", 64, 0);
	percu_slice_put(token);
	row_slices("all slices put", 0, 0);
}

/*
 * c) A sleeper that holds more than it needs.
 *
 * A goroutine that waits keeps all that its variables lead to.  A reader that
 * sleeps inside a read section keeps whatever is removed meanwhile, from any
 * vector.  So: take the object that is needed, and leave.
 */
struct sleeper {
	struct percu_vec v;
	bool whole;
	pthread_barrier_t step;
};

static void *sleeper(void *arg)
{
	struct sleeper *s = arg;
	struct object *o;

	rcu_read_lock();
	o = percu_vec_get(&s->v, 0);
	if (!s->whole) {
		/* Until the unlock the vector's reference is there. */
		__atomic_fetch_add(&o->refs, 1, __ATOMIC_RELAXED);
		rcu_read_unlock();
	}
	pthread_barrier_wait(&s->step); /* asleep */
	pthread_barrier_wait(&s->step); /* woken up */
	ok(o->bytes[0] == 'a');
	if (s->whole)
		rcu_read_unlock();
	else
		object_put(o, NULL);
	return NULL;
}

static void sleep_with(bool whole, const char *what, uint64_t large)
{
	struct sleeper s = { .whole = whole };
	pthread_t thread;

	vec_of_five(&s.v);
	ok(!pthread_barrier_init(&s.step, NULL, 2));
	ok(!pthread_create(&thread, NULL, sleeper, &s));
	pthread_barrier_wait(&s.step);
	ok(!percu_vec_truncate(&s.v, 0));
	if (!whole)
		percu_barrier(); /* with a sleeping reader it would not end */
	row(what, MIB, large);
	pthread_barrier_wait(&s.step);
	pthread_join(thread, NULL);
	pthread_barrier_destroy(&s.step);
	percu_vec_destroy(&s.v);
	row("woken up", 0, 0);
}

/*
 * d) One array, two slices.
 *
 * b := append(a[:2], 'X') writes into the array that a shows too.
 */
static void expect(const char *what, const void *bytes, const char *expected)
{
	printf("  %-42s  \"%.4s\"\n", what, (const char *)bytes);
	if (memcmp(bytes, expected, 4)) {
		printf("  WRONG: not \"%s\"\n", expected);
		failed = true;
	}
}

static void two_slices(void)
{
	unsigned char array[8] = "abcd"; /* a shows 4 bytes of 8, b 2 */
	struct percu_buf *b = percu_buf_get(8);
	struct percu_slice s;

	printf("\nd) two slices of one array\n");
	array[2] = 'X'; /* the append: there is room in the array */
	expect("a, after b := append(a[:2], 'X')", array, "abXd");

	/*
	 * A slice takes its storage away from the buffer: what is appended
	 * goes elsewhere.  And s.ptr[2] = 'X' does not compile.
	 */
	ok(b && !percu_buf_append(b, "abcd", 4));
	s = percu_slice_of(b, 0, 4);
	ok(s.len && !percu_buf_append(b, s.ptr, 2) &&
	   !percu_buf_append(b, "Xd", 2));
	expect("the buffer that the slice was taken from", b->data, "abXd");
	expect("the slice", s.ptr, "abcd");
	percu_slice_put(s);
	percu_buf_put(b);
}

/*
 * e) Pooled buffers that stay large.
 *
 * Five requests once needed 1 MiB each.  The buffers that they left in a
 * sync.Pool, here a free list, serve small requests ever after, and as they
 * are in use no collection takes them.
 */
struct grown {
	unsigned char *data;
	size_t cap;
};

static void requests_naive(struct grown *list, size_t size)
{
	for (struct grown *g = list; g < list + NR; g++) {
		if (g->cap < size) {
			g->data = percu_realloc(g->data, size);
			g->cap = size;
			ok(g->data);
		}
	}
}

static void requests(size_t size)
{
	struct percu_buf *b[NR];

	for (int i = 0; i < NR; i++) {
		b[i] = percu_buf_get(0);
		ok(b[i] && !percu_buf_reserve(b[i], size));
	}
	for (int i = 0; i < NR; i++)
		percu_buf_put(b[i]);
}

static void pooled_buffers(void)
{
	struct grown list[NR] = { { NULL, 0 } };

	part("e) buffers that were large once");
	requests_naive(list, MIB);
	requests_naive(list, KIB);
	row("a free list, after five small requests", 0, 5);
	for (int i = 0; i < NR; i++)
		percu_free(list[i].data);
	requests(MIB);
	requests(KIB);
	row("percu_buf_put(), after five small requests", 0, 0);
}

int main(void)
{
	stale_tail();
	small_slice();
	part("c) a sleeper that needs one of five");
	sleep_with(true, "in a read section, with the whole view", 5);
	sleep_with(false, "outside, with a reference to the one", 1);
	two_slices();
	pooled_buffers();
	puts(failed ? "\nFAILED" : "\nevery figure is what it has to be");
	return failed;
}
