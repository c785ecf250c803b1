/* SPDX-License-Identifier: MIT */
/*
 * tests/test_report.c - what percu is told (PERCU=) and what it says (stderr)
 *
 * Each case runs in a forked child, whose stderr is compared byte for byte.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "sys/conf.h"
#include "sys/os.h"
#include "sys/report.h"
#include "tests/check.h"

/* Configuration */

/* The default of debug:, of cpu_cache:, and what is left when all is default. */
#ifdef PERCU_DEBUG
#define D "1"
#else
#define D "0"
#endif
#define M    "1048576"
#define NONE "0 " D " " M " 0\n"

static const struct conf_case {
	const char *in;  /* PERCU= */
	const char *out; /* warnings; lock debug cpu_cache depot_cache */
} conf_cases[] = {
	{ NULL, NONE },
	{ "", NONE },
	{ ",,", NONE },
	{ "mode:lock", "1 " D " " M " 0\n" },
	{ "mode:lock,mode:auto", NONE },
	{ "debug:1", "0 1 " M " 0\n" },
	{ "debug:0", "0 0 " M " 0\n" },
	{ "cpu_cache:0", "0 " D " 0 0\n" },
	{ "cpu_cache:12345,depot_cache:64m", "0 " D " 12345 67108864\n" },
	{ "cpu_cache:3k,depot_cache:2G", "0 " D " 3072 2147483648\n" },
	{ "depot_cache:18446744073709551615",
	  "0 " D " " M " 18446744073709551615\n" },
	{ "depot_cache:17179869183g", "0 " D " " M " 18446744072635809792\n" },
	{ "depot_cache:18446744073709551616",
	  "percu: PERCU: bad value '18446744073709551616' for 'depot_cache'\n" NONE },
	{ "depot_cache:17179869184g",
	  "percu: PERCU: bad value '17179869184g' for 'depot_cache'\n" NONE },
	{ "depot_cache:40000000000000000000",
	  "percu: PERCU: bad value '40000000000000000000' for 'depot_cache'\n" NONE },
	{ "cpu_cache:", "percu: PERCU: bad value '' for 'cpu_cache'\n" NONE },
	{ "cpu_cache:k", "percu: PERCU: bad value 'k' for 'cpu_cache'\n" NONE },
	{ "cpu_cache:-1",
	  "percu: PERCU: bad value '-1' for 'cpu_cache'\n" NONE },
	{ "cpu_cache:1t",
	  "percu: PERCU: bad value '1t' for 'cpu_cache'\n" NONE },
	{ "cpu_cache:1kk",
	  "percu: PERCU: bad value '1kk' for 'cpu_cache'\n" NONE },
	{ "cpu_cache: 1",
	  "percu: PERCU: bad value ' 1' for 'cpu_cache'\n" NONE },
	{ "cpu_cache", "percu: PERCU: bad value '' for 'cpu_cache'\n" NONE },
	{ "mode:locks", "percu: PERCU: bad value 'locks' for 'mode'\n" NONE },
	{ "debug:2", "percu: PERCU: bad value '2' for 'debug'\n" NONE },
	{ "help:me", "percu: PERCU: bad value 'me' for 'help'\n" NONE },
	/* the nearest key, and what stands around it counts */
	{ "cpu_cahce:1k,mode:lock",
	  "percu: PERCU: unknown key 'cpu_cahce', the nearest is 'cpu_cache'\n1 " D
	  " " M " 0\n" },
	{ "depotcache:1k",
	  "percu: PERCU: unknown key 'depotcache', the nearest is 'depot_cache'\n" NONE },
	{ "Debug:1",
	  "percu: PERCU: unknown key 'Debug', the nearest is 'debug'\n" NONE },
	{ "modes:lock",
	  "percu: PERCU: unknown key 'modes', the nearest is 'mode'\n" NONE },
	{ "hlp",
	  "percu: PERCU: unknown key 'hlp', the nearest is 'help'\n" NONE },
	{ ":1", "percu: PERCU: unknown key '', the nearest is 'age'\n" NONE },
	{ "de\nbug:1",
	  "percu: PERCU: unknown key 'de?bug', the nearest is 'debug'\n" NONE },
	{ "a_very_long_key_that_is_longer_than_any_key_that_there_will_ever_be:1",
	  "percu: PERCU: unknown key 'a_very_long_key_that_is_longer_than_any_key_that', "
	  "the nearest is 'depot_cache'\n" NONE },
	{ "defersoft:1k",
	  "percu: PERCU: unknown key 'defersoft', the nearest is 'defer_soft'\n" NONE },
	{ "defer_wait:2",
	  "percu: PERCU: bad value '2' for 'defer_wait'\n" NONE },
	{ "stall:1s", "percu: PERCU: bad value '1s' for 'stall'\n" NONE },
	{ "help,cpu_cache:2m,mode:lock,depot_cache:1500",
	  "PERCU=key:value,key:value\n"
	  "  mode        lock      auto, or lock: do without rseq\n"
	  "  cpu_cache   2m        most bytes cached on a CPU\n"
	  "  depot_cache 1500      most bytes cached in all depots; 0: by the number of CPUs\n"
	  "  debug       " D "         1: check each put, remember its place\n"
	  "  defer_soft  0         bytes waiting for readers, above which they are hurried; 0: by the number of CPUs\n"
	  "  defer_hard  0         the same, above which who retires waits; 0: 16 times defer_soft\n"
	  "  defer_wait  1         0: above defer_hard calls fail and do not wait\n"
	  "  defer_age   100       ms that a retired object waits for others\n"
	  "  stall       10000     ms of a grace period, after which readers are named; 0: never\n"
	  "  age         0         malloc: ms from one ageing cycle to the next; 0: none\n"
	  "  idle        0         malloc: bytes of pages that may lie idle, however old\n"
	  "  stats       0         malloc: 1: statistics on stderr when the program ends\n"
	  "  help                  this list\n"
	  "1 " D " 2097152 1500\n" },
};

