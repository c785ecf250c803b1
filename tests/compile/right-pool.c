/* SPDX-License-Identifier: MIT */
/* Nothing is wrong here. */
/* expect: nothing */
/* expect-clang: nothing */
#include <percu/pool.h>

struct node {
	struct node *next;
	int value;
};

static int node_ctor(void *obj, void *arg)
{
	struct node *n = obj;

	n->value = *(int *)arg;
	return 0;
}

static struct node *head;

int push(struct percu_pool *pool, int value)
{
	struct node *n = percu_pool_get(pool);

	if (!n)
		return -1;
	n->value = value;
	n->next = head;
	head = n;
	return 0;
}

int pop(struct percu_pool *pool)
{
	struct node *n = head;
	int value;

	if (!n)
		return -1;
	head = n->next;
	value = n->value;
	percu_pool_put(pool, n);
	return value;
}

int use(void)
{
	int start = 1;
	const struct percu_pool_attr attr = { .name = "node",
					      .size = sizeof(struct node),
					      .ctor = node_ctor,
					      .arg = &start };
	struct percu_pool *pool = percu_pool_create(&attr);
	struct percu_pool_stats st;
	void *objs[4];
	size_t n;
	int rc;

	if (!pool)
		return -1;
	n = percu_pool_get_bulk(pool, objs, 4);
	percu_pool_put_bulk(pool, objs, n);
	rc = push(pool, 1) ? -1 : pop(pool);
	percu_pool_stats(pool, &st);
	percu_pool_age(pool);
	percu_pool_shrink(pool);
	if (percu_pool_destroy(pool))
		return -1;
	return rc;
}
