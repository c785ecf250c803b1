/* SPDX-License-Identifier: MIT */
/*
 * malloc/operators.c - the operators new and delete that others are made of
 *
 * A program may have an operator new and delete of its own and leave the other
 * forms to the library, which by the standard make them of the program's: an
 * array's of a single object's, one that is told a size or std::nothrow of the
 * one that is not.  So these do, by the names that anybody may define: a jump
 * through the table of such names, to ours or to the program's.
 *
 * The forms that do not throw would have to catch what the program's throw.
 * They are ours where what they are made of is, and else the C++ library's.
 *
 * Kbuild has the compiler leave it open whose a name is.
 */
#include "malloc/operators.h"

/* What all are made of, anybody's. */
EXPORT void *_Znwm(size_t size);
EXPORT void *_ZnwmSt11align_val_t(size_t size, size_t align);
EXPORT void _ZdlPv(void *ptr);
EXPORT void _ZdlPvSt11align_val_t(void *ptr, size_t align);

/* What is made of another one: only some of the arguments go there. */
#define NEW_OF(name, parameters, of, arguments) \
	EXPORT void *name parameters;           \
	EXPORT void *name parameters            \
	{                                       \
		return of arguments;            \
	}
#define DELETE_OF(name, parameters, rest, of, arguments) \
	EXPORT void name parameters;                     \
	EXPORT void name parameters                      \
	{                                                \
		(void)(rest);                            \
		of arguments;                            \
	}

/* Arrays. */
NEW_OF(_Znam, (size_t size), _Znwm, (size))
NEW_OF(_ZnamSt11align_val_t, (size_t size, size_t align), _ZnwmSt11align_val_t,
       (size, align))
DELETE_OF(_ZdaPv, (void *ptr), 0, _ZdlPv, (ptr))
DELETE_OF(_ZdaPvSt11align_val_t, (void *ptr, size_t align), 0,
	  _ZdlPvSt11align_val_t, (ptr, align))

/* With a size, or std::nothrow. */
DELETE_OF(_ZdlPvm, (void *ptr, size_t size), size, _ZdlPv, (ptr))
DELETE_OF(_ZdaPvm, (void *ptr, size_t size), size, _ZdaPv, (ptr))
DELETE_OF(_ZdlPvRKSt9nothrow_t, (void *ptr, const void *nothrow), nothrow,
	  _ZdlPv, (ptr))
DELETE_OF(_ZdaPvRKSt9nothrow_t, (void *ptr, const void *nothrow), nothrow,
	  _ZdaPv, (ptr))
DELETE_OF(_ZdlPvmSt11align_val_t, (void *ptr, size_t size, size_t align), size,
	  _ZdlPvSt11align_val_t, (ptr, align))
DELETE_OF(_ZdaPvmSt11align_val_t, (void *ptr, size_t size, size_t align), size,
	  _ZdaPvSt11align_val_t, (ptr, align))
DELETE_OF(_ZdlPvSt11align_val_tRKSt9nothrow_t,
	  (void *ptr, size_t align, const void *nothrow), nothrow,
	  _ZdlPvSt11align_val_t, (ptr, align))
DELETE_OF(_ZdaPvSt11align_val_tRKSt9nothrow_t,
	  (void *ptr, size_t align, const void *nothrow), nothrow,
	  _ZdaPvSt11align_val_t, (ptr, align))

/* nothrow: std::nothrow, which says nothing but which operator is meant. */

extern void *ours_array_new(size_t size)
	__attribute__((alias("_Znam"), LIKE(_Znam), visibility("hidden")));
extern void *ours_array_new_aligned(size_t size, size_t align)
	__attribute__((alias("_ZnamSt11align_val_t"),
		       LIKE(_ZnamSt11align_val_t), visibility("hidden")));

#define OURS         likely(_Znwm == ours_new)
#define OURS_ARRAY   (OURS && likely(_Znam == ours_array_new))
#define OURS_ALIGNED likely(_ZnwmSt11align_val_t == ours_new_aligned)
#define OURS_ARRAY_ALIGNED \
	(OURS_ALIGNED && likely(_ZnamSt11align_val_t == ours_array_new_aligned))

OPERATOR_NEW(_ZnwmRKSt9nothrow_t, (size_t size, const void *nothrow),
	     (size, nothrow), OURS &&NEW_HIT, OURS ? get_medium(size) : NULL)
OPERATOR_NEW(_ZnamRKSt9nothrow_t, (size_t size, const void *nothrow),
	     (size, nothrow), OURS_ARRAY &&NEW_HIT,
	     OURS_ARRAY ? get_medium(size) : NULL)
OPERATOR_NEW(_ZnwmSt11align_val_tRKSt9nothrow_t,
	     (size_t size, size_t align, const void *nothrow),
	     (size, align, nothrow), NEW_MISS,
	     OURS_ALIGNED ? block_get_aligned(align, size) : NULL)
OPERATOR_NEW(_ZnamSt11align_val_tRKSt9nothrow_t,
	     (size_t size, size_t align, const void *nothrow),
	     (size, align, nothrow), NEW_MISS,
	     OURS_ARRAY_ALIGNED ? block_get_aligned(align, size) : NULL)
