/* SPDX-License-Identifier: MIT */
/*
 * pool/record.c - one CPU's record of a pool
 *
 * Single objects are popped and pushed by the sequences of <percu/record.h>.
 * Here are the two bulk sequences, the same four operations behind a lock for
 * machines without rseq, and what reads a record.  Where records come from and
 * how large they are is budget.c's.
 *
 * A bulk sequence, in pseudo-code (take; give is its mirror image, and counts no gets):
 *
 *	1  word  = record->word
 *	2  k     = min(n, count(word)); if k == 0: return 0
 *	3  copy slot[count - k .. count) to objs		(private memory)
 *	4  other = the side that is not current
 *	5  other.seq = SIDE_BUSY
 *	6  other.gets = side.gets + gets(word) + (k if counted)
 *	7  other.net = side.net - (k if moved)
 *	8  other.seq = side.seq + 1
 *	9  record->word = count - k, other is current, 0 gets	(commit)
 *
 * Everything before 9 writes what nobody believes before 9, and is done
 * again from 1 if the thread is preempted, migrated or signalled.
 *
 * Words: index (which CPU's), side, move (between record and magazine, not
 * counted as get or put), count (a caller's).
 */
#include <string.h>

#include "pool/pool.h"
#include "slab/meta.h"
#include "sys/conf.h"
#include "sys/cpu.h"
#include "sys/delay.h"
#include "sys/os.h"

/* The lock path, and the drainer. ---------------------------------------- */

static void side_turn(struct record *r, uint64_t gets, int64_t net,
		      uint64_t count)
{
	const struct record_side *cur;
	struct record_side *other;
	uint64_t side = r->word & PERCU_WORD_SIDE;

	cur = &r->side[!!side];
	other = &r->side[!side];
	/* Each store but the first releases: record_try() acquires. */
	__atomic_store_n(&other->seq, SIDE_BUSY, __ATOMIC_RELAXED);
	__atomic_store_n(&other->gets,
			 cur->gets + gets + r->word / PERCU_WORD_GET,
			 __ATOMIC_RELEASE);
	__atomic_store_n(&other->net, cur->net + net, __ATOMIC_RELEASE);
	__atomic_store_n(&other->seq, cur->seq + 1, __ATOMIC_RELEASE);
	__atomic_store_n(&r->word, count | (side ^ PERCU_WORD_SIDE),
			 __ATOMIC_RELEASE);
}

static size_t take_locked(struct record *r, void **objs, size_t n,
			  enum record_how how)
{
	size_t count = r->word & PERCU_WORD_COUNT;

	if (n > count)
		n = count;
	if (!n)
		return 0;
	memcpy(objs, &r->slot[count - n], n * sizeof(*objs));
	if (how == RECORD_COUNT)
		side_turn(r, n, 0, count - n);
	else
		side_turn(r, 0, -(int64_t)n, count - n);
	return n;
}

static size_t give_locked(struct record *r, void *const *objs, size_t n,
			  enum record_how how)
{
	size_t count = r->word & PERCU_WORD_COUNT;
	uint32_t capacity = __atomic_load_n(&r->capacity, __ATOMIC_RELAXED);

	if (count >= capacity)
		return 0;
	if (n > capacity - count)
		n = capacity - count;
	memcpy(&r->slot[count], objs, n * sizeof(*objs));
	if (how == RECORD_COUNT)
		side_turn(r, 0, 0, count + n);
	else
		side_turn(r, 0, (int64_t)n, count + n);
	return n;
}

/*
 * The drainer's: the pool is stopped, so all its records are the caller's.
 * Gets that the word has counted for long move to a side, before they overflow
 * it: 2^46 are hits of a day and more without a single miss.
 */
size_t record_drain(struct record *r, void **objs, size_t n)
{
	if (unlikely(r->word / PERCU_WORD_GET >> 46))
		side_turn(r, 0, 0, r->word & PERCU_WORD_COUNT);
	return take_locked(r, objs, n, RECORD_MOVE);
}

/*
 * The lock path's way in: this CPU's record, locked, or NULL.  The base is
 * looked at under the lock: pool_stop() makes it the dummy and then waits for
 * each lock once, so whoever got in before is out, and none gets in after.
 */
