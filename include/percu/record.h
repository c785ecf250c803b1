/* SPDX-License-Identifier: MIT */
/*
 * percu/record.h - a CPU's record of a pool, and the two sequences on it
 *
 * Not an interface: this is what the library and <percu/inline.h> share, and
 * it changes when the library does (the percu_abi1_ symbols then get another
 * number, and old objects fail to link).  Documentation/rseq.md has the pseudo-code
 * and the protocol with a remote drainer; in short:
 *
 *	if cpu_id < 0: miss
 *	index  = mm_cid, or cpu_id where the kernel has no mm_cid
 *	record = front->base + (index << PERCU_RECORD_SHIFT)
 *
 * Everything that can change is loaded inside the restartable sequence, after
 * it is armed, so that a fence (membarrier RSEQ) separates those who saw the
 * old base from those who see the new.  The last instruction of a sequence is
 * its one store that anybody else can see: the word.
 *
 * The dummy base is a read-only mapping of zeroes: its records have count 0
 * and capacity 0, empty for pop and full for push.  A pool that is stopped,
 * ended or instrumented has it as its base.  A thread that is not registered
 * has a negative cpu id and misses too.
 */
#ifndef PERCU_RECORD_H
#define PERCU_RECORD_H

#include <stddef.h>
#include <stdint.h>
#include <percu/compiler.h>

/* PERCU_NO_RSEQ: build as on a machine without sequences here. */
#if defined(__x86_64__) && defined(__LP64__) && defined(__GNUC__) && \
	defined(__has_include) && !defined(PERCU_NO_RSEQ)
#if __has_include(<sys/rseq.h>)
#include <sys/rseq.h>
#define PERCU_HAS_RSEQ    1
#define PERCU_RSEQ_OFFSET __rseq_offset
#endif
#endif
#ifndef PERCU_HAS_RSEQ
#define PERCU_HAS_RSEQ    0
#define PERCU_RSEQ_OFFSET 0
#endif

enum {
	PERCU_RECORD_SHIFT = 16, /* bytes from one CPU's record to the next's */
	/* Offset of the first object pointer; one byte in an instruction. */
	PERCU_RECORD_SLOTS = 120,
};

/*
 * The word, from its low end: 16 bits count of objects, 1 bit which of the
 * record's two sides is current, 47 bits gets since that side was written.  A
 * pop takes one from the count and adds a get; a push adds one to the count.
 */
#define PERCU_WORD_COUNT 0xffffull
#define PERCU_WORD_SIDE  0x10000ull
#define PERCU_WORD_GET   0x20000ull
#define PERCU_WORD_POP   (PERCU_WORD_GET - 1)

/* Of make DELAY=1, which is for percu's own tests: spins at a step. */
#ifdef PERCU_DELAY
#include "sys/delay.h"
#else
#define PERCU_RSEQ_DELAY(step) ""
#define PERCU_RSEQ_DELAY_INPUT
#define PERCU_RSEQ_DELAY_CLOBBER
#define PERCU_RSEQ_SPARE "r"
#endif

/* The first words of struct percu_pool. */
struct percu_front {
	char *base;         /* (r) of the records, or the dummy */
	ptrdiff_t rseq;     /* (c) __rseq_offset, one load nearer */
	uint32_t index_off; /* (c) of the index in struct rseq */
	uint32_t unused[3];
};

#if PERCU_HAS_RSEQ

/* Assembly has lines of its own. */
/* clang-format off */
/*
 * The sequence of a typed pool fits, with its function around it, a line of 64
 * bytes: hence few registers, of which the first need no prefix, a 32-bit
 * shift, an offset of the slots below 128, and a word that a push only
 * increments.  One more line to fetch costs a pair a cycle or two of ten.
 *
 * The frame of a sequence.  Labels: 1 arms, 2 starts, 3 is the instruction
 * after the commit, 4 is where the kernel sends an aborted sequence, which
 * starts over.  The descriptor goes to __rseq_cs, where debuggers look too;
 * "?" keeps it in the group of the function that it describes.
 */
