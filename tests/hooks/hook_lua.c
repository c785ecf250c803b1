/* SPDX-License-Identifier: MIT */
/* pkg: lua5.4 lua5.3 */
/* tests/hooks/hook_lua.c - a script; and what Lua says of old sizes */
#include <percu/hook/lua.h>
#include <lauxlib.h>
#include <lualib.h>

#include "hook.h"

static const char script[] =
	"local words, out = {}, {}\n"
	"for w in (('the quick brown fox '):rep(5000)):gmatch('%a+') do\n"
	"	words[w] = (words[w] or 0) + 1\n"
	"	out[#out + 1] = w:upper()\n"
	"end\n"
	"local co = coroutine.wrap(function() for i = 1, 1000 do\n"
	"	coroutine.yield({ i, tostring(i) }) end end)\n"
	"local sum = 0\n"
	"for i = 1, 1000 do sum = sum + #co()[2] end\n"
	"out = nil; collectgarbage()\n"
	"return words.fox + sum\n";

/* Counts what comes past, and passes it on. */
static size_t frees, news, shrinks, cut; /* cut: bytes, the most at once */

static void *counting(void *ud, void *ptr, size_t osize, size_t nsize)
{
	news += !ptr && nsize;
	frees += ptr && !nsize;
	shrinks += ptr && nsize && nsize < osize;
	if (ptr && nsize && nsize + cut < osize)
		cut = osize - nsize;
	if (ptr) /* it is what was asked for last */
		must(percu_usable_size(ptr) >= osize);
	return percu_hook_lua(ud, ptr, osize, nsize);
}

static void run(lua_State *L)
{
	must(L);
	luaL_openlibs(L);
	must(luaL_loadstring(L, script) == LUA_OK);
	must(lua_pcall(L, 0, 1, 0) == LUA_OK);
	must(lua_tointeger(L, -1) == 5000 + 9 + 180 + 2700 + 4);
	lua_close(L);
}

/* A table whose array grows to 64 MiB, loses most of it, and is rehashed. */
static void table_shrinks(void)
{
	static const char text[] =
		"t = {}\n"
		"for i = 1, 1 << 22 do t[i] = i end\n"
		"for i = (1 << 17) + 1, 1 << 22 do t[i] = nil end\n"
		"for i = 1, 100 do t['k' .. i] = i end\n"
		"return #t";
	lua_State *L = lua_newstate(counting, NULL);
	bool given;

	must(L);
	luaL_openlibs(L);
	cut = 0;
	must(luaL_dostring(L, text) == LUA_OK);
	must(lua_tointeger(L, -1) == 1 << 17);
	must(cut >= (size_t)50 << 20);
	given = hook_bytes() < 20 << 20; /* and not only when it is freed */
	must(given || hook_cut());
	lua_close(L);
	must(hook_bytes() == 0);
}

/* For a new block the old size is a kind, LUA_TSTRING or another. */
static void kinds_are_no_sizes(void)
{
	void *p = percu_hook_lua(NULL, NULL, LUA_TTHREAD, 3000);

	must(p && percu_usable_size(p) >= 3000);
	p = percu_hook_lua(NULL, p, 3000, 100);
	must(p && percu_usable_size(p) < 200);
	must(!percu_hook_lua(NULL, p, 100, 0));
	must(!percu_hook_lua(NULL, NULL, LUA_TSTRING, 0));
}

static int huge(lua_State *L)
{
	lua_newuserdata(L, (size_t)1 << 47);
	return 1;
}

/* Who wants too much gets an error, and the state goes on. */
static void no_memory(void)
{
	lua_State *L = percu_hook_lua_newstate();

	must(L);
	luaL_openlibs(L);
	lua_pushcfunction(L, huge);
	must(lua_pcall(L, 0, 1, 0) == LUA_ERRMEM);
	must(luaL_loadstring(L, "return 1") == LUA_OK);
	must(lua_pcall(L, 0, 1, 0) == LUA_OK);
	lua_close(L);
}

int main(void)
{
	hook_begin();
	run(percu_hook_lua_newstate());
	must(hook_bytes() == 0);
	run(lua_newstate(counting, NULL));
	must(news > 1000 && frees == news && shrinks > 0);
	kinds_are_no_sizes();
	table_shrinks();
	no_memory();
	return hook_end(LUA_VERSION, 2000);
}
