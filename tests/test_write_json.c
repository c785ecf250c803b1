/* SPDX-License-Identifier: MIT */
/*
 * tests/test_write_json.c - percu_stats_write() as JSON, read back
 */
#include <ctype.h>

#include "tests/written.h"

/*
 * RFC 8259, without numbers other than natural ones.  Calls found() for each
 * number and each string, with the path of keys to it.
 */
struct json {
	const char *s;
	bool bad;
	char path[4][64];
	int depth;
	void (*found)(struct json *j, const char *text, uint64_t number);
	unsigned int pools, figures;
	struct wholly all;
	struct percu_pool *pool;
};

static void json_value(struct json *j);

static bool json_is(struct json *j, char c)
{
	if (*j->s != c)
		return false;
	j->s++;
	return true;
}

static void json_must(struct json *j, char c)
{
	j->bad |= !json_is(j, c);
}

static void json_string(struct json *j, char *out, size_t size)
{
	size_t n = 0;

	json_must(j, '"');
	while (!j->bad && *j->s != '"') {
		if ((unsigned char)*j->s < ' ') {
			j->bad = true;
			return;
		}
		if (*j->s == '\\' && !strchr("\"\\/bfnrt", *++j->s))
			j->bad = true;
		if (n + 1 < size)
			out[n++] = *j->s;
		j->s++;
	}
	out[n] = '\0';
	json_must(j, '"');
}

static void json_number(struct json *j)
{
	uint64_t n = 0;

	j->bad |= !isdigit((unsigned char)*j->s) ||
		  (*j->s == '0' && isdigit((unsigned char)j->s[1]));
	while (isdigit((unsigned char)*j->s))
		n = n * 10 + (uint64_t)(*j->s++ - '0');
	j->found(j, NULL, n);
}

static void json_object(struct json *j)
{
	json_must(j, '{');
	if (json_is(j, '}') || j->depth == 4)
		return;
	do {
		json_string(j, j->path[j->depth], sizeof(j->path[0]));
		json_must(j, ':');
		j->depth++;
		json_value(j);
		j->depth--;
	} while (!j->bad && json_is(j, ','));
	json_must(j, '}');
}

static void json_array(struct json *j)
{
	json_must(j, '[');
	if (json_is(j, ']'))
		return;
	do
		json_value(j);
	while (!j->bad && json_is(j, ','));
	json_must(j, ']');
}

static void json_value(struct json *j)
{
	char text[64];

	if (*j->s == '{') {
		json_object(j);
	} else if (*j->s == '[') {
		json_array(j);
	} else if (*j->s == '"') {
		json_string(j, text, sizeof(text));
		j->found(j, text, 0);
	} else {
		json_number(j);
	}
}

static void json_found(struct json *j, const char *text, uint64_t number)
{
	const struct figure *f;
	struct percu_pool_stats st;

	if (j->depth == 1 && text) {
		CU_ASSERT_STRING_EQUAL(j->path[0], "mode");
		CU_ASSERT_STRING_EQUAL(text, percu_mode());
	} else if (j->depth == 1) {
		f = figure_named(whole, NR_WHOLE, j->path[0]);
		CU_ASSERT_PTR_NOT_NULL_FATAL(f);
		CU_ASSERT_EQUAL(number, figure_of(f, &j->all));
		j->figures++;
	} else if (text) {
		CU_ASSERT_STRING_EQUAL(j->path[1], "name");
		j->pool = pool_named(text);
		CU_ASSERT_PTR_NOT_NULL_FATAL(j->pool);
		j->pools++;
	} else {
		f = figure_named(one, NR_ONE, j->path[1]);
		CU_ASSERT_PTR_NOT_NULL_FATAL(f);
		st = stats_of(j->pool);
		CU_ASSERT_EQUAL(number, figure_of(f, &st));
		j->figures++;
	}
}

/* Law: one valid object, with every figure of every pool that has objects. */
static void json(void)
{
	struct json j = { .found = json_found };
	char *s;

	begin();
	j.all = wholly();
	CU_ASSERT_EQUAL(j.all.slices.slices, 3);
	CU_ASSERT_EQUAL(j.all.slices.blocks, 2);
	CU_ASSERT_TRUE(j.all.slices.clones > 0);
	j.s = s = written(PERCU_STATS_JSON);
	json_value(&j);
	CU_ASSERT_FALSE(j.bad);
	CU_ASSERT_STRING_EQUAL(j.s, "\n");
	CU_ASSERT_EQUAL(j.pools, pools_used(false));
	CU_ASSERT_EQUAL(j.figures, NR_WHOLE + NR_ONE * j.pools);
	CU_ASSERT_PTR_NOT_NULL(strstr(s, "odd\\\"name\\\\of{a=pool}"));
	CU_ASSERT_PTR_NULL(strstr(s, "never-used"));
	free(s);
	end();
}

static const CU_TestInfo tests[] = { { "JSON is valid and complete", json },
				     CU_TEST_INFO_NULL };

int main(void)
{
	return check_main("write_json", tests);
}