#define PERCU_RSEQ_DESCRIBE                             \
	".pushsection __rseq_cs, \"aw?\"\n\t"           \
	".balign 32\n"                                  \
	"5:\n\t"                                        \
	".long 0, 0\n\t"                                \
	".quad 2f, 3f - 2f, 4f\n\t"                     \
	".popsection\n\t"                               \
	".pushsection __rseq_cs_ptr_array, \"aw?\"\n\t" \
	".quad 5b\n\t"                                  \
	".popsection\n\t"                               \
	".pushsection .text.unlikely, \"ax?\"\n\t"      \
	".byte 0x0f, 0xb9, 0x3d\n\t"                    \
	".long 0x53053053\n"                            \
	"4:\n\t"                                        \
	"jmp 1f\n\t"                                    \
	".popsection\n\t"

/*
 * Arms, and leaves the address of this CPU's record in %[rec].  load: brings
 * __rseq_offset to %[rseq], where that is not an input.  The test of cpu_id is
 * a branch, and not a fold into the index, because it is never taken: so the
 * index does not wait for it.
 */
#define PERCU_RSEQ_BEGIN(miss, load)               \
	PERCU_RSEQ_DESCRIBE                        \
	"1:\n\t" load "leaq 5b(%%rip), %[rec]\n\t" \
	"movq %[rec], %%fs:8(%[rseq])\n"           \
	"2:\n\t" PERCU_RSEQ_DELAY(0)              \
	"movl %[index_off], %k[tmp]\n\t"           \
	"cmpl $0, %%fs:4(%[rseq])\n\t"             \
	"js %l[" #miss "]\n\t"                     \
	"movl %%fs:(%[rseq],%[tmp]), %k[rec]\n\t"  \
	PERCU_RSEQ_DELAY(1)                        \
	"shll %[shift], %k[rec]\n\t"               \
	"addq %[base], %[rec]\n\t"                 \
	PERCU_RSEQ_DELAY(2)

#define PERCU_RSEQ_OPERANDS(front_, base_)                                     \
	[index_off] "m"((front_)->index_off), [rseq_copy] "m"((front_)->rseq), \
		[base] "m"(base_), [slots] "i"(PERCU_RECORD_SLOTS),            \
		[shift] "i"(PERCU_RECORD_SHIFT) PERCU_RSEQ_DELAY_INPUT
#define PERCU_RSEQ_INPUTS(front_) PERCU_RSEQ_OPERANDS(front_, (front_)->base)

/* Of the front, which has a copy: glibc's own is behind one load more. */
#define PERCU_RSEQ_COPY "movq %[rseq_copy], %[rseq]\n\t"

/*
 * Pops the object on top, or goes to empty.  word: the operand that takes it.
 *
 *	word = record->word
 *	if count(word) == 0: miss
 *	obj = record->slot[count(word) - 1]
 *	record->word = word + one get - one object	(commit)
 *
 * An addition in memory would be two instructions less, but the count is then
 * loaded apart from the word, and a pair takes a sixth longer.
 */
#define PERCU_RSEQ_POP(load, word)                      \
	PERCU_RSEQ_BEGIN(empty, load)                   \
	"movq (%[rec]), %[" word "]\n\t"                \
	"movzwl %w[" word "], %k[tmp]\n\t"              \
	"testl %k[tmp], %k[tmp]\n\t"                    \
	"jz %l[empty]\n\t"                              \
	PERCU_RSEQ_DELAY(3)                             \
	"movq %c[slots]-8(%[rec],%[tmp],8), %[top]\n\t" \
	PERCU_RSEQ_DELAY(4)                             \
	"addq %[pop], %[" word "]\n\t"                  \
	"movq %[" word "], (%[rec])\n"                  \
	"3:\n\t"

/*
 * Pushes obj, or goes to full.  The slot is above the count, where nobody
 * reads it, until the commit.
 *
 *	word = record->word
 *	if count(word) >= record->capacity: miss
 *	record->slot[count(word)] = obj
 *	record->word = word + one object		(commit)
 */
#define PERCU_RSEQ_PUSH(load, word)                   \
	PERCU_RSEQ_BEGIN(full, load)                  \
	"movq (%[rec]), %[" word "]\n\t"              \
	"movzwl %w[" word "], %k[tmp]\n\t"            \
	"cmpl 8(%[rec]), %k[tmp]\n\t"                 \
	"jae %l[full]\n\t"                            \
	PERCU_RSEQ_DELAY(3)                           \
	"movq %[obj], %c[slots](%[rec],%[tmp],8)\n\t" \
	PERCU_RSEQ_DELAY(4)                           \
	"incq %[" word "]\n\t"                        \
	"movq %[" word "], (%[rec])\n"                \
	"3:\n\t"

