/* SPDX-License-Identifier: MIT */
/* A pool is given an address where no memory is any more. */
#include <sys/mman.h>

#include "tests/misuse/misuse.h"

int main(void)
{
	struct percu_pool *pool = make_pool("victim", 64);
	void *obj = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (obj == MAP_FAILED || munmap(obj, 4096))
		return 2;
	expect("pool victim: %p is not an object of this pool (it is no pool object)",
	       obj);
	percu_pool_put(pool, hide(obj));
	at_once();
	percu_pool_age(pool);
	missed();
}