static struct record *record_lock(struct percu_front *front, const char *dummy)
{
	uint32_t index = cpu_index();
	struct record *r;
	char *base = __atomic_load_n(&front->base, __ATOMIC_ACQUIRE);

	if (base == dummy || index >= cpu_info.possible)
		return NULL;
	delay_step();
	r = record_at(base, index);
	/*
	 * Acquire: pairs with capacity_change(), after which it is open.
	 * Closed, it may still hold objects; one never used is left so.
	 */
	if (!__atomic_load_n(&r->capacity, __ATOMIC_ACQUIRE) &&
	    !__atomic_load_n(&r->word, __ATOMIC_RELAXED))
		return NULL;
	delay_step();
	lock_take(&r->lock, LOCK_RECORD);
	/*
	 * Sequentially consistent, as are the store of the dummy and both
	 * accesses to the bitmap of open records: either the drainer finds
	 * this record open and waits for its lock, or the dummy is found here.
	 */
	if (__atomic_load_n(&front->base, __ATOMIC_SEQ_CST) == base)
		return r;
	lock_give(&r->lock, LOCK_RECORD);
	return NULL;
}

static size_t lockpath_take(struct percu_front *front, const char *dummy,
			    void **objs, size_t n, enum record_how how)
{
	struct record *r = record_lock(front, dummy);

	if (!r)
		return 0;
	n = take_locked(r, objs, n, how);
	lock_give(&r->lock, LOCK_RECORD);
	return n;
}

static size_t lockpath_give(struct percu_front *front, const char *dummy,
			    void *const *objs, size_t n, enum record_how how)
{
	struct record *r = record_lock(front, dummy);

	if (!r)
		return 0;
	n = give_locked(r, objs, n, how);
	lock_give(&r->lock, LOCK_RECORD);
	return n;
}

/* The bulk sequences. ----------------------------------------------------- */

#if PERCU_HAS_RSEQ

/* Assembly has lines of its own. */
/* clang-format off */
/*
 * Steps 4 to 9; %[tmp] is the new count.  gets: adds what is counted; sign: of
 * what a move does to net.
 */
#define BULK_COMMIT(gets, sign)                               \
	"movq %[word], %[t]\n\t"                              \
	"shrq $16, %[t]\n\t"                                  \
	"andl $1, %k[t]\n\t"                                  \
	"imulq $24, %[t], %[t]\n\t"                           \
	"leaq 16(%[rec],%[t]), %[p]\n\t" /* current side */   \
	"negq %[t]\n\t"                                       \
	"leaq 40(%[rec],%[t]), %[j]\n\t" /* the other */      \
	PERCU_RSEQ_DELAY(4)                                   \
	"movq $-1, (%[j])\n\t"                                \
	PERCU_RSEQ_DELAY(5)                                   \
	"movq %[word], %[t]\n\t"                              \
	"shrq $17, %[t]\n\t"                                  \
	"addq 8(%[p]), %[t]\n\t"                              \
	"movq %[k], %[w]\n\t"                                 \
	"andq %[how], %[w]\n\t" gets "movq %[t], 8(%[j])\n\t" \
	"subq %[k], %[w]\n\t" /* -(k if moved) */             \
	"movq 16(%[p]), %[t]\n\t" sign " %[w], %[t]\n\t"      \
	"movq %[t], 16(%[j])\n\t"                             \
	PERCU_RSEQ_DELAY(6)                                   \
	"movq (%[p]), %[t]\n\t"                               \
	"incq %[t]\n\t"                                       \
	"movq %[t], (%[j])\n\t"                               \
	"andl $0x10000, %k[word]\n\t"                         \
	"xorl $0x10000, %k[word]\n\t"                         \
	"orq %[tmp], %[word]\n\t"                             \
	PERCU_RSEQ_DELAY(7)                                   \
	"movq %[word], (%[rec])\n"                            \
	"3:\n\t"

/* Step 3: k pointers, two at a time after an odd one. */
#define BULK_COPY(from, to)                    \
	PERCU_RSEQ_DELAY(3)                    \
	"movl %k[k], %k[j]\n\t"                \
	"andl $1, %k[j]\n\t"                   \
	"jz 6f\n\t"                            \
	"movq (" from "), %[t]\n\t"            \
	"movq %[t], (" to ")\n\t"              \
	"cmpq %[k], %[j]\n\t"                  \
	"je 7f\n"                              \
	"6:\n\t"                               \
	"movups (" from ",%[j],8), %%xmm0\n\t" \
	"movups %%xmm0, (" to ",%[j],8)\n\t"   \
	"addq $2, %[j]\n\t"                    \
	"cmpq %[k], %[j]\n\t"                  \
	"jb 6b\n"                              \
	"7:\n\t"

