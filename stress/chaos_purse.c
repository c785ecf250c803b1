// SPDX-License-Identifier: MIT
/*
 * stress/chaos_purse.c - what the agents of chaos get and put themselves
 *
 * A purse is stamped objects of a small pool, with exact books.  A get that
 * is refused is not counted, for the books of percu do not count it either.
 */
#include <inttypes.h>
#include <urcu-bp.h>
#include "chaos.h"

struct percu_pool *purse_pool(const char *name)
{
	const struct percu_pool_attr attr = { .name = name,
					      .size = PURSE_OBJECT };

	return must(percu_pool_create(&attr));
}

static void take(struct purse *pu, size_t i)
{
	void *p = percu_pool_get(pu->pool);

	if (!p)
		return;
	pu->got++;
	pu->held[i].p = p;
	pu->held[i].key = rng_next(&pu->rng);
	stamp(p, PURSE_OBJECT, pu->held[i].key);
}

static void give(struct purse *pu, size_t i)
{
	void *p = pu->held[i].p;

	pu->held[i].p = NULL;
	if (!stamp_holds(p, PURSE_OBJECT, pu->held[i].key))
		fail("an object of chaos is not as its owner left it: %p", p);
	if (rng_below(&pu->rng, 8)) {
		pu->put++;
		percu_pool_put(pu->pool, p);
	} else {
		pu->retired++;
		percu_pool_put_rcu(pu->pool, p);
	}
}

void purse_round(struct purse *pu)
{
	size_t i = rng_below(&pu->rng, PURSE);

	if (pu->held[i].p)
		give(pu, i);
	else
		take(pu, i);
}

void purse_empty(struct purse *pu)
{
	for (size_t i = 0; i < PURSE; i++)
		if (pu->held[i].p)
			give(pu, i);
}

void purse_add(struct purse *sum, const struct purse *pu)
{
	sum->got += pu->got;
	sum->put += pu->put;
	sum->retired += pu->retired;
}

void purse_audit(struct purse *sum)
{
	struct percu_pool_stats st;
	int err;

	calm_begin();
	percu_pool_barrier(sum->pool);
	percu_pool_stats(sum->pool, &st);
	if (st.gets != sum->got || st.puts != sum->put ||
	    st.puts_rcu != sum->retired || st.outstanding || st.deferred)
		fail("%s: %" PRIu64 " gets, %" PRIu64 " puts, %" PRIu64
		     " retired count as %" PRIu64 ", %" PRIu64 ", %" PRIu64
		     "; %" PRIu64 " out, %" PRIu64 " deferred",
		     st.name, sum->got, sum->put, sum->retired, st.gets,
		     st.puts, st.puts_rcu, st.outstanding, st.deferred);
	err = percu_pool_destroy(sum->pool);
	if (err)
		fail("%s: percu_pool_destroy() said %d", st.name, err);
	calm_end();
}
