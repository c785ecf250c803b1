/* SPDX-License-Identifier: MIT */
/*
 * tests/malloc/deepbind.c - a library that is opened with RTLD_DEEPBIND
 *
 * Three files of one: libdep.so (DEP), which libplugin.so (PLUGIN) opens, from
 * a folder that only its own search path has, for the program.  Each frees what
 * the other has allocated.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *swap(void *ptr);
void *plugin(void);

#if defined(DEP)

void *swap(void *ptr)
{
	free(ptr);
	return malloc(100);
}

#elif defined(PLUGIN)

void *plugin(void)
{
	return dlopen("libdep.so", RTLD_NOW | RTLD_DEEPBIND);
}

#else

int main(void)
{
	void *lib = plugin(), *(*fn)(void *), *ptr = NULL;

	if (!lib)
		return puts(dlerror()), 1;
	*(void **)&fn = dlsym(lib, "swap");
	for (int i = 0; i < 1000; i++) {
		ptr = fn(ptr);
		memset(ptr, i, 100);
		free(ptr);
		ptr = malloc(200);
	}
	free(ptr);
	return 0;
}

#endif