/*
 * 0, in a way that the compiler cannot see through.  gcc 12 believes that a
 * constant returned at the label is in the register of an output already, and
 * returns what the asm left there.
 */
#define NOTHING()                                                             \
	__extension__({                                                       \
		uint64_t zero_;                                               \
                                                                              \
		__asm__ __volatile__("xorl %k0, %k0" : "=r"(zero_) : : "cc"); \
		zero_;                                                        \
	})

static __attribute__((noinline)) size_t
rseq_take(struct percu_front *front, void **objs, size_t n, long how)
{
	uint64_t rec, tmp, word, k, p, j, t, w;

	__asm__ __volatile__ goto(
		PERCU_RSEQ_BEGIN(
			none,
			"") "movq (%[rec]), %[word]\n\t"
			    "movzwl %w[word], %k[tmp]\n\t"
			    "movq %[n], %[k]\n\t"
			    "cmpq %[tmp], %[k]\n\t"
			    "cmovaq %[tmp], %[k]\n\t"
			    "testq %[k], %[k]\n\t"
			    "jz %l[none]\n\t"
			    "subq %[k], %[tmp]\n\t"
			    "leaq %c[slots](%[rec],%[tmp],8), %[p]\n\t" BULK_COPY(
				    "%[p]", "%[objs]")
				    BULK_COMMIT("addq %[w], %[t]\n\t", "addq")
		: [rec] "=&r"(rec), [tmp] "=&r"(tmp), [word] "=&r"(word),
		  [k] "=&r"(k), [p] "=&r"(p), [j] "=&r"(j), [t] "=&r"(t),
		  [w] "=&r"(w)
		: PERCU_RSEQ_INPUTS(front), [rseq] "r"(front->rseq),
		  [objs] "r"(objs), [n] PERCU_RSEQ_SPARE(n),
		  [how] PERCU_RSEQ_SPARE(how)
		: "memory", "cc", "xmm0" PERCU_RSEQ_DELAY_CLOBBER
		: none);
	return k;
none:
	return NOTHING();
}

static __attribute__((noinline)) size_t
rseq_give(struct percu_front *front, void *const *objs, size_t n, long how)
{
	uint64_t rec, tmp, word, k, p, j, t, w;

	__asm__ __volatile__ goto(
		PERCU_RSEQ_BEGIN(
			none,
			"") "movq (%[rec]), %[word]\n\t"
			    "movzwl %w[word], %k[tmp]\n\t"
			    "movl 8(%[rec]), %k[k]\n\t"
			    "subq %[tmp], %[k]\n\t"
			    "jbe %l[none]\n\t"
			    "cmpq %[n], %[k]\n\t"
			    "cmovaq %[n], %[k]\n\t"
			    "leaq %c[slots](%[rec],%[tmp],8), %[p]\n\t" BULK_COPY(
				    "%[objs]",
				    "%[p]") "addq %[k], %[tmp]\n\t" BULK_COMMIT("",
										"subq")
		: [rec] "=&r"(rec), [tmp] "=&r"(tmp), [word] "=&r"(word),
		  [k] "=&r"(k), [p] "=&r"(p), [j] "=&r"(j), [t] "=&r"(t),
		  [w] "=&r"(w)
		: PERCU_RSEQ_INPUTS(front), [rseq] "r"(front->rseq),
		  [objs] "r"(objs), [n] PERCU_RSEQ_SPARE(n),
		  [how] PERCU_RSEQ_SPARE(how)
		: "memory", "cc", "xmm0" PERCU_RSEQ_DELAY_CLOBBER
		: none);
	return k;
none:
	return NOTHING();
}

/* clang-format on */

#else

static size_t rseq_take(struct percu_front *front, void **objs, size_t n,
			long how)
{
	(void)front, (void)objs, (void)n, (void)how;
	return 0;
}

static size_t rseq_give(struct percu_front *front, void *const *objs, size_t n,
			long how)
{
	(void)front, (void)objs, (void)n, (void)how;
	return 0;
}

