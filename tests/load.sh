#!/bin/sh
# SPDX-License-Identifier: MIT
#
# However the library comes into a program, and whenever it is used first:
# linked statically before or after those that use it in their constructors,
# shared, beside a library that does not say that it needs it, by dlopen().
set -u

O=$(realpath "${O:-build}")
CC=${CC:-cc}
SAN=${SAN:-}
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
rc=0

unset PERCU
# What the shared library keeps is no leak, and TSan wants its addresses where
# little randomisation leaves them.
steady=
if [ "$SAN" = thread ] && setarch -R true 2>/dev/null; then
	steady='setarch -R'
fi

compile() {
	$CC -std=gnu11 -D_GNU_SOURCE -O1 -g -Wall -Wextra -Iinclude \
		${SAN:+-fsanitize=$SAN} "$@" -lurcu-bp -pthread || exit 1
}

failed() {	# what was run
	echo "$1: failed, and said:"
	cat "$tmp/out"
	rc=1
}

# Each stage, in the order in which they come, and the mode at the end.
stages='constructor-101 constructor-102 constructor main atexit destructor destructor-101'
[ -n "$SAN" ] || stages="preinit $stages"

order() {	# name, mode that is wanted
	$steady "$tmp/$1" >"$tmp/out" 2>&1 || { failed "$1"; return; }
	case $(cat "$tmp/out") in
	"$stages $2"*)	echo "$1: $(cat "$tmp/out")" ;;
	*)		failed "$1, which wants $stages $2" ;;
	esac
}

both() {	# name
	order "$1" "$mode"
	GLIBC_TUNABLES=glibc.pthread.rseq=0 order "$1" lock
}

cd "$(dirname "$0")/.." || exit 1
src=tests/load
shared="-L$O -lpercu -Wl,-rpath,$O -Wl,-rpath,$tmp"

printf '#include <percu/stats.h>\n#include <stdio.h>\nint main(void) { return puts(percu_mode()) < 0; }\n' >"$tmp/mode.c"
compile -o "$tmp/mode" "$tmp/mode.c" "$O/libpercu.a"
mode=$($steady "$tmp/mode") || exit 1

compile -o "$tmp/static" $src/order.c "$O/libpercu.a"
compile -o "$tmp/static-first" -Wl,--whole-archive "$O/libpercu.a" \
	-Wl,--no-whole-archive $src/order.c
compile -o "$tmp/shared" $src/order.c $shared
for name in static static-first shared; do
	both $name
done

# In either order the loader has to do with a dependency that it does not know.
compile -shared -fPIC -o "$tmp/libother.so" $src/other.c
compile -DOTHER -o "$tmp/other-first" $src/order.c -L"$tmp" -Wl,--no-as-needed \
	-lother $shared
compile -DOTHER -o "$tmp/other-last" $src/order.c -Wl,--no-as-needed $shared \
	-L"$tmp" -lother
both other-first
both other-last

compile -o "$tmp/dlclose" $src/dlclose.c -ldl
for tunable in glibc.pthread.rseq=1 glibc.pthread.rseq=0; do
	GLIBC_TUNABLES=$tunable $steady "$tmp/dlclose" "$O/libpercu.so.0" \
		>"$tmp/out" 2>&1 || failed "dlclose, $tunable"
	echo "dlclose, $tunable: $(cat "$tmp/out")"
done
exit $rc
