#!/bin/sh
# SPDX-License-Identifier: MIT
# slab/class_table.h is what scripts/mkclass.c prints, whose rules all hold.
set -u

CC=${CC:-cc}
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

$CC -std=gnu11 -Wall -Wextra -Werror -I. -o "$tmp/mkclass" scripts/mkclass.c || exit 1
"$tmp/mkclass" >"$tmp/class_table.h" || exit 1
diff slab/class_table.h "$tmp/class_table.h" ||
	{ echo 'slab/class_table.h is not what scripts/mkclass.c makes: run make classes'; exit 1; }