static void conf_child(void *arg)
{
	const struct conf_case *c = arg;

	unsetenv("PERCU");
	if (c->in)
		setenv("PERCU", c->in, 1);
	conf_init();
	dprintf(STDERR_FILENO, "%d %d %zu %zu\n", conf.lock, conf.debug,
		conf.cpu_cache, conf.depot_cache);
}

static void conf_table(void)
{
	char out[2048];

	for (size_t i = 0; i < sizeof(conf_cases) / sizeof(conf_cases[0]);
	     i++) {
		struct conf_case c = conf_cases[i];

		CU_ASSERT_EQUAL(check_fork(conf_child, &c, out, sizeof(out)),
				0);
		CU_ASSERT_STRING_EQUAL(out, c.out);
		if (strcmp(out, c.out))
			printf("\n    PERCU=%s gave\n%s",
			       c.in ? c.in : "(none)", out);
	}
}

static void conf_parse_adds(void)
{
	struct conf saved = conf;

	conf = (struct conf){ .lock = true, .cpu_cache = 5 };
	conf_parse("depot_cache:7");
	CU_ASSERT(conf.lock && conf.cpu_cache == 5 && conf.depot_cache == 7);
	conf = saved;
}

/* Reports */

static void report_closed(void *arg)
{
	(void)arg;
	close(0);
	close(1);
	close(2);
	report_warn("pool %s, %d objects", "conn", 7);
	report_line("plain");
}

/* The private descriptor is gone, and its number is another file's. */
static void report_usurped(void *arg)
{
	int fd, null = open("/dev/null", O_RDWR);

	(void)arg;
	for (fd = 100; fcntl(fd, F_GETFD) < 0; fd++)
		;
	if (!(fcntl(fd, F_GETFD) & FD_CLOEXEC))
		return;
	dup2(null, fd);
	report_warn("still here");
}

static void report_no_dup(void *arg)
{
	int null = open("/dev/null", O_RDWR);

	(void)arg;
	os_fault_arm(1u << OS_DUP, 1, true);
	report_init();
	if (os_fault_fired() != 2)
		return;
	report_warn("on two");
	dup2(null, 2);
	report_warn("lost");
}

static void report_low_dup(void *arg)
{
	const struct rlimit few = { 64, 64 };

	(void)arg;
	setrlimit(RLIMIT_NOFILE, &few);
	report_init();
	close(2);
	report_warn("low");
}

static void report_long(void *arg)
{
	char text[2000];

	(void)arg;
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	report_warn("%s", text);
}

static void report_errno(void *arg)
{
	(void)arg;
	errno = EDOM;
	os_fault_arm(1u << OS_WRITE, 1, true);
	report_warn("not to be seen");
	os_fault_disarm();
	report_warn("a\tb\033[1m%s", errno == EDOM ? "" : " errno");
}

static void report_lines(void)
{
	static const struct {
		void (*fn)(void *);
		const char *want;
	} cases[] = {
		{ report_closed, "percu: pool conn, 7 objects\nplain\n" },
		{ report_usurped, "percu: still here\n" },
		{ report_no_dup, "percu: on two\n" },
		{ report_low_dup, "percu: low\n" },
		{ report_errno, "percu: a?b?[1m\n" },
	};
	char out[2048];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CU_ASSERT_EQUAL(check_fork(cases[i].fn, NULL, out, sizeof(out)),
				0);
		CU_ASSERT_STRING_EQUAL(out, cases[i].want);
		if (strcmp(out, cases[i].want))
			printf("\n    case %zu gave: %s", i, out);
	}
	/* Cut, and still one line. */
	CU_ASSERT_EQUAL(check_fork(report_long, NULL, out, sizeof(out)), 0);
	CU_ASSERT_EQUAL(strlen(out), 512);
	CU_ASSERT_EQUAL(strncmp(out, "percu: xxx", 10), 0);
	CU_ASSERT_PTR_EQUAL(strchr(out, '\n'), out + 511);
}

static void misuse(void *arg)
{
	os_fault_arm(~0u, 1, true);
	close(2);
	report_misuse("pool %s: %s", "conn", (const char *)arg);
}

static void report_misuse_aborts(void)
{
	char text[] = "put twice";

	CU_ASSERT_TRUE(check_aborts(misuse, text,
				    "percu: misuse: pool conn: put twice\n"));
}

static const CU_TestInfo tests[] = {
	{ "PERCU is parsed as the table says", conf_table },
	{ "a parse changes only what it names", conf_parse_adds },
	{ "reports reach the stderr of the start", report_lines },
	{ "misuse says its line and aborts", report_misuse_aborts },
	CU_TEST_INFO_NULL
};

int main(void)
{
	report_init();
	return check_main("report", tests);
}
