// SPDX-License-Identifier: MIT
/*
 * stress/parts.c - who runs when
 *
 * A run is a row of parts, each a scenario, or several at once; all of them
 * together take the time that the user gave.  Each part gets a share of what
 * is left of it, the mixed part two.  A job takes as long as it takes: what
 * comes after one that took too long has half of its share all the same.  A
 * scenario runs in a thread of its own, also when it runs alone.  When a part is over, chaos and all, every byte of
 * memory must be back.  After a failure nothing more is run, for what comes
 * after says nothing new: what failed may have left anything behind.
 *
 * Before the first part comes a short one that is not shown: what libraries
 * allocate once and keep is there from then on, and resident memory can be
 * compared (end.c).
 */
#include <stdio.h>
#include <string.h>
#include "crew.h"
#include "sampler.h"

enum {
	MIXED_SHARE = 2,
	WARM_MS = 1000, /* at most, and at most a tenth of the whole */
};

struct part parts[PARTS_MAX];
unsigned int nr_parts;

static struct run {
	unsigned int running; /* scenarios of the part */
	bool chaos;
	_Atomic(struct part *) part; /* the whole of it */
} run;

struct job {
	const struct scenario *scenario;
	struct options o;
	struct part *part;
	pthread_t thread;
};

bool alone(void)
{
	return run.running < 2 && !run.chaos;
}

struct part *part_at_work(void)
{
	return atomic_load(&run.part);
}

void part_begins(struct part *p)
{
	part_here = p;
	atomic_store(&run.part, p);
	watch_beat();
}

static double seconds_since(uint64_t ns)
{
	return (double)(now_ns() - ns) / 1e9;
}

static struct part *part_new(const char *name, const struct options *o,
			     const char *scenarios_named)
{
	struct part *p = &parts[nr_parts++];

	memset(p, 0, sizeof(*p));
	p->start_ns = now_ns();
	snprintf(p->name, sizeof(p->name), "%s", name);
	options_again(o, scenarios_named, p->again, sizeof(p->again));
	return p;
}

/* After a failure, or when it is asked to stop, nothing more begins. */
static bool over(void)
{
	return verdict_total() || stop_asked();
}

/* With another seed: alone, that is the command's. */
static void job_again(struct job *j)
{
	j->o.seed++;
	if (!j->o.mixed)
		options_again(&j->o, j->scenario->name, j->part->again,
			      sizeof(j->part->again));
}

/*
 * A job is done again while that is likely to fit into the time; once where
 * runs repeat, for the clock's time does not.
 */
static void *job_run(void *arg)
{
	struct job *j = arg;
	uint64_t start = now_ns();
	double took, before = 0;

	part_here = j->part;
	break_hang();
	do {
		j->scenario->run(&j->o);
		job_again(j);
		took = seconds_since(start) - before;
		before += took;
	} while (j->scenario->job && !j->o.once && j->o.threads != 1 &&
		 !stop_asked() && !verdict_failures() &&
		 before + took / 2 < j->o.seconds);
	j->part->seconds = before;
	return NULL;
}

static void jobs_run(struct job *jobs, unsigned int n, struct part *whole,
		     bool chaos)
{
	uint64_t start = now_ns();
	struct audit audit;

	part_begins(whole);
	audit_begin(&audit);
	run.running = n;
	run.chaos = chaos;
	if (chaos)
		chaos_begin(jobs->o.seed);
	for (unsigned int i = 0; i < n; i++)
		thread_start(&jobs[i].thread, job_run, &jobs[i]);
	for (unsigned int i = 0; i < n; i++)
		pthread_join(jobs[i].thread, NULL);
	watch_beat();
	if (chaos)
		chaos_end();
	watch_beat();
	run.running = 0;
	run.chaos = false;
	audit_end(&audit);
	whole->seconds = seconds_since(start);
	part_begins(NULL);
}

