/* SPDX-License-Identifier: MIT */
/* tests/records.h - all memory for percu's own records, so that there is no more */
#ifndef PERCU_TESTS_RECORDS_H
#define PERCU_TESTS_RECORDS_H

#include "slab/meta.h"
#include "sys/os.h"
#include "tests/check.h"

/* In a child: nothing gives it back.  Until os_fault_disarm(). */
static inline void eat_records(void)
{
	os_fault_arm(1u << OS_MAP, 1, true);
	for (size_t size = 1 << 16; size; size /= 2)
		while (meta_alloc(size))
			;
	/* Below 256 bytes the sizes are multiples of 64. */
	while (meta_alloc(192))
		;
	child_must(os_fault_fired() > 0);
}

#endif /* PERCU_TESTS_RECORDS_H */
