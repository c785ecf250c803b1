/* SPDX-License-Identifier: MIT */
/*
 * tests/test_malloc_info.c - what libpercu-malloc.so tells of itself
 *
 * Figures are compared with what the test has allocated: before, with it, after.
 */
#include <stdbool.h>

#include <limits.h>
#include <pthread.h>

#include "tests/mallocs.h"

/* jemalloc's header is not wanted for these. */
int mallctl(const char *name, void *old, size_t *old_len, void *new,
	    size_t new_len);
void malloc_stats_print(void (*print)(void *arg, const char *text), void *arg,
			const char *options);

enum {
	N = 1000,
	SIZE = 4096,
	LARGE = 10 << 20
};

static void *p[N + 1];

static void take(void)
{
	for (int i = 0; i < N; i++)
		memset(p[i] = malloc(SIZE), 1, SIZE);
	memset(p[N] = malloc(LARGE), 1, LARGE);
}

static void give(void)
{
	for (int i = 0; i <= N; i++)
		free(p[i]);
}

static void test_mallinfo(void)
{
	struct mallinfo2 a = mallinfo2(), b, c;
	struct mallinfo small;

	take();
	b = mallinfo2();
	small = mallinfo();
	give();
	malloc_trim(0);
	c = mallinfo2();
	CU_ASSERT_EQUAL(b.uordblks - a.uordblks, (size_t)N * SIZE + LARGE);
	CU_ASSERT_EQUAL(b.ordblks - a.ordblks, N + 1);
	CU_ASSERT(b.hblks == a.hblks + 1 && b.hblkhd == a.hblkhd + LARGE);
	CU_ASSERT(b.arena >= b.uordblks && b.arena < b.uordblks * 3 / 2);
	CU_ASSERT_EQUAL(small.uordblks, (int)b.uordblks);
	CU_ASSERT_EQUAL(c.uordblks, a.uordblks);
	CU_ASSERT(c.arena < b.arena - LARGE);
	CU_ASSERT_EQUAL(c.keepcost, 0);
}

static void test_mallopt(void)
{
	CU_ASSERT_EQUAL(mallopt(M_MMAP_THRESHOLD, 1 << 20), 1);
	CU_ASSERT_EQUAL(mallopt(M_ARENA_MAX, 2), 1);
	CU_ASSERT_EQUAL(mallopt(-4711, 2), 0);
}

static void test_malloc_info(void)
{
	unsigned long long count, size;
	char *text = NULL, *rest;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	take();
	CU_ASSERT_EQUAL(malloc_info(0, out), 0);
	give();
	CU_ASSERT_EQUAL(malloc_info(1, out), EINVAL);
	fclose(out);
	CU_ASSERT_PTR_EQUAL(strstr(text, "<malloc version=\"1\">"), text);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "from=\"3841\" to=\"4096\""));
	rest = strstr(text, "<total type=\"rest\"");
	CU_ASSERT_PTR_NOT_NULL_FATAL(rest);
	CU_ASSERT_EQUAL(
		sscanf(rest,
		       "<total type=\"rest\" count=\"%llu\" size=\"%llu\"/>",
		       &count, &size),
		2);
	CU_ASSERT(count > N && size > (size_t)N * SIZE + LARGE);
	CU_ASSERT_STRING_EQUAL(text + len - 10, "</malloc>\n");
	free(text);
}

static size_t figure(const char *name)
{
	size_t value = 0, len = sizeof(value);

	CU_ASSERT_EQUAL(mallctl(name, &value, &len, NULL, 0), 0);
	CU_ASSERT_EQUAL(len, sizeof(value));
	return value;
}

static uint64_t epoch(void)
{
	uint64_t value = 1;
	size_t len = sizeof(value);

	CU_ASSERT_EQUAL(mallctl("epoch", &value, &len, &value, len), 0);
	return value;
}

/* As jemalloc has it, who asks first is the first epoch. */
static void test_first(void)
{
	uint64_t value = 0;
	size_t len = sizeof(value);

	take();
	CU_ASSERT(figure("stats.allocated") > LARGE);
	CU_ASSERT(figure("stats.mapped") > LARGE);
	CU_ASSERT_EQUAL(mallctl("epoch", &value, &len, NULL, 0), 0);
	CU_ASSERT_EQUAL(value, 1);
	give();
	CU_ASSERT(figure("stats.allocated") > LARGE);
}

/* As jemalloc has it, figures are those of the last epoch. */
static void test_figures(void)
{
	uint64_t e = epoch();
	size_t before = figure("stats.allocated");

	take();
	CU_ASSERT_EQUAL(figure("stats.allocated"), before);
	CU_ASSERT_EQUAL(epoch(), e + 1);
	CU_ASSERT_EQUAL(figure("stats.allocated") - before,
			(size_t)N * SIZE + LARGE);
	CU_ASSERT(figure("stats.active") >= figure("stats.allocated"));
	CU_ASSERT(figure("stats.resident") >= figure("stats.active"));
	CU_ASSERT(figure("stats.mapped") >= figure("stats.active"));
	CU_ASSERT(figure("stats.metadata") > 0);
	give();
	CU_ASSERT_EQUAL(mallctl("arena.4096.purge", NULL, NULL, NULL, 0), 0);
	epoch();
	CU_ASSERT_EQUAL(figure("stats.allocated"), before);
	CU_ASSERT(figure("stats.resident") < before + LARGE);
	CU_ASSERT(figure("stats.retained") > LARGE);
}

