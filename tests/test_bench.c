/* SPDX-License-Identifier: MIT */
/*
 * tests/test_bench.c - the arithmetic of the benchmark
 *
 * What it prints stands and falls with four rules: how wide an interval is, when
 * a contest may end, when a row is worse than it was, and what the model makes
 * of costs.  None of them is timed here.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"
#include "bench/queue.h"
#include "check.h"

struct options opt = { .rows_fd = -1 }; /* main.c's, in the benchmark */

/* The interval. ---------------------------------------------------------------- */

/* P(at most k of n coins show heads), by another way than the one tested. */
static double heads(size_t n, size_t k)
{
	double p = 0;

	for (size_t i = 0; i <= k; i++)
		p += exp(lgamma((double)n + 1) - lgamma((double)i + 1) -
			 lgamma((double)(n - i) + 1) - (double)n * log(2));
	return p;
}

/* Both ends together miss the median in 5 % of cases, and no deeper pair does. */
static void test_rank(void)
{
	for (size_t n = 6; n <= MAX_ROUNDS; n++) {
		size_t r = estimate_rank(n);

		CU_ASSERT(heads(n, r) <= 0.025);
		CU_ASSERT(heads(n, r + 1) > 0.025);
		CU_ASSERT(2 * r < n);
	}
	for (size_t n = 1; n < 6; n++)
		CU_ASSERT_EQUAL(estimate_rank(n), 0);
	CU_ASSERT_EQUAL(estimate_rank(15), 3);
	CU_ASSERT_EQUAL(estimate_rank(16), 3);
	CU_ASSERT_EQUAL(estimate_rank(24), 6);
}

/* Of uniform numbers the median is known: how often does the interval hold it? */
static void test_coverage(void)
{
	enum {
		N = 24,
		TRIALS = 20000
	};
	struct check_rand rand = { check_seed() };
	unsigned int held = 0;

	for (unsigned int t = 0; t < TRIALS; t++) {
		struct estimate e;
		double v[N];

		for (size_t i = 0; i < N; i++)
			v[i] = (double)(check_rand(&rand) >> 11) * 0x1p-53;
		e = estimate(v, N);
		held += e.lo <= 0.5 && 0.5 <= e.hi;
	}
	/* Truly 97.7 %; one rank further in 93.6 %: ten deviations apart. */
	CU_ASSERT(held > 0.955 * TRIALS);
}

static void test_estimate(void)
{
	double v[] = { 5, 1, 4, 2, 3, 6 };
	struct estimate e = estimate(v, 6);

	CU_ASSERT_EQUAL(e.mid, 3.5);
	CU_ASSERT_EQUAL(e.lo, 1);
	CU_ASSERT_EQUAL(e.hi, 6);
	CU_ASSERT_EQUAL(e.least, 1);
	CU_ASSERT_EQUAL(e.rounds, 6);
}

/* The contest's end. ----------------------------------------------------------- */

enum {
	ROUNDS = 16
};

/* Two contestants; each one's times are base, and every other round more. */
static bool settled(double more_a, double more_b, enum role a, enum role b)
{
	static double turn[2 * MAX_ROUNDS];
	struct contestant c[] = { { .name = "a", .role = a },
				  { .name = "b", .role = b } };
	struct contest ct = {
		.name = "test", .c = c, .n = 2, .turn = turn, .rounds = ROUNDS
	};

	for (size_t r = 0; r < ROUNDS; r++) {
		turn[r] = 10 + (r % 2 ? more_a : 0);
		turn[MAX_ROUNDS + r] = 10 + (r % 2 ? more_b : 0);
	}
	return contest_settled(&ct);
}

static void test_settle(void)
{
	/* No ratio: each time has to be known, and not none. */
	CU_ASSERT(settled(0, 0, PLAIN, PLAIN));
	CU_ASSERT(!settled(5, 0, PLAIN, PLAIN));
	CU_ASSERT(!settled(0, 5, PLAIN, PLAIN));
	CU_ASSERT(settled(0.2, 0.2, PLAIN, PLAIN));
	/* A ratio: that alone; a slow second that falls on both is none. */
	CU_ASSERT(settled(5, 5, OURS, LIMIT));
	CU_ASSERT(!settled(5, 0, OURS, LIMIT));
	CU_ASSERT(!settled(5, 0, OURS, PEER));
	/* Inlined is compared with peers, and with no limit behind a call. */
	CU_ASSERT(!settled(5, 0, OURS_INLINED, PEER));
	CU_ASSERT(settled(5, 5, OURS_INLINED, PEER));
	CU_ASSERT(!settled(5, 5, OURS_INLINED, LIMIT));
}

