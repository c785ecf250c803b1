/* SPDX-License-Identifier: MIT */
/*
 * malloc/vfork.c - a vfork() child may call malloc
 *
 * By POSIX it may not, and some do all the same: what closes descriptors calls
 * opendir().  The child has its parent's memory, area of struct rseq included,
 * which still names the parent's CPU; but the kernel has ended the child's
 * registration, and gives the parent's index to another thread while the parent
 * waits.  So the child's sequences would write a record beside that thread.
 *
 * Hence this vfork().  The caller leaves rseq before the child is there and is
 * registered again behind it; in between it has a negative cpu_id, in the child
 * as well, and is served from the depots, under locks that work for both.  It
 * costs two system calls, of a vfork's ten and more microseconds one hundredth.
 *
 * Whoever makes such a child by clone() must leave malloc alone in it, as
 * glibc's posix_spawn() does.
 *
 *	vfork:	leave; take the return address off the stack, which the child
 *		will write over, into a register that the system call keeps
 *		child:  return
 *		parent: vfork_behind(), which returns in its place
 */
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "malloc/malloc.h"
#include "sys/cpu.h"

#if PERCU_HAS_RSEQ

/* Of one thread and of its children, one at a time. */
static __thread struct {
	unsigned int depth; /* a child may vfork() too */
	uint32_t size;      /* of the area; 0: it was not registered */
} gone __attribute__((tls_model("initial-exec")));

static long area_call(uint32_t size, int flags)
{
	char *area = (char *)__builtin_thread_pointer() + __rseq_offset;

	return syscall(SYS_rseq, area, size, flags, RSEQ_SIG);
}

/* The kernel wants the size that glibc registered, which it does not tell. */
static uint32_t area_leave(void)
{
	int err = errno;
	uint32_t size = 32;

	while (size <= 256 && area_call(size, RSEQ_FLAG_UNREGISTER))
		size += 4;
	errno = err;
	return size <= 256 ? size : 0;
}

__attribute__((used)) static void vfork_before(void)
{
	if (!gone.depth++ && cpu_info.rseq && cpu_index() != UINT32_MAX)
		gone.size = area_leave();
}

/* ret: the system call's.  A thread that is refused goes on without rseq. */
__attribute__((used)) static pid_t vfork_behind(long ret)
{
	if (!--gone.depth && gone.size) {
		area_call(gone.size, 0);
		gone.size = 0;
	}
	if (ret >= 0)
		return (pid_t)ret;
	errno = (int)-ret;
	return -1;
}

#define QUOTED_(x) #x
#define QUOTED(x)  QUOTED_(x)

/* clang-format off */
__asm__(".pushsection .text, \"ax\", @progbits\n\t"
	".p2align 4\n\t"
	".globl vfork, __vfork\n\t"
	".type vfork, @function\n\t"
	".type __vfork, @function\n"
	"vfork:\n"
	"__vfork:\n\t"
	".cfi_startproc\n\t"
	"subq $8, %rsp\n\t"		/* aligned for a call */
	".cfi_adjust_cfa_offset 8\n\t"
	"call vfork_before\n\t"
	"addq $8, %rsp\n\t"
	".cfi_adjust_cfa_offset -8\n\t"
	"popq %rdi\n\t"
	".cfi_adjust_cfa_offset -8\n\t"
	".cfi_register %rip, %rdi\n\t"
	"movl $" QUOTED(__NR_vfork) ", %eax\n\t"
	"syscall\n\t"
	"pushq %rdi\n\t"
	".cfi_adjust_cfa_offset 8\n\t"
	".cfi_rel_offset %rip, 0\n\t"
	"movq %rax, %rdi\n\t"
	"testq %rax, %rax\n\t"
	"jnz vfork_behind\n\t"
	"ret\n\t"
	".cfi_endproc\n\t"
	".size vfork, . - vfork\n\t"
	".size __vfork, . - __vfork\n\t"
	".popsection");
/* clang-format on */

#endif /* PERCU_HAS_RSEQ */
