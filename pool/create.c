/* SPDX-License-Identifier: MIT */
/*
 * pool/create.c - making and ending pools
 *
 * A pool's descriptor is never given back to the page heap: an ended pool
 * stays dead, with the dummy as its base, so that a late user is told so. Its
 * descriptor is used again for a new pool after DEAD_KEPT others have ended.
 *
 * Records are found on a pool's first miss (pool_publish): a pool that is
 * never used has none.
 *
 * Lock order: age, pools list, then the pool's own.
 */
#include <errno.h>
#include <string.h>

#include "pool/pool.h"
#include "slab/heap.h"
#include "slab/meta.h"
#include "sys/conf.h"
#include "sys/cpu.h"
#include "sys/os.h"
#include "sys/tool.h"

enum {
	DEAD_KEPT = 64
};

static size_t natural_align(size_t size)
{
	size_t align = size & -size;

	return align > 16 ? 16 : align;
}

static bool attr_valid(const struct percu_pool_attr *a)
{
	const unsigned int known = PERCU_POOL_ZERO | PERCU_POOL_TYPESAFE;

	if (a->flags & ~known)
		return false;
	if (a->limit && a->reserve > a->limit)
		return false;
	if (a->size == 0)
		return a->create && !a->ctor && !a->dtor && !a->align &&
		       !a->flags;
	if (a->size > POOL_MAX_SIZE || a->create || a->destroy)
		return false;
	if (a->align > POOL_MAX_ALIGN || (a->align & (a->align - 1)))
		return false;
	return !(a->flags & PERCU_POOL_ZERO) || !a->ctor;
}

static void name_copy(char *to, const char *from)
{
	size_t n = 0;

	for (; from && from[n] && n < NAME_MAX_ - 1; n++)
		/* A name ends up in reports and columns: printable, no blanks. */
		to[n] = from[n] > ' ' && from[n] < 127 ? from[n] : '_';
	to[n] = '\0';
	if (!n)
		strcpy(to, "unnamed");
}

static void size_up(struct percu_pool *p)
{
	size_t n;

	p->weight = p->foreign ? FOREIGN_WEIGHT : p->slab.size;
	n = MAGAZINE_BYTES / p->weight;
	if (n > MAGAZINE_MAX)
		n = MAGAZINE_MAX;
	p->magazine = n < 2 ? 2 : (uint32_t)n;
	p->capacity_max = 2 * p->magazine;
}

/* Fills in all that needs no memory.  p is zeroed. */
void pool_setup(struct percu_pool *p, const struct percu_pool_attr *attr)
{
	p->attr = *attr;
	name_copy(p->name, attr->name);
	p->attr.name = p->name;
	p->foreign = attr->size == 0;
	p->debug = conf.debug;
	p->checked = attr->limit || attr->reset ||
		     (attr->flags & PERCU_POOL_ZERO) || conf.debug ||
		     tool_any();
	p->slab.dtor = attr->dtor;
	p->slab.arg = attr->arg;
	p->slab.debug = p->debug;
	p->slab.name = p->name;
	/* What readers may still look at never leaves while the pool lives. */
	p->slab.reserve = attr->flags & PERCU_POOL_TYPESAFE ? UINT64_MAX :
							      attr->reserve;
	size_up(p);
	depot_init(&p->depot);
	retire_setup(p);
	list_init(&p->pools);
	list_init(&p->todo);
	list_init(&p->condemned);
	p->front = pools.start;
	p->dummy = p->front.base;
	p->inner = p->front;
	p->hot = &p->front.base;
}

static int slab_setup(struct percu_pool *p, const struct percu_pool_attr *attr)
{
	size_t align = attr->align ? attr->align : natural_align(attr->size);

	if (attr->size == 0)
		return 0;
	return slab_init(&p->slab,
			 attr->size + (tool_redzone() ? TOOL_REDZONE : 0),
			 align, 0, p);
}

/* The first miss: records, if there is memory for them. */
void pool_publish(struct percu_pool *p)
{
	char *base;

	lock_take(&pools.age, LOCK_AGE);
	if (!p->records && p->open) {
		base = records_alloc(record_bytes(p));
		__atomic_store_n(&p->records, base, __ATOMIC_RELEASE);
		if (base && !p->stopped)
			pool_start(p);
	}
	lock_give(&pools.age, LOCK_AGE);
}

static struct percu_pool *pool_obtain(void)
{
	struct percu_pool *p = NULL;

	lock_take(&pools.list_lock, LOCK_POOLS);
	if (pools.ndead > DEAD_KEPT) {
		p = list_entry(pools.dead.next, struct percu_pool, pools);
		list_del(&p->pools);
		pools.ndead--;
	}
	lock_give(&pools.list_lock, LOCK_POOLS);
	if (!p)
		return meta_alloc(sizeof(*p));
	memset(p, 0, sizeof(*p));
	return p;
}