static void test_wide(void)
{
	struct estimate e = { 1, 0.99, 1.01, 1, 15 };

	CU_ASSERT(!estimate_wide(&e));
	e.hi = 1.05;
	CU_ASSERT(estimate_wide(&e));
	e.rounds = 1; /* it has no interval */
	CU_ASSERT(!estimate_wide(&e));
	e = (struct estimate){ 0, 0, 0, 0, 15 };
	CU_ASSERT(estimate_wide(&e));
}

/* The guard. ------------------------------------------------------------------- */

static struct bound bound(const char *text)
{
	char line[256];
	struct bound b;

	snprintf(line, sizeof(line), "%s", text);
	CU_ASSERT(bound_read(line, &b));
	return b;
}

static enum verdict verdict(const char *line, double mid, double lo, double hi,
			    double least)
{
	const struct estimate e = { mid, lo, hi, least, 15 };
	struct bound b = bound(line);

	return bound_judge(&b, &e);
}

static void test_exact(void)
{
	static const char get[] = "counts\t-\tget\tmost\t20\t17\texact\twhy";

	CU_ASSERT_EQUAL(verdict(get, 17, 17, 17, 17), OK);
	CU_ASSERT_EQUAL(verdict(get, 18, 18, 18, 18), WORSE);
	/* Of many instructions one is less than noise would be. */
	CU_ASSERT_EQUAL(verdict("g\t-\tn\tmost\t39\t-\texact\tw", 40, 40, 40,
				40),
			WORSE);
	CU_ASSERT_EQUAL(verdict("g\t-\tn\tmost\t0\t-\texact\tw", 1, 1, 1, 1),
			WORSE);
	CU_ASSERT_EQUAL(verdict("g\t-\tn\tmost\t0\t-\texact\tw", 0, 0, 0, 0),
			OK);
}

static void test_least_times(void)
{
	static const char most[] = "g\t-\tn\tmost\t1.1\t1.4\t1.02\tw";
	static const char least[] = "g\t64\tn\tleast\t2.5\t2\t2.6\tw";

	CU_ASSERT_EQUAL(verdict(most, 1.05, 1, 1.1, 1.02), OK);
	CU_ASSERT_EQUAL(verdict(most, 1.05, 1, 1.1, 1.06), OK);
	/* The wish is met and the interval is wide: least times say it. */
	CU_ASSERT_EQUAL(verdict(most, 1.05, 0.9, 1.4, 1.09), WORSE);
	CU_ASSERT_EQUAL(verdict(most, 1.3, 0.9, 1.6, 1.05), MISSED);
	CU_ASSERT_EQUAL(verdict(least, 2.6, 2.4, 2.8, 2.5), OK);
	CU_ASSERT_EQUAL(verdict(least, 2.6, 2.4, 2.8, 2.4), WORSE);
}

static void test_held(void)
{
	static const char most[] = "g\t-\tn\tmost\t1.1\t1.4\t-\tw";
	static const char least[] = "g\t-\tn\tleast\t10\t6\t-\tw";

	CU_ASSERT_EQUAL(verdict(most, 1.104, 1, 2, 9), OK);
	CU_ASSERT_EQUAL(verdict(most, 1.3, 1.3, 1.3, 1.3), MISSED);
	CU_ASSERT_EQUAL(verdict(most, 1.5, 1.48, 1.6, 1.48), WORSE);
	CU_ASSERT_EQUAL(verdict(most, 1.5, 1.48, 1.6, 1.2), MISSED);
	CU_ASSERT_EQUAL(verdict(most, 1.5, 1.2, 1.6, 1.48), MISSED);
	CU_ASSERT_EQUAL(verdict(least, 5, 4, 5.5, 5), WORSE);
	CU_ASSERT_EQUAL(verdict(least, 5, 4, 6, 5), MISSED);
}

static void test_bound_lines(void)
{
	char few[] = "g\t-\tn\tmost\t1\t-\twhy";
	char many[] = "g\t-\tn\tmost\t1\t-\t-\twhy\tmore";
	char sense[] = "g\t-\tn\tabout\t1\t-\t-\twhy";
	struct bound b;
	size_t n;

	CU_ASSERT(!bound_read(few, &b));
	CU_ASSERT(!bound_read(many, &b));
	CU_ASSERT(!bound_read(sense, &b));
	b = bound("g\t64\tn\tleast\t2.5\t-\t-\twhy");
	CU_ASSERT_EQUAL(b.held, 2.5);
	CU_ASSERT_EQUAL(b.x, 64);
	CU_ASSERT(isnan(b.quick) && !b.exact && !b.most);
	CU_ASSERT(bounds(&n) && n > 50);
	/* On another processor only what is counted is held to the last. */
	for (size_t i = 0; i < n; i++)
		CU_ASSERT(!bounds_elsewhere() || bounds(&n)[i].exact ||
			  isnan(bounds(&n)[i].quick));
	CU_ASSERT(!isnan(bounds(&n)[0].quick));
	CU_ASSERT(cpu_model()[0] && !strchr(cpu_model(), '\n'));
}

