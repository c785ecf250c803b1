/* SPDX-License-Identifier: MIT */
/* libs: -lexpat */
/* tests/hooks/hook_expat.c - a document parsed in pieces; a broken one */
#include <percu/hook/expat.h>

#include "hook.h"

static int elements, depth, attrs;
static size_t letters;

static void begin(void *arg, const XML_Char *name, const XML_Char **attr)
{
	(void)arg;
	must(!strcmp(name, depth ? "urn:x|item" : "list"));
	elements++;
	depth++;
	while (attr[2 * attrs])
		attrs++;
}

static void end(void *arg, const XML_Char *name)
{
	(void)arg;
	(void)name;
	depth--;
}

static void text(void *arg, const XML_Char *s, int n)
{
	(void)arg;
	(void)s;
	letters += (size_t)n;
}

static void feed(XML_Parser p, const char *s, int last)
{
	must(XML_Parse(p, s, (int)strlen(s), last) == XML_STATUS_OK);
}

static void parse(XML_Parser p)
{
	XML_SetElementHandler(p, begin, end);
	XML_SetCharacterDataHandler(p, text);
	feed(p,
	     "<?xml version='1.0'?><!DOCTYPE list [<!ENTITY e 'twelve more.'>]>",
	     0);
	feed(p, "<list>", 0);
	for (int i = 0; i < 2000; i++) {
		feed(p, "<x:item xmlns:x='urn:x' a='1' b='two' c='", 0);
		feed(p, "a longer one, to be put together'>text &e;</x:i", 0);
		feed(p, "tem>", 0);
	}
	feed(p, "</list>", 1);
	must(elements == 2001 && depth == 0 && attrs == 3);
	must(letters == 2000 * strlen("text twelve more."));
}

int main(void)
{
	XML_Parser p;

	hook_begin();
	p = percu_hook_expat(NULL, "|");
	must(p);
	parse(p);
	must(hook_bytes() > 0);
	XML_ParserFree(p);
	must(hook_bytes() == 0);
	p = percu_hook_expat("UTF-8", NULL);
	must(p);
	must(XML_Parse(p, "<a><b></a>", 10, 1) == XML_STATUS_ERROR);
	must(XML_GetErrorCode(p) == XML_ERROR_TAG_MISMATCH);
	XML_ParserFree(p);
	return hook_end("expat", 30);
}
