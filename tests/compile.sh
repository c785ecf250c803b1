#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The compiler sees it: each program of tests/compile/ that is wrong draws the
# warning that its head expects, and those that are right draw none.
#
#	expect: -Wa -Wb		gcc with its analyzer must say both
#	expect-clang: -Wa	and clang this
#	expect: nothing		the program is right
#
# A head that does not name a compiler expects nothing of it, either way.  A
# warning that the compiler does not know cannot be asked of it.
set -u

tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
rc=0

knows() {	# compiler, warning
	$1 "$2" -x c -c -o /dev/null "$tmp/empty.c" >"$tmp/out" 2>&1 &&
		! grep -q 'unknown warning' "$tmp/out"
}

check() {	# compiler's name and flags, expected, file
	$1 -std=gnu11 -O2 -Wall -Wextra -Iinclude -c -o /dev/null "$3" >"$tmp/out" 2>&1 || {
		echo "$3: ${1%% *} cannot compile it"
		cat "$tmp/out"
		rc=1
		return
	}
	count=$((count + 1))
	if [ "$2" = nothing ]; then
		[ ! -s "$tmp/out" ] && return
		echo "$3: ${1%% *} warns of what is right"
		cat "$tmp/out"
		rc=1
		return
	fi
	for w in $2; do
		# "-Wfoo=" is written "[-Wfoo=]" or "[-Wfoo=2]"
		grep -q -e "\\[$w[]=0-9a-z]" "$tmp/out" && continue
		if ! knows "$1" "${w%=}"; then
			echo "$3: ${1%% *} does not know $w"
			continue
		fi
		echo "$3: ${1%% *} does not say $w"
		cat "$tmp/out"
		rc=1
	done
}

all() {	# key, compiler and flags
	count=0
	for f in tests/compile/*.c; do
		expected=$(sed -n "s|^/\\* $1: \\(.*\\) \\*/\$|\\1|p" "$f")
		[ -z "$expected" ] || check "$2" "$expected" "$f"
	done
	echo "$("${2%% *}" --version | head -n 1): $count programs"
}

: >"$tmp/empty.c"
none=yes
# The second form of the attribute malloc, which says who frees, came with 11.
if echo 'int x[__GNUC__ >= 11 ? 1 : -1];' | gcc -fanalyzer -x c -fsyntax-only - 2>/dev/null; then
	all expect 'gcc -fanalyzer'
	none=no
fi
if clang --version >/dev/null 2>&1; then
	all expect-clang clang
	none=no
fi
if [ $none = yes ]; then
	echo 'skipped: neither gcc 11 or later nor clang is here'
	exit 77
fi
exit $rc
