/* SPDX-License-Identifier: MIT */
/*
 * percu/hook/lua.h - a Lua state's memory from percu
 *
 *	lua_State *L = percu_hook_lua_newstate();
 *
 * or lua_newstate(percu_hook_lua, NULL).  The choice is the state's; lua_close()
 * gives all back.
 *
 * Lua says how large the block was that it frees or resizes, so a free needs
 * no look-up.  For a new block it says, in the place of the old size, what kind
 * of object it is for, and that is no size.
 *
 * Up to Lua 5.3 an allocator must not fail where a block shrinks.  There, for
 * want of memory, the block stays as it is, which the size that Lua frees it
 * with then does not tell: there the size is not made use of.
 */
#ifndef PERCU_HOOK_LUA_H
#define PERCU_HOOK_LUA_H

/* lua.h leaves it to its includer to say that it is C. */
#ifdef __cplusplus
extern "C" {
#endif
#include <lua.h>
#ifdef __cplusplus
}
#endif
#include <percu/hook/shape.h>

PERCU_BEGIN_DECLS

/**
 * percu_hook_lua() - a lua_Alloc
 * @ud: not looked at
 * @ptr: the block, or NULL
 * @osize: its size; without a block anything
 * @nsize: the size that it is to have; 0 frees it
 *
 * Return: the block, or NULL.
 */
static inline void *percu_hook_lua(void *ud, void *ptr, size_t osize,
				   size_t nsize)
{
	(void)ud;
#if LUA_VERSION_NUM >= 504
	return percu_hook_resize(ptr, osize, nsize);
#else
	void *block;

	if (!nsize) {
		percu_free(ptr);
		return NULL;
	}
	block = percu_realloc(ptr, nsize);
	return !block && nsize <= osize ? ptr : block;
#endif
}

/**
 * percu_hook_lua_newstate() - lua_newstate() with memory from percu
 *
 * luaL_newstate() also sets functions that print a panic and warnings; this
 * does not.
 *
 * Return: the state, or NULL.
 */
static inline PERCU_MUST_CHECK lua_State *percu_hook_lua_newstate(void)
{
	return lua_newstate(percu_hook_lua, NULL);
}

PERCU_END_DECLS

#endif /* PERCU_HOOK_LUA_H */
