/* SPDX-License-Identifier: MIT */
/*
 * stress/traces.h - where traces come from, and what is done with them
 *
 *	traces.c	the three that are part of this program, and files
 *	record.c	--record and --dump
 *	replay.c	the scenario, and replay_leg.c, a stretch of a trace
 */
#ifndef STRESS_TRACES_H
#define STRESS_TRACES_H

#include "stress.h"
#include "trace/trace.h"

/* A trace in memory, not compressed. */
struct traced {
	const char *name;
	const unsigned char *bytes;
	size_t len;
	struct trace sum; /* after traced_verify() */
};

/* Prints a line and gives false if it is not to be had. */
bool traced_open(struct traced *td, const char *file);
bool traced_verify(struct traced *td);
void traced_close(struct traced *td);

/* What is replayed: opened and verified once, before anything runs. */
extern struct traced *traces;
extern unsigned int nr_traces;

/* False: it has said why.  There are none without gzip, if nobody asked for them. */
bool traces_load(const struct options *o);
void traces_free(void);

/* record.c: exit statuses */
int trace_record(const char *file, char *const *command);
int trace_dump(const char *file);

#endif /* STRESS_TRACES_H */
