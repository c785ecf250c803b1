#!/bin/sh
# SPDX-License-Identifier: MIT
# gcc compiles percu, some of each of its folders: the same objects, to the byte.
. "$(dirname "$0")/common.sh"
want gcc make

n=0
compile() {	# file
	o=$TMP/$(echo "$1" | tr / _)
	gcc -std=gnu11 -O2 -g -Iinclude -I. -D_GNU_SOURCE -fPIC -c -o "$o.a" "$1" || exit 1
	under gcc -std=gnu11 -O2 -g -Iinclude -I. -D_GNU_SOURCE -fPIC -c -o "$o.b" "$1" ||
		die "$1: $(cat "$TMP/stats")"
	cmp "$o.a" "$o.b" || die "$1 makes another object"
	n=$((n + 1))
}

for folder in buf malloc pool rcu slab sys vec; do
	before=$n
	for c in $(ls -S $folder/*.c | head -n 4); do	# the largest
		compile "$c"
	done
	[ "$n" -gt "$before" ] || die "nothing of $folder"
done
# The compiler, the assembler and gcc itself.
[ "$(grep -c '^mallocs ' "$TMP/stats")" -eq 3 ] || die 'not all of gcc was under percu'
echo "$n identical objects; of the last, $(awk '$1 == "mallocs" { n += $2 } END { print n }' "$TMP/stats") blocks"
