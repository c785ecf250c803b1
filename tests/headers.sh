#!/bin/sh
# SPDX-License-Identifier: MIT
# Every header compiles alone, the public ones as strict C11 and as C++ too.
set -u

CC=${CC:-cc}
rc=0

try() {	# language, standard, flags, header
	printf '#include "%s"\n#include "%s"\ntypedef int x;\n' "$4" "$4" |
		$CC -x "$1" -std="$2" $3 -Wall -Wextra -Werror -Iinclude -I. -fsyntax-only - &&
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
test $cxx = yes || echo 'no C++ compiler: C++ is not tried'

use c c11
test $cxx = no || use c++ c++11
test $cxx = no || use c++ c++20
for h in include/percu/*.h; do
	try c c11 -Wpedantic "${h#include/}"
	try c gnu11 -D_GNU_SOURCE "${h#include/}"
	test $cxx = no || try c++ c++11 -Wpedantic "${h#include/}"
	test $cxx = no || try c++ c++20 -Wpedantic "${h#include/}"
done
for h in */*.h */*/*.h; do
	try c gnu11 -D_GNU_SOURCE "$h"
	try c gnu11 '-D_GNU_SOURCE -DPERCU_DEBUG' "$h"
done
exit $rc
