/* SPDX-License-Identifier: MIT */
/*
 * tests/test_vec_model.c - vectors against an array that is only an array
 *
 * Every operation of <percu/vec.h>, in a random order that the seed gives, is
 * done to a vector and to a model, which is an array of pointers, some NULL.
 * Laws, after each step: the call returned what the model says; each way to
 * read sees what the model holds; no slot behind the length of a block or of a
 * leaf holds a pointer; the audit finds nothing (of a large vector, looks at all
 * of it are now and then).  At the end: what was removed was
 * released once, what was not was not, what was taken never.
 *
 *	kind	with a release callback, with a pool, with neither
 *	shape	small vectors; some that cross the border between a flat block
 *		and a tree all the time; large ones
 */
#include <errno.h>

#include "sys/conf.h"
#include "sys/tool.h"
#include "tests/vec_model.h"

#ifdef PERCU_VEC_SMALL
#define SMALL 1 /* built by tests/small: nodes of a few slots */
#else
#define SMALL 0
#endif

enum {
	BULK = 64,
};

unsigned long items_wrong;

/* Operations. -------------------------------------------------------------- */

/* Anywhere, but more often at the ends. */
static size_t some_index(struct trial *t, size_t len)
{
	switch (below(t, 8)) {
	case 0:
		return 0;
	case 1:
		return len - 1;
	default:
		return below(t, len);
	}
}

static void do_append(struct trial *t)
{
	struct item *it = item_make(t);

	did(t, percu_vec_append(&t->vec, it), 0);
	item_moves(t, it, INSIDE);
	model_insert(&t->model, t->model.len, it);
}

static void do_append_bulk(struct trial *t)
{
	size_t n = below(t, BULK), max = t->most - t->model.len;
	void *objs[BULK] = { NULL };

	n = n < max ? n : max;
	for (size_t i = 0; i < n; i++) {
		objs[i] = item_make(t);
		item_moves(t, objs[i], INSIDE);
	}
	did(t, percu_vec_append_bulk(&t->vec, objs, n), 0);
	for (size_t i = 0; i < n; i++)
		model_insert(&t->model, t->model.len, objs[i]);
}

static void do_insert(struct trial *t)
{
	size_t i = some_index(t, t->model.len + 1);
	struct item *it = item_make(t);

	did(t, percu_vec_insert(&t->vec, i, it), 0);
	item_moves(t, it, INSIDE);
	model_insert(&t->model, i, it);
}

static void do_replace(struct trial *t)
{
	size_t i = some_index(t, t->model.len);
	struct item *it = item_make(t);

	item_removed(t, t->model.slot[i]);
	did(t, percu_vec_replace(&t->vec, i, it), 0);
	item_moves(t, it, INSIDE);
	t->model.slot[i] = it;
}

static void do_remove(struct trial *t)
{
	size_t i = some_index(t, t->model.len);

	item_removed(t, model_remove(&t->model, i));
	did(t, percu_vec_remove(&t->vec, i), 0);
}

static void do_remove_exact(struct trial *t)
{
	const struct percu_node *root;
	size_t i = some_index(t, t->model.len);

	item_removed(t, model_remove(&t->model, i));
	did(t, percu_vec_remove_exact(&t->vec, i), 0);
	root = percu_vec_root(&t->vec);
	CU_ASSERT_FATAL(node_level(root) || root->cap == t->model.len ||
			!t->model.len);
}

static void do_remove_nil(struct trial *t)
{
	size_t i = some_index(t, t->model.len);

	item_removed(t, t->model.slot[i]);
	t->model.slot[i] = NULL;
	did(t, percu_vec_remove_nil(&t->vec, i), 0);
}

static void do_remove_swap(struct trial *t)
{
	size_t i = some_index(t, t->model.len);
	struct model *m = &t->model;

	item_removed(t, m->slot[i]);
	m->slot[i] = m->slot[m->len - 1];
	m->len--;
	did(t, percu_vec_remove_swap(&t->vec, i), 0);
}

