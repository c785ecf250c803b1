/* SPDX-License-Identifier: MIT */
/*
 * sys/conf.c - the environment variable PERCU
 *
 * One table has it all: a key, what kind of value it takes, where the value
 * goes and what it means.  The parser and the listing both walk the table.
 * The string is read in place, as pieces (pointer and length), so nothing is
 * copied or allocated.  Whatever is wrong with an item is one warning line,
 * and the items around it count.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sys/conf.h"
#include "sys/report.h"

enum {
	CONF_KEY_MAX = 24,  /* no key is longer */
	CONF_SHOW_MAX = 48, /* bytes of a text in a warning */
};

struct conf conf;

enum conf_kind {
	CONF_MODE, /* auto or lock, into a bool */
	CONF_BOOL, /* 0 or 1 */
	CONF_SIZE, /* bytes; k, m or g after it */
	CONF_HELP, /* no value, prints the table */
};

static const struct conf_key {
	const char *name;
	enum conf_kind kind;
	void *var;
	const char *what;
} conf_keys[] = {
	{ "mode", CONF_MODE, &conf.lock, "auto, or lock: do without rseq" },
	{ "cpu_cache", CONF_SIZE, &conf.cpu_cache,
	  "most bytes cached on a CPU" },
	{ "depot_cache", CONF_SIZE, &conf.depot_cache,
	  "most bytes cached in all depots; 0: by the number of CPUs" },
	{ "debug", CONF_BOOL, &conf.debug,
	  "1: check each put, remember its place" },
	{ "defer_soft", CONF_SIZE, &conf.defer_soft,
	  "bytes waiting for readers, above which they are hurried; 0: by the number of CPUs" },
	{ "defer_hard", CONF_SIZE, &conf.defer_hard,
	  "the same, above which who retires waits; 0: 16 times defer_soft" },
	{ "defer_wait", CONF_BOOL, &conf.defer_wait,
	  "0: above defer_hard calls fail and do not wait" },
	{ "defer_age", CONF_SIZE, &conf.defer_age,
	  "ms that a retired object waits for others" },
	{ "stall", CONF_SIZE, &conf.stall,
	  "ms of a grace period, after which readers are named; 0: never" },
	{ "age", CONF_SIZE, &conf.age,
	  "malloc: ms from one ageing cycle to the next; 0: none" },
	{ "idle", CONF_SIZE, &conf.idle,
	  "malloc: bytes of pages that may lie idle, however old" },
	{ "stats", CONF_BOOL, &conf.stats,
	  "malloc: 1: statistics on stderr when the program ends" },
	{ "help", CONF_HELP, NULL, "this list" },
};

enum {
	CONF_NR_KEYS = sizeof(conf_keys) / sizeof(conf_keys[0])
};

/* A piece of the string, without its terminator. */
struct conf_text {
	const char *s;
	size_t len;
};

static bool conf_text_is(struct conf_text t, const char *s)
{
	return strlen(s) == t.len && !memcmp(t.s, s, t.len);
}

/* Cuts *rest at the first sep, or takes all of it. */
static struct conf_text conf_cut(struct conf_text *rest, char sep)
{
	const char *end = rest->len ? memchr(rest->s, sep, rest->len) : NULL;
	size_t len = end ? (size_t)(end - rest->s) : rest->len;
	struct conf_text head = { rest->s, len };

	len += end != NULL;
	rest->s += len;
	rest->len -= len;
	return head;
}

static size_t conf_min3(size_t a, size_t b, size_t c)
{
	a = a < b ? a : b;
	return a < c ? a : c;
}

/* Levenshtein's distance, one row at a time: row[j] is that of key's first j. */
static size_t conf_distance(struct conf_text t, const char *key)
{
	size_t row[CONF_KEY_MAX + 1], n = strlen(key), diag, left;

	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 1; i <= t.len; i++) {
		diag = row[0];
		row[0] = i;
		for (size_t j = 1; j <= n; j++) {
			left = row[j];
			row[j] = conf_min3(row[j] + 1, row[j - 1] + 1,
					   diag + (t.s[i - 1] != key[j - 1]));
			diag = left;
		}
	}
	return row[n];
}

