/* SPDX-License-Identifier: MIT */
/* A scope's end puts and frees what the scope got. */
/* expect: nothing */
/* expect-clang: nothing */
#include <percu/cleanup.h>
#include <percu/pool.h>

struct conn {
	int fd;
};

extern struct percu_pool *conns;

PERCU_DEFINE_AUTO(conn, struct conn *, percu_pool_put(conns, _T))

struct conn *use(int fd)
{
	struct conn *c percu_auto(conn) = percu_pool_get(conns);
	char *p percu_auto(free) = percu_alloc(64);

	if (!c || !p)
		return 0;
	c->fd = fd;
	p[0] = 1;
	return percu_no_free(c);
}
