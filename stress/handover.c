// SPDX-License-Identifier: MIT
/*
 * stress/handover.c - made on one CPU, given back on another
 *
 * The pattern that makes allocators with thread caches grow without bound:
 * a producer only ever takes, a consumer only ever gives back.  Each pair has
 * a bounded ring between its two threads, which are tied to different CPUs
 * where there are two.
 *
 *	producer: take, stamp with the next number | ring | consumer: check, give
 *
 * It is done three ways: objects of a pool one by one, objects of a pool by
 * the bulk, blocks of random sizes.  After a quarter of each, what is in the
 * caches is there; from then on resident memory and percu's heap must keep
 * within GROWTH of what they were, however many objects have passed.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <percu/alloc.h>
#include "stress.h"

enum {
	RING = 1024,  /* parcels */
	OBJECT = 104, /* bytes */
	BLOCK_MAX = 16 << 10,
	BULK = 32,
	PAIRS_MAX = 256,
	SPIN = 200,
	SAMPLE_MS = 20,
	GROWTH = 16 << 20,
	BEAT = 1024,
};

enum way {
	ONE_BY_ONE,
	BY_THE_BULK,
	BLOCKS,
	NR_WAYS
};

static const char *const way_name[NR_WAYS] = { "objects of a pool",
					       "objects, by the bulk",
					       "blocks of percu_alloc" };

struct parcel {
	void *p; /* NULL: there are no more */
	size_t size;
};

/*
 * One producer, one consumer.  head and tail only grow.  Each side keeps what
 * it last saw of the other's, and looks again when that says full or empty.
 */
struct ring {
	_Alignas(64) atomic_size_t head; /* consumer's; producer acquires it */
	size_t seen_tail;                /* consumer */
	_Alignas(64) atomic_size_t tail; /* producer's; consumer acquires it */
	size_t seen_head;                /* producer */
	_Alignas(64) struct parcel parcels[RING];
};

struct pair {
	struct ring ring;
	struct handover *ho;
	pthread_t producer, consumer;
	struct rng rng; /* producer's */
	uint64_t base;  /* of the numbers that are stamped */
	uint64_t sent, received;
	int producer_cpu, consumer_cpu;
};

struct handover {
	enum way way;
	unsigned int nr_pairs;
	struct percu_pool *pool;
	struct pair *pairs;
	atomic_bool stop;
	struct progress progress;
};

struct growth {
	uint64_t rss, heap;           /* after the first quarter, at most */
	uint64_t rss_peak, heap_peak; /* after it */
	void *kept;                   /* to break the law */
};

static void relax(unsigned int *spins)
{
	if (++*spins % SPIN == 0)
		sched_yield();
}

static void ring_push(struct ring *r, void *p, size_t size)
{
	size_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
	unsigned int spins = 0;

	/* Pairs with the release in ring_pop(): the slot has been read. */
	while (tail - r->seen_head == RING) {
		r->seen_head =
			atomic_load_explicit(&r->head, memory_order_acquire);
		relax(&spins);
	}
	r->parcels[tail % RING] = (struct parcel){ p, size };
	atomic_store_explicit(&r->tail, tail + 1, memory_order_release);
}

static struct parcel ring_pop(struct ring *r)
{
	size_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
	unsigned int spins = 0;
	struct parcel parcel;

	/* Pairs with the release in ring_push(): the slot has been written. */
	while (r->seen_tail == head) {
		r->seen_tail =
			atomic_load_explicit(&r->tail, memory_order_acquire);
		relax(&spins);
	}
	parcel = r->parcels[head % RING];
	atomic_store_explicit(&r->head, head + 1, memory_order_release);
	return parcel;
}

static void send(struct pair *pr, void *p, size_t size)
{
	stamp(p, size, mix64(pr->base + pr->sent++));
	if (size && break_now(BREAK_HANDOVER))
		*(unsigned char *)p ^= 1;
	ring_push(&pr->ring, p, size);
}