static void do_take(struct trial *t)
{
	size_t i = some_index(t, t->model.len);
	void *was = model_remove(&t->model, i), *got;

	errno = 0;
	got = percu_vec_take(&t->vec, i);
	CU_ASSERT_FATAL(got == was);
	if (got)
		item_taken(t, got);
	else
		CU_ASSERT_EQUAL_FATAL(errno, ENOENT);
}

static void do_truncate(struct trial *t)
{
	struct model *m = &t->model;
	size_t max = m->len > t->target ? m->len - t->target : 4;
	size_t cut = below(t, max + 1);

	cut = cut < m->len ? cut : m->len;
	for (size_t i = m->len - cut; i < m->len; i++)
		item_removed(t, m->slot[i]);
	m->len -= cut;
	did(t, percu_vec_truncate(&t->vec, m->len), 0);
}

/* remove_if asks for each object once, in order. */
struct ask {
	struct model *m;
	uint32_t mod;
	size_t next, asked, named;
	unsigned long strays;
	bool *gone;
};

static bool named(void *obj, void *arg)
{
	struct ask *a = arg;
	const struct item *it = obj;
	bool yes = a->mod && it->id % a->mod == 1;

	while (a->next < a->m->len && !a->m->slot[a->next])
		a->next++;
	if (a->next >= a->m->len || a->m->slot[a->next] != obj)
		a->strays++;
	else
		a->gone[a->next++] = yes;
	a->asked++;
	a->named += yes;
	return yes;
}

static void do_remove_if(struct trial *t)
{
	struct model *m = &t->model;
	struct ask a = { .m = m, .mod = below(t, m->len < 50 ? 5 : 200) };
	size_t live = model_live(m);

	a.gone = calloc(m->len + 1, sizeof(*a.gone));
	CU_ASSERT_PTR_NOT_NULL_FATAL(a.gone);
	CU_ASSERT_EQUAL_FATAL(percu_vec_remove_if(&t->vec, named, &a),
			      (ssize_t)a.named);
	CU_ASSERT_FATAL(a.asked == live && !a.strays);
	for (size_t i = 0; i < m->len; i++) {
		if (!a.gone[i])
			continue;
		item_removed(t, m->slot[i]);
		m->slot[i] = NULL;
	}
	model_compact(m);
	free(a.gone);
}

static void do_reserve(struct trial *t)
{
	size_t cap = below(t, 2 * t->most);
	const struct percu_node *root;

	did(t, percu_vec_reserve(&t->vec, cap), 0);
	root = percu_vec_root(&t->vec);
	CU_ASSERT_FATAL(node_level(root) || cap > FLAT_MAX || root->cap >= cap);
}

static void do_clip(struct trial *t)
{
	const struct percu_node *root;

	did(t, percu_vec_clip(&t->vec), 0);
	root = percu_vec_root(&t->vec);
	CU_ASSERT_FATAL(node_level(root) || root->cap == t->model.len ||
			!t->model.len);
}

static void do_compact(struct trial *t)
{
	model_compact(&t->model);
	did(t, percu_vec_compact(&t->vec), 0);
}

/* What cannot be: nothing may change. */
static void do_wrong(struct trial *t)
{
	struct percu_vec *v = &t->vec;
	size_t len = t->model.len, far = len + below(t, 3);
	void *some[2] = { v, NULL };

	switch (below(t, 12)) {
	case 0:
		did(t, percu_vec_append(v, NULL), -EINVAL);
		break;
	case 1:
		did(t, percu_vec_insert(v, len, NULL), -EINVAL);
		break;
	case 2:
		did(t, percu_vec_append_bulk(v, some, 2), -EINVAL);
		break;
	case 3:
		did(t, percu_vec_insert(v, far + 1, v), -ERANGE);
		break;
	case 4:
		did(t, percu_vec_replace(v, far, v), -ERANGE);
		break;
	case 5:
		did(t, percu_vec_remove(v, far), -ERANGE);
		break;
	case 6:
		did(t, percu_vec_remove_nil(v, SIZE_MAX), -ERANGE);
		break;
	case 7:
		did(t, percu_vec_remove_exact(v, far), -ERANGE);
		break;
	case 8:
		did(t, percu_vec_remove_swap(v, far), -ERANGE);
		break;
	case 9:
		did(t, percu_vec_truncate(v, far + 1), -ERANGE);
		break;
	case 10:
		errno = 0;
		CU_ASSERT_PTR_NULL_FATAL(percu_vec_take(v, far));
		CU_ASSERT_EQUAL_FATAL(errno, ERANGE);
		break;
	case 11:
		if (len)
			did(t, percu_vec_replace(v, 0, NULL), -EINVAL);
		break;
	}
}

