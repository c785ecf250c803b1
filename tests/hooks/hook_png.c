/* SPDX-License-Identifier: MIT */
/* libs: -lpng */
/* tests/hooks/hook_png.c - a picture written to memory and read back */
#include <percu/hook/png.h>
#include <setjmp.h>

#include "hook.h"

enum {
	WIDE = 300,
	HIGH = 200,
};

static png_byte file[WIDE * HIGH * 4];
static size_t wrote, nread;

static void put(png_structp png, png_bytep data, size_t n)
{
	(void)png;
	must(wrote + n <= sizeof(file));
	memcpy(file + wrote, data, n);
	wrote += n;
}

static void flush(png_structp png)
{
	(void)png;
}

static void get(png_structp png, png_bytep data, size_t n)
{
	if (nread + n > wrote)
		png_error(png, "cut off");
	memcpy(data, file + nread, n);
	nread += n;
}

static png_byte color(int x, int y, int c)
{
	return (png_byte)(x * 3 + y * 5 + c * 7 + x * y / 64);
}

static void write_all(void)
{
	png_structp png = percu_hook_png_write(NULL, NULL, NULL);
	png_infop info = png ? png_create_info_struct(png) : NULL;
	png_byte row[WIDE * 3];

	must(info);
	png_set_write_fn(png, NULL, put, flush);
	png_set_IHDR(png, info, WIDE, HIGH, 8, PNG_COLOR_TYPE_RGB,
		     PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
		     PNG_FILTER_TYPE_DEFAULT);
	png_write_info(png, info);
	for (int y = 0; y < HIGH; y++) {
		for (int x = 0; x < WIDE * 3; x++)
			row[x] = color(x / 3, y, x % 3);
		png_write_row(png, row);
	}
	png_write_end(png, info);
	must(hook_bytes() > 200000); /* its zlib stream is percu's too */
	png_destroy_write_struct(&png, &info);
}

static void quiet(png_structp png, png_const_charp what)
{
	(void)what;
	png_longjmp(png, 1);
}

/* Did it come to the end? */
static int read_all(void)
{
	png_structp png = percu_hook_png_read(NULL, quiet, NULL);
	png_infop info = png ? png_create_info_struct(png) : NULL;
	png_bytepp rows;

	must(info);
	nread = 0;
	if (setjmp(png_jmpbuf(png))) {
		png_destroy_read_struct(&png, &info, NULL);
		return 0;
	}
	png_set_read_fn(png, NULL, get);
	png_read_png(png, info, PNG_TRANSFORM_IDENTITY, NULL);
	rows = png_get_rows(png, info);
	for (int y = 0; y < HIGH; y++)
		for (int x = 0; x < WIDE * 3; x++)
			must(rows[y][x] == color(x / 3, y, x % 3));
	png_destroy_read_struct(&png, &info, NULL);
	return 1;
}

int main(void)
{
	hook_begin();
	write_all();
	must(hook_bytes() == 0);
	must(read_all());
	must(hook_bytes() == 0);
	wrote -= 1000;
	must(!read_all()); /* an error half-way loses nothing either */
	return hook_end("png", 2 * HIGH);
}
