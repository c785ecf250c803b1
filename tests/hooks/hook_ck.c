/* SPDX-License-Identifier: MIT */
/* libs: -lck -lurcu-memb */
/* tests/hooks/hook_ck.c - tables that grow under readers of liburcu */
#include <urcu.h>

#include <ck_array.h>
#include <ck_ht.h>
#include <percu/hook/ck.h>
#include <pthread.h>

#include "hook.h"

enum {
	KEYS = 20000,
	KEPT = 50, /* entries from the start, which readers find at any time */
};

PERCU_HOOK_CK(tables);

static char name[KEYS][16];
static ck_ht_t ht;
static ck_array_t array;
static bool done;
static unsigned int started;

static void put(int i)
{
	ck_ht_entry_t e;
	ck_ht_hash_t h;

	ck_ht_hash(&h, &ht, name[i], (uint16_t)strlen(name[i]));
	ck_ht_entry_set(&e, h, name[i], (uint16_t)strlen(name[i]), name[i]);
	must(ck_ht_put_spmc(&ht, h, &e));
}

static bool find(int i)
{
	ck_ht_entry_t e;
	ck_ht_hash_t h;

	ck_ht_hash(&h, &ht, name[i], (uint16_t)strlen(name[i]));
	ck_ht_entry_key_set(&e, name[i], (uint16_t)strlen(name[i]));
	return ck_ht_get_spmc(&ht, h, &e) && ck_ht_entry_value(&e) == name[i];
}

static void *reader(void *arg)
{
	unsigned int n;
	void **all;

	(void)arg;
	rcu_register_thread();
	__atomic_add_fetch(&started, 1, __ATOMIC_RELEASE);
	while (!__atomic_load_n(&done, __ATOMIC_ACQUIRE)) {
		rcu_read_lock();
		for (int i = 0; i < KEPT; i++)
			must(find(i));
		all = ck_array_buffer(&array, &n);
		must(n >= KEPT);
		for (unsigned int i = 0; i < n; i++)
			must(all[i] == name[i]);
		rcu_read_unlock();
	}
	rcu_unregister_thread();
	return NULL;
}

static void grow(void)
{
	pthread_t t[2];

	for (int i = 0; i < 2; i++)
		must(!pthread_create(&t[i], NULL, reader, NULL));
	while (__atomic_load_n(&started, __ATOMIC_ACQUIRE) < 2)
		sched_yield();
	for (int i = KEPT; i < KEYS; i++) {
		put(i);
		must(ck_array_put(&array, name[i]) && ck_array_commit(&array));
	}
	__atomic_store_n(&done, true, __ATOMIC_RELEASE);
	for (int i = 0; i < 2; i++)
		must(!pthread_join(t[i], NULL));
}

/*
 * Whoever is in a section when the table grows has the old array until its
 * end, and nobody is given the memory meanwhile.
 */
static void old_stays(void)
{
	void **old, *taken[200];
	ck_array_t a;
	unsigned int n;

	must(ck_array_init(&a, CK_ARRAY_MODE_SPMC, &tables, KEPT));
	for (int i = 0; i < KEPT; i++)
		must(ck_array_put(&a, name[i]));
	must(ck_array_commit(&a));
	percu_barrier();
	must(hook_now().deferred == 0);
	rcu_read_lock();
	old = ck_array_buffer(&a, &n);
	must(n == KEPT && ck_array_put(&a, name[n]) && ck_array_commit(&a));
	must(ck_array_buffer(&a, &n) != old && n == KEPT + 1);
	must(hook_now().deferred >= KEPT * sizeof(void *));
	for (int i = 0; i < 200; i++) {
		taken[i] = percu_alloc(KEPT * sizeof(void *) + 16);
		must(taken[i]);
		memset(taken[i], 0xaa, KEPT * sizeof(void *));
	}
	for (int i = 0; i < KEPT; i++)
		must(old[i] == name[i]);
	for (int i = 0; i < 200; i++)
		percu_free(taken[i]);
	rcu_read_unlock();
	percu_barrier();
	must(hook_now().deferred == 0);
	ck_array_deinit(&a, false);
}

int main(void)
{
	hook_begin();
	rcu_register_thread();
	for (int i = 0; i < KEYS; i++)
		snprintf(name[i], sizeof(name[i]), "key %d", i);
	must(ck_ht_init(&ht, CK_HT_MODE_BYTESTRING, NULL, &tables, 64, 42));
	must(ck_array_init(&array, CK_ARRAY_MODE_SPMC, &tables, KEPT));
	for (int i = 0; i < KEPT; i++) {
		put(i);
		must(ck_array_put(&array, name[i]));
	}
	must(ck_array_commit(&array));
	old_stays();
	grow();
	for (int i = 0; i < KEYS; i++)
		must(find(i));
	ck_ht_destroy(&ht);
	ck_array_deinit(&array, false);
	rcu_unregister_thread();
	return hook_end("ck", 200 + 16);
}
