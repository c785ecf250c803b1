/* SPDX-License-Identifier: MIT */
/*
 * bench/versions.c - whom percu is compared with: the file, and its package
 *
 * The file is where the function that is called really is; whose it is, the
 * system's package manager says, where it is dpkg.
 */
#include <dlfcn.h>
#include <gnu/libc-version.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/bench.h"
#include "bench/kit.h"
#include "bench/retire.h"

/* The first line of what a command says; false: it says nothing. */
static bool said(const char *command, char line[ROW_NOTE])
{
	FILE *f = popen(command, "r");
	bool ok = f && fgets(line, ROW_NOTE, f);

	if (f)
		pclose(f);
	if (ok)
		line[strcspn(line, "\n")] = '\0';
	return ok && line[0];
}

/* file: as the dynamic linker names it */
static void row(const char *who, const char *file)
{
	char path[PATH_MAX], command[PATH_MAX + 160], package[ROW_NOTE];
	char line[ROW_NOTE];
	const char *base;

	if (!realpath(file, path))
		return;
	base = strrchr(path, '/') + 1;
	snprintf(command, sizeof(command),
		 "p=$(dpkg-query -S '%s' 2>/dev/null) && "
		 "dpkg-query -W -f '${Package} ${Version}\\n' \"${p%%%%: *}\"",
		 path);
	if (said(command, package))
		snprintf(line, sizeof(line), "%.60s, package %.80s", base,
			 package);
	else
		snprintf(line, sizeof(line), "%.140s, of no package", base);
	row_machine(who, line);
}

static void row_of_code(const char *who, const void *code)
{
	Dl_info info;

	if (code && dladdr(code, &info))
		row(who, info.dli_fname);
}

/* Asks a process that has it where malloc is: here it would take our own. */
static bool where(const char *preload, char path[PATH_MAX])
{
	const char *const args[] = { "percu-bench-malloc", "where", NULL };
	FILE *f;
	pid_t pid;
	bool ok;
	int p[2];

	fflush(stdout);
	if (pipe(p))
		return false;
	pid = fork();
	if (!pid) {
		dup2(p[1], 1);
		close(p[0]);
		setenv("LD_PRELOAD", preload, 1);
		exec_sibling(args);
	}
	close(p[1]);
	f = fdopen(p[0], "r");
	ok = f && fgets(path, PATH_MAX, f);
	if (f)
		fclose(f);
	if (ok)
		path[strcspn(path, "\n")] = '\0';
	return pid > 0 && waitpid(pid, NULL, 0) == pid && ok;
}

void versions(void)
{
	const char *name, *preload;
	char path[PATH_MAX], line[ROW_NOTE];

	row_machine("glibc", gnu_get_libc_version());
	for (size_t i = 0; i < NR_PEERS; i++)
		if (peer_known(i, &name, &preload) && preload &&
		    where(preload, path))
			row(name, path);
	row_of_code("liburcu", (const void *)urcu_memb_flavor.update_call_rcu);
	row_of_code("ck", kit_code());
	if (said("go version 2>/dev/null", line))
		row_machine("Go", line);
}