static const struct conf_key *conf_nearest(struct conf_text t)
{
	const struct conf_key *best = conf_keys;
	size_t least = SIZE_MAX, d;

	for (size_t i = 0; i < CONF_NR_KEYS; i++) {
		d = conf_distance(t, conf_keys[i].name);
		if (d < least) {
			least = d;
			best = &conf_keys[i];
		}
	}
	return best;
}

/* log2 of the unit; 0 for a letter that is none */
static unsigned int conf_unit(char c)
{
	switch (c | 0x20) { /* to lower case, where it is a letter */
	case 'k':
		return 10;
	case 'm':
		return 20;
	case 'g':
		return 30;
	default:
		return 0;
	}
}

static bool conf_size(struct conf_text t, size_t *out)
{
	unsigned int shift = t.len ? conf_unit(t.s[t.len - 1]) : 0;
	size_t v = 0;

	t.len -= shift != 0;
	if (!t.len)
		return false;
	for (size_t i = 0; i < t.len; i++) {
		if (t.s[i] < '0' || t.s[i] > '9' ||
		    __builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (size_t)(t.s[i] - '0'), &v))
			return false;
	}
	return !__builtin_mul_overflow(v, (size_t)1 << shift, out);
}

/* true: the text is the second word, false: the first; or it is neither. */
static bool conf_word(struct conf_text t, const char *no, const char *yes,
		      bool *out)
{
	if (!conf_text_is(t, no) && !conf_text_is(t, yes))
		return false;
	*out = conf_text_is(t, yes);
	return true;
}

/* false: a bad value, and the variable is as it was. */
static bool conf_set(const struct conf_key *key, struct conf_text value)
{
	size_t size;

	switch (key->kind) {
	case CONF_MODE:
		return conf_word(value, "auto", "lock", key->var);
	case CONF_BOOL:
		return conf_word(value, "0", "1", key->var);
	case CONF_SIZE:
		if (!conf_size(value, &size))
			return false;
		*(size_t *)key->var = size;
		return true;
	case CONF_HELP:
		return value.len == 0;
	}
	return false;
}

/* In the largest unit that divides it: what is shown can be given back. */
static void conf_show_size(char *buf, size_t len, size_t v)
{
	static const char unit[] = " kmg";
	unsigned int u = 0;

	while (v && v % 1024 == 0 && u < 3) {
		v /= 1024;
		u++;
	}
	snprintf(buf, len, u ? "%zu%c" : "%zu", v, unit[u]);
}

static void conf_help(void)
{
	const struct conf_key *key;
	char value[32];

	report_line("PERCU=key:value,key:value");
	for (key = conf_keys; key < conf_keys + CONF_NR_KEYS; key++) {
		if (key->kind == CONF_SIZE)
			conf_show_size(value, sizeof(value),
				       *(size_t *)key->var);
		else if (key->kind == CONF_MODE)
			snprintf(value, sizeof(value), "%s",
				 conf.lock ? "lock" : "auto");
		else if (key->kind == CONF_BOOL)
			snprintf(value, sizeof(value), "%d", *(bool *)key->var);
		else
			value[0] = '\0';
		report_line("  %-12s%-10s%s", key->name, value, key->what);
	}
}

/* How much of it a warning shows. */
static int conf_shown(struct conf_text t)
{
	return t.len < CONF_SHOW_MAX ? (int)t.len : CONF_SHOW_MAX;
}

/* One key:value.  Returns whether it asked for help. */
static bool conf_item(struct conf_text item)
{
	struct conf_text value = item, name = conf_cut(&value, ':');
	const struct conf_key *key;

	key = conf_nearest(name);
	if (!conf_text_is(name, key->name)) {
		report_warn("PERCU: unknown key '%.*s', the nearest is '%s'",
			    conf_shown(name), name.s, key->name);
		return false;
	}
	if (!conf_set(key, value)) {
		report_warn("PERCU: bad value '%.*s' for '%s'",
			    conf_shown(value), value.s, key->name);
		return false;
	}
	return key->kind == CONF_HELP;
}

void conf_parse(const char *s)
{
	struct conf_text rest = { s, strlen(s) }, item;
	bool help = false;

	while (rest.len) {
		item = conf_cut(&rest, ',');
		if (item.len)
			help |= conf_item(item);
	}
	if (help) /* last, so that it shows what the rest has set */
		conf_help();
}

void conf_init(void)
{
	const char *s = secure_getenv("PERCU");

	conf = conf_default;
	if (s)
		conf_parse(s);
}