/* A trial. ----------------------------------------------------------------- */

struct operation {
	void (*run)(struct trial *t);
	uint8_t growing, shrinking; /* of a hundred */
	bool needs;                 /* a slot */
	bool adds;
};

static const struct operation operations[] = {
	{ do_append, 22, 3, false, true },
	{ do_append_bulk, 10, 1, false, false },
	{ do_insert, 24, 3, false, true },
	{ do_replace, 7, 7, true, false },
	{ do_remove, 6, 19, true, false },
	{ do_remove_exact, 2, 9, true, false },
	{ do_remove_nil, 6, 6, true, false },
	{ do_remove_swap, 4, 12, true, false },
	{ do_take, 3, 9, true, false },
	{ do_truncate, 1, 6, false, false },
	{ do_remove_if, 2, 3, false, false },
	{ do_reserve, 2, 2, false, false },
	{ do_clip, 2, 3, false, false },
	{ do_compact, 2, 5, false, false },
	{ do_wrong, 2, 4, false, false },
	{ do_batch, 5, 8, false, false },
};

enum {
	NR_OPERATIONS = sizeof(operations) / sizeof(operations[0])
};

static unsigned long done[NR_OPERATIONS];

static void trial_step(struct trial *t)
{
	bool grow = t->model.len < t->target;
	uint32_t p = below(t, 100);
	size_t k;

	for (k = 0; k < NR_OPERATIONS - 1; k++) {
		uint32_t w = grow ? operations[k].growing :
				    operations[k].shrinking;

		if (p < w)
			break;
		p -= w;
	}
	if (operations[k].needs && !t->model.len)
		return;
	operations[k].run(t);
	done[k]++;
	t->steps++;
	compare(t);
	if (t->swings) {
		if (t->model.len >= t->most || t->model.len <= t->least)
			t->target = t->model.len <= t->least ? t->most :
							       t->least;
	} else if (!below(t, 50) || t->model.len == t->target) {
		t->target = t->least + below(t, t->most - t->least);
	}
}

static void trial_begin(struct trial *t, enum kind kind, unsigned int flags)
{
	static const struct percu_pool_attr of_items = {
		.name = "items", .size = sizeof(struct item)
	};
	struct percu_vec_attr attr = { .name = "model", .flags = flags };

	t->kind = kind;
	attr.capacity = below(t, 3) ? 0 : below(t, t->most);
	if (kind == WITH_RELEASE) {
		attr.release = item_release;
		attr.arg = t;
	} else if (kind == WITH_POOL) {
		attr.pool = t->pool = percu_pool_create(&of_items);
		CU_ASSERT_PTR_NOT_NULL_FATAL(t->pool);
	}
	did(t,
	    percu_vec_init_flavor(&t->vec, &attr, &readers[READERS_BP].flavor),
	    0);
}

/* Each item was released as often as it must. */
static unsigned long released_wrong(struct trial *t)
{
	unsigned long bad = 0;

	for (uint32_t i = 0; i < t->items; i++) {
		struct item *it = item_nth(t, i);
		bool must = it->place == REMOVED || it->place == INSIDE;

		bad += it->released != (must && t->kind == WITH_RELEASE);
	}
	return bad;
}

static void trial_end(struct trial *t)
{
	struct percu_pool_stats st;
	uint64_t left = model_live(&t->model);

	percu_vec_destroy(&t->vec);
	if (t->kind == WITH_POOL) {
		percu_pool_stats(t->pool, &st);
		CU_ASSERT_EQUAL(st.outstanding, 0);
		CU_ASSERT_EQUAL(st.gets, st.puts + st.puts_rcu);
		CU_ASSERT_EQUAL(percu_pool_destroy(t->pool), 0);
	} else {
		CU_ASSERT_EQUAL(released_wrong(t), 0);
	}
	if (t->kind == WITH_RELEASE)
		CU_ASSERT_EQUAL(t->released, t->removed + left);
	CU_ASSERT_EQUAL(items_wrong, 0);
	for (uint32_t i = 0; i < NR_CHUNKS; i++)
		free(t->chunk[i]);
	free(t->model.slot);
}

