/* SPDX-License-Identifier: MIT */
/*
 * bench/programs.c - real programs under one malloc after another
 *
 *	bench/programs [-n ROUNDS] [-l LIBRARY] [NAME...]
 *
 * Each round runs every program once under each malloc, so that what else the
 * machine does falls on all alike; of the rounds medians count.  Time is by the
 * wall clock and by the CPU (user and system) of the program and its children,
 * memory the most that one process of it ever had in memory, all as wait4()
 * has it.  A server is measured from its start to its end, and its time by the
 * wall is its client's; the client and whatever prepares the work are under no
 * malloc but the system's.
 *
 * The last lines are geometric means of each malloc's figures by glibc's: of the
 * programs, of what only mallocs do (lives.c), of all.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench/programs.h"

enum {
	ARGS_MAX = 32,
	ROUNDS_MAX = 101,
	NR_MALLOCS = 6
};

enum what {
	WALL,
	CPU,
	MEMORY,
	NR_WHATS
};

static struct {
	const char *name, *file;
	const char *older; /* what else it may be called */
	bool there;
} mallocs[NR_MALLOCS] = {
	{ "glibc", "", NULL, true },
	{ "jemalloc", "libjemalloc.so.2", NULL, false },
	{ "mimalloc", "libmimalloc.so.3", "libmimalloc.so.2", false },
	{ "tcmalloc", "libtcmalloc_minimal.so.4", "libtcmalloc.so.4", false },
	{ "tbbmalloc", "libtbbmalloc_proxy.so.2", NULL, false },
	{ "percu", NULL, NULL, false },
};

struct figures {
	double of[NR_WHATS][ROUNDS_MAX];
};

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* Words between blanks; "<file" is its stdin. */
static void become(const char *command, const char *preload)
{
	char *copy = strdup(command), *argv[ARGS_MAX], *save;
	int n = 0, in = -1, null = open("/dev/null", O_RDWR);

	for (char *w = strtok_r(copy, " ", &save); w && n < ARGS_MAX - 1;
	     w = strtok_r(NULL, " ", &save)) {
		if (*w == '<')
			in = open(w + 1, O_RDONLY);
		else if (*w == '$')
			argv[n++] = getenv(w + 1);
		else
			argv[n++] = w;
	}
	argv[n] = NULL;
	dup2(in < 0 ? null : in, 0);
	dup2(null, 1);
	dup2(null, 2);
	if (*preload)
		setenv("LD_PRELOAD", preload, 1);
	execvp(argv[0], argv);
	_exit(127);
}

static pid_t start(const char *command, const char *preload)
{
	pid_t pid = fork();

	if (!pid)
		become(command, preload);
	return pid;
}

