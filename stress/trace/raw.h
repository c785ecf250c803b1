/* SPDX-License-Identifier: MIT */
/*
 * stress/trace/raw.h - what the recorder leaves behind
 *
 * A file for each process image (a fork begins one, and so does an exec), in
 * the folder that RAW_ENV names: a head, which takes RAW_HEAD bytes, then
 * events.  A place in that array is the event's time in an order that all
 * threads agree on: who takes a block takes the place after it has the block,
 * and who gives one back takes it before.  So an address is given back in a
 * place before that of who gets it next.  A realloc does both, and has two
 * places.  Where op is RAW_NONE nobody came to write.
 *
 * An op is stored last: whatever ends the program, an event is there or not.
 */
#ifndef STRESS_TRACE_RAW_H
#define STRESS_TRACE_RAW_H

#include <stdint.h>

#define RAW_ENV   "PERCU_RECORD"
#define RAW_MAGIC "percuraw"

enum {
	RAW_HEAD = 4096,
	RAW_THREAD_BITS = 24,
	RAW_COMMAND = 16,
};

enum raw_op {
	RAW_NONE,
	RAW_MALLOC,
	RAW_CALLOC,
	RAW_ALIGNED,
	RAW_FREE,
	RAW_MOVE, /* realloc begins: the block is nobody's */
	RAW_MOVED, /* and ends: the block that began at place .begun is at .addr */
	RAW_KEPT, /* it was refused: the block is where it was */
	RAW_GONE, /* its size was 0, and it has freed the block */
};

struct raw_head {
	char magic[8];
	uint32_t pid;
	int32_t error;             /* errno that ended the recording, or 0 */
	uint64_t lost;             /* events after that; atomic */
	char command[RAW_COMMAND]; /* as the kernel calls it */
};

struct raw_event {
	uint64_t when;    /* microseconds << RAW_THREAD_BITS | thread */
	uint64_t op_addr; /* op << 56 | address */
	uint64_t size;    /* log2 of the alignment << 56 | bytes */
	uint64_t begun;
};

#endif /* STRESS_TRACE_RAW_H */