static void produce(struct pair *pr)
{
	struct percu_pool *pool = pr->ho->pool;
	void *objs[BULK];
	size_t size, n;

	switch (pr->ho->way) {
	case ONE_BY_ONE:
		send(pr, must(percu_pool_get(pool)), OBJECT);
		break;
	case BY_THE_BULK:
		n = must(percu_pool_get_bulk(pool, objs, BULK));
		for (size_t i = 0; i < n; i++)
			send(pr, objs[i], OBJECT);
		break;
	default:
		size = rng_lognormal(&pr->rng, 6.5, 2, BLOCK_MAX);
		send(pr, must(percu_alloc(size)), size);
	}
}

static void *producer(void *arg)
{
	struct pair *pr = arg;

	cpu_pin(0, pr->producer_cpu);
	do {
		produce(pr);
		chaos_call(&pr->rng, pr->ho->pool);
	} while (!atomic_load_explicit(&pr->ho->stop, memory_order_relaxed));
	ring_push(&pr->ring, NULL, 0);
	return NULL;
}

/* Keeps up to BULK objects back, to give them together. */
static void consume(struct pair *pr, struct parcel parcel, void **objs,
		    size_t *n)
{
	struct percu_pool *pool = pr->ho->pool;

	if (!stamp_holds(parcel.p, parcel.size, mix64(pr->base + pr->received)))
		fail("number %llu came, but not as it was sent: %p of %zu bytes",
		     (unsigned long long)pr->received, parcel.p, parcel.size);
	if (++pr->received % BEAT == 0)
		progress_add(&pr->ho->progress, BEAT);
	if (pr->ho->way == BLOCKS) {
		percu_free(parcel.p);
	} else if (pr->ho->way == ONE_BY_ONE) {
		percu_pool_put(pool, parcel.p);
	} else {
		objs[(*n)++] = parcel.p;
		if (*n == BULK) {
			percu_pool_put_bulk(pool, objs, BULK);
			*n = 0;
		}
	}
}

static void *consumer(void *arg)
{
	struct pair *pr = arg;
	struct parcel parcel;
	void *objs[BULK];
	size_t n = 0;

	cpu_pin(0, pr->consumer_cpu);
	while ((parcel = ring_pop(&pr->ring)).p)
		consume(pr, parcel, objs, &n);
	percu_pool_put_bulk(pr->ho->pool, objs, n);
	return NULL;
}

static void sample(struct growth *g, bool warm)
{
	struct percu_memstats ms;
	uint64_t rss = rss_bytes();
	uint64_t *to_rss = warm ? &g->rss_peak : &g->rss;
	uint64_t *to_heap = warm ? &g->heap_peak : &g->heap;
	uint64_t heap;

	percu_memstats(&ms);
	heap = ms.heap_sys - ms.heap_released;
	*to_rss = rss > *to_rss ? rss : *to_rss;
	*to_heap = heap > *to_heap ? heap : *to_heap;
}

static void watch(struct growth *g, double seconds)
{
	uint64_t start = now_ns(), span = (uint64_t)(seconds * 1e9), at;

	while ((at = now_ns() - start) < span && !stop_asked()) {
		if (at > span / 4 && break_now(BREAK_GROWTH))
			g->kept = must(percu_zalloc(2 * GROWTH));
		sample(g, at > span / 4);
		sleep_ms(SAMPLE_MS);
	}
	sample(g, true);
}

static void pairs_run(struct handover *ho, struct growth *g, double seconds)
{
	atomic_store(&ho->stop, false);
	for (unsigned int i = 0; i < ho->nr_pairs; i++) {
		thread_start(&ho->pairs[i].consumer, consumer, &ho->pairs[i]);
		thread_start(&ho->pairs[i].producer, producer, &ho->pairs[i]);
	}
	watch(g, seconds);
	atomic_store(&ho->stop, true);
	for (unsigned int i = 0; i < ho->nr_pairs; i++) {
		pthread_join(ho->pairs[i].producer, NULL);
		pthread_join(ho->pairs[i].consumer, NULL);
	}
}

