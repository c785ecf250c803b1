/* SPDX-License-Identifier: MIT */
/*
 * sys/cpu.c - which record belongs to the calling thread
 *
 * The library uses the registration that glibc makes for every thread, and
 * only reads it.  Restartable sequences are used if all of these hold, and
 * the lock path if one does not: the area is there and registered; the
 * largest CPU id is known for certain (an index is not compared with a
 * bound, so a CPU beyond the end would have a record beyond it); the kernel can
 * abort the sequences of other CPUs (membarrier, Linux 5.10), for without it
 * no record could ever be drained.
 *
 * "No rseq" is common enough to be a mode and no error: Valgrind, gVisor,
 * qemu-user, seccomp, GLIBC_TUNABLES=glibc.pthread.rseq=0, glibc before 2.35.
 *
 * Words: the area is the kernel's struct rseq of one thread; possible counts
 * the indexes that can occur, from 0.
 */
#include <errno.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sys/cpu.h"
#include "sys/os.h"

#if defined(__x86_64__) && defined(__LP64__) && defined(__has_include) && \
	!defined(PERCU_NO_RSEQ)
#if __has_include(<sys/rseq.h>)
#include <sys/rseq.h>
#define CPU_HAVE_RSEQ 1
#endif
#endif

/*
 * struct rseq as the kernel defines it; the C library's header may be too old
 * to know mm_cid.  glibc has always registered at least 32 bytes, and before
 * 2.40 did not say in __rseq_size which of them the kernel fills in, so the
 * auxiliary vector is asked.
 */
enum {
	RSEQ_OFF_CPU_ID = 4,
	RSEQ_OFF_MM_CID = 24,
	RSEQ_SIZE_MM_CID = RSEQ_OFF_MM_CID + 4,
	AUXV_RSEQ_FEATURE_SIZE = 27, /* AT_RSEQ_FEATURE_SIZE, Linux 6.3 */
};

/* More is a misread file. */
enum {
	CPU_MAX = 1 << 16
};

struct cpu_info cpu_info;

#ifdef CPU_HAVE_RSEQ

/* A 32-bit field of the caller's area, which the kernel changes at any time. */
static inline uint32_t rseq_field(uint32_t off)
{
	char *self;

	__asm__("movq %%fs:0, %0" : "=r"(self));
	return *(const volatile uint32_t *)(self + __rseq_offset + off);
}

/*
 * Strong references: a weak one can bind to nothing under -fno-pie and LTO,
 * and rseq would quietly never be used.
 */
static bool rseq_registered(void)
{
	return __rseq_size != 0 && (int32_t)rseq_field(RSEQ_OFF_CPU_ID) >= 0;
}

#else

static inline uint32_t rseq_field(uint32_t off)
{
	(void)off;
	return UINT32_MAX;
}

static bool rseq_registered(void)
{
	return false;
}

#endif /* CPU_HAVE_RSEQ */

uint32_t cpu_parse(const char *s)
{
	uint32_t most = 0, id = 0;
	bool digit = false;

	for (; *s && *s != '\n'; s++) {
		if (*s >= '0' && *s <= '9') {
			id = (digit ? id * 10 : 0) + (uint32_t)(*s - '0');
			digit = true;
			most = id > most ? id : most;
		} else if (digit && (*s == '-' || *s == ',')) {
			digit = false;
		} else {
			return 0;
		}
		if (most >= CPU_MAX)
			return 0;
	}
	return digit ? most + 1 : 0;
}

static uint32_t cpu_from_sysfs(void)
{
	static const char path[] = "/sys/devices/system/cpu/possible";
	char buf[1024];

	return os_read_file(path, buf, sizeof(buf)) < 0 ? 0 : cpu_parse(buf);
}

/*
 * Where /sys is hidden: the system call returns the bytes of the kernel's own
 * CPU mask, which bound the ids from above.  (sysconf() would count the CPUs
 * that this process may use, and says nothing about their ids.)
 */
static uint32_t cpu_from_affinity(void)
{
	unsigned long set[CPU_MAX / 8 / sizeof(unsigned long)];
	int saved = errno;
	long bytes;

	bytes = syscall(SYS_sched_getaffinity, 0, sizeof(set), set);
	errno = saved;
	return bytes > 0 ? (uint32_t)bytes * 8 : 0;
}

/* Sets possible.  Returns whether no id can be larger. */
static bool cpu_count(void)
{
	uint32_t n = cpu_from_sysfs();
	bool certain;
	long conf;

	if (!n)
		n = cpu_from_affinity();
	certain = n != 0;
	if (!certain) {
		conf = sysconf(_SC_NPROCESSORS_CONF);
		n = conf > 0 && conf < CPU_MAX ? (uint32_t)conf : 1;
	}
	cpu_info.possible = n;
	return certain;
}

static int cpu_membarrier(int cmd)
{
	long ret;

	if (os_fault(OS_MEMBARRIER))
		return -errno;
	ret = syscall(SYS_membarrier, cmd, 0, 0);
	return ret < 0 ? -errno : (int)ret;
}

static int cpu_fence_register(void)
{
	return cpu_membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ);
}

/*
 * Asks, registers and tries.  Trying matters: a sandbox may allow the
 * question and refuse the command.
 */
static bool cpu_fence_works(void)
{
	const int cmd = MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ;
	int cmds = cpu_membarrier(MEMBARRIER_CMD_QUERY);

	return cmds > 0 && cmds & cmd && !cpu_fence_register() &&
	       !cpu_membarrier(cmd);
}

void cpu_init(bool force_lock)
{
	int saved = errno;
	bool certain = cpu_count();

	cpu_info.rseq = !force_lock && certain && rseq_registered() &&
			cpu_fence_works();
	cpu_info.mm_cid = cpu_info.rseq &&
			  getauxval(AUXV_RSEQ_FEATURE_SIZE) >= RSEQ_SIZE_MM_CID;
	cpu_info.index_off = cpu_info.mm_cid ? RSEQ_OFF_MM_CID :
					       RSEQ_OFF_CPU_ID;
	errno = saved;
}

const char *cpu_mode(void)
{
	if (!cpu_info.rseq)
		return "lock";
	return cpu_info.mm_cid ? "rseq/mm_cid" : "rseq/cpu_id";
}

/*
 * Any index will do here, a lock guards each.  A thread that cannot learn its
 * CPU always gets the same one.
 */
static uint32_t cpu_index_any(void)
{
	int saved = errno, cpu = sched_getcpu();
	uint64_t self = (uint64_t)pthread_self();
	uint32_t index = (uint32_t)cpu;

	if (cpu < 0)
		index = (uint32_t)(self * 0x9e3779b97f4a7c15u >> 32);
	errno = saved;
	return index < cpu_info.possible ? index : index % cpu_info.possible;
}

uint32_t cpu_index(void)
{
	int32_t cpu;

	if (!cpu_info.rseq)
		return cpu_index_any();
	/* The sign of -1 or -2 spreads over all bits: UINT32_MAX. */
	cpu = (int32_t)rseq_field(RSEQ_OFF_CPU_ID);
	return (uint32_t)(cpu >> 31) | rseq_field(cpu_info.index_off);
}

int cpu_fence(void)
{
	const int cmd = MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ;
	int saved = errno, err = 0;

	if (cpu_info.rseq)
		err = cpu_membarrier(cmd);
	/* A child has the registration of its parent; should it not, once. */
	if (err == -EPERM) {
		err = cpu_fence_register();
		if (!err)
			err = cpu_membarrier(cmd);
	}
	errno = saved;
	return err;
}
