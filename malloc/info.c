/* SPDX-License-Identifier: MIT */
/*
 * malloc/info.c - what glibc's malloc tells of itself and can be told
 *
 * Where a figure of glibc's has no counterpart here it is 0.  malloc_info()
 * writes XML with glibc's root and totals, and percu's classes for its bins.
 */
#include <errno.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>

#include <percu/stats.h>

#include "malloc/malloc.h"
#include "sys/report.h"

/*
 * arena: bytes of pages; hblks, hblkhd: blocks over 32 KiB; uordblks: bytes
 * out; fordblks: bytes that are not and take memory; keepcost: those of them
 * that malloc_trim() could give back at once.
 */
EXPORT struct mallinfo2 mallinfo2(void)
{
	struct percu_memstats ms;
	size_t idle;

	percu_memstats(&ms);
	idle = ms.heap_idle - ms.heap_released;
	return (struct mallinfo2){
		.arena = ms.heap_sys - ms.heap_released,
		.ordblks = ms.heap_objects,
		.hblks = ms.large_mallocs - ms.large_frees,
		.hblkhd = ms.large_bytes,
		.uordblks = ms.alloc,
		.fordblks = idle + ms.heap_inuse - ms.alloc,
		.keepcost = idle,
	};
}

/* The same in ints, that wrap as glibc's do. */
EXPORT struct mallinfo mallinfo(void)
{
	struct mallinfo2 m = mallinfo2();

	return (struct mallinfo){
		.arena = (int)m.arena,
		.ordblks = (int)m.ordblks,
		.hblks = (int)m.hblks,
		.hblkhd = (int)m.hblkhd,
		.uordblks = (int)m.uordblks,
		.fordblks = (int)m.fordblks,
		.keepcost = (int)m.keepcost,
	};
}

/* What glibc knows is taken and means nothing: percu is set up by PERCU. */
EXPORT int mallopt(int param, int value)
{
	(void)value;
	switch (param) {
	case M_MXFAST:
	case M_TRIM_THRESHOLD:
	case M_TOP_PAD:
	case M_MMAP_THRESHOLD:
	case M_MMAP_MAX:
	case M_CHECK_ACTION:
	case M_PERTURB:
	case M_ARENA_TEST:
	case M_ARENA_MAX:
		return 1;
	default:
		return 0;
	}
}

/* pad is for glibc's heap, which has a top. */
EXPORT int malloc_trim(size_t pad)
{
	(void)pad;
	return decay_now() > 0;
}

int malloc_stats_write(int fd)
{
	return percu_stats_write(fd, PERCU_STATS_TEXT);
}

EXPORT void malloc_stats(void)
{
	malloc_stats_write(report_fd());
}

/*
 * By the line: to a file without a buffer, as stderr is, fprintf() takes half
 * of a stack of 16 KiB for one.
 */
__attribute__((format(printf, 2, 3))) static void
info_line(FILE *out, const char *fmt, ...)
{
	char line[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	fputs(line, out);
}

static void info_sizes(FILE *out, const struct percu_memstats *ms)
{
	uint64_t from = 1;

	fputs("<sizes>\n", out);
	for (size_t i = 0; i < PERCU_NR_CLASSES_MAX && ms->by_size[i].size;
	     i++) {
		const struct percu_size_stats *s = &ms->by_size[i];

		if (s->mallocs)
			info_line(
				out,
				"  <size from=\"%llu\" to=\"%llu\" total=\"%llu\" count=\"%llu\"/>\n",
				(unsigned long long)from,
				(unsigned long long)s->size,
				(unsigned long long)s->bytes,
				(unsigned long long)(s->mallocs - s->frees));
		from = s->size + 1;
	}
	fputs("</sizes>\n", out);
}

EXPORT int malloc_info(int options, FILE *out)
{
	struct percu_memstats ms;

	if (options)
		return EINVAL;
	percu_memstats(&ms);
	fputs("<malloc version=\"1\">\n", out);
	info_sizes(out, &ms);
	info_line(out,
		  "<total type=\"rest\" count=\"%llu\" size=\"%llu\"/>\n"
		  "<total type=\"mmap\" count=\"%llu\" size=\"%llu\"/>\n",
		  (unsigned long long)ms.heap_objects,
		  (unsigned long long)ms.alloc,
		  (unsigned long long)(ms.large_mallocs - ms.large_frees),
		  (unsigned long long)ms.large_bytes);
	info_line(out,
		  "<system type=\"current\" size=\"%llu\"/>\n"
		  "<aspace type=\"total\" size=\"%llu\"/>\n</malloc>\n",
		  (unsigned long long)(ms.sys - ms.heap_released),
		  (unsigned long long)ms.sys);
	return ferror(out) ? errno : 0;
}
