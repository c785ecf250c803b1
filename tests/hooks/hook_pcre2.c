/* SPDX-License-Identifier: MIT */
/* libs: -lpcre2-8 */
/* tests/hooks/hook_pcre2.c - patterns compiled, matched and substituted */
#include <percu/hook/pcre2.h>

#include "hook.h"

#define STR(s) ((PCRE2_SPTR)(s)), PCRE2_ZERO_TERMINATED

static pcre2_code *compile(const char *pattern, pcre2_compile_context *c)
{
	PCRE2_SIZE where;
	int err;

	return pcre2_compile(STR(pattern), 0, &err, &where, c);
}

static void match(pcre2_code *code, pcre2_general_context *g,
		  pcre2_match_context *m)
{
	pcre2_match_data *d = pcre2_match_data_create_from_pattern(code, g);
	PCRE2_SIZE *at;

	must(d);
	must(pcre2_match(code, STR("on 2024-02-29 it leapt"), 0, 0, d, m) == 4);
	at = pcre2_get_ovector_pointer(d);
	must(at[0] == 3 && at[1] == 13 && at[4] == 8 && at[5] == 10);
	must(pcre2_match(code, STR("never"), 0, 0, d, m) ==
	     PCRE2_ERROR_NOMATCH);
	pcre2_match_data_free(d);
}

/*
 * So many steps back that the frames outgrow the stack's.  Are they percu's, with
 * this data and this context?
 */
static bool deep(pcre2_code *code, pcre2_match_data *d, pcre2_match_context *m)
{
	static char text[5000];
	uint64_t before = hook_calls();

	must(d);
	memset(text, 'a', sizeof(text) - 1);
	must(pcre2_match(code, STR(text), 0, 0, d, m) == 2);
	before = hook_calls() - before;
	pcre2_match_data_free(d);
	return before > 0;
}

/* PCRE2's version, as 1042 for 10.42. */
static int version(void)
{
	char text[64];
	int major, minor;

	must(pcre2_config(PCRE2_CONFIG_VERSION, text) > 0);
	must(sscanf(text, "%d.%d", &major, &minor) == 2);
	return 100 * major + minor;
}

/* Until 10.40 the frames are the match context's, and since then the data's. */
static void whose_frames(pcre2_compile_context *c, pcre2_general_context *g,
			 pcre2_match_context *m)
{
	pcre2_code *code = compile("^(?:(a)|(b))*$", c);
	bool of_data = version() >= 1041;

	must(code);
	must(deep(code, pcre2_match_data_create(3, g), m));
	must(deep(code, pcre2_match_data_create(3, g), NULL) == of_data);
	must(deep(code, pcre2_match_data_create(3, NULL), m) == !of_data);
	must(!deep(code, pcre2_match_data_create(3, NULL), NULL));
	pcre2_code_free(code);
}

int main(void)
{
	pcre2_general_context *g;
	pcre2_compile_context *c;
	pcre2_match_context *m;
	pcre2_code *code;
	PCRE2_UCHAR out[64];
	PCRE2_SIZE n = sizeof(out);
	uint64_t calls;

	hook_begin();
	g = percu_hook_pcre2();
	must(g);
	c = pcre2_compile_context_create(g);
	m = pcre2_match_context_create(g);
	must(c && m);
	calls = hook_calls();
	code = compile("([0-9]{4})-([0-9]{2})-([0-9]{2})", c);
	must(code && hook_calls() > calls);
	match(code, g, m);
	must(pcre2_substitute(code, STR("a 2024-02-29 b"), 0, 0, NULL, m,
			      STR("$3.$2.$1"), out, &n) == 1);
	must(!strcmp((char *)out, "a 29.02.2024 b"));
	must(!compile("(cut", c));
	whose_frames(c, g, m);
	pcre2_jit_compile(code, PCRE2_JIT_COMPLETE); /* where it is built in */
	match(code, g, m);
	pcre2_code_free(code);
	pcre2_match_context_free(m);
	pcre2_compile_context_free(c);
	pcre2_general_context_free(g);
	return hook_end("pcre2", 8);
}
