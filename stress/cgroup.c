// SPDX-License-Identifier: MIT
/*
 * stress/cgroup.c - a control group of our own, where we may have one
 *
 * Of version 1 it lies below the group that the process is in; of version 2
 * beside that, for a group with processes hands out no controllers.  Nothing
 * else of the hierarchy is touched, and the group is removed in the end.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "chaos.h"

#define MOUNT "/sys/fs/cgroup"

__attribute__((format(printf, 3, 4))) static bool said(char *why, size_t size,
						       const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, size, fmt, ap);
	va_end(ap);
	return false;
}

/* A word of a list, between any of the separators. */
static bool listed(const char *list, const char *word)
{
	size_t len = strlen(word), n;

	for (; *list; list += n + (list[n] != '\0')) {
		n = strcspn(list, ", \n");
		if (n == len && !memcmp(list, word, len))
			return true;
	}
	return false;
}

/* The path of the process for that controller: "7:cpuset:/a/b", "0::/a". */
static bool path_of(const char *controller, bool v2, char *path, size_t size)
{
	FILE *f = fopen("/proc/self/cgroup", "re");
	char line[512], *names, *at;
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		names = strchr(line, ':');
		at = names ? strchr(names + 1, ':') : NULL;
		if (!at)
			continue;
		*at++ = '\0';
		found = v2 ? !names[1] : listed(names + 1, controller);
		if (found)
			snprintf(path, size, "%s", strcmp(at, "/") ? at : "");
	}
	if (f)
		fclose(f);
	return found;
}

bool cgroup_write(const struct cgroup *g, const char *file, const char *text)
{
	char path[320];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", g->dir, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = write(fd, text, strlen(text));
	close(fd);
	return n == (ssize_t)strlen(text);
}

bool cgroup_read(const char *dir, const char *file, char *text, size_t size)
{
	char path[320];
	ssize_t n = -1;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, text, size - 1);
		close(fd);
	}
	text[n > 0 ? n : 0] = '\0';
	return n > 0;
}

/* Where the group's directory is to be; parent: what it lies in. */
static void place(struct cgroup *g, const char *controller, const char *path,
		  char *parent, size_t size)
{
	if (g->v2)
		snprintf(parent, size, MOUNT "%s", path);
	else
		snprintf(parent, size, MOUNT "/%s%s", controller, path);
	memcpy(g->home, parent, strlen(parent) + 1);
	if (g->v2 && *path)
		*strrchr(parent, '/') = '\0';
}

bool cgroup_make(struct cgroup *g, const char *controller, char *why,
		 size_t size)
{
	char path[128], parent[160], list[256];

	*g = (struct cgroup){ .v2 = !access(MOUNT "/cgroup.controllers",
					    F_OK) };
	if (!path_of(controller, g->v2, path, sizeof(path)))
		return said(why, size, "no control group for %s", controller);
	place(g, controller, path, parent, sizeof(parent));
	if (g->v2 && (!cgroup_read(parent, "cgroup.subtree_control", list,
				   sizeof(list)) ||
		      !listed(list, controller)))
		return said(why, size, "%s does not hand out %s", parent,
			    controller);
	snprintf(g->dir, sizeof(g->dir), "%s/percu-stress-%d-%s", parent,
		 (int)getpid(), controller);
	if (mkdir(g->dir, 0755))
		return said(why, size, "cannot make %s: %s", g->dir,
			    strerror(errno));
	return true;
}

bool cgroup_enter(const struct cgroup *g)
{
	return cgroup_write(g, "cgroup.procs", "0");
}

void cgroup_end(struct cgroup *g)
{
	struct cgroup home = *g;

	memcpy(home.dir, g->home, sizeof(home.dir));
	cgroup_enter(&home);
	if (rmdir(g->dir))
		fail("cannot remove %s: %s", g->dir, strerror(errno));
}
