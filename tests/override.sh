#!/bin/sh
# SPDX-License-Identifier: MIT
# A tree that has never heard of percu, compiled with <percu/override.h>: what
# it takes is percu's, and what is libc's is told from it.
set -u

O=${O:-build}
CC=${CC:-cc}
SAN=${SAN:-}
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
rc=0
src=tests/override
flags="-O2 -g -Wall -Wextra -pedantic -Werror -D_GNU_SOURCE -Iinclude ${SAN:+-fsanitize=$SAN}"
before='-include percu/override.h'
steady=
if [ "$SAN" = thread ] && setarch -R true 2>/dev/null; then
	steady='setarch -R'
fi

compile() {	# name, flags
	$CC $flags $2 -c -o "$tmp/$1.o" $src/$1.* || exit 1
}

compile blocks "-std=c11 $before"
compile text "-std=gnu11 $before"
compile late -std=c11
cxx=
if printf 'int x;\n' | $CC -x c++ -fsyntax-only - 2>/dev/null; then
	for std in c++11 c++20 c++17; do
		compile cxx "-std=$std $before"
	done
	cxx="$tmp/cxx.o -lstdc++"
else
	echo 'no C++ compiler: C++ is not tried'
fi
compile main "-std=c11 ${cxx:+-DCXX}"
$CC ${SAN:+-fsanitize=$SAN} -o "$tmp/tree" "$tmp/main.o" "$tmp/blocks.o" \
	"$tmp/text.o" "$tmp/late.o" $cxx "$O/libpercu.a" -lurcu-bp -pthread || exit 1

$steady "$tmp/tree" || rc=1

for what in free realloc; do
	ulimit -c 0
	$steady "$tmp/tree" $what >"$tmp/out" 2>&1 && rc=1
	grep -q "^percu: misuse: percu_$what(0x.*): percu did not hand it out" "$tmp/out" && continue
	echo "$what of libc's memory is not reported:"
	cat "$tmp/out"
	rc=1
done
exit $rc