static int shell(const char *command)
{
	int status = system(command);

	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/* The seconds that the client took; below 0: it did not work. */
static double serve(const struct program *p)
{
	double from;

	for (int i = 0; shell(p->ready); i++) {
		if (i == 500)
			return -1;
		usleep(10000);
	}
	from = now();
	return shell(p->client) ? -1 : now() - from;
}

static bool run(const struct program *p, const char *preload, struct figures *f,
		int round)
{
	double from = now(), wall = 0;
	pid_t pid = start(p->command, preload);
	struct rusage ru;
	int status;

	if (p->client) {
		wall = serve(p);
		kill(pid, SIGTERM);
	}
	if (wait4(pid, &status, 0, &ru) != pid || wall < 0)
		return false;
	if (!p->client && (!WIFEXITED(status) || WEXITSTATUS(status)))
		return false;
	f->of[WALL][round] = p->client ? wall : now() - from;
	f->of[CPU][round] =
		(double)(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) +
		(double)(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) / 1e6;
	f->of[MEMORY][round] = (double)ru.ru_maxrss / 1024;
	return true;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *v, int n)
{
	qsort(v, (size_t)n, sizeof(*v), by_size);
	return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

/* Of what there is a mean, and the sums of the logarithms of its ratios. */
static struct mean {
	const char *name;
	double sum[NR_WHATS][NR_MALLOCS];
	int counted;
} means[] = { { .name = "programs" }, { .name = "lives" }, { .name = "all" } };

static void mean_add(struct mean *mean, double value[NR_WHATS][NR_MALLOCS])
{
	for (int w = 0; w < NR_WHATS; w++)
		for (int m = 0; m < NR_MALLOCS; m++)
			if (mallocs[m].there)
				mean->sum[w][m] +=
					log(value[w][m] / value[w][0]);
	mean->counted++;
}

static void print_row(const struct program *p, struct figures *f, int rounds)
{
	double value[NR_WHATS][NR_MALLOCS];

	for (int m = 0; m < NR_MALLOCS; m++)
		for (int w = 0; mallocs[m].there && w < NR_WHATS; w++)
			value[w][m] = median(f[m].of[w], rounds);
	printf("%-10s", p->name);
	for (int w = 0; w < NR_WHATS; w++) {
		printf(" |");
		for (int m = 0; m < NR_MALLOCS; m++) {
			if (!mallocs[m].there) {
				printf("%10s", "-");
				continue;
			}
			printf(w == MEMORY ? "%10.1f" : "%10.3f", value[w][m]);
		}
	}
	printf("\n");
	fflush(stdout);
	mean_add(&means[*p->command == '$'], value);
	mean_add(&means[2], value);
}

static void print_head(int rounds)
{
	static const char *const what[] = { "seconds", "CPU seconds",
					    "MiB at most" };

	printf("programs: medians of %d rounds\n%-10s", rounds, "");
	for (int w = 0; w < NR_WHATS; w++)
		printf(" | %-*s", 10 * NR_MALLOCS - 1, what[w]);
	printf("\n%-10s", "");
	for (int w = 0; w < NR_WHATS; w++) {
		printf(" |");
		for (int m = 0; m < NR_MALLOCS; m++)
			printf("%10s", mallocs[m].name);
	}
	printf("\n");
}

static void print_mean(const struct mean *mean)
{
	if (!mean->counted)
		return;
	printf("%-10s", mean->name);
	for (int w = 0; w < NR_WHATS; w++) {
		printf(" |");
		for (int m = 0; m < NR_MALLOCS; m++)
			if (mallocs[m].there)
				printf("%10.3f",
				       exp(mean->sum[w][m] / mean->counted));
			else
				printf("%10s", "-");
	}
	printf("\n");
}

static void measure(const struct program *p, int rounds)
{
	static struct figures f[NR_MALLOCS];

	if (p->setup && shell(p->setup)) {
		printf("%-10s skipped: %s\n", p->name, p->needs);
		return;
	}
	for (int r = -1; r < rounds; r++) /* the first is for the caches */
		for (int i = 0; i < NR_MALLOCS; i++) {
			int m = (i + r + 1) % NR_MALLOCS;

			if (!mallocs[m].there)
				continue;
			if (!run(p, mallocs[m].file, &f[m], r < 0 ? 0 : r)) {
				printf("%-10s failed under %s\n", p->name,
				       mallocs[m].name);
				return;
			}
		}
	print_row(p, f, rounds);
}

static bool asked_for(const struct program *p, int argc, char **argv)
{
	for (int i = optind; i < argc; i++)
		if (!strcmp(argv[i], p->name))
			return true;
	return optind == argc;
}

/* The loader finds it, and says nothing. */
static bool loads(const char *file)
{
	char command[4096];

	snprintf(command, sizeof(command),
		 "[ -z \"$(LD_PRELOAD='%s' /bin/true 2>&1)\" ]", file);
	return !shell(command);
}

static void find_malloc(int m)
{
	mallocs[m].there = loads(mallocs[m].file);
	if (!mallocs[m].there && mallocs[m].older) {
		mallocs[m].file = mallocs[m].older;
		mallocs[m].there = loads(mallocs[m].file);
	}
	if (!mallocs[m].there)
		printf("%s skipped: not installed\n", mallocs[m].name);
}

/* Where, when, and what was asked for: what a table of it has to carry. */
static void print_machine(int argc, char **argv)
{
	shell("sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | sort | uniq -c |"
	      " sed 's/^ */CPUs: /'; uname -sr; date -u '+%Y-%m-%d %H:%M UTC'");
	printf("command:");
	for (int i = 0; i < argc; i++)
		printf(" %s", argv[i]);
	printf("\n");
	fflush(stdout);
}

int main(int argc, char **argv)
{
	char dir[] = "/tmp/percu-bench-XXXXXX", clean[64];
	int rounds = 5, opt;

	while ((opt = getopt(argc, argv, "n:l:")) != -1) {
		if (opt == 'n')
			rounds = atoi(optarg);
		else if (opt == 'l')
			mallocs[NR_MALLOCS - 1].file = realpath(optarg, NULL);
		else
			return 2;
	}
	if (rounds < 1 || rounds > ROUNDS_MAX ||
	    !mallocs[NR_MALLOCS - 1].file || !programs_setup(argv[0]))
		return 2;
	print_machine(argc, argv);
	for (int m = 1; m < NR_MALLOCS; m++)
		find_malloc(m);
	if (!mkdtemp(dir) || chdir(dir))
		return 1;
	print_head(rounds);
	for (const struct program *p = programs; p->name; p++)
		if (asked_for(p, argc, argv))
			measure(p, rounds);
	for (int i = 0; i < 3; i++)
		print_mean(&means[i]);
	snprintf(clean, sizeof(clean), "rm -rf %s", dir);
	return shell(clean);
}
