// SPDX-License-Identifier: MIT
/*
 * stress/workers/context.c - from one stack to another
 *
 * ucontext puts a function on a new stack.  From then on _setjmp() and
 * _longjmp() go to and fro: swapcontext() would do as well, but it asks the
 * system for the signal mask each time, which costs as much as a hundred
 * switches, and all threads have the same mask anyway.
 *
 * The sanitizers and Valgrind are told about each stack, or they would take a
 * switch for a very deep call.
 */
#include <ucontext.h>
#include "stress/workers/sched.h"
#ifdef WORKERS_ASAN
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef WORKERS_TSAN
#include <sanitizer/tsan_interface.h>
#endif

/* The sanitizers' part of a switch, on the stack that is left. */
static void leave(struct context *from, struct context *to, bool ends)
{
#ifdef WORKERS_ASAN
	__sanitizer_start_switch_fiber(ends ? NULL : &from->fake, to->bottom,
				       to->size);
#endif
#ifdef WORKERS_TSAN
	__tsan_switch_to_fiber(to->fiber, 0);
#endif
	(void)from;
	(void)to;
	(void)ends;
}

/* And on the stack that was come to. */
static void arrive(struct context *c)
{
#ifdef WORKERS_ASAN
	__sanitizer_finish_switch_fiber(c ? c->fake : NULL, NULL, NULL);
#endif
	(void)c;
}

void context_arrived(void)
{
	arrive(NULL);
}

void context_of_thread(struct context *c)
{
#ifdef WORKERS_ASAN
	pthread_attr_t attr;
	void *bottom;

	pthread_getattr_np(pthread_self(), &attr);
	pthread_attr_getstack(&attr, &bottom, &c->size);
	pthread_attr_destroy(&attr);
	c->bottom = bottom;
#endif
#ifdef WORKERS_TSAN
	c->fiber = __tsan_get_current_fiber();
#endif
	(void)c;
}

void context_init(struct context *c, void *bottom, size_t size)
{
	c->bottom = bottom;
	c->size = size;
	c->fake = NULL;
#ifdef WORKERS_TSAN
	c->fiber = __tsan_create_fiber(0);
#endif
}

void context_fini(struct context *c)
{
#ifdef WORKERS_TSAN
	__tsan_destroy_fiber(c->fiber);
#endif
	c->fiber = NULL;
}

/* ASan would take uc for still there, and forbid what the stack has there then. */
__attribute__((noreturn, no_sanitize_address)) static void
enter(const struct context *to, void (*entry)(void))
{
	ucontext_t uc;

	getcontext(&uc);
	uc.uc_stack.ss_sp = (void *)(uintptr_t)to->bottom;
	uc.uc_stack.ss_size = to->size;
	uc.uc_link = NULL;
	makecontext(&uc, entry, 0);
	setcontext(&uc);
	__builtin_trap(); /* setcontext() returns for a bad context only */
}

__attribute__((noinline)) void context_switch(struct context *from,
					      struct context *to,
					      void (*entry)(void), bool ends)
{
	if (!_setjmp(from->env)) {
		leave(from, to, ends);
		if (entry)
			enter(to, entry);
		_longjmp(to->env, 1);
	}
	arrive(from);
}
