// SPDX-License-Identifier: MIT
/*
 * stress/words.c - the main job: count the words of real text
 *
 * Workers read and count all text that they are given, on buffers, table
 * entries and tables that are percu's (pipe.c); then one thread counts the
 * same text on malloc (plain.c), and the two results are compared word by
 * word.  A buffer that is handed out twice, a table entry that is reused too
 * early, a block that moves without its bytes: each shows as a wrong count.
 *
 * Then all is given back, by a thread that took none of it, and percu's books
 * are compared with ours: see audit.c.
 */
#include <inttypes.h>
#include <stdio.h>
#include <percu/alloc.h>
#include "words.h"

enum {
	COUNTERS_PER_CPU = 4,
	COUNTERS_MAX = 4096,
	ATTEMPTS = 3,
	TOP = 5,
	SHOWN = 5
};

struct passes {
	struct table *table;
	struct plain *plain;
	uint64_t chunks;
};

static void pools_create(struct word_pools *pools)
{
	const struct percu_pool_attr words = {
		.name = "word",
		.size = sizeof(struct word),
	};
	const struct percu_pool_attr chunks = {
		.name = "text-chunk",
		.size = pipe_chunk_size(),
		.align = 64,
	};

	pools->words = must(percu_pool_create(&words));
	pools->chunks = must(percu_pool_create(&chunks));
}

static void input_print(const struct input *in, const struct options *o)
{
	printf("  input     %s files of text (of %s) under %s",
	       num_count(in->nr).s, num_count(in->looked_at).s,
	       o->nr_paths ? o->paths[0] : "/usr/share");
	if (o->nr_paths > 1)
		printf(" and %zu more", o->nr_paths - 1);
	printf(", %s%s\n", num_bytes(in->bytes).s,
	       o->brief ? ", drawn by the seed" : "");
	fflush(stdout);
}

static void pass_print(const char *how, const struct input *in,
		       struct progress *p, double cpu)
{
	double seconds = progress_stop(p);

	printf("  %-9s %s: %.2f s, %.1f MB/s; %.2f s of CPU time\n", p->label,
	       how, seconds, (double)in->bytes / 1e6 / seconds,
	       cpu_seconds() - cpu);
	fflush(stdout);
}

static unsigned int counters_of(const struct options *o)
{
	unsigned int n = crew_size(o, COUNTERS_PER_CPU * nr_cpus());

	return n < COUNTERS_MAX ? n : COUNTERS_MAX;
}

static void passes_run(struct passes *ps, struct input *in,
		       const struct word_pools *pools, const struct options *o)
{
	unsigned int counters = counters_of(o);
	double cpu = cpu_seconds();
	struct progress p;
	char how[64];

	progress_start(&p, "percu", PROGRESS_BYTES, in->bytes);
	ps->table = pipe_pass(in, pools, o, counters, &p, &ps->chunks);
	snprintf(how, sizeof(how), "%u counters", counters);
	pass_print(how, in, &p, cpu);
	cpu = cpu_seconds();
	progress_start(&p, "malloc", PROGRESS_BYTES, in->bytes);
	ps->plain = plain_pass(in, &p);
	pass_print("1 thread", in, &p, cpu);
}

static void add_tally(struct tally *sum, struct tally t)
{
	sum->words_got += t.words_got;
	sum->words_put += t.words_put;
	sum->texts_got += t.texts_got;
	sum->texts_put += t.texts_put;
}

/* Until a run finds every file as the list has it. */
static void passes_settle(struct passes *ps, struct input *in,
			  const struct word_pools *pools,
			  const struct options *o, struct tally *sum,
			  uint64_t *chunks)
{
	for (int attempt = 0;; attempt++) {
		size_t dropped;

		passes_run(ps, in, pools, o);
		*chunks += ps->chunks;
		dropped = input_drop_changed(in);
		if (!dropped || stop_asked())
			return;
		printf("  again     %zu files changed meanwhile: both passes without them\n",
		       dropped);
		add_tally(sum, table_free(ps->table));
		plain_free(ps->plain);
		if (attempt == ATTEMPTS || !in->nr)
			die("the input does not keep still");
	}
}

