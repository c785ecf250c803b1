/* SPDX-License-Identifier: MIT */
/*
 * tests/test_vec_wait.c - who is editing a vector does not wait for readers
 *
 * A reader may edit: it waits for the vector's lock, inside its section.  Who
 * has that lock would wait for himself if he waited for a grace period then.
 *
 * Law: in the middle of an edit a call that finds no memory fails, and one that
 * retires above the hard mark goes on, though objects wait that could be waited
 * for.  Both are tried by a batch, whose owner may do between two edits what he
 * likes; a child that hangs is ended by its alarm.
 */
#include <stdio.h>
#include <string.h>

#include <percu/vec.h>

#include "tests/check.h"
#include "tests/hoard.h"
#include "tests/pools.h"
#include "tests/retire.h"

enum {
	SIZE = 64,
	ABOVE = (512 << 10) / SIZE, /* objects: twice the mark */
};

static const struct rcu_flavor_struct *bp = &urcu_bp_flavor;
static struct percu_vec vec;
static char object[3];

static void append_in_section(void *arg)
{
	bp->read_lock();
	child_must(!percu_vec_append(&vec, arg));
	reader_leaves(bp);
	bp->read_unlock();
}

static void batch_begin(struct percu_vec_batch *b)
{
	child_must(!percu_vec_init_flavor(&vec, NULL, bp));
	child_must(!percu_vec_append(&vec, &object[0]));
	child_must(!percu_vec_batch_begin(b, &vec));
}

/* It waits for the end of the batch. */
static void reader_waits(struct call *c)
{
	call_begin(c, append_in_section, &object[1]);
	child_must(call_waits(c));
}

static void end(struct percu_vec_batch *b, struct call *c)
{
	child_must(!percu_vec_batch_append(b, &object[2]));
	child_must(!percu_vec_batch_commit(b));
	call_end(c);
	child_must(percu_vec_live(&vec) == 3 && !percu_vec_check(&vec));
	percu_vec_destroy(&vec);
}

/* Blocks of every size wait for the reader, and there are no others. */
static void memory_child(void *arg)
{
	static void *block[NR_SIZES];
	struct percu_vec_batch b;
	struct call c;

	(void)arg;
	pin(0);
	sizes_init();
	for (size_t k = 0; k < nr_sizes; k++)
		child_must((block[k] = percu_alloc(sizes[k])));
	batch_begin(&b);
	hoard_all();
	reader_waits(&c);
	os_fault_arm(MEMORY, 1, true);
	for (size_t k = 0; k < nr_sizes; k++)
		percu_free_rcu_flavor(block[k], bp);
	child_must(percu_vec_batch_insert(&b, 0, &object[2]) == -ENOMEM);
	os_fault_disarm();
	give_all_back();
	end(&b, &c);
}

static void no_memory(void)
{
	char out[1024];
	int status = check_fork(memory_child, NULL, out, sizeof(out));

	if (status)
		printf("\n    status %#x, said \"%s\" ", (unsigned int)status,
		       out);
	CU_ASSERT_EQUAL(status, 0);
}

/* PERCU: defer_hard:256k */
static void child_mark(void)
{
	struct percu_pool *p = percu_pool_create(
		&(struct percu_pool_attr){ .name = "many", .size = SIZE });
	struct percu_vec_batch b;
	struct call c;

	alarm(60);
	batch_begin(&b);
	reader_waits(&c);
	for (int i = 0; i < ABOVE; i++)
		percu_pool_put_rcu_flavor(p, percu_pool_get(p), bp);
	end(&b, &c);
	percu_pool_barrier(p);
	child_must(stats_of(p).puts_rcu == ABOVE);
	child_must(!percu_pool_destroy(p));
}

static void above_the_mark(void)
{
	CU_ASSERT_TRUE(run_again("defer_soft:64k,defer_hard:256k", "mark"));
}

static const struct again agains[] = {
	{ "mark", child_mark },
	{ NULL, NULL },
};

static const CU_TestInfo tests[] = { { "an edit without memory", no_memory },
				     { "retirements above the mark, in a batch",
				       above_the_mark },
				     CU_TEST_INFO_NULL };

int main(int argc, char **argv)
{
	if (pools_again(argc, argv, agains))
		return 0;
	return check_main("vec_wait", tests);
}
