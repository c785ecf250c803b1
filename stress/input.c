// SPDX-License-Identifier: MIT
/*
 * stress/input.c - real text, and the proof that it keeps still
 *
 * Every regular file below the given paths whose first block reads as text:
 * no NUL byte, and at most one byte in twenty that is neither printable nor
 * part of a UTF-8 character.  Symbolic links and files over 64 MiB are left
 * out; what is compressed or binary fails the test by itself.
 *
 * Both passes must see the same bytes.  A file is the same as long as device,
 * inode, size, mtime and ctime are; each pass looks at them after opening it
 * and again after reading the last byte.  A file that changed meanwhile is
 * dropped, and both passes are repeated without it: nothing is excused, and
 * a chunk that the library spoils can't be mistaken for a changed file.
 *
 * The list itself is plain malloc's: it is not what is tested.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "words.h"

enum {
	BLOCK = 4096,
	DEPTH_MAX = 64,
	SIZE_MAX_FILE = 64 << 20,
	BRIEF_BYTES = 20 * 1000 * 1000,
	OPEN_FLAGS = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
};

/* Length of the UTF-8 character at p, 0 if it is none; cut off is fine. */
static size_t utf8_len(const unsigned char *p, size_t left)
{
	size_t len = *p < 0xc2 ? 0 :
		     *p < 0xe0 ? 2 :
		     *p < 0xf0 ? 3 :
		     *p < 0xf5 ? 4 :
				 0;

	for (size_t i = 1; i < len && i < left; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return len;
}

static bool is_text(const unsigned char *p, size_t len)
{
	size_t bad = 0, i = 0;

	while (i < len) {
		size_t n = 1;

		if (!p[i])
			return false;
		if (p[i] >= 0x80) {
			n = utf8_len(p + i, len - i);
			bad += !n;
			n += !n;
		} else if (p[i] == 0x7f ||
			   (p[i] < ' ' && !strchr("\t\n\v\f\r\b\033", p[i]))) {
			bad++;
		}
		i += n;
	}
	return bad * 20 <= len;
}

static void input_add(struct input *in, const char *path, const struct stat *st)
{
	struct input_file *f;

	if (in->nr == in->room) {
		in->room = in->room ? 2 * in->room : 1024;
		in->files =
			must(realloc(in->files, in->room * sizeof(*in->files)));
	}
	f = &in->files[in->nr++];
	f->path = must(strdup(path));
	f->st = *st;
	f->changed = false;
	in->bytes += (uint64_t)st->st_size;
}

static void look_at_file(struct input *in, int fd, const char *path,
			 const struct stat *st)
{
	unsigned char block[BLOCK];
	ssize_t n;

	if (!st->st_size || st->st_size > SIZE_MAX_FILE)
		return;
	progress_add(in->progress, 1);
	n = pread(fd, block, sizeof(block), 0);
	if (n > 0 && is_text(block, (size_t)n))
		input_add(in, path, st);
}

static void walk(struct input *in, int fd, const char *path, int depth);

static void walk_entries(struct input *in, DIR *dir, const char *path,
			 int depth)
{
	struct dirent *e;

	while (!stop_asked() && (e = readdir(dir))) {
		char *below;
		int fd;

		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		if (e->d_type != DT_REG && e->d_type != DT_DIR &&
		    e->d_type != DT_UNKNOWN)
			continue;
		fd = openat(dirfd(dir), e->d_name, OPEN_FLAGS);
		if (fd < 0)
			continue;
		if (asprintf(&below, "%s/%s", path, e->d_name) < 0)
			die("out of memory");
		walk(in, fd, below, depth + 1);
		free(below);
	}
}

/* fd is a file or a folder, and is closed. */
static void walk(struct input *in, int fd, const char *path, int depth)
{
	struct stat st;
	DIR *dir;

	if (fstat(fd, &st))
		goto out;
	if (S_ISREG(st.st_mode))
		look_at_file(in, fd, path, &st);
	if (!S_ISDIR(st.st_mode) || depth > DEPTH_MAX)
		goto out;
	dir = fdopendir(fd);
	if (!dir)
		goto out;
	walk_entries(in, dir, path, depth);
	closedir(dir);
	return;
out:
	close(fd);
}

static int by_path(const void *a, const void *b)
{
	const struct input_file *x = a, *y = b;

	return strcmp(x->path, y->path);
}

/* An order that depends on the seed, and not on the file system. */
static void shuffle(struct input *in, uint64_t seed)
{
	struct rng rng = { seed };

	qsort(in->files, in->nr, sizeof(*in->files), by_path);
	for (size_t i = in->nr; i > 1; i--) {
		struct input_file *a = &in->files[i - 1];
		struct input_file *b = &in->files[rng_below(&rng, (uint32_t)i)];
		struct input_file t = *a;

		*a = *b;
		*b = t;
	}
}

static void cut(struct input *in, uint64_t bytes)
{
	size_t keep = 0;

	in->bytes = 0;
	while (keep < in->nr && in->bytes < bytes)
		in->bytes += (uint64_t)in->files[keep++].st.st_size;
	while (in->nr > keep)
		free(in->files[--in->nr].path);
}

void input_find(struct input *in, const struct options *o)
{
	static const char *const usual = "/usr/share";
	const char *const *paths = o->nr_paths ? (const char *const *)o->paths :
						 &usual;
	size_t nr = o->nr_paths ? o->nr_paths : 1;
	struct progress looking;

	memset(in, 0, sizeof(*in));
	in->progress = &looking;
	progress_start(&looking, "looking", PROGRESS_FILES, 0);
	for (size_t i = 0; i < nr; i++) {
		int fd = open(paths[i], OPEN_FLAGS & ~O_NOFOLLOW);

		if (fd < 0)
			die("%s: %s", paths[i], strerror(errno));
		walk(in, fd, paths[i], 0);
	}
	progress_stop(&looking);
	in->looked_at = looking.done;
	if (!in->nr && !stop_asked())
		die("no text under %s", paths[0]);
	shuffle(in, o->seed);
	if (o->brief)
		cut(in, BRIEF_BYTES);
}

static bool same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
	       a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
	       a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

int input_open(struct input_file *f)
{
	int fd = open(f->path, OPEN_FLAGS);
	struct stat st;

	if (fd >= 0 && !fstat(fd, &st) && same(&st, &f->st))
		return fd;
	if (fd >= 0)
		close(fd);
	f->changed = true;
	return -1;
}

void input_close(struct input_file *f, int fd)
{
	struct stat st;

	if (fstat(fd, &st) || !same(&st, &f->st))
		f->changed = true;
	close(fd);
}

/* Neither pass is to wait for the disk. */
void input_warm(struct input *in)
{
	static char buf[64 << 10];
	struct progress reading;
	ssize_t n;

	progress_start(&reading, "reading", PROGRESS_BYTES, in->bytes);
	for (size_t i = 0; i < in->nr && !stop_asked(); i++) {
		struct input_file *f = &in->files[i];
		int fd = input_open(f);

		if (fd < 0)
			continue;
		while ((n = read(fd, buf, sizeof(buf))) > 0)
			progress_add(&reading, (uint64_t)n);
		input_close(f, fd);
	}
	for (size_t i = 0; i < in->nr && break_always(BREAK_INPUT); i++)
		in->files[i].changed = true;
	progress_stop(&reading);
	input_drop_changed(in);
}

size_t input_drop_changed(struct input *in)
{
	size_t kept = 0, dropped;

	for (size_t i = 0; i < in->nr; i++) {
		struct input_file *f = &in->files[i];

		if (f->changed) {
			in->bytes -= (uint64_t)f->st.st_size;
			free(f->path);
		} else {
			in->files[kept++] = *f;
		}
	}
	dropped = in->nr - kept;
	in->nr = kept;
	return dropped;
}

void input_free(struct input *in)
{
	for (size_t i = 0; i < in->nr; i++)
		free(in->files[i].path);
	free(in->files);
}