/* The pool is dead.  reuse: nothing points to its descriptor any more. */
static void pool_abandon(struct percu_pool *p, bool reuse)
{
	if (p->open)
		meta_free(p->open, bitmap_bytes());
	foreign_delete(p->known);
	p->open = NULL;
	p->known = NULL;
	__atomic_store_n(&p->magic, POOL_DEAD, __ATOMIC_RELEASE);
	if (!reuse)
		return;
	lock_take(&pools.list_lock, LOCK_POOLS);
	list_add_tail(&p->pools, &pools.dead);
	pools.ndead++;
	lock_give(&pools.list_lock, LOCK_POOLS);
}

/* Fills it with new objects, n at most; 0 or -errno, and then with fewer. */
static int magazine_make(struct percu_pool *p, struct magazine *m, size_t n)
{
	size_t k = 1;

	n = n < p->magazine ? n : p->magazine;
	m->count = 0;
	while (m->count < n && k) {
		k = pool_make(p, m->slot + m->count, n - m->count);
		m->count += (uint32_t)k;
	}
	return k ? 0 : -errno;
}

/*
 * Makes the reserve and puts it where a get will find it; and the magazines
 * that hold it wherever it goes.  Others know the pool by now, and what they
 * find of it in the depot may go back to the slab, constructed, where the next
 * one to be made would be found: so nothing goes there before all is made.
 */
static int reserve_fill(struct percu_pool *p)
{
	size_t reserve = p->attr.reserve, made = 0;
	struct magazine *m;
	struct list filled;
	int err = 0;

	list_init(&filled);
	if (reserve)
		err = depot_stock(p, reserve / p->magazine + 1 +
					     cpu_info.possible);
	while (made < reserve && !err) {
		m = depot_obtain(p);
		if (!m) {
			err = -ENOMEM;
			break;
		}
		err = magazine_make(p, m, reserve - made);
		magazine_check_in(p, m->slot, m->count);
		made += m->count;
		if (m->count)
			list_add(&m->list, &filled);
		else
			depot_return(p, m);
	}
	depot_add(p, &filled, made);
	return err;
}

/* Only a pool that makes objects ahead can reset one that was never out. */
static bool foreign_wanted(const struct percu_pool *p)
{
	return p->foreign && (p->debug || (p->attr.reset && p->attr.reserve));
}

static struct percu_pool *create_failed(struct percu_pool *p, int err)
{
	if (p)
		pool_abandon(p, true);
	errno = err;
	return NULL;
}

PERCU_API struct percu_pool *
percu_pool_create(const struct percu_pool_attr *attr)
{
	struct percu_pool *p;
	int err;

	pool_init();
	if (!attr_valid(attr)) {
		errno = EINVAL;
		return NULL;
	}
	p = dummy_obtain() ? pool_obtain() : NULL;
	if (!p)
		return create_failed(NULL, ENOMEM);
	err = slab_setup(p, attr);
	if (err)
		return create_failed(p, -err);
	pool_setup(p, attr);
	p->open = meta_alloc(bitmap_bytes());
	if (foreign_wanted(p))
		p->known = foreign_new();
	if (!p->open || (foreign_wanted(p) && !p->known))
		return create_failed(p, ENOMEM);
	__atomic_store_n(&p->magic, POOL_ALIVE, __ATOMIC_RELEASE);
	lock_take(&pools.list_lock, LOCK_POOLS);
	list_add_tail(&p->pools, &pools.list);
	lock_give(&pools.list_lock, LOCK_POOLS);
	err = reserve_fill(p);
	if (err) {
		percu_pool_destroy(p);
		errno = -err;
		return NULL;
	}
	return p;
}

/* Off the list, once nobody destroys objects of it any more. */
static void pool_unlist(struct percu_pool *p)
{
	int cancel = os_cancel_off();

	lock_take(&pools.list_lock, LOCK_POOLS);
	while (p->busy)
		pthread_cond_wait(&pools.idle, &pools.list_lock.mutex);
	if (pools.hand == &p->pools)
		pools.hand = p->pools.prev;
	list_del(&p->pools);
	list_del(&p->todo);
	stats_keep(p);
	lock_give(&pools.list_lock, LOCK_POOLS);
	os_cancel_on(cancel);
}

/*
 * The slab gives up its spans.  In a forked child objects may be lost that
 * other threads of the parent had in their hands: their spans stay, and with
 * them the descriptor that they point to.  False: it must stay.
 */
static bool slab_leave(struct percu_pool *p)
{
	if (p->foreign)
		return true;
	if (p->forked && slab_live(&p->slab)) {
		slab_trim(&p->slab, 0);
		return false;
	}
	slab_destroy(&p->slab);
	return true;
}

PERCU_API int percu_pool_destroy(struct percu_pool *pool)
{
	int err;

	pool_check(pool, "destroy");
	parked_place();
	err = retire_end(pool);
	if (!err)
		err = pool_end(pool);
	if (err)
		return err;
	pool_unlist(pool);
	pool->attr.reserve = 0;
	pool->slab.reserve = 0;
	pool_empty(pool);
	retire_empty(pool);
	pool_abandon(pool, slab_leave(pool));
	return 0;
}
