/* SPDX-License-Identifier: MIT */
/*
 * percu/hook/event.h - libevent's memory from percu
 *
 *	percu_hook_event();			before any other call
 *
 * Memory that libevent hands to its user, such as evbuffer_readln()'s lines, is
 * percu's then, and freed by percu_free().
 *
 * Blocks and slices of percu go out of an evbuffer as they are, without a copy:
 * percu_hook_event_add() and percu_hook_event_add_slice().
 *
 * After the last event_base_free(), libevent_global_shutdown() gives all back.
 */
#ifndef PERCU_HOOK_EVENT_H
#define PERCU_HOOK_EVENT_H

#include <event2/buffer.h>
#include <event2/event.h>
#include <percu/buf.h>
#include <percu/hook/shape.h>

PERCU_BEGIN_DECLS

/**
 * percu_hook_event() - let libevent have its memory from percu
 *
 * Nobody notices a call that comes too late: what libevent has had from
 * malloc() before it then frees by percu_free(), which reports it as misuse.
 *
 * Context: before any other call of libevent, while no other thread uses it.
 */
static inline void percu_hook_event(void)
{
	event_set_mem_functions(percu_hook_malloc, percu_hook_realloc,
				percu_hook_free);
}

/* private: evbuffer_ref_cleanup_cb */
static inline void percu_hook_event_free(const void *data, size_t len,
					 void *block)
{
	(void)data;
	(void)len;
	percu_hook_free(block);
}

static inline void percu_hook_event_put(const void *data, size_t len,
					void *block)
{
	struct percu_slice s;

	s.ptr = (const unsigned char *)data;
	s.len = len;
	s.block = block;
	percu_slice_put(s);
}

/* public: */

/**
 * percu_hook_event_add() - let an evbuffer send a block without copying it
 * @buf: the evbuffer
 * @block: what percu_alloc() returned; the evbuffer frees it when it is sent
 * @len: bytes of it
 *
 * Return: 0; -1, and then the caller still owns the block.
 */
static inline PERCU_MUST_CHECK int percu_hook_event_add(struct evbuffer *buf,
							void *block, size_t len)
{
	return evbuffer_add_reference(buf, block, len, percu_hook_event_free,
				      block);
}

/**
 * percu_hook_event_add_slice() - let an evbuffer send a slice
 * @buf: the evbuffer
 * @s: the slice; the evbuffer puts it when it is sent
 *
 * Return: 0; -1, and then the caller still owns the slice.
 */
static inline PERCU_MUST_CHECK int
percu_hook_event_add_slice(struct evbuffer *buf, struct percu_slice s)
{
	return evbuffer_add_reference(buf, s.ptr, s.len, percu_hook_event_put,
				      s.block);
}

PERCU_END_DECLS

#endif /* PERCU_HOOK_EVENT_H */
