/* SPDX-License-Identifier: MIT */
/*
 * sys/cpu.h - which record belongs to the calling thread
 *
 * A record index is the kernel's mm_cid where it has one, else the cpu id; it
 * is read from glibc's rseq area, which is never written but for rseq_cs.  A
 * thread whose cpu id is negative is not registered and has no record.
 */
#ifndef PERCU_SYS_CPU_H
#define PERCU_SYS_CPU_H

#include <stdbool.h>
#include <stdint.h>

/* (c) constant after cpu_init() */
struct cpu_info {
	bool rseq;          /* restartable sequences and their fence work */
	bool mm_cid;        /* the index is mm_cid, else cpu_id */
	uint32_t possible;  /* indexes that can occur: 0 .. possible - 1 */
	uint32_t index_off; /* in struct rseq: of mm_cid, or of cpu_id */
};
extern struct cpu_info cpu_info;

/*
 * Finds out.  force_lock: as if the kernel had no rseq.  Falls back to the
 * lock path when rseq, or the RSEQ membarrier, or its registration is missing.
 */
void cpu_init(bool force_lock);

/* The largest id of a list such as "0-3,8-11", plus one; 0: it is no list. */
uint32_t cpu_parse(const char *list);

/* "rseq/mm_cid", "rseq/cpu_id" or "lock". */
const char *cpu_mode(void);

/*
 * The caller's index at some moment during the call, or UINT32_MAX for a
 * thread that is not registered with rseq.  On the lock path: any CPU's.
 */
uint32_t cpu_index(void);

/*
 * Aborts every sequence that is under way on another CPU, and is a full
 * barrier: a sequence that starts after it sees what was stored before it.
 * 0, or -errno and then nothing may be concluded.  Lock path: 0, does nothing.
 */
int cpu_fence(void);

#endif /* PERCU_SYS_CPU_H */