static void results_print(const struct passes *ps)
{
	const struct plain_entry *top[TOP];
	size_t n = plain_top(ps->plain, top, TOP);

	printf("  words     %s, %s distinct\n", num_count(ps->table->total).s,
	       num_count(ps->table->nr_words).s);
	printf("  top");
	for (size_t i = 0; i < n; i++)
		printf("%s%.*s %s", i ? ", " : "       ", (int)top[i]->len,
		       top[i]->text, num_count(top[i]->count).s);
	printf("\n");
}

/* Each word of the table is in the reference with the same count; as both
 * have as many words, the reverse holds too. */
static void results_compare(const struct passes *ps)
{
	const struct table *t = ps->table;
	uint64_t wrong = 0;

	for (size_t i = 0; i < t->nr_slots; i++) {
		for (const struct word *w = t->slots[i]; w; w = w->next) {
			const struct token tok = { word_text(w), w->len,
						   w->hash };
			const struct plain_entry *e =
				plain_find(ps->plain, &tok);

			if (e && e->count == w->count)
				continue;
			if (wrong++ < SHOWN)
				fail("\"%.*s\" counted %" PRIu64
				     " times, but it is %" PRIu64,
				     (int)w->len, word_text(w), w->count,
				     e ? e->count : 0);
		}
	}
	if (wrong > SHOWN)
		fail("%" PRIu64 " words have wrong counts", wrong);
	if (t->nr_words != plain_words(ps->plain))
		fail("%zu distinct words, but there are %zu", t->nr_words,
		     plain_words(ps->plain));
	if (t->total != plain_total(ps->plain))
		fail("%" PRIu64 " words, but there are %" PRIu64, t->total,
		     plain_total(ps->plain));
	printf("  compare   %s of %s words have the same count in both passes\n",
	       num_count(t->nr_words - wrong).s,
	       num_count(plain_words(ps->plain)).s);
}

static void heap_print(const char *when)
{
	struct percu_memstats ms;

	percu_memstats(&ms);
	printf("  heap      %s: %s out, %s cached, %s of pages held, %s of records\n",
	       when, num_bytes(ms.alloc).s, num_bytes(ms.cached).s,
	       num_bytes(ms.heap_sys - ms.heap_released).s,
	       num_bytes(ms.meta_sys).s);
}

static void pools_audit(const struct word_pools *pools,
			const struct tally *tally, uint64_t chunks)
{
	if (tally->texts_got != tally->texts_put)
		fail("%" PRIu64 " texts of long words allocated, %" PRIu64
		     " freed",
		     tally->texts_got, tally->texts_put);
	audit_quiet(pools->words, tally->words_got, tally->words_put);
	audit_quiet(pools->chunks, chunks, chunks);
	audit_table_head();
	audit_table_row(pools->words);
	audit_table_row(pools->chunks);
	printf("  blocks    %s of percu_alloc() for words over %d bytes, all freed\n",
	       num_count(tally->texts_got).s, WORD_INLINE);
}

static void input_prepare(struct input *in, const struct options *o)
{
	law("a parallel count on percu's memory equals a plain one, word by word");
	law("every object returns to its pool and every byte to the heap; the books agree");
	input_find(in, o);
	input_warm(in);
	if (!in->nr && !stop_asked())
		die("all of the input changes");
	input_print(in, o);
}

void words_run(const struct options *o)
{
	struct tally tally = { 0, 0, 0, 0 };
	struct word_pools pools;
	struct passes ps;
	struct input in;
	uint64_t chunks = 0;

	input_prepare(&in, o);
	pools_create(&pools);
	passes_settle(&ps, &in, &pools, o, &tally, &chunks);
	if (stop_asked()) {
		printf("  compare   left out: it was asked to stop, and has not counted all\n");
	} else {
		results_print(&ps);
		happened(ps.table->total, "counted");
		results_compare(&ps);
	}
	plain_free(ps.plain);
	heap_print("counted");
	add_tally(&tally, table_free(ps.table));
	pools_audit(&pools, &tally, chunks);
	audit_destroy(pools.words, 0);
	audit_destroy(pools.chunks, 0);
	percu_age();
	percu_age();
	heap_print("all given back");
	input_free(&in);
}
