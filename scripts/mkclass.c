/* SPDX-License-Identifier: MIT */
/*
 * mkclass - prints slab/class_table.h, the size classes
 *
 *	cc -I. -o mkclass scripts/mkclass.c && ./mkclass > slab/class_table.h
 *
 * The rules
 *
 *  - 8 bytes; then every multiple of 16 up to 128, so that all but the first
 *    class give the 16 bytes of alignment that the ABI asks of malloc; then
 *    eight classes a doubling up to 32 KiB.
 *  - Rounding a request up to its class wastes at most 12.5 % of the block,
 *    wherever the step between classes is more than the granule of 16 bytes:
 *    a step is an eighth of the power of two below, and the block is larger
 *    than that power.
 *  - Cutting a span wastes at most 1/8 of it at the end; how many pages it
 *    has is slab/span_cut.h's rule, and it is never more than 16 here.
 *  - A look-up costs one load: a table by 8 bytes up to 1 KiB, where no step
 *    is finer than that, and one by 128 bytes above, where none is finer than
 *    that either.
 *
 * A rule that does not hold ends the program with a line that says which.
 *
 * Words
 *	step	bytes from the class below
 *	tail	bytes at the end of a span that belong to no object
 *	waste	bytes of a block that the smallest request for it leaves unused
 */
#include <stdio.h>
#include <stdlib.h>

#include "slab/span_cut.h"

enum {
	MAX = 32768,
	SMALL_MAX = 1024,
	GRANULE = 16,
	LINEAR_MAX = 128,
	PER_DOUBLING = 8,
	CLASS_MAX_PAGES = 16,
};

static uint32_t classes[256];
static unsigned int nr_classes;

static void make_classes(void)
{
	uint32_t size = 8;

	classes[nr_classes++] = size;
	for (size = GRANULE; size <= LINEAR_MAX; size += GRANULE)
		classes[nr_classes++] = size;
	for (uint32_t base = LINEAR_MAX; base < MAX; base *= 2)
		for (uint32_t i = 1; i <= PER_DOUBLING; i++)
			classes[nr_classes++] =
				base + i * (base / PER_DOUBLING);
}

static uint32_t step(unsigned int c)
{
	return c ? classes[c] - classes[c - 1] : classes[c];
}

static uint32_t tail(unsigned int c)
{
	return (span_cut_pages(classes[c]) << PAGE_SHIFT_) % classes[c];
}

static void must(bool holds, unsigned int c, const char *rule)
{
	if (holds)
		return;
	fprintf(stderr, "mkclass: class %u (%u bytes): %s\n", c, classes[c],
		rule);
	exit(1);
}

static void check_class(unsigned int c)
{
	uint32_t size = classes[c], pages = span_cut_pages(size);
	uint32_t bytes = pages << PAGE_SHIFT_;
	uint32_t unit = size <= SMALL_MAX ? 8 : 128;

	must(size == 8 || size % GRANULE == 0, c, "alignment of 16");
	must(step(c) <= GRANULE || (step(c) - 1) * 8 <= size, c,
	     "rounding waste of 12.5 %");
	must(tail(c) * SPAN_TAIL_DIV <= bytes, c, "tail waste of 1/8");
	must(bytes / size >= span_cut_objects(size), c, "objects a span");
	must(pages <= CLASS_MAX_PAGES, c, "pages a span");
	must(size % unit == 0, c, "look-up by one load");
}

static void print_table(void)
{
	printf(" * class  bytes  pages  objects  tail bytes (%%)  most rounding waste\n");
	for (unsigned int c = 0; c < nr_classes; c++) {
		uint32_t size = classes[c], pages = span_cut_pages(size);
		uint32_t bytes = pages << PAGE_SHIFT_;

		printf(" * %5u  %5u  %5u  %7u  %5u (%4.1f %%)  %5u (%4.1f %%)\n",
		       c, size, pages, bytes / size, tail(c),
		       100.0 * tail(c) / bytes, step(c) - 1,
		       100.0 * (step(c) - 1) / size);
	}
}

/* The least class that holds size. */
static unsigned int class_for(uint32_t size)
{
	unsigned int c = 0;

	while (classes[c] < size)
		c++;
	return c;
}

static uint32_t size_value(unsigned int c)
{
	return classes[c];
}
static uint32_t pages_value(unsigned int c)
{
	return span_cut_pages(classes[c]);
}
static uint32_t small_value(unsigned int i)
{
	return class_for(i * 8);
}
static uint32_t large_value(unsigned int i)
{
	return class_for(i * 128);
}

static void print_array(const char *name, unsigned int n,
			uint32_t (*value)(unsigned int))
{
	printf("\n#define %s {", name);
	for (unsigned int i = 0; i < n; i++)
		printf("%s%u,", i % 12 ? " " : " \\\n\t", value(i));
	printf(" \\\n}\n");
}

int main(void)
{
	make_classes();
	for (unsigned int c = 0; c < nr_classes; c++)
		check_class(c);

	printf("/* SPDX-License-Identifier: MIT */\n/*\n"
	       " * slab/class_table.h - the size classes; made by scripts/mkclass.c,\n"
	       " * which has the rules.  Do not edit.\n *\n");
	print_table();
	printf(" */\n#ifndef PERCU_SLAB_CLASS_TABLE_H\n"
	       "#define PERCU_SLAB_CLASS_TABLE_H\n\n"
	       "enum {\n\tNR_CLASSES\t= %u,\n\tCLASS_MAX\t= %u,\n"
	       "\tCLASS_SMALL_MAX\t= %u,\n};\n",
	       nr_classes, MAX, SMALL_MAX);
	print_array("CLASS_SIZES", nr_classes, size_value);
	print_array("CLASS_PAGES", nr_classes, pages_value);
	print_array("CLASS_SMALL", SMALL_MAX / 8 + 1, small_value);
	print_array("CLASS_LARGE", MAX / 128 + 1, large_value);
	printf("\n#endif /* PERCU_SLAB_CLASS_TABLE_H */\n");
	return 0;
}
