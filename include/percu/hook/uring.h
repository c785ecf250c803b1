/* SPDX-License-Identifier: MIT */
/*
 * percu/hook/uring.h - io_uring's registered buffers as a pool
 *
 *	struct percu_hook_uring u;
 *
 *	percu_hook_uring_init(&u, &ring, 4096, 256);
 *	buf = percu_pool_get(u.pool);
 *	io_uring_prep_read_fixed(sqe, fd, buf, 4096, 0, PERCU_HOOK_URING_INDEX);
 *	...
 *	percu_pool_put(u.pool, buf);
 *
 * A buffer that is registered with a ring is mapped into the kernel once and not
 * for each request.  Here all buffers are one block, registered whole: one index
 * for all of them, and no table from buffer to index.  The pool hands them out,
 * from any thread, cached per CPU as ever.
 *
 * The kernel charges registered memory to its user's RLIMIT_MEMLOCK, unless he
 * may lock without limit, and takes 1 GiB at once at most.
 */
#ifndef PERCU_HOOK_URING_H
#define PERCU_HOOK_URING_H

#include <errno.h>
#include <liburing.h>
#include <sys/uio.h>
#include <percu/pool.h>
#include <percu/hook/shape.h>

PERCU_BEGIN_DECLS

enum {
	PERCU_HOOK_URING_INDEX = 0, /* of all buffers, as io_uring counts */
};

/**
 * struct percu_hook_uring - the registered buffers of a ring
 * @pool: hands them out
 */
struct percu_hook_uring {
	struct percu_pool *pool;
	/* private: */
	struct io_uring *ring;
	char *block;
	size_t size;
	unsigned int n, made; /* made: by percu_pool_create(), all of them */
};

/* private: the pool's create; it makes its reserve and finds no more then */
static inline void *percu_hook_uring_make(void *arg)
{
	struct percu_hook_uring *u = (struct percu_hook_uring *)arg;

	if (u->made == u->n)
		return NULL;
	return u->block + u->size * u->made++;
}

static inline int percu_hook_uring_pool(struct percu_hook_uring *u)
{
	struct percu_pool_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.name = "uring";
	attr.create = percu_hook_uring_make;
	attr.arg = u;
	attr.reserve = u->n;
	u->pool = percu_pool_create(&attr);
	return u->pool ? 0 : -errno;
}

static inline int percu_hook_uring_register(struct percu_hook_uring *u)
{
	struct iovec all;

	all.iov_base = u->block;
	all.iov_len = u->size * u->n;
	return io_uring_register_buffers(u->ring, &all, 1);
}

/* public: */

/**
 * percu_hook_uring_init() - register buffers with a ring
 * @u: is filled in, and stays where it is until percu_hook_uring_exit()
 * @ring: has no registered buffers yet
 * @size: bytes of a buffer; rounded up to a multiple of 64
 * @n: how many
 *
 * A get of a buffer when all are out is NULL and ENOMEM.
 *
 * Return: 0; -EINVAL, -ENOMEM, or what io_uring_register_buffers() said.
 */
static inline PERCU_MUST_CHECK int
percu_hook_uring_init(struct percu_hook_uring *u, struct io_uring *ring,
		      size_t size, unsigned int n)
{
	size_t bytes;
	int err;

	memset(u, 0, sizeof(*u));
	u->ring = ring;
	u->size = (size + 63) & ~(size_t)63;
	u->n = n;
	if (!size || !n || u->size < size ||
	    __builtin_mul_overflow(u->size, (size_t)n, &bytes))
		return -EINVAL;
	u->block = (char *)percu_alloc_aligned(4096, bytes);
	if (!u->block)
		return -ENOMEM;
	err = percu_hook_uring_register(u);
	if (!err) {
		err = percu_hook_uring_pool(u);
		if (!err)
			return 0;
		io_uring_unregister_buffers(ring);
	}
	percu_free(u->block);
	return err;
}

/**
 * percu_hook_uring_exit() - take the buffers back from the ring
 * @u: what percu_hook_uring_init() filled in
 *
 * No request that uses a buffer is under way.
 *
 * Context: before io_uring_queue_exit().
 * Return: 0; -EBUSY if a buffer is still out, and then all is as it was.
 */
static inline PERCU_MUST_CHECK int
percu_hook_uring_exit(struct percu_hook_uring *u)
{
	int err = percu_pool_destroy(u->pool);

	if (err)
		return err;
	io_uring_unregister_buffers(u->ring);
	percu_free(u->block);
	return 0;
}

PERCU_END_DECLS

#endif /* PERCU_HOOK_URING_H */