/*
 * pop and push: 1, or 0 for a miss.  base: the front's own, or that of a size
 * class, which shares the rest of the front with the others.  %[rseq] is loaded
 * inside, and free to take the word when it has served.
 */
static inline __attribute__((__always_inline__)) int
percu_base_pop(const struct percu_front *front, char *const *base, void **obj)
{
	uint64_t rec, tmp, rseq;
	void *top;

	__asm__ __volatile__ goto(
		PERCU_RSEQ_POP(PERCU_RSEQ_COPY, "rseq")
		: [rec] "=&r"(rec), [tmp] "=&r"(tmp), [rseq] "=&r"(rseq),
		  [top] "=&a"(top)
		: PERCU_RSEQ_OPERANDS(front, *base), [pop] "i"(PERCU_WORD_POP)
		: "memory", "cc" PERCU_RSEQ_DELAY_CLOBBER
		: empty);
	*obj = top;
	return 1;
empty:
	return 0;
}

static inline __attribute__((__always_inline__)) int
percu_base_push(const struct percu_front *front, char *const *base, void *obj)
{
	uint64_t rec, tmp, rseq;

	__asm__ __volatile__ goto(
		PERCU_RSEQ_PUSH(PERCU_RSEQ_COPY, "rseq")
		: [rec] "=&r"(rec), [tmp] "=&r"(tmp), [rseq] "=&r"(rseq)
		: PERCU_RSEQ_OPERANDS(front, *base), [obj] "r"(obj)
		: "memory", "cc" PERCU_RSEQ_DELAY_CLOBBER
		: full);
	return 1;
full:
	return 0;
}

/*
 * The same of a typed pool for <percu/inline.h>: __rseq_offset is an input, so
 * that a loop loads it once, and any register will do.
 */
static inline __attribute__((__always_inline__)) int
percu_inline_pop(struct percu_front *front, void **obj)
{
	uint64_t rec, tmp, word;
	void *top;

	__asm__ __volatile__ goto(
		PERCU_RSEQ_POP("", "word")
		: [rec] "=&r"(rec), [tmp] "=&r"(tmp), [word] "=&r"(word),
		  [top] "=&r"(top)
		: PERCU_RSEQ_INPUTS(front), [pop] "i"(PERCU_WORD_POP),
		  [rseq] "r"(__rseq_offset)
		: "memory", "cc" PERCU_RSEQ_DELAY_CLOBBER
		: empty);
	*obj = top;
	return 1;
empty:
	return 0;
}

static inline __attribute__((__always_inline__)) int
percu_inline_push(struct percu_front *front, void *obj)
{
	uint64_t rec, tmp, word;

	__asm__ __volatile__ goto(
		PERCU_RSEQ_PUSH("", "word")
		: [rec] "=&r"(rec), [tmp] "=&r"(tmp), [word] "=&r"(word)
		: PERCU_RSEQ_INPUTS(front), [obj] "r"(obj),
		  [rseq] "r"(__rseq_offset)
		: "memory", "cc" PERCU_RSEQ_DELAY_CLOBBER
		: full);
	return 1;
full:
	return 0;
}

/* clang-format on */

#else /* !PERCU_HAS_RSEQ: every record is behind its lock, in the library */

static inline int percu_base_pop(const struct percu_front *front,
				 char *const *base, void **obj)
{
	(void)front;
	(void)base;
	(void)obj;
	return 0;
}

static inline int percu_base_push(const struct percu_front *front,
				  char *const *base, void *obj)
{
	(void)front;
	(void)base;
	(void)obj;
	return 0;
}

#endif /* PERCU_HAS_RSEQ */

/* Of a typed pool: all is in its front. */
static inline __attribute__((__always_inline__)) int
percu_record_pop(struct percu_front *front, void **obj)
{
	return percu_base_pop(front, &front->base, obj);
}

static inline __attribute__((__always_inline__)) int
percu_record_push(struct percu_front *front, void *obj)
{
	return percu_base_push(front, &front->base, obj);
}

#endif /* PERCU_RECORD_H */
