#!/bin/sh
# SPDX-License-Identifier: MIT
# Every header compiles alone, the public ones as strict C11 and as C++ too, and
# what is in C++ as C++17.
set -u

CC=${CC:-cc}
rc=0

try() {	# language, standard, flags, header
	printf '#include "%s"\n#include "%s"\ntypedef int x;\n' "$4" "$4" |
		$CC -x "$1" -std="$2" $3 $include -Wall -Wextra -Werror -Iinclude -I. -fsyntax-only - &&
		return
	echo "$4 does not compile alone as $2"
	rc=1
}

# What a macro makes of its arguments is looked at only where it is used.
use() {	# language, standard
	printf '%s\n' '#include <percu/buf.h>' 'int f(void);' 'int f(void)' '{' \
		'PERCU_BUF_ONSTACK(b, 64);' 'return percu_buf_append(&b, "x", 1);' '}' |
		$CC -x "$1" -std="$2" -Wpedantic -Wall -Wextra -Werror -Iinclude -fsyntax-only - &&
		return
	echo "PERCU_BUF_ONSTACK does not compile as $2"
	rc=1
}

printf 'int x;\n' | $CC -x c++ -fsyntax-only - 2>/dev/null && cxx=yes || cxx=no
include=
test $cxx = yes || echo 'no C++ compiler: C++ is not tried'

use c c11
test $cxx = no || use c++ c++11
test $cxx = no || use c++ c++20
for h in include/percu/*.h; do
	try c c11 '-Wpedantic -Wconversion' "${h#include/}"
	try c gnu11 -D_GNU_SOURCE "${h#include/}"
	test $cxx = no || try c++ c++11 -Wpedantic "${h#include/}"
	test $cxx = no || try c++ c++17 '-Wpedantic -Wconversion' "${h#include/}"
	test $cxx = no || try c++ c++20 -Wpedantic "${h#include/}"
done
printf '#include <memory_resource>\n' | $CC -x c++ -std=c++17 -fsyntax-only - 2>/dev/null || cxx=no
for h in include/percu/*.hpp; do
	test $cxx = no || try c++ c++17 '-Wpedantic -Wconversion' "${h#include/}"
	test $cxx = no || try c++ c++20 '-Wpedantic -Wconversion' "${h#include/}"
done
for h in */*.h stress/workers/*.h; do
	try c gnu11 -D_GNU_SOURCE "$h"
	try c gnu11 '-D_GNU_SOURCE -DPERCU_DEBUG' "$h"
done

# An adapter wants the header of its library, which may not be here, or not
# where compilers look; and liburing wants to be asked for with _GNU_SOURCE.
for pkg in libxml-2.0 lua5.4; do
	flags=$(pkg-config --cflags-only-I $pkg 2>/dev/null) &&
		include="$include $(echo "$flags" | sed 's/-I/-isystem /g')"
done
for h in include/percu/hook/*.h; do
	if ! $CC $include -Iinclude -D_GNU_SOURCE -E -x c "$h" >/dev/null 2>&1; then
		echo "$h: the header of its library is not here"
		continue
	fi
	try c c11 "-Wpedantic -D_GNU_SOURCE" "${h#include/}"
	test $cxx = no || try c++ c++11 "-Wpedantic -D_GNU_SOURCE" "${h#include/}"
	test $cxx = no || try c++ c++17 "-Wpedantic -D_GNU_SOURCE" "${h#include/}"
done
exit $rc
