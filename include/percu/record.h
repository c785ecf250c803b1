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
 * ended, instrumented or not yet set up has it as its base.  A thread that is
 * not registered has a negative cpu id and misses too.
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
#define PERCU_HAS_RSEQ 1
#define PERCU_RSEQ_OFFSET __rseq_offset
#endif
#endif
#ifndef PERCU_HAS_RSEQ
#define PERCU_HAS_RSEQ 0
#define PERCU_RSEQ_OFFSET 0
#endif

enum {
	PERCU_RECORD_SHIFT	= 16,	/* bytes from one CPU's record to the next's */
	PERCU_RECORD_SLOTS	= 128,	/* offset of the first object pointer */
};

/*
 * The word, from its low end: 16 bits count of objects, 1 bit which of the
 * record's two sides is current, 47 bits operations since that side was
 * written.  A pop takes one from the count and adds an operation; a push adds
 * one to both.
 */
#define PERCU_WORD_COUNT	0xffffull
#define PERCU_WORD_SIDE		0x10000ull
#define PERCU_WORD_OP		0x20000ull
#define PERCU_WORD_POP		(PERCU_WORD_OP - 1)
#define PERCU_WORD_PUSH		(PERCU_WORD_OP + 1)

/* The first words of struct percu_pool. */
struct percu_front {
	char *base;		/* (r) of the records, or the dummy */
	ptrdiff_t rseq;		/* (c) __rseq_offset, one load nearer */
	uint32_t index_off;	/* (c) of the index in struct rseq */
	uint32_t mask;		/* (c) of the index; size classes only */
	uint64_t unused;
};

#if PERCU_HAS_RSEQ

/*
 * The frame of a sequence.  Labels: 1 arms, 2 starts, 3 is the instruction
 * after the commit, 4 is where the kernel sends an aborted sequence, which
 * starts over.  The descriptor goes to __rseq_cs, where debuggers look too;
 * "?" keeps it in the group of the function that it describes.
 */
#define PERCU_RSEQ_DESCRIBE						\
	".pushsection __rseq_cs, \"aw?\"\n\t"				\
	".balign 32\n"							\
	"5:\n\t"							\
	".long 0, 0\n\t"						\
	".quad 2f, 3f - 2f, 4f\n\t"					\
	".popsection\n\t"						\
	".pushsection __rseq_cs_ptr_array, \"aw?\"\n\t"			\
	".quad 5b\n\t"							\
	".popsection\n\t"						\
	".pushsection .text.unlikely, \"ax?\"\n\t"			\
	".byte 0x0f, 0xb9, 0x3d\n\t"					\
	".long 0x53053053\n"						\
	"4:\n\t"							\
	"jmp 1f\n\t"							\
	".popsection\n\t"

/*
 * Arms, and leaves the address of this CPU's record in %[rec].  The test of
 * cpu_id is a branch, and not a fold into the index, because it is never
 * taken: so the index does not wait for it.
 */
#define PERCU_RSEQ_BEGIN(miss, mask)					\
	PERCU_RSEQ_DESCRIBE						\
	"1:\n\t"							\
	"leaq 5b(%%rip), %[rec]\n\t"					\
	"movq %[rec], %%fs:8(%[rseq])\n"				\
	"2:\n\t"							\
	"movl %c[index_off](%[front]), %k[tmp]\n\t"			\
	"cmpl $0, %%fs:4(%[rseq])\n\t"					\
	"js %l[" #miss "]\n\t"						\
	"movl %%fs:(%[rseq],%[tmp]), %k[rec]\n\t"			\
	mask								\
	"shlq %[shift], %[rec]\n\t"					\
	"addq (%[front]), %[rec]\n\t"

#define PERCU_RSEQ_INPUTS(front_, rseq_)				\
	[front] "r" (front_), [rseq] "r" (rseq_),			\
	[index_off] "i" (offsetof(struct percu_front, index_off)),	\
	[mask] "i" (offsetof(struct percu_front, mask)),		\
	[shift] "i" (PERCU_RECORD_SHIFT)

/*
 * Pops the object on top into *obj, or returns 0.  rseq: __rseq_offset or its
 * copy in the front, whichever the caller has nearer.
 *
 *	word = record->word
 *	if count(word) == 0: return 0
 *	obj = record->slot[count(word) - 1]
 *	record->word = word + one operation - one object	(commit)
 */
