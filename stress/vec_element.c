// SPDX-License-Identifier: MIT
/*
 * stress/vec_element.c - elements that know how long they have been removed
 *
 * Who removes an element writes into it how many grace periods had ended by
 * then.  Who sees it later counts how many have since:
 *
 *	age 0	it is in the vector, or has just been removed
 *	age 1	a grace period that had begun before the removal has ended
 *	age 2	a whole one has: the reader should have been waited for
 *
 * What is released loses its stamp, and rests until half of all elements have
 * been released after it: who is late sees that it is free, and not a new one.
 * Elements are never unmapped: what is seen too late is a number, not a crash.
 */
#include <stdlib.h>
#include "vec.h"

enum {
	ELEMENTS_ALL = 1 << 17, /* a power of two */
	TICKS = 0x3fffffff,
};

static uint64_t word_of(uint64_t version, uint64_t tick, enum state state)
{
	return version << 32 | (tick & TICKS) << 2 | (uint64_t)state;
}

uint64_t element_age(struct elements *es, uint64_t word)
{
	if (element_state(word) != REMOVED)
		return 0;
	return (atomic_load(&es->ticks) - (word >> 2)) & TICKS;
}

uint64_t element_stamp(uint64_t word, uint64_t number)
{
	return mix64((word >> 32) << 40 ^ number) | 1;
}

struct element *element_make(struct elements *es, uint64_t number,
			     unsigned int pin)
{
	struct element *e = NULL;
	uint64_t word;

	pthread_mutex_lock(&es->lock);
	if (es->nr_free > ELEMENTS_ALL / 2) {
		e = &es->all[es->fifo[es->head++ % ELEMENTS_ALL]];
		es->nr_free--;
	}
	pthread_mutex_unlock(&es->lock);
	if (!e)
		return NULL;
	word = word_of((atomic_load(&e->word) >> 32) + 1, 0, LIVE);
	e->number = number;
	e->stamp = element_stamp(word, number);
	e->pin = pin;
	/* Published by the vector. */
	atomic_store_explicit(&e->word, word, memory_order_relaxed);
	return e;
}

void element_release(void *obj, void *elements)
{
	struct elements *es = elements;
	struct element *e = obj;
	uint64_t was = atomic_load(&e->word);

	if (crew_is_copy())
		return; /* the lock may be taken, for ever */
	was = atomic_exchange(&e->word, word_of(was >> 32, 0, FREE));
	if (element_state(was) == FREE)
		fail("an element was released twice");
	e->stamp = 0;
	atomic_fetch_add(&es->releases, 1);
	pthread_mutex_lock(&es->lock);
	es->fifo[(es->head + es->nr_free++) % ELEMENTS_ALL] =
		(uint32_t)(e - es->all);
	pthread_mutex_unlock(&es->lock);
}

/* Unless it has been released, or even used again, since. */
void element_removed(struct elements *es, struct element *e, uint64_t word)
{
	uint64_t tick = atomic_load(&es->ticks);

	atomic_compare_exchange_strong(&e->word, &word,
				       word_of(word >> 32, tick, REMOVED));
}

void elements_init(struct elements *es)
{
	es->all = must(calloc(ELEMENTS_ALL, sizeof(*es->all)));
	es->fifo = must(calloc(ELEMENTS_ALL, sizeof(*es->fifo)));
	pthread_mutex_init(&es->lock, NULL);
	for (uint32_t i = 0; i < ELEMENTS_ALL; i++)
		es->fifo[i] = i;
	es->nr_free = ELEMENTS_ALL;
}

void elements_fini(struct elements *es)
{
	if (es->nr_free != ELEMENTS_ALL)
		fail("%u elements were never released",
		     ELEMENTS_ALL - es->nr_free);
	pthread_mutex_destroy(&es->lock);
	free(es->all);
	free(es->fifo);
}
