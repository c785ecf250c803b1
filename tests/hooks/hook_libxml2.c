/* SPDX-License-Identifier: MIT */
/* pkg: libxml-2.0 */
/* tests/hooks/hook_libxml2.c - a document built, printed, parsed and asked */
#include <percu/hook/libxml2.h>
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <libxml/xpath.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hook.h"

static xmlChar *print(int *len)
{
	xmlDocPtr doc = xmlNewDoc(BAD_CAST "1.0");
	xmlNodePtr root = xmlNewNode(NULL, BAD_CAST "list");
	xmlChar *text;

	must(doc && root);
	xmlDocSetRootElement(doc, root);
	for (int i = 0; i < 1000; i++) {
		char n[16];
		xmlNodePtr item = xmlNewChild(root, NULL, BAD_CAST "item",
					      BAD_CAST "some text");

		snprintf(n, sizeof(n), "%d", i);
		must(item && xmlNewProp(item, BAD_CAST "n", BAD_CAST n));
	}
	xmlDocDumpFormatMemory(doc, &text, len, 1);
	xmlFreeDoc(doc);
	must(text);
	return text;
}

static void ask(xmlDocPtr doc)
{
	xmlXPathContextPtr ctx = xmlXPathNewContext(doc);
	xmlXPathObjectPtr found;

	must(ctx);
	found = xmlXPathEvalExpression(BAD_CAST "//item[@n mod 100 = 7]", ctx);
	must(found && found->nodesetval->nodeNr == 10);
	xmlXPathFreeObject(found);
	xmlXPathFreeContext(ctx);
}

static void quiet(void *arg, const char *fmt, ...)
{
	(void)arg;
	(void)fmt;
}

/* percu is given what malloc() has allocated. */
static void too_late(void)
{
	xmlChar *s = xmlStrdup(BAD_CAST "from malloc");

	must(s && hook_calls() == 0 && percu_hook_libxml2() == 0);
	xmlFree(s);
}

int main(void)
{
	xmlDocPtr doc;
	xmlChar *text;
	int len;

	hook_reports(too_late);
	hook_begin();
	must(percu_hook_libxml2() == 0);
	xmlInitParser();
	must(hook_calls() > 0);
	text = print(&len);
	doc = xmlReadMemory((char *)text, len, "x.xml", NULL, 0);
	must(doc);
	must(percu_hook_libxml2() == 0); /* again: nothing changes */
	ask(doc);
	xmlFreeDoc(doc);
	xmlSetGenericErrorFunc(NULL, quiet);
	must(!xmlReadMemory("<a><b></a>", 10, "y.xml", NULL, 0));
	percu_free(text); /* the same as xmlFree() */
	xmlResetLastError();
	xmlCleanupParser();
	return hook_end("libxml2", 3000);
}
