/* SPDX-License-Identifier: MIT */
/* Nothing is wrong here. */
/* expect: nothing */
/* expect-clang: nothing */
#include <string.h>
#include <percu/alloc.h>

char *copy(const char *s)
{
	size_t size = strlen(s) + 1;
	char *p = percu_alloc(size);

	if (p)
		memcpy(p, s, size);
	return p;
}

int use(const char *s)
{
	char *p = copy(s), *q;
	int c;

	if (!p)
		return -1;
	q = percu_realloc(p, 1000);
	if (!q) {
		percu_free(p);
		return -1;
	}
	c = q[0];
	percu_free(q);
	return c;
}

int sized(void)
{
	int *p = percu_zalloc(sizeof(*p)), *q;

	if (!p)
		return -1;
	q = percu_alloc_aligned(64, 64);
	if (q)
		*q = *p;
	percu_free(q);
	percu_free_sized(p, sizeof(*p));
	return 0;
}
