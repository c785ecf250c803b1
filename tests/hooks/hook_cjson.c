/* SPDX-License-Identifier: MIT */
/* libs: -lcjson */
/* tests/hooks/hook_cjson.c - a document built, printed, and read again */
#include <percu/hook/cjson.h>

#include "hook.h"

static char *print(void)
{
	cJSON *doc = cJSON_CreateObject(), *list;
	char name[32], *text;

	must(doc && cJSON_AddStringToObject(doc, "name", "percu"));
	list = cJSON_AddArrayToObject(doc, "list");
	must(list);
	for (int i = 0; i < 500; i++) {
		cJSON *item = cJSON_CreateObject();

		snprintf(name, sizeof(name), "item %d", i);
		must(item && cJSON_AddStringToObject(item, "name", name));
		must(cJSON_AddNumberToObject(item, "n", i * i));
		must(cJSON_AddItemToArray(list, item));
	}
	text = cJSON_Print(doc);
	must(text);
	cJSON_Delete(doc);
	return text;
}

static void read_again(const char *text)
{
	cJSON *doc = cJSON_Parse(text), *item;

	must(doc);
	item = cJSON_GetArrayItem(cJSON_GetObjectItem(doc, "list"), 499);
	must(item);
	must(!strcmp(cJSON_GetObjectItem(item, "name")->valuestring,
		     "item 499"));
	must(cJSON_GetObjectItem(item, "n")->valueint == 499 * 499);
	cJSON_Delete(doc);
	must(!cJSON_Parse("{ \"cut\": [ 1, 2"));
}

/* percu is given what malloc() has allocated. */
static void too_late(void)
{
	cJSON *item = cJSON_CreateNumber(1);

	must(item && hook_calls() == 0);
	percu_hook_cjson();
	cJSON_Delete(item);
}

int main(void)
{
	char *text;

	hook_reports(too_late);
	hook_begin();
	percu_hook_cjson();
	text = print();
	percu_hook_cjson(); /* again: nothing changes */
	must(hook_blocks() == 1 && percu_usable_size(text) > strlen(text));
	read_again(text);
	percu_free(text); /* the same as cJSON_free() */
	return hook_end("cjson", 4000);
}
