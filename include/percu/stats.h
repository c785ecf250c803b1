/* SPDX-License-Identifier: MIT */
/*
 * percu/stats.h - where the memory is
 *
 * Go's MemStats, by the same names where the meaning is the same.  Reading
 * stops nobody.  These always hold:
 *
 *	sys = heap_sys + meta_sys
 *	heap_sys = heap_inuse + heap_idle
 *	heap_released <= heap_idle
 *	alloc = sum of by_size[].bytes + large_bytes
 *	heap_objects = mallocs - frees
 */
#ifndef PERCU_STATS_H
#define PERCU_STATS_H

#include <stddef.h>
#include <stdint.h>
#include <percu/compiler.h>

PERCU_BEGIN_DECLS

enum {
	PERCU_NR_CLASSES_MAX = 80
};

/**
 * struct percu_size_stats - one size class
 * @size: bytes of its blocks; 0 past the last class
 * @mallocs: blocks handed out, ever
 * @frees: blocks put back, ever
 * @bytes: in blocks and objects that are out
 *
 * Objects of typed pools count under the class that their size rounds up to,
 * with their own size in @bytes.
 */
struct percu_size_stats {
	uint64_t size, mallocs, frees, bytes;
};

/**
 * struct percu_memstats - what percu_memstats() fills in
 * @alloc: bytes in blocks and objects that are out
 * @mallocs: blocks and objects handed out, ever
 * @frees: blocks and objects put back, ever
 * @sys: bytes of memory obtained from the system
 * @heap_sys: of these, for blocks and objects
 * @heap_inuse: of heap_sys, in spans that hold blocks or belong to a pool
 * @heap_idle: of heap_sys, in spans without an owner
 * @heap_released: of heap_idle, given back to the system
 * @heap_objects: blocks and objects that are out
 * @meta_sys: bytes of percu's own records, page maps and span descriptors
 * @cached: bytes in objects that wait on CPUs and in depots
 * @deferred: bytes in blocks and objects that wait for a grace period, or for
 *	a magazine of them to be full
 * @defer_soft: bytes in magazines that wait, above which grace periods follow
 *	one another without a pause (PERCU=defer_soft)
 * @defer_hard: the same, above which who retires waits (PERCU=defer_hard)
 * @grace_periods: grace periods that percu has waited for, ever
 * @grace_ns: nanoseconds that these took, together; those of different flavors
 *	may overlap
 * @grace_max_ns: of the longest of them
 * @large_bytes: bytes in blocks over 32 KiB, and in objects of typed pools
 *	that are as large
 * @large_mallocs: such blocks handed out, ever
 * @large_frees: such blocks put back, ever
 * @ages: ageing cycles, ever
 * @by_size: size class by size class, smallest first
 *
 * Memory obtained but never touched is address space and not memory: it is
 * counted in heap_sys and heap_released.
 */
struct percu_memstats {
	uint64_t alloc, mallocs, frees;
	uint64_t sys;
	uint64_t heap_sys, heap_inuse, heap_idle, heap_released, heap_objects;
	uint64_t meta_sys;
	uint64_t cached, deferred, defer_soft, defer_hard;
	uint64_t grace_periods, grace_ns, grace_max_ns;
	uint64_t large_bytes, large_mallocs, large_frees;
	uint64_t ages;
	struct percu_size_stats by_size[PERCU_NR_CLASSES_MAX];
};

/**
 * percu_memstats() - read the statistics of the whole library
 * @ms: where they go
 *
 * Context: any thread.  Takes locks, briefly; no get or put that hits waits.
 * Return: 0.
 */
PERCU_API PERCU_NONNULL(1) int percu_memstats(struct percu_memstats *ms);

/**
 * enum percu_stats_format - how percu_stats_write() writes
 * @PERCU_STATS_TEXT: for people
 * @PERCU_STATS_JSON: one object
 * @PERCU_STATS_OPENMETRICS: what Prometheus scrapes
 * @PERCU_STATS_SLABINFO: the columns of /proc/slabinfo, version 2.1
 */
enum percu_stats_format {
	PERCU_STATS_TEXT,
	PERCU_STATS_JSON,
	PERCU_STATS_OPENMETRICS,
	PERCU_STATS_SLABINFO,
};

/**
 * percu_stats_write() - write all statistics
 * @fd: an open file
 * @fmt: in which form
 *
 * Allocates nothing.  Pools without an object are left out.  What slices
 * retain (percu_slice_stats() of <percu/buf.h>) is among the figures.
 *
 * Context: any thread.  Takes locks, briefly; writes to @fd
 * outside them.
 * Return: 0; -EINVAL for an unknown format; what write() said.
 */
PERCU_API PERCU_MUST_CHECK int percu_stats_write(int fd,
						 enum percu_stats_format fmt);

/**
 * percu_mode() - how the library reaches its CPU's records
 *
 * Context: any thread.
 * Return: "rseq/mm_cid", "rseq/cpu_id" or "lock".
 */
PERCU_API const char *percu_mode(void);

PERCU_END_DECLS

#endif /* PERCU_STATS_H */
