/* SPDX-License-Identifier: MIT */
/* tests/readers.c - readers of each of liburcu's flavors in one program */
#include "tests/readers.h"

char readers_word;
struct readers readers[NR_READERS];

static void synchronize(enum readers_flavor which)
{
	struct readers *r = &readers[which];

	if (which != READERS_NONE)
		r->urcu->update_synchronize_rcu();
	reader_passed();
	__atomic_add_fetch(&r->graces, 1, __ATOMIC_ACQ_REL);
}

#define SYNCHRONIZE(name, which)             \
	static void name##_synchronize(void) \
	{                                    \
		synchronize(which);          \
	}

SYNCHRONIZE(memb, READERS_MEMB)
SYNCHRONIZE(qsbr, READERS_QSBR)
SYNCHRONIZE(mb, READERS_MB)
SYNCHRONIZE(bp, READERS_BP)
SYNCHRONIZE(none, READERS_NONE)

static void readers_set(enum readers_flavor which, const char *name,
			const struct rcu_flavor_struct *urcu,
			void (*grace)(void), bool signals)
{
	struct readers *r = &readers[which];

	r->name = name;
	r->urcu = urcu;
	r->flavor = *urcu;
	r->flavor.update_synchronize_rcu = grace;
	r->signals = signals;
}

__attribute__((constructor)) static void readers_init(void)
{
	readers_set(READERS_MEMB, "memb", &urcu_memb_flavor, memb_synchronize,
		    true);
	readers_set(READERS_QSBR, "qsbr", &urcu_qsbr_flavor, qsbr_synchronize,
		    false);
	readers_set(READERS_MB, "mb", &urcu_mb_flavor, mb_synchronize, true);
	readers_set(READERS_BP, "bp", &urcu_bp_flavor, bp_synchronize, true);
	readers_set(READERS_NONE, "none", &urcu_bp_flavor, none_synchronize,
		    true);
}
