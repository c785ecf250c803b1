/* SPDX-License-Identifier: MIT */
/* samples/quickstart.c - a pool, a block, and the figures */
#include <stdio.h>
#include <percu/alloc.h>
#include <percu/pool.h>
#include <percu/stats.h>

struct request {
	int id;
	char *path;
};

int main(void)
{
	const struct percu_pool_attr attr = { .name = "request",
					      .size = sizeof(struct request) };
	struct percu_pool *pool = percu_pool_create(&attr);
	struct percu_pool_stats st;

	for (int i = 0; pool && i < 1000; i++) {
		struct request *rq = percu_pool_get(pool); /* any thread */

		if (!rq)
			return 1;
		rq->id = i;
		rq->path = percu_alloc(64); /* any size */
		percu_free(rq->path);
		percu_pool_put(pool, rq); /* any other thread */
	}
	if (!pool || percu_pool_stats(pool, &st))
		return 1;
	printf("%s: %llu gets, %llu misses, %llu made (%s)\n", st.name,
	       (unsigned long long)st.gets, (unsigned long long)st.misses,
	       (unsigned long long)st.created, percu_mode());
	return percu_pool_destroy(pool) != 0;
}
