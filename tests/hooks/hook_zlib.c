/* SPDX-License-Identifier: MIT */
/* libs: -lz */
/* tests/hooks/hook_zlib.c - text there and back, and a copied stream */
#include <percu/hook/zlib.h>

#include "hook.h"

enum {
	TEXT = 300000,
};

static char text[TEXT], back[TEXT];
static unsigned char packed[TEXT];

static uLong pack(void)
{
	z_stream s, copy;

	memset(&s, 0, sizeof(s));
	percu_hook_zlib(&s);
	must(deflateInit(&s, 9) == Z_OK);
	must(hook_bytes() > 200000);
	s.next_in = (Bytef *)text;
	s.avail_in = TEXT / 2;
	s.next_out = packed;
	s.avail_out = sizeof(packed);
	must(deflate(&s, Z_NO_FLUSH) == Z_OK);
	must(deflateCopy(&copy, &s) ==
	     Z_OK); /* takes its memory the same way */
	must(hook_bytes() > 400000);
	must(deflateEnd(&s) == Z_DATA_ERROR); /* says that it was not done */
	copy.avail_in += TEXT / 2;
	must(deflate(&copy, Z_FINISH) == Z_STREAM_END);
	must(deflateEnd(&copy) == Z_OK);
	return copy.total_out;
}

static void unpack(uLong n)
{
	z_stream s;

	memset(&s, 0, sizeof(s));
	percu_hook_zlib(&s);
	must(inflateInit(&s) == Z_OK);
	s.next_in = packed;
	s.avail_in = (uInt)n;
	s.next_out = (Bytef *)back;
	s.avail_out = TEXT;
	must(inflate(&s, Z_FINISH) == Z_STREAM_END);
	must(inflateEnd(&s) == Z_OK);
}

/* Two sizes that are each an uInt, and are too much together. */
static void too_much(void)
{
	volatile uInt many = UINT32_MAX; /* or the compiler warns of it */
	z_stream s;

	percu_hook_zlib(&s);
	must(!s.zalloc(s.opaque, many, many));
}

int main(void)
{
	uLong n;

	hook_begin();
	hook_text(text, TEXT);
	n = pack();
	must(n < TEXT / 2);
	unpack(n);
	must(!memcmp(text, back, TEXT));
	too_much();
	return hook_end("zlib", 11);
}
