/* SPDX-License-Identifier: MIT */
/*
 * sys/delay.h - delays between steps: make DELAY=1
 *
 * A race shows itself when one thread is slow at one place.  Built with
 * DELAY=1 percu is slow at times wherever it is between two steps: in its
 * sequences, where it spins, for there may be no system call, and on its slow
 * paths, where it spins or lets another thread run.  Built without, there is
 * nothing of it in the objects.
 *
 * Each place counts how often it was slow.  With PERCU_DELAY_REPORT=FILE a
 * program adds what its places have counted to that file when it ends
 * (sys/delay.c), and scripts/delay.sh adds that up.
 *
 * A sequence that is aborted starts over with the delays that it had.  They
 * are shorter by far than a time slice, so it ends.
 *
 * For <percu/record.h> too, whose sequences a program may inline: so what these
 * need is static, and compiles as C++.
 */
#ifndef PERCU_SYS_DELAY_H
#define PERCU_SYS_DELAY_H

#ifndef PERCU_DELAY

#define delay_step() \
	do {         \
	} while (0)

#else

#include <stdint.h>

/* One a place, in a section of their own, without gaps. */
struct percu_delay_place {
	const char *file, *func;
	uint64_t line;
	uint64_t drawn; /* (a) delays */
} __attribute__((aligned(32)));

#define PERCU_DELAY_PLACE(name)                        \
	static struct percu_delay_place name           \
		__attribute__((section("percu_delay"), \
			       used)) = { __FILE__, __func__, __LINE__, 0 }

static __thread uint64_t percu_delay_state
	__attribute__((tls_model("initial-exec"), unused));

/* Of each thread another series: its address begins it.  xorshift64. */
static inline uint64_t percu_delay_random(void)
{
	uint64_t x = percu_delay_state;

	if (!x)
		x = (uintptr_t)&percu_delay_state * 0x9e3779b97f4a7c15u;
	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return percu_delay_state = x;
}

/*
 * For a sequence, a byte a step: how many rounds it spins there.  Of 32 times
 * once, and then at one step, for a few microseconds.
 */
static inline uint64_t percu_delay_draw(struct percu_delay_place *at)
{
	uint64_t x = percu_delay_random();

	if (x & 31)
		return 0;
	__atomic_fetch_add(&at->drawn, 1, __ATOMIC_RELAXED);
	return (x >> 8 & 0xff) << (x >> 16 & 7) * 8;
}

/* For a slow path, in the library alone. */
void percu_delay_step(struct percu_delay_place *at);

/* Between two steps of a slow path. */
#define delay_step()                    \
	do {                            \
		PERCU_DELAY_PLACE(at_); \
		percu_delay_step(&at_); \
	} while (0)

/* Assembly has lines of its own. */
/* clang-format off */
/*
 * Before step number step of a sequence, 0 to 7, where no flag is in use.  No
 * stack is touched: an abort would leave it so.
 */
#define PERCU_RSEQ_DELAY(step)         \
	"movq %[delay], %%r11\n\t"     \
	"shrq $8*" #step ", %%r11\n\t" \
	"movzbl %%r11b, %%r11d\n\t"    \
	"jmp 9f\n"                     \
	"8:\n\t"                       \
	"pause\n\t"                    \
	"decl %%r11d\n"                \
	"9:\n\t"                       \
	"testl %%r11d, %%r11d\n\t"     \
	"jnz 8b\n\t"

#define PERCU_RSEQ_DELAY_INPUT          \
	, [delay] "rm"(__extension__({  \
		PERCU_DELAY_PLACE(at_); \
		percu_delay_draw(&at_); \
	}))
#define PERCU_RSEQ_DELAY_CLOBBER , "r11"
/* The bulk ones have no register left for that: what can be in memory is. */
#define PERCU_RSEQ_SPARE "rm"
/* clang-format on */

#endif /* PERCU_DELAY */

#endif /* PERCU_SYS_DELAY_H */
