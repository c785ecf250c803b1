/* SPDX-License-Identifier: MIT */
/* tests/override/text.c - what libc allocates for its caller */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tree.h"

static int print(char **s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static int print(char **s, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vasprintf(s, fmt, args);
	va_end(args);
	return n;
}

/* A file of lines, one of them long, the last without an end. */
static FILE *file(void)
{
	FILE *f = tmpfile();

	if (!f)
		return NULL;
	fputs("one\n\n", f);
	for (int i = 0; i < 5000; i++)
		fputc('x', f);
	fputs("\nlast;of", f);
	rewind(f);
	return f;
}

static int lines(void)
{
	FILE *f = file();
	char *line = NULL;
	size_t cap = 99;
	int ok = f && getline(&line, &cap, f) == 4 && !strcmp(line, "one\n");

	ok = ok && getline(&line, &cap, f) == 1 && !strcmp(line, "\n");
	ok = ok && getline(&line, &cap, f) == 5001 && line[5000] == '\n';
	ok = ok && cap > 5001 && strlen(line) == 5001;
	ok = ok && getdelim(&line, &cap, ';', f) == 5 && !strcmp(line, "last;");
	ok = ok && getline(&line, &cap, f) == 2 && !strcmp(line, "of");
	ok = ok && getline(&line, &cap, f) == -1 && feof(f);
	free(line);
	/* A block of one's own, which grows. */
	line = malloc(3);
	cap = 3;
	if (f)
		rewind(f);
	ok = ok && line && getline(&line, &cap, f) == 4;
	free(line);
	if (f)
		fclose(f);
	return ok;
}

int text_part(const char *path)
{
	char *a = strdup("a string"), *b = strndup(a, 4), *c, *d = NULL, *e, *f;
	int ok = asprintf(&c, "%s %d", b, 42) == 7 && print(&d, "%5d", 7) == 5;

	e = realpath(path, NULL);
	f = strndup("ab", 100);
	ok = ok && a && b && !strcmp(a, "a string") && !strcmp(b, "a st");
	ok = ok && !strcmp(c, "a st 42") && !strcmp(d, "    7");
	ok = ok && e && e[0] == '/' && f && !strcmp(f, "ab");
	ok = ok && !realpath("/no/such/file", NULL);
	free(a);
	free(b);
	free(c);
	free(d);
	free(e);
	free(f);
	return ok && lines() ? 8 : -1;
}
