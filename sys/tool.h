/* SPDX-License-Identifier: MIT */
/*
 * sys/tool.h - telling Valgrind, ASan and TSan what the library does
 *
 * A tool is looked for once, at start, in the process that the library runs
 * in, and not in how the library was built: a sanitized program that links a
 * plain libpercu is served too.  Where one is there, every pool is
 * instrumented: its front is the dummy, so each get and put passes the slow
 * path, which calls these.
 *
 *	tool_release	what the caller did to the object happens before
 *	tool_acquire	what its next owner does; any object
 *	tool_out	the object goes to a caller; these have a size
 *	tool_back	it comes back
 *	tool_idle	it waits in the pool and has not been out
 *	tool_unidle	it leaves the pool
 *	tool_forget	what these words hold is no pointer, for leak checkers
 *	tool_root	what these words hold can be one
 *
 * Under Valgrind and ASan objects get a redzone after them, so that an
 * overrun does not end in a neighbour.
 */
#ifndef PERCU_SYS_TOOL_H
#define PERCU_SYS_TOOL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

enum {
	TOOL_REDZONE = 16
}; /* bytes */

struct tool {
	bool valgrind, asan, tsan;
};
extern struct tool tool; /* (c) after tool_init() */

void tool_init(void);
static inline bool tool_any(void)
{
	return tool.valgrind || tool.asan || tool.tsan;
}

static inline bool tool_redzone(void)
{
	return tool.valgrind || tool.asan;
}

void tool_acquire(void *obj);
void tool_release(void *obj);
/* defined: what the object holds means something (it was constructed). */
void tool_out(void *obj, size_t size, bool defined);
void tool_back(void *obj, size_t size);
void tool_idle(void *obj, size_t size);
void tool_unidle(void *obj, size_t size);
/* Between the two Valgrind says nothing of what this thread touches. */
void tool_hush(void);
void tool_unhush(void);
void tool_forget(void *p, size_t size);

/*
 * TSan takes a new mapping for a write by the thread that makes it.  What is
 * mapped between these is memory that nobody has touched.
 */
void tool_map_begin(void);
void tool_map_end(void);

/*
 * TSan gives up where a thread holds 64 locks, and fork takes more.  These are
 * taken behind its back; nobody else is to be ordered by them.
 */
void tool_lock_unseen(pthread_mutex_t *m);
void tool_unlock_unseen(pthread_mutex_t *m);

void tool_root(void *p, size_t size);   /* works before tool_init() */
void tool_unroot(void *p, size_t size); /* exactly one that was a root */

#endif /* PERCU_SYS_TOOL_H */
