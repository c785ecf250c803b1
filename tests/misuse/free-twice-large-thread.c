/* SPDX-License-Identifier: MIT */
/* Two threads free a large block at the same time. */
#include <pthread.h>

#include "tests/misuse/misuse.h"

static pthread_barrier_t start;

static void *free_in_thread(void *ptr)
{
	pthread_barrier_wait(&start);
	percu_free(ptr);
	return NULL;
}

int main(void)
{
	void *ptr = must(percu_alloc(100000));
	pthread_t threads[2];

	if (MISUSE_TSAN)
		misuse_exit("TSan names the race itself", MISUSE_SKIP);
	expect("percu_free(%p): no block is there; was it freed before?", ptr);
	pthread_barrier_init(&start, NULL, 2);
	for (int i = 0; i < 2; i++)
		if (pthread_create(&threads[i], NULL, free_in_thread, ptr))
			return 2;
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	missed();
}