#define PERCU_RECORD_POP(front, rseq, obj, mask_text)			\
	uint64_t rec, tmp, word;					\
	void *top;							\
									\
	__asm__ __volatile__ goto(					\
		PERCU_RSEQ_BEGIN(empty, mask_text)			\
		"movq (%[rec]), %[word]\n\t"				\
		"movzwl %w[word], %k[tmp]\n\t"				\
		"testl %k[tmp], %k[tmp]\n\t"				\
		"jz %l[empty]\n\t"					\
		"movq %c[slots]-8(%[rec],%[tmp],8), %[top]\n\t"	\
		"addq %[pop], %[word]\n\t"				\
		"movq %[word], (%[rec])\n"				\
		"3:\n\t"						\
		: [rec] "=&r" (rec), [tmp] "=&r" (tmp),			\
		  [word] "=&r" (word), [top] "=&r" (top)		\
		: PERCU_RSEQ_INPUTS(front, rseq),			\
		  [slots] "i" (PERCU_RECORD_SLOTS),			\
		  [pop] "i" (PERCU_WORD_POP)				\
		: "memory", "cc"					\
		: empty);						\
	*(obj) = top;							\
	return 1;							\
empty:									\
	return 0

/*
 * Pushes obj, or returns 0.  The slot is above the count, where nobody reads
 * it, until the commit.
 *
 *	word = record->word
 *	if count(word) >= record->capacity: return 0
 *	record->slot[count(word)] = obj
 *	record->word = word + one operation + one object	(commit)
 */
#define PERCU_RECORD_PUSH(front, rseq, obj_, mask_text)			\
	uint64_t rec, tmp, word;					\
									\
	__asm__ __volatile__ goto(					\
		PERCU_RSEQ_BEGIN(full, mask_text)			\
		"movq (%[rec]), %[word]\n\t"				\
		"movzwl %w[word], %k[tmp]\n\t"				\
		"cmpl 8(%[rec]), %k[tmp]\n\t"				\
		"jae %l[full]\n\t"					\
		"movq %[obj], %c[slots](%[rec],%[tmp],8)\n\t"		\
		"addq %[push], %[word]\n\t"				\
		"movq %[word], (%[rec])\n"				\
		"3:\n\t"						\
		: [rec] "=&r" (rec), [tmp] "=&r" (tmp),			\
		  [word] "=&r" (word)					\
		: PERCU_RSEQ_INPUTS(front, rseq), [obj] "r" (obj_),	\
		  [slots] "i" (PERCU_RECORD_SLOTS),			\
		  [push] "i" (PERCU_WORD_PUSH)				\
		: "memory", "cc"					\
		: full);						\
	return 1;							\
full:									\
	return 0

static inline __attribute__((__always_inline__))
int percu_record_pop(struct percu_front *front, ptrdiff_t rseq, void **obj)
{
	PERCU_RECORD_POP(front, rseq, obj, "");
}

static inline __attribute__((__always_inline__))
int percu_record_push(struct percu_front *front, ptrdiff_t rseq, void *obj)
{
	PERCU_RECORD_PUSH(front, rseq, obj, "");
}

/*
 * The same for the size classes' fronts, which are used before the library is
 * set up, when their base is a single record: mask is 0 then, and else ~0.
 */
#define PERCU_RSEQ_MASK	"andl %c[mask](%[front]), %k[rec]\n\t"

static inline __attribute__((__always_inline__))
int percu_class_pop(struct percu_front *front, ptrdiff_t rseq, void **obj)
{
	PERCU_RECORD_POP(front, rseq, obj, PERCU_RSEQ_MASK);
}

static inline __attribute__((__always_inline__))
int percu_class_push(struct percu_front *front, ptrdiff_t rseq, void *obj)
{
	PERCU_RECORD_PUSH(front, rseq, obj, PERCU_RSEQ_MASK);
}

#else /* !PERCU_HAS_RSEQ: every record is behind its lock, in the library */

static inline int percu_record_pop(struct percu_front *front, ptrdiff_t rseq, void **obj)
{
	(void)front;
	(void)rseq;
	(void)obj;
	return 0;
}

static inline int percu_record_push(struct percu_front *front, ptrdiff_t rseq, void *obj)
{
	(void)front;
	(void)rseq;
	(void)obj;
	return 0;
}

#define percu_class_pop(front, rseq, obj)	percu_record_pop(front, rseq, obj)
#define percu_class_push(front, rseq, obj)	percu_record_push(front, rseq, obj)

#endif /* PERCU_HAS_RSEQ */

#endif /* PERCU_RECORD_H */