#endif /* PERCU_HAS_RSEQ */

/* Either path. ------------------------------------------------------------- */

/* Up to n objects, the coldest first; 0 if the record has none. */
size_t record_take(struct percu_pool *p, void **objs, size_t n,
		   enum record_how how)
{
	if (cpu_info.rseq)
		return rseq_take(&p->inner, objs, n, how);
	return lockpath_take(&p->inner, p->dummy, objs, n, how);
}

/* How many of the first n it had room for.  n is not 0. */
size_t record_give(struct percu_pool *p, void *const *objs, size_t n,
		   enum record_how how)
{
	if (cpu_info.rseq)
		return rseq_give(&p->inner, objs, n, how);
	return lockpath_give(&p->inner, p->dummy, objs, n, how);
}

void *record_get(struct percu_pool *p)
{
	void *obj;

	if (cpu_info.rseq)
		return percu_record_pop(&p->inner, &obj) ? obj : NULL;
	return lockpath_take(&p->inner, p->dummy, &obj, 1, RECORD_COUNT) ? obj :
									   NULL;
}

bool record_put(struct percu_pool *p, void *obj)
{
	if (cpu_info.rseq)
		return percu_record_push(&p->inner, obj);
	return lockpath_give(&p->inner, p->dummy, &obj, 1, RECORD_COUNT);
}

bool record_retire(struct retire *r, void *obj)
{
	if (cpu_info.rseq)
		return percu_record_push(&r->inner, obj);
	return lockpath_give(&r->inner, r->dummy, &obj, 1, RECORD_COUNT);
}

/* To a magazine that is to wait. */
size_t record_spill(struct retire *r, void **objs, size_t n)
{
	if (cpu_info.rseq)
		return rseq_take(&r->inner, objs, n, RECORD_MOVE);
	return lockpath_take(&r->inner, r->dummy, objs, n, RECORD_MOVE);
}

/*
 * Reads a record's figures from anywhere, without stopping its CPU.
 *
 * A side holds the number e of its writing from before the commit of e until
 * the writing of e + 2 begins, which is after the commit of e + 1; but an
 * aborted sequence may have left e there, with sums that the next try writes
 * again, before e was committed.  So the reader reads, in this order,
 *
 *	seq, word, sums, word again, seq again
 *
 * and believes them if both words name this side and both seqs are the same.
 * The first word says that the side was current after seq was read: what seq
 * said was committed by then, and the sums read after it are the committed
 * ones.  The last seq says that nobody had begun to write the side anew, so
 * the second word, read before, is of the same epoch as the sums.
 *
 * Each load but the last acquires, so they are in order; the writer's stores
 * are in order because x86 keeps stores in order, and on the lock path by the
 * releases of side_turn().  A reader that keeps losing is a reader beside a
 * CPU that keeps turning sides, each turn of which is progress.
 */
static bool record_try(const struct record *r, uint64_t side, uint64_t *word,
		       uint64_t *gets, int64_t *net)
{
	const struct record_side *s = &r->side[!!side];
	uint64_t seq = __atomic_load_n(&s->seq, __ATOMIC_ACQUIRE);

	delay_step();
	*word = __atomic_load_n(&r->word, __ATOMIC_ACQUIRE);
	if (seq == SIDE_BUSY || (*word & PERCU_WORD_SIDE) != side)
		return false;
	delay_step();
	*gets = __atomic_load_n(&s->gets, __ATOMIC_ACQUIRE);
	*net = __atomic_load_n(&s->net, __ATOMIC_ACQUIRE);
	delay_step();
	*word = __atomic_load_n(&r->word, __ATOMIC_ACQUIRE);
	return (*word & PERCU_WORD_SIDE) == side &&
	       __atomic_load_n(&s->seq, __ATOMIC_RELAXED) == seq;
}

void record_read(const struct record *r, struct record_counts *c)
{
	uint64_t word = __atomic_load_n(&r->word, __ATOMIC_ACQUIRE);
	int64_t net;

	while (!record_try(r, word & PERCU_WORD_SIDE, &word, &c->gets, &net))
		;
	c->count = word & PERCU_WORD_COUNT;
	c->gets += word / PERCU_WORD_GET;
	c->puts = c->gets + c->count - (uint64_t)net;
}
