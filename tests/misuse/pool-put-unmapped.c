/* SPDX-License-Identifier: MIT */
/* A pool is given an address where no memory is any more. */
#include <sys/mman.h>

#include "tests/misuse/misuse.h"

int main(void)
{
	void *obj = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (obj == MAP_FAILED || munmap(obj, 4096))
		return 2;
	put_stranger(hide(obj));
}
