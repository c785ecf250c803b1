#!/bin/sh
# SPDX-License-Identifier: MIT
# A C++ program, and a C one, that inline get and put: with either library,
# with rseq and without; and a library of another layout does not link.
set -u

O=${O:-build}
CC=${CC:-cc}
SAN=${SAN:-}
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
rc=0

printf 'int x;\n' | $CC -x c++ -fsyntax-only - 2>/dev/null && langs='c c++' || {
	echo 'no C++ compiler: C++ is not tried'
	langs=c
}

cat >"$dir/x" <<'END'
#include <percu/alloc.h>
#include <percu/cleanup.h>
#include <percu/inline.h>
#include <percu/stats.h>
#include <stdio.h>

static int broken(struct percu_pool *pool)
{
	struct percu_pool_stats st;
	void *obj[200], *last;

	for (int round = 0; round < 1000; round++) {
		for (int i = 0; i < 200; i++) {
			obj[i] = percu_pool_get(pool);
			if (!obj[i])
				return 1;
			*(int *)obj[i] = i;
		}
		for (int i = 0; i < 200; i++)
			if (*(int *)obj[i] != i)
				return 2;
		for (int i = 0; i < 200; i++)
			percu_pool_put(pool, obj[i]);
	}
	last = percu_pool_get(pool);
	percu_pool_put(pool, last);
	percu_pool_put(pool, NULL);
	percu_pool_stats(pool, &st);
	return st.gets == 200001 && st.puts == 200001 ? 0 : 3;
}

int main(void)
{
	struct percu_pool_attr attr = { "inlined" };
	struct percu_pool *pool;
	void *block percu_auto(free) = percu_alloc(40);
	int err;

	attr.size = 48;
	pool = percu_pool_create(&attr);
	if (!pool || !block)
		return 4;
	err = broken(pool);
	if (percu_pool_destroy(pool))
		return 5;
	printf("%s", percu_mode());
	return err;
}
END

# sanitizers: what the library is linked with
san=${SAN:+-fsanitize=$SAN}

try() {	# language, standard, library, what to link
	cxx=
	test "$1" = c || cxx=-lstdc++
	$CC -x "$1" -std="$2" -O2 -Wall -Wextra -Werror \
		-Wno-missing-field-initializers $san -Iinclude \
		-o "$dir/$1-$3" "$dir/x" -x none $4 $cxx -pthread || return
	for mode in rseq lock; do
		case $mode in
		rseq)	said=$("$dir/$1-$3") ;;
		lock)	said=$(PERCU=mode:lock "$dir/$1-$3") ;;
		esac || { echo "$1, $3, $mode: status $?"; return 1; }
		echo "$1 with the $3 library: $said"
		case $mode,$said in
		lock,lock|rseq,*) ;;
		*)	return 1 ;;
		esac
	done
}

for lang in $langs; do
	std=gnu11
	test "$lang" = c || std=gnu++11
	try "$lang" $std static "$O/libpercu.a -lurcu-bp" || rc=1
	try "$lang" $std shared "-L$O -lpercu -Wl,-rpath,$(cd "$O" && pwd)" || rc=1
done

# The symbols carry the layout's number: objects of another one do not link.
$CC -O2 $san -Iinclude -c -x c -o "$dir/x.o" "$dir/x" || exit 1
abi=$(nm "$dir/x.o" | sed -n 's/.* U \(percu_abi[0-9]*\)_get_miss$/\1/p')
if [ -n "$abi" ]; then
	objcopy --redefine-sym "${abi}_get_miss=percu_abi0_get_miss" \
		"$dir/x.o" "$dir/old.o" || exit 1
	if $CC $san -o "$dir/old" "$dir/old.o" "$O/libpercu.a" -lurcu-bp -pthread 2>/dev/null; then
		echo 'an object of another layout links'
		rc=1
	fi
else
	echo 'nothing is inlined on this machine'
fi
exit $rc