/* The scenarios of o->chosen, at once; a part each, and one for the whole. */
static void mixed_run(const struct options *o, bool chaos)
{
	struct job jobs[NR_SCENARIOS];
	char list[128] = "", name[40];
	struct part *whole;
	unsigned int n = 0;

	for (unsigned int i = 0; i < NR_SCENARIOS; i++)
		if (o->chosen >> i & 1)
			snprintf(list + strlen(list),
				 sizeof(list) - strlen(list), "%s%s",
				 *list ? "," : "", scenarios[i].name);
	whole = part_new("mixed", o, list);
	printf("mixed: %s, mode %s, %u CPUs, seed 0x%llx\n", list, percu_mode(),
	       nr_cpus(), (unsigned long long)o->seed);
	for (unsigned int i = 0; i < NR_SCENARIOS; i++) {
		if (!(o->chosen >> i & 1))
			continue;
		snprintf(name, sizeof(name), "mixed:%s", scenarios[i].name);
		jobs[n++] = (struct job){ &scenarios[i], *o,
					  part_new(name, o, list), 0 };
	}
	jobs_run(jobs, n, whole, chaos);
	for (unsigned int i = 0; i < n; i++)
		result_part(jobs[i].part);
	result_part(whole);
}

static void single_run(const struct scenario *s, const struct options *o,
		       bool chaos)
{
	struct job job = { s, *o, part_new(s->name, o, s->name), 0 };

	printf("%s: mode %s, %u CPUs, seed 0x%llx\n", s->name, percu_mode(),
	       nr_cpus(), (unsigned long long)o->seed);
	jobs_run(&job, 1, job.part, chaos);
	result_part(job.part);
}

/* Jobs are left out: they have no short form. */
static void warm_up(const struct options *o, bool chaos)
{
	struct options brief = *o;

	brief.mixed = true;
	brief.once = brief.brief = true;
	brief.seconds = o->seconds / 10 < WARM_MS / 1e3 ? o->seconds / 10 :
							  WARM_MS / 1e3;
	for (unsigned int i = 0; i < NR_SCENARIOS; i++)
		if (scenarios[i].job)
			brief.chosen &= ~(1u << i);
	out_mute(true);
	if (brief.chosen)
		mixed_run(&brief, chaos);
	out_mute(false);
	faults_tell();
	nr_parts = 0;
	end_warm();
}

/* One of so many shares of what is left until then, and no less than least. */
static double share_of(uint64_t until, unsigned int shares, double least)
{
	uint64_t now = now_ns();
	double left = until > now ? (double)(until - now) / 1e9 : 0;

	left /= shares;
	return left > least ? left : least;
}

static void all_run(const struct options *o, uint64_t until)
{
	bool last_mixed = o->everything;
	unsigned int shares = (unsigned int)__builtin_popcount(o->chosen) +
			      (last_mixed ? MIXED_SHARE : 0);
	double share = o->seconds / shares;
	struct options own = *o;

	own.brief |= o->everything && !o->nr_paths;
	for (unsigned int i = 0; i < NR_SCENARIOS && !over(); i++) {
		if (!(o->chosen >> i & 1))
			continue;
		/* Repeatable: no matter how long it takes. */
		own.seconds = o->threads == 1 ?
				      share :
				      share_of(until, shares--, share / 2);
		single_run(&scenarios[i], &own, o->chaos && faults_wanted());
	}
	if (!last_mixed || over())
		return;
	own.mixed = own.brief = true;
	own.seconds = share_of(until, 1, MIXED_SHARE * share / 2);
	own.chaos = o->chaos ? o->chaos : "all";
	mixed_run(&own, faults_wanted());
}

bool parts_run(const struct options *o)
{
	uint64_t until = now_ns() + (uint64_t)(o->seconds * 1e9);
	bool chaos = faults_wanted();
	struct options own = *o;

	crew_init();
	result_begin(o);
	sampler_prepare();
	watch_begin(o->patience);
	warm_up(o, chaos);
	faults_reset();
	break_arm();
	sampler_begin();
	if (o->mixed && !over()) {
		own.seconds = share_of(until, 1, o->seconds / 2);
		own.brief = true;
		mixed_run(&own, chaos);
	} else if (!o->mixed) {
		all_run(&own, until);
	}
	end_run(o);
	sampler_end();
	watch_end();
	result_end();
	return !verdict_total();
}
