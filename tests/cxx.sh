#!/bin/sh
# SPDX-License-Identifier: MIT
#
# percu/percu.hpp: tests/cxx.cc as C++17 and as C++20, without a warning, with
# restartable sequences and without, and under Valgrind.
set -u

O=${O:-build}
CC=${CC:-cc}
SAN=${SAN:-}
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
rc=0

if ! printf '#include <memory_resource>\nint main() {}\n' |
		$CC -x c++ -std=c++17 -o "$dir/x" - -lstdc++ 2>/dev/null; then
	echo 'skipped: no C++17 compiler with its library'
	exit 77
fi

steady=
if setarch -R true 2>/dev/null; then
	steady='setarch -R'
fi

right() {	# name, command
	name=$1
	shift
	if "$@" >"$dir/out" 2>&1; then
		echo "$name: $(tail -n 1 "$dir/out")"
	else
		echo "$name: status $?"
		cat "$dir/out"
		rc=1
	fi
}

# Both standards are tried, the first one is run.
build() {	# standard, what is to come of it
	$CC -x c++ -std="$1" -Wall -Wextra -pedantic -Wconversion -Werror \
		${SAN:+-fsanitize=$SAN} -g -gdwarf-4 -Iinclude tests/cxx.cc $2 && return
	echo "tests/cxx.cc does not compile as $1"
	exit 1
}
build c++20 -fsyntax-only
build c++17 "-O1 -o $dir/cxx -x none $O/libpercu.a -lstdc++ -lurcu-bp -pthread"

right 'rseq' $steady "$dir/cxx"
right 'locks' env GLIBC_TUNABLES=glibc.pthread.rseq=0 $steady "$dir/cxx"
if [ -z "$SAN" ] && valgrind -q true 2>/dev/null; then
	right 'Valgrind' valgrind -q --error-exitcode=9 --leak-check=full \
		--suppressions=scripts/valgrind.supp "$dir/cxx"
fi
exit $rc
