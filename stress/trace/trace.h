/* SPDX-License-Identifier: MIT */
/*
 * stress/trace/trace.h - traces of what programs asked malloc for
 *
 *	read.c		a trace, event by event, each checked (and the format)
 *	write.c		the same, written
 *	raw.h		what the recorder leaves behind
 *	recorder.c	recorder.so, which is loaded before a program and records
 *	convert.c	from there to a trace
 *
 * A trace has numbers in it and nothing else: no address, no name, no path.
 *
 *	event		an operation on a block, with its time and its thread
 *	slot		a place for a block; a block keeps it while it lives, and
 *			realloc does not change it
 *	thread		numbered from 0 by its first event
 *
 * Events stand in an order in which they could have happened: whatever a thread
 * does to a block comes after what any thread did to it before.
 */
#ifndef STRESS_TRACE_TRACE_H
#define STRESS_TRACE_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum trace_op {
	TRACE_END,
	TRACE_MALLOC,
	TRACE_CALLOC,
	TRACE_ALIGNED,
	TRACE_REALLOC,
	TRACE_FREE,
	TRACE_THREAD, /* none: the events that follow are another thread's */
	TRACE_OPS
};

enum {
	TRACE_THREADS_MAX = 1 << 16,
	TRACE_SLOTS_MAX = 1 << 28,
	TRACE_ALIGN_MAX = 40,  /* log2 */
	TRACE_BYTES_LOG2 = 48, /* all that lives at once is less than 2^this */
};

#define TRACE_MAGIC "percutr1"

struct trace_event {
	enum trace_op op;
	uint32_t thread, slot;
	unsigned int align; /* log2, of TRACE_ALIGNED */
	uint64_t size;      /* of TRACE_FREE: what the block had */
	uint64_t us;        /* microseconds since the recording began */
};

/* read.c */
struct trace {
	/* So far, and in the end of the whole. */
	uint64_t ops, of[TRACE_OPS];
	uint64_t blocks, bytes; /* that are live */
	uint64_t peak;          /* most bytes at once */
	uint32_t threads, slots;
	uint64_t us;
	char error[120]; /* after trace_next() < 0: where and what */
	/* private: */
	bool ended;
	const unsigned char *start, *at, *end;
	uint32_t thread;
	uint64_t *sizes; /* of the block in a slot, plus one; 0: none */
	size_t room;
};

/* The bytes stay the caller's, and stay until trace_close(). */
void trace_open(struct trace *t, const void *bytes, size_t len);
/* 1: the next event; 0: the trace has ended; -1: it is damaged, see error. */
int trace_next(struct trace *t, struct trace_event *e);
void trace_close(struct trace *t);
/* All of it: 0 or -1.  What it found out is in *t, which wants no close. */
int trace_verify(struct trace *t, const void *bytes, size_t len);

uint64_t trace_digest(uint64_t digest, const void *bytes, size_t len);

#define TRACE_DIGEST 0xcbf29ce484222325u

/* write.c */
struct trace_writer {
	FILE *f;
	uint32_t thread;
	uint64_t us, ops, digest;
};

/* What is written is not checked: events are to follow trace.h's rules. */
void trace_write_begin(struct trace_writer *w, FILE *f);
void trace_write(struct trace_writer *w, const struct trace_event *e);
/* The end, at @us.  False: something could not be written. */
bool trace_write_end(struct trace_writer *w, uint64_t us);

/* convert.c */
struct converted {
	uint64_t events;  /* of the trace */
	uint64_t lost;    /* that the recorder had no place for */
	int error;        /* why: errno */
	uint64_t foreign; /* given back, but not known; left out */
	uint64_t mended;  /* frees that were missing, put in */
	unsigned int pid;
	char command[16];
};

/* Counts the events of a raw file; false: it is none. */
bool raw_count(int fd, struct converted *c);
/* Writes the trace of a raw file: 0 or -errno. */
int raw_convert(int fd, FILE *to, struct converted *c);

#endif /* STRESS_TRACE_TRACE_H */
