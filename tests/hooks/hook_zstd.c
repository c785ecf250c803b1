/* SPDX-License-Identifier: MIT */
/* libs: -lzstd */
/* tests/hooks/hook_zstd.c - text there and back, in one piece and streamed */
#include <zstd.h> /* first, without what the adapter needs of it */

#include <percu/hook/zstd.h>

#include "hook.h"

enum {
	TEXT = 500000,
};

static char text[TEXT], back[TEXT], packed[TEXT];

static size_t stream(ZSTD_CCtx *c)
{
	ZSTD_outBuffer out = { packed, sizeof(packed), 0 };

	for (size_t at = 0; at < TEXT; at += 50000) {
		ZSTD_inBuffer in = { text + at, 50000, 0 };

		while (in.pos < in.size)
			must(!ZSTD_isError(ZSTD_compressStream2(
				c, &out, &in, ZSTD_e_continue)));
		if (at + 50000 >= TEXT)
			must(!ZSTD_compressStream2(c, &out, &in, ZSTD_e_end));
	}
	return out.pos;
}

int main(void)
{
	ZSTD_CCtx *c;
	ZSTD_DCtx *d;
	size_t n;

	hook_begin();
	hook_text(text, TEXT);
	c = ZSTD_createCCtx_advanced(percu_hook_zstd());
	d = ZSTD_createDCtx_advanced(percu_hook_zstd());
	must(c && d && hook_calls() >= 2);
	n = ZSTD_compressCCtx(c, packed, sizeof(packed), text, TEXT, 3);
	must(!ZSTD_isError(n) && n < TEXT / 2);
	must(hook_bytes() >= (int64_t)ZSTD_sizeof_CCtx(c));
	must(ZSTD_decompressDCtx(d, back, TEXT, packed, n) == TEXT);
	must(!memcmp(text, back, TEXT));
	memset(back, 0, TEXT);
	n = stream(c);
	must(ZSTD_decompressDCtx(d, back, TEXT, packed, n) == TEXT);
	must(!memcmp(text, back, TEXT));
	ZSTD_freeCCtx(c);
	ZSTD_freeDCtx(d);
	return hook_end("zstd", 4);
}