static void growth_check(const struct growth *g, const char *way)
{
	percu_free(g->kept);
	if (!STRESS_SANITIZED && alone() && g->rss_peak > g->rss + GROWTH)
		fail("%s: resident memory grew from %s to %s", way,
		     num_bytes(g->rss).s, num_bytes(g->rss_peak).s);
	if (alone() && g->heap_peak > g->heap + GROWTH)
		fail("%s: the heap grew from %s to %s", way,
		     num_bytes(g->heap).s, num_bytes(g->heap_peak).s);
	printf("            resident %s after a quarter, %s at most from then on; heap %s, %s\n",
	       num_bytes(g->rss).s, num_bytes(g->rss_peak).s,
	       num_bytes(g->heap).s, num_bytes(g->heap_peak).s);
}

/* How many objects passed. */
static uint64_t way_run(struct handover *ho, enum way way, double seconds)
{
	struct growth g = { .rss = 0 };
	uint64_t sent = 0;
	double took;

	ho->way = way;
	progress_start(&ho->progress, "handover", PROGRESS_TIME,
		       (uint64_t)(seconds * 1e3));
	pairs_run(ho, &g, seconds);
	took = progress_stop(&ho->progress);
	for (struct pair *pr = ho->pairs; pr < ho->pairs + ho->nr_pairs; pr++) {
		if (pr->sent != pr->received)
			fail("%s: %llu sent, %llu received", way_name[way],
			     (unsigned long long)pr->sent,
			     (unsigned long long)pr->received);
		sent += pr->sent;
		pr->base += pr->sent;
		pr->sent = 0;
		pr->received = 0;
	}
	printf("  passed    %s %s in %.1f s, %.2f M/s\n", num_count(sent).s,
	       way_name[way], took, (double)sent / 1e6 / took);
	happened(sent, "sent");
	growth_check(&g, way_name[way]);
	fflush(stdout);
	return sent;
}

static void pairs_init(struct handover *ho, const struct options *o)
{
	unsigned int threads = o->threads ? o->threads : nr_cpus();
	unsigned int pairs = (threads + 1) / 2;

	ho->nr_pairs = pairs < PAIRS_MAX ? pairs : PAIRS_MAX;
	ho->pairs = must(aligned_alloc(64, ho->nr_pairs * sizeof(*ho->pairs)));
	for (unsigned int i = 0; i < ho->nr_pairs; i++) {
		struct pair *pr = &ho->pairs[i];

		*pr = (struct pair){
			.ho = ho,
			.rng.state = mix64(o->seed + i),
			.base = mix64(o->seed ^ i) << 20,
			.producer_cpu = cpu_nth(2 * i),
			.consumer_cpu = cpu_nth(2 * i + 1),
		};
	}
	printf("  pairs     %u, the first from CPU %d to CPU %d%s\n",
	       ho->nr_pairs, ho->pairs[0].producer_cpu,
	       ho->pairs[0].consumer_cpu,
	       nr_cpus() > 1 ? "" : " (there is no other)");
}

void handover_run(const struct options *o)
{
	const struct percu_pool_attr attr = { .name = "parcel",
					      .size = OBJECT };
	struct handover ho = { .pool = NULL };
	uint64_t objects;

	law("what is sent is received once, in order, as it was sent");
	law(alone() ?
		    "memory does not grow with the number of objects that pass" :
		    "how memory grows is not looked at beside others");
	pairs_init(&ho, o);
	ho.pool = must(percu_pool_create(&attr));
	objects = way_run(&ho, ONE_BY_ONE, o->seconds / 3.0);
	objects += way_run(&ho, BY_THE_BULK, o->seconds / 3.0);
	way_run(&ho, BLOCKS, o->seconds / 3.0);
	audit_table_head();
	audit_table_row(ho.pool);
	audit_quiet(ho.pool, objects, objects);
	audit_destroy(ho.pool, 0);
	free(ho.pairs);
}
