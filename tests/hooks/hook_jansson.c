/* SPDX-License-Identifier: MIT */
/* libs: -ljansson */
/* tests/hooks/hook_jansson.c - a document built, printed, and read again */
#include <percu/hook/jansson.h>

#include "hook.h"

static char *print(void)
{
	json_t *doc = json_object(), *list = json_array();
	char *text;

	must(doc && list);
	for (int i = 0; i < 1000; i++)
		must(!json_array_append_new(list, json_pack("{s:i,s:s}", "n", i,
							    "name", "percu")));
	must(!json_object_set_new(doc, "list", list));
	text = json_dumps(doc, JSON_INDENT(1));
	must(text);
	json_decref(doc);
	return text;
}

/* percu is given what malloc() has allocated. */
static void too_late(void)
{
	json_t *item = json_string("from malloc");

	must(item && hook_calls() == 0);
	percu_hook_jansson();
	json_decref(item);
}

int main(void)
{
	json_t *doc, *item;
	json_error_t err;
	char *text;

	hook_reports(too_late);
	hook_begin();
	percu_hook_jansson();
	text = print();
	percu_hook_jansson(); /* again: nothing changes */
	doc = json_loads(text, 0, &err);
	must(doc);
	item = json_array_get(json_object_get(doc, "list"), 999);
	must(json_integer_value(json_object_get(item, "n")) == 999);
	must(!json_loads("{ \"cut\": [ 1, 2", 0, &err));
	json_decref(doc);
	must(hook_blocks() == 1 && percu_usable_size(text) > strlen(text));
	percu_free(text);
	return hook_end("jansson", 10000);
}
