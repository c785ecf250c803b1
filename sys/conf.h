/* SPDX-License-Identifier: MIT */
/*
 * sys/conf.h - the environment variable PERCU=key:value,key:value
 *
 *	mode:auto|lock		lock: use the lock path even where rseq works
 *	cpu_cache:BYTES		budget of cached bytes a CPU (k, m, g suffix)
 *	depot_cache:BYTES	budget of cached bytes in all depots together
 *	debug:0|1		check each put at once, remember where it was
 *	defer_soft:BYTES	above it, what waits for readers is hurried
 *	defer_hard:BYTES	above it, who retires waits
 *	defer_wait:0|1		0: it never waits, and what can fail does
 *	defer_age:MS		what is retired waits in a record at most that
 *	stall:MS		a grace period of that length is reported; 0: not
 *	age:MS			malloc: from one ageing cycle to the next; 0: none
 *	idle:BYTES		malloc: pages that may lie idle, however old
 *	stats:0|1		malloc: statistics when the program ends
 *	help			lists the keys with their values, on stderr
 *
 * An unknown key or a bad value is one warning line with the nearest key's
 * name, and is ignored; so is the whole variable in a set-uid program.
 */
#ifndef PERCU_SYS_CONF_H
#define PERCU_SYS_CONF_H

#include <stdbool.h>
#include <stddef.h>

/* (c) constant after conf_init() */
struct conf {
	bool lock;  /* mode:lock */
	bool debug; /* debug:1; the default where PERCU_DEBUG is built in */
	size_t cpu_cache;              /* bytes */
	size_t depot_cache;            /* bytes; 0: pool_init chooses by CPUs */
	size_t defer_soft, defer_hard; /* bytes; 0: likewise */
	bool defer_wait;
	size_t defer_age; /* ms */
	size_t stall;     /* ms; 0: never */
	size_t age;       /* ms; 0: never */
	size_t idle;      /* bytes */
	bool stats;
	/* No keys, but what sets the library and the malloc apart. */
	size_t least_block;  /* bytes; no class below it is used for sizes */
	bool private_stderr; /* reports go to a duplicate made at start */
};
extern struct conf conf;

/* conf_default.c; malloc/start.c has its own. */
extern const struct conf conf_default;

void conf_init(void);           /* reads the environment */
void conf_parse(const char *s); /* one PERCU string (conf_init, tests) */

#endif /* PERCU_SYS_CONF_H */