static void test_mallctl(void)
{
	const char *version = NULL;
	unsigned int arenas = 0;
	size_t len = sizeof(arenas);
	bool thread = true;
	uint32_t half;

	CU_ASSERT_EQUAL(mallctl("arenas.narenas", &arenas, &len, NULL, 0), 0);
	CU_ASSERT_EQUAL(arenas, 1);
	len = sizeof(thread);
	CU_ASSERT_EQUAL(mallctl("background_thread", &thread, &len, NULL, 0),
			0);
	CU_ASSERT_FALSE(thread);
	CU_ASSERT_EQUAL(mallctl("background_thread", NULL, NULL, &thread, 1),
			0);
	thread = true;
	CU_ASSERT_EQUAL(mallctl("background_thread", NULL, NULL, &thread, 1),
			EPERM);
	len = sizeof(version);
	CU_ASSERT_EQUAL(mallctl("version", &version, &len, NULL, 0), 0);
	CU_ASSERT_PTR_NOT_NULL(version);
	len = sizeof(half);
	CU_ASSERT_EQUAL(mallctl("stats.active", &half, &len, NULL, 0), EINVAL);
	CU_ASSERT_EQUAL(mallctl("stats.active", NULL, NULL, &half, 4), EPERM);
	CU_ASSERT_EQUAL(mallctl("epoch", NULL, NULL, &half, 4), EINVAL);
	CU_ASSERT_EQUAL(mallctl("arena.0.reset", NULL, NULL, NULL, 0), ENOENT);
	CU_ASSERT_EQUAL(mallctl("stats.no", NULL, NULL, NULL, 0), ENOENT);
	CU_ASSERT_EQUAL(mallctl("thread.allocated", NULL, NULL, NULL, 0),
			ENOENT);
}

static char printed[200000];

static void print(void *arg, const char *text)
{
	char *more = malloc(100); /* as redis does */

	CU_ASSERT_PTR_EQUAL(arg, printed);
	strncat(printed, text, sizeof(printed) - strlen(printed) - 1);
	free(more);
}

static void test_print(void)
{
	malloc_stats_print(print, printed, NULL);
	CU_ASSERT(!strncmp(printed, "percu ", 6));
	CU_ASSERT_PTR_NOT_NULL(strstr(printed, "\nsize-4096 "));
	CU_ASSERT_EQUAL(printed[strlen(printed) - 1], '\n');
	printed[0] = '\0';
	malloc_stats_print(print, printed, "Jmdablxeg");
	CU_ASSERT(!strncmp(printed, "{\"mode\":\"", 9));
	CU_ASSERT(strlen(printed) < sizeof(printed) - 1);
}

static void stats(void *arg)
{
	(void)arg;
	malloc_stats();
	malloc_stats_print(NULL, NULL, NULL);
}

static void test_stats(void)
{
	static char said[100000];
	char *second;

	CU_ASSERT_EQUAL(check_fork(stats, NULL, said, sizeof(said)), 0);
	second = strstr(said + 1, "percu ");
	CU_ASSERT(!strncmp(said, "percu ", 6) && second);
}

/* stderr has no buffer: the C library gives it one on this stack. */
static void *all_of_them(void *arg)
{
	struct mallinfo2 m = mallinfo2();
	struct mallinfo small = mallinfo();

	(void)arg;
	(void)m, (void)small;
	epoch();
	malloc_stats();
	malloc_stats_print(NULL, NULL, "J");
	malloc_info(0, stderr);
	malloc_trim(0);
	return NULL;
}

static void stack_child(void *arg)
{
	pthread_attr_t attr;
	pthread_t t;

	(void)arg;
	take(); /* all there is to say of a class */
	child_must(!pthread_attr_init(&attr));
	child_must(!pthread_attr_setstacksize(&attr, PTHREAD_STACK_MIN));
	child_must(!pthread_create(&t, &attr, all_of_them, NULL));
	child_must(!pthread_join(t, NULL));
}

/* With the least stack there is. */
static void test_stack(void)
{
	static char said[100000];

	CU_ASSERT_EQUAL(check_fork(stack_child, NULL, said, sizeof(said)), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(said, "</malloc>\n"));
}

static const CU_TestInfo tests[] = {
	{ "mallinfo counts what is out", test_mallinfo },
	{ "mallopt knows glibc's", test_mallopt },
	{ "malloc_info", test_malloc_info },
	{ "figures of the first one", test_first },
	{ "figures of an epoch", test_figures },
	{ "mallctl", test_mallctl },
	{ "malloc_stats_print", test_print },
	{ "malloc_stats writes to stderr", test_stats },
	{ "all of it on a stack of 16 KiB", test_stack },
	CU_TEST_INFO_NULL
};

int main(void)
{
	mallocs_valgrind();
	return check_main("malloc's figures", tests);
}
