#!/bin/sh
# SPDX-License-Identifier: MIT
# gcc compiles percu: the same objects, to the byte.
. "$(dirname "$0")/common.sh"
want gcc make

n=0
for c in pool/*.c slab/*.c sys/*.c vec/*.c; do
	o=$TMP/$(echo "$c" | tr / _)
	gcc -std=gnu11 -O2 -g -Iinclude -I. -D_GNU_SOURCE -fPIC -c -o "$o.a" "$c" || exit 1
	under gcc -std=gnu11 -O2 -g -Iinclude -I. -D_GNU_SOURCE -fPIC -c -o "$o.b" "$c" ||
		die "$c: $(cat "$TMP/stats")"
	cmp "$o.a" "$o.b" || die "$c makes another object"
	n=$((n + 1))
	[ "$n" -lt 24 ] || break
done
# The compiler, the assembler and gcc itself.
[ "$(grep -c '^mallocs ' "$TMP/stats")" -eq 3 ] || die 'not all of gcc was under percu'
echo "$n identical objects; of the last, $(awk '$1 == "mallocs" { n += $2 } END { print n }' "$TMP/stats") blocks"
