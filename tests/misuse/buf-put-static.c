/* SPDX-License-Identifier: MIT */
/* A struct that the program has made itself is put. */
#include "tests/misuse/misuse.h"

int main(void)
{
	static struct percu_buf b;

	expect("percu_buf_put(%p): is no buffer", (void *)&b);
	percu_buf_put(hide(&b));
	missed();
}