static bool explains(const char *group, const char *name)
{
	struct bound b = bound("vec-scan\t-\tck_array / x\tmost\t1\t-\t-\tw");
	struct row r = { .kind = ROW_SKIP };

	snprintf(r.group, sizeof(r.group), "%s", group);
	snprintf(r.name, sizeof(r.name), "%s", name);
	return bound_skipped(&b, &r);
}

static void test_skipped(void)
{
	struct bound b = bound("counts\t-\tget\tmost\t1\t-\t-\tw");
	struct row r = { .kind = ROW_REMARK,
			 .group = "counts",
			 .name = "counts" };

	CU_ASSERT(explains("vec-scan", "vec-scan"));
	CU_ASSERT(explains("vec-scan", "ck_array"));
	CU_ASSERT(explains("", "ck_array"));
	CU_ASSERT(!explains("", "jemalloc"));
	CU_ASSERT(!explains("vec-scan", "other lengths"));
	CU_ASSERT(!explains("vec-sc", "ck_array"));
	CU_ASSERT(!explains("vec-lock", "ck_array"));
	CU_ASSERT(!bound_skipped(&b, &r));
	r.kind = ROW_SKIP;
	CU_ASSERT(bound_skipped(&b, &r));
}

/* The model. ------------------------------------------------------------------- */

static bool near(double a, double b)
{
	return fabs(a - b) <= 1e-9 * fabs(b);
}

static void test_throughput(void)
{
	const struct demand alone = { .alone = 10 };
	const struct demand lock = { .at[DEPOT] = 20 };
	const struct demand both = { .alone = 30, .at[HEAP_LOCK] = 10 };

	CU_ASSERT(near(throughput(&alone, 64), 64 / 10e-9));
	CU_ASSERT(near(throughput(&lock, 1), 1 / 20e-9));
	CU_ASSERT(near(throughput(&lock, 512), 1 / 20e-9));
	CU_ASSERT(near(throughput(&both, 1), 1 / 40e-9));
	/* The second finds the first at the lock for 10 of its 40 ns. */
	CU_ASSERT(near(throughput(&both, 2), 2 / 42.5e-9));
	CU_ASSERT(near(throughput(&both, 512), 1 / 10e-9));
}

static void test_demand(void)
{
	const struct costs cost = {
		.hit = 2, .depot = 100, .slab = 10, .heap = 400, .line = 5
	};
	const struct mix mix = {
		.hits = 1, .visits = 0.02, .objects = 0.5, .pages = 0.001
	};
	struct demand d = demand_of(&cost, &mix, false, 2);

	CU_ASSERT(near(d.alone, 2 + 2 + 5 + 0.4));
	CU_ASSERT_EQUAL(d.at[DEPOT] + d.at[SLAB_LOCK] + d.at[HEAP_LOCK], 0);
	d = demand_of(&cost, &mix, true, 1);
	CU_ASSERT(near(d.alone, 2));
	CU_ASSERT(near(d.at[DEPOT], 2));
	CU_ASSERT(near(d.at[SLAB_LOCK], 5));
	CU_ASSERT(near(d.at[HEAP_LOCK], 0.4));
	d = demand_of(&cost, &mix, true, 2);
	CU_ASSERT(near(d.at[DEPOT], 2 + 0.02 * LINES_A_VISIT * 5));
	CU_ASSERT(near(predicted(&cost, &mix, true, 1),
		       predicted(&cost, &mix, false, 1)));
}

/* What was measured owes nothing to what was predicted. */
static void test_measured(void)
{
	CU_ASSERT(near(measured_rate(1000, 4000, 1), 250));
	CU_ASSERT(near(measured_rate(1000, 4000, 2), 500));
	CU_ASSERT(in_band(100, 90, 110));
	CU_ASSERT(in_band(82, 90, 110));
	CU_ASSERT(!in_band(80, 90, 110));
	CU_ASSERT(in_band(120, 90, 110));
	CU_ASSERT(!in_band(122, 90, 110));
}

static const CU_TestInfo tests[] = {
	{ "the interval goes as deep as 95 % allow", test_rank },
	{ "the interval holds the median as often as is said", test_coverage },
	{ "an estimate", test_estimate },
	{ "a contest ends when what it is about is known", test_settle },
	{ "what is wide is called so", test_wide },
	{ "one instruction more is worse", test_exact },
	{ "least times are held by themselves", test_least_times },
	{ "what is held", test_held },
	{ "lines of bounds.tsv", test_bound_lines },
	{ "only its own skip explains what was not measured", test_skipped },
	{ "mean value analysis", test_throughput },
	{ "what an operation wants of whom", test_demand },
	{ "what is measured, and the band", test_measured },
	CU_TEST_INFO_NULL
};

int main(void)
{
	return check_main("bench", tests);
}
