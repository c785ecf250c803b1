/* SPDX-License-Identifier: MIT */
/*
 * tests/override/tree.h - a source tree that has never heard of percu
 *
 * Each part does its work, gives back all that it had, and returns how many
 * blocks that took at least; -1 if something came out wrong.
 */
#ifndef TREE_H
#define TREE_H

#ifdef __cplusplus
extern "C" {
#endif

int blocks_part(void);
int text_part(const char *path);
int late_part(void);
int cxx_part(void);

/* What libc has allocated. */
char *libcs_directory(void);
void free_it(void *p);
void free_libcs(void *p);
void *realloc_it(void *p);

#ifdef __cplusplus
}
#endif

#endif /* TREE_H */
