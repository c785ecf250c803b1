#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Tools see it: what goes wrong with percu's memory is reported by Memcheck,
# ASan, LSan and TSan at the line of the program that did it, what is right is
# not, and a plain library serves a sanitized program, linked either way.
#
# A build with SAN tries the sanitizers that it was built with, and no others.
set -u

O=${O:-build}
CC=${CC:-cc}
SAN=${SAN:-}
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
rc=0
ran=0
src=tests/tools

unset PERCU
export ASAN_OPTIONS='' TSAN_OPTIONS='' LSAN_OPTIONS=''

# TSan of gcc 12 wants its addresses where little randomisation leaves them.
steady=
if setarch -R true 2>/dev/null; then
	steady='setarch -R'
fi

build() {	# name, compiler and flags, static or shared
	for lib in "$O/libpercu.a -lurcu-bp" "-L$O -lpercu -Wl,-rpath,$(realpath "$O")"; do
		case $3,$lib in
		static,-*|shared,*.a\ *)	continue ;;
		esac
		$2 -std=gnu11 -gdwarf-4 -O0 -Wall -Iinclude -o "$tmp/$1" "$src/$1.c" $lib -pthread && return
		echo "$src/$1.c cannot be built with $2 ($3)"
		exit 1
	done
}

# Each of the patterns must be in what the program and the tool said; "!" before
# one means that it must not be.
said() {	# what was run, patterns
	what=$1
	shift
	ran=$((ran + 1))
	for pattern in "$@"; do
		case $pattern in
		!*)	! grep -q -E -e "${pattern#!}" "$tmp/out" && continue ;;
		*)	grep -q -E -e "$pattern" "$tmp/out" && continue ;;
		esac
		echo "$what: \"$pattern\", but it said"
		cat "$tmp/out"
		rc=1
		return
	done
}

memcheck() {	# what, kind, patterns
	what=$1 kind=$2
	shift 2
	valgrind --leak-check=full --show-leak-kinds=definite,indirect,possible \
		--errors-for-leak-kinds=definite,indirect,possible --error-exitcode=9 \
		"$tmp/abuse" "$what" "$kind" >"$tmp/out" 2>&1
	echo "status $?" >>"$tmp/out"
	said "memcheck, $what $kind" "$@"
}

memcheck_all() {
	build abuse "$CC" static
	for kind in pool made odd large aligned; do
		memcheck right $kind 'status 0' 'ERROR SUMMARY: 0 errors' 'All heap blocks were freed'
	done
	for kind in pool made odd large; do
		memcheck leak $kind 'are definitely lost' ': take \(abuse.c' ': abuse \(abuse.c' 'ERROR SUMMARY: 1 err'
	done
	for kind in pool odd large; do
		memcheck use $kind 'Invalid write of size 1' ': touch \(abuse.c' \
			'inside a block of size .* free' ': give \(abuse.c' 'Block was alloc' ': take \(abuse.c'
		memcheck uninit $kind 'depends on uninitialised' ': look \(abuse.c'
	done
	memcheck uninit made 'status 0'
	memcheck under pool 'Invalid write of size 1' ': touch \(abuse.c' '1 bytes before a .*block of size 100 alloc' ': take \(abuse.c'
	memcheck over pool 'Invalid write of size 1' ': touch \(abuse.c' ' 0 bytes after a .*block of size 100 alloc' ': take \(abuse.c'
	memcheck over odd 'Invalid write of size 1' ' 0 bytes after a .*block of size 77 alloc' ': take \(abuse.c'
	memcheck over aligned 'Invalid write of size 1' ' 0 bytes after a .*block of size 77 alloc' ': take \(abuse.c'
	memcheck over large 'Invalid write of size 1' ' 0 bytes after a .*block of size 100,001 alloc' ': take \(abuse.c'
}

# A compiler that has the runtime: the library's, else the one that most have.
sanitizer() {	# flag
	echo 'int main(void) { return 0; }' >"$tmp/empty.c"
	for cc in "$CC" gcc clang; do
		$cc "$1" -o "$tmp/empty" "$tmp/empty.c" 2>/dev/null && $steady "$tmp/empty" 2>/dev/null &&
			echo "$cc $1" && return
	done
	return 1
}

asan() {	# program, arguments, patterns
	args=$1
	shift
	"$tmp"/$args >"$tmp/out" 2>&1
	echo "status $?" >>"$tmp/out"
	said "ASan, $link, $args" "$@"
}

asan_all() {	# compiler and flag
	for link in static shared; do
		build abuse "$1" $link
		for kind in pool made odd large aligned; do
			asan "abuse right $kind" 'status 0' '!ERROR'
			asan "abuse use $kind" 'use-after-poison' ' in touch ' '#1 .* in abuse '
			asan "abuse over $kind" 'use-after-poison' ' in touch ' '#1 .* in abuse '
		done
		asan "abuse under pool" 'use-after-poison' ' in touch '
		build kept "$1" $link
		for kind in object block large foreign; do
			asan "kept $kind" 'status 0' '!ERROR'
		done
		# Where it can: LSan does not work under ptrace, and so in some containers.
		asan "kept lost" 'LeakSanitizer: detected memory leaks|LeakSanitizer has encountered a fatal' ' in keep |fatal'
	done
}

tsan() {	# what, kind, patterns
	what=$1 kind=$2
	shift 2
	$steady "$tmp/threads" $what $kind >"$tmp/out" 2>&1
	echo "status $?" >>"$tmp/out"
	said "TSan, $link, $what $kind" "$@"
}

tsan_all() {	# compiler and flag
	for link in static shared; do
		build threads "$1" $link
		for kind in pool foreign alloc large; do
			tsan right $kind 'status 0' '!WARNING'
			tsan race $kind 'ThreadSanitizer: data race' ' write_shared '
		done
		tsan fork pool 'status 0' '!WARNING' '!CHECK failed'
	done
}

if [ -n "$SAN" ]; then
	echo "memcheck is skipped: built with SAN=$SAN"
elif ! valgrind -q true >"$tmp/out" 2>&1; then
	echo 'memcheck is skipped: no valgrind'
elif ! echo '#include <valgrind/memcheck.h>' | $CC -E -x c - >"$tmp/out" 2>&1; then
	echo "memcheck is skipped: the library was built without valgrind's header"
else
	memcheck_all
fi

case ,$SAN, in
,,|*,address,*)
	if with=$(sanitizer "-fsanitize=${SAN:-address}"); then
		asan_all "$with"
	else
		echo 'ASan is skipped: no compiler here has it'
	fi ;;
*)	echo "ASan is skipped: built with SAN=$SAN" ;;
esac

case ,$SAN, in
,,|*,thread,*)
	if with=$(sanitizer "-fsanitize=${SAN:-thread}"); then
		tsan_all "$with"
	else
		echo 'TSan is skipped: no compiler here has it'
	fi ;;
*)	echo "TSan is skipped: built with SAN=$SAN" ;;
esac

echo "$ran runs under tools"
[ $ran -gt 0 ] || exit 77
exit $rc