/* Enough at once to be there soon. */
static void trial_fill(struct trial *t, size_t len)
{
	void *objs[BULK];

	while (t->model.len + BULK <= len) {
		for (size_t i = 0; i < BULK; i++) {
			objs[i] = item_make(t);
			item_moves(t, objs[i], INSIDE);
			model_insert(&t->model, t->model.len, objs[i]);
		}
		did(t, percu_vec_append_bulk(&t->vec, objs, BULK), 0);
	}
}

struct shape {
	size_t least, most;
	unsigned long steps; /* of one trial in long form */
	unsigned int trials; /* of each kind, with either flag */
	bool swings;         /* from one end to the other */
};

static void shape_run(const struct shape *s)
{
	unsigned long steps = s->steps, total = 0, borders = 0, removed = 0;

	if (check_short() || SMALL)
		steps /= tool_any() ? 100 : conf.debug ? 50 : 10;
	for (unsigned int n = 0; n < s->trials * NR_KINDS * 2; n++) {
		struct trial *t = calloc(1, sizeof(*t));

		CU_ASSERT_PTR_NOT_NULL_FATAL(t);
		t->rand.state = check_seed() + n;
		t->least = s->least;
		t->most = s->most;
		t->target = t->least;
		t->swings = s->swings;
		trial_begin(t, (enum kind)(n % NR_KINDS),
			    n / NR_KINDS % 2 ? PERCU_VEC_INPLACE : 0);
		trial_fill(t, s->least);
		while (t->steps < steps)
			trial_step(t);
		total += t->steps;
		borders += t->borders;
		removed += t->removed + t->taken;
		trial_end(t);
		free(t);
	}
	printf("(%lu steps, %lu removed, %lu times between block and tree) ",
	       total, removed, borders);
}

/* Where a block becomes a tree. */
static size_t border_find(void)
{
	struct percu_vec v;
	size_t n = 0;

	CU_ASSERT_FATAL(
		!percu_vec_init_flavor(&v, NULL, &readers[READERS_BP].flavor));
	while (!node_level(percu_vec_root(&v)) && n < 100000)
		CU_ASSERT_FATAL(!percu_vec_append(&v, (void *)(8 * ++n)));
	CU_ASSERT_FATAL(node_level(percu_vec_root(&v)) > 0);
	percu_vec_destroy(&v);
	return n;
}

static void small(void)
{
	shape_run(&(struct shape){ 0, 24, 1500, 50, false });
	shape_run(&(struct shape){ 0, 200, 5000, 9, false });
}

static void border(void)
{
	size_t n = border_find();

	printf("(the border is at %zu) ", n);
	shape_run(&(struct shape){ n / 3, n + n / 4, 9000, 2, false });
	/* A tree becomes a block much lower than a block a tree. */
	shape_run(&(struct shape){ FLAT_BACK > 60 ? FLAT_BACK - 60 : 0, n + 60,
				   9000, 2, true });
}

static void large(void)
{
	if (SMALL) { /* and high */
		shape_run(&(struct shape){ 300, 900, 3000, 1, false });
		return;
	}
	shape_run(&(struct shape){ 10000, 40000, 10000, 1, false });
	shape_run(&(struct shape){ 90000, 110000, 2000, 1, false });
}

static void all_were_done(void)
{
	unsigned long least = done[0];

	for (size_t k = 0; k < NR_OPERATIONS; k++)
		least = done[k] < least ? done[k] : least;
	printf("(each operation %lu times or more) ", least);
	CU_ASSERT(least > 0);
}

static const CU_TestInfo tests[] = {
	{ "small vectors", small },
	{ "to and fro over the border to a tree", border },
	{ "large vectors", large },
	{ "every operation was done", all_were_done },
	CU_TEST_INFO_NULL
};

int main(void)
{
	return check_main("vec_model", tests);
}
