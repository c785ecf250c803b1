#!/bin/sh
# SPDX-License-Identifier: MIT
#
# libpercu-malloc.so as programs get it: by LD_PRELOAD, by dlopen(), beside other
# allocators, in programs that it cannot serve.
set -u

O=$(realpath "${O:-build}")
CC=${CC:-cc}
lib=$O/libpercu-malloc.so
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
rc=0

if [ -n "${SAN:-}" ]; then
	echo 'skipped: sanitizers have a malloc of their own'
	exit 77
fi
unset PERCU LD_PRELOAD
cd "$(dirname "$0")/.." || exit 1
src=tests/malloc

failed() {
	echo "$1: FAILED, and said:"
	cat "$tmp/out"
	rc=1
}

# The program's words, its exit status as the last of them; what it wrote is kept.
said() {	# name, wanted pattern, command
	name=$1 want=$2
	shift 2
	"$@" >"$tmp/out" 2>&1
	echo "status $?" >>"$tmp/out"
	got=$(tr '\n' ' ' <"$tmp/out")
	case $got in
	$want)	echo "$name: $got" ;;
	*)	failed "$name, which wants '$want'" ;;
	esac
}

preload() {	# what, command
	what=$1
	shift
	env LD_PRELOAD="$what" "$@"
}

c() {
	$CC -std=gnu11 -D_GNU_SOURCE -O1 -Wall -Wno-use-after-free \
		-Wno-free-nonheap-object -Wno-unknown-warning-option "$@" || exit 1
}

# What it needs, and what it shows.
needed=$(objdump -p "$lib" | awk '$1 == "NEEDED" { print $2 }' | grep -v -e '^libc\.' -e '^ld-')
[ -z "$needed" ] || { echo "it needs $needed"; rc=1; }
nm -D --defined-only "$lib" | awk '{ print $3 }' | sort >"$tmp/has"
for s in malloc free calloc realloc reallocarray memalign aligned_alloc posix_memalign \
	valloc pvalloc malloc_usable_size cfree free_sized free_aligned_sized malloc_trim \
	mallinfo mallinfo2 mallopt malloc_stats malloc_info mallctl malloc_stats_print \
	__libc_malloc __libc_free __libc_calloc __libc_realloc __libc_memalign \
	__libc_valloc __libc_pvalloc _Znwm _Znam _ZnwmRKSt9nothrow_t _ZnamRKSt9nothrow_t \
	_ZnwmSt11align_val_t _ZnamSt11align_val_t _ZnwmSt11align_val_tRKSt9nothrow_t \
	_ZnamSt11align_val_tRKSt9nothrow_t _ZdlPv _ZdaPv _ZdlPvm _ZdaPvm \
	_ZdlPvRKSt9nothrow_t _ZdaPvRKSt9nothrow_t _ZdlPvSt11align_val_t \
	_ZdaPvSt11align_val_t _ZdlPvmSt11align_val_t _ZdaPvmSt11align_val_t \
	_ZdlPvSt11align_val_tRKSt9nothrow_t _ZdaPvSt11align_val_tRKSt9nothrow_t; do
	grep -qx "$s" "$tmp/has" || { echo "it has no $s"; rc=1; }
done
! grep -q '^percu' "$tmp/has" || { echo 'it shows what is not of malloc'; rc=1; }

# A hit calls nothing: what malloc and free cannot do themselves they jump to.
for fn in malloc free; do
	nm -S "$lib" | awk -v fn=$fn '$4 == fn { print $1, $2 }' >"$tmp/at"
	read -r at size <"$tmp/at"
	objdump -d --no-show-raw-insn --start-address=0x"$at" \
		--stop-address=$((0x$at + 0x$size)) "$lib" >"$tmp/out"
	if ! grep -q 'ret' "$tmp/out" || grep -q 'call' "$tmp/out"; then
		failed "$fn, which is to call nothing"
	fi
done

# In use at all, and configured.
# (ls closes its stderr before it ends.)
env LD_PRELOAD="$lib" PERCU=stats:1 /bin/ls /dev/null >"$tmp/out" 2>&1
if grep -q '^percu ' "$tmp/out" && [ "$(grep -c '^size-' "$tmp/out")" -gt 5 ] &&
		! grep -q '^size-8 ' "$tmp/out"; then
	echo "statistics: $(grep '^percu ' "$tmp/out"), $(grep -c '^size-' "$tmp/out") classes"
else
	failed statistics
fi
said 'an unknown key' "percu: PERCU: unknown key 'statz', the nearest is 'stats' status 0 " \
	env PERCU=statz:1 LD_PRELOAD="$lib" /bin/true

# Other allocators.
other() {	# what it has
	c -shared -fPIC -fno-builtin -DLIBRARY "$@" -o "$tmp/libother.so" $src/other.c
}
other -DFREE -DREALLOC -DMEMALIGN
said 'another one first' 'percu: malloc is that of libother.so: percu*is not used status 0 ' \
	preload "$tmp/libother.so:$lib" /bin/true
said 'another one behind' 'percu: LD_PRELOAD has libother.so too: malloc is percu*status 0 ' \
	preload "$lib $tmp/libother.so" /bin/true

# What it has not is made of what it has, where it can be; else it is said.
few() {	# what it has, what it says beyond that it is there, what then works
	has=$1 says=$2
	shift 2
	other $has
	said "another one with$has: $*" \
		"percu: malloc is that of libother.so: percu's is not used ${says}status 0 " \
		preload "$tmp/libother.so:$lib" "$tmp/other" "$@"
}
c -fno-builtin -o "$tmp/other" $src/other.c -ldl
few ' -DFREE -DREALLOC -DMEMALIGN' '' realloc aligned
few ' -DFREE -DSIZE -DPOSIX_MEMALIGN' '' realloc aligned
few ' -DFREE -DREALLOC -DALIGNED_ALLOC' '' realloc aligned
few ' -DREALLOC -DMEMALIGN' 'percu: it has no free(): nothing is freed ' realloc aligned
few ' -DFREE' 'percu: it has neither realloc() nor malloc_usable_size(): realloc() fails percu: it has no memalign() or the like: they fail '
c -no-pie -fno-pie -fno-builtin -o "$tmp/other" $src/other.c -ldl
few ' -DFREE -DSIZE' 'percu: it has no memalign() or the like: they fail ' realloc

# Early and late.
c -shared -fPIC -fno-builtin -o "$tmp/early.so" $src/early.c
said 'early calls' 'early: ok status 0 ' preload "$tmp/early.so:$lib" /bin/true
said 'early calls, after' 'early: ok status 0 ' preload "$lib:$tmp/early.so" /bin/true
c -o "$tmp/opened" $src/opened.c -ldl -pthread
c -shared -fPIC -o "$tmp/tls.so" $src/tls.c
said 'dlopen' 'status 0 ' "$tmp/opened" "$lib"
said 'dlopen, little TLS' 'status 0 ' "$tmp/opened" "$lib" "$tmp/tls.so"

# Who opens a library so gets it with the program's malloc, from where it looks.
mkdir "$tmp/deps"
c -shared -fPIC -fno-builtin -DDEP -o "$tmp/deps/libdep.so" $src/deepbind.c
c -shared -fPIC -DPLUGIN -o "$tmp/libplugin.so" $src/deepbind.c -ldl \
	-Wl,-rpath,"\$ORIGIN/deps"
c -fno-builtin -o "$tmp/deepbind" $src/deepbind.c -L"$tmp" -lplugin -ldl -Wl,-rpath,"$tmp"
said 'dlopen, RTLD_DEEPBIND' 'status 0 ' preload "$lib" "$tmp/deepbind"

# Misuse: one line that says what, and no more.
c -fno-builtin -o "$tmp/misuse" $src/misuse.c
not_ours='percu: misuse: *: percu did not hand it out *status 134 '
for what in static stack 'null page' wild realloc usable; do
	said "free, $what" "$not_ours" preload "$lib" "$tmp/misuse" "$what"
done
said 'free, inside large' '*points into a block of 106496 bytes at 0x*status 134 ' \
	preload "$lib" "$tmp/misuse" 'inside large'
said 'free, large twice' '*no block is there; was it freed before?*status 134 ' \
	preload "$lib" "$tmp/misuse" 'large twice'
said 'free, inside, debug' '*percu: misuse: pool size-112: 0x* points into an object*status 134 ' \
	env PERCU=debug:1 LD_PRELOAD="$lib" "$tmp/misuse" inside
said 'free, twice, debug' '*percu: misuse: pool size-112: 0x* was put twice, first at 0x* (misuse+0x*status 134 ' \
	env PERCU=debug:1 LD_PRELOAD="$lib" "$tmp/misuse" twice

# C++, where there is a compiler.
if g++ -std=c++17 -O1 -fno-builtin -o "$tmp/operators" $src/operators.cc 2>"$tmp/out"; then
	said 'operators' 'operators: ok status 0 ' preload "$lib" "$tmp/operators"
	for std in c++11 c++14 'c++17 -DARRAY'; do
		g++ -std=$std -O1 -fno-builtin -o "$tmp/replaced" $src/replaced.cc || exit 1
		said "operators of the program's own, $std" 'replaced: ok status 0 ' \
			preload "$lib" "$tmp/replaced"
	done
elif g++ --version >/dev/null 2>&1; then
	failed 'operators.cc'
else
	echo 'operators: skipped, there is no g++'
fi

# Programs that it is not for.
if printf 'int main(void) { return 0; }\n' | $CC -m32 -o "$tmp/p32" -x c - 2>/dev/null &&
		"$tmp/p32"; then
	said 'a 32-bit program' '*wrong ELF class*ignored*status 0 ' preload "$lib" "$tmp/p32"
else
	echo 'a 32-bit program: skipped, there is no compiler for one'
fi
c -o "$tmp/setuid" -x c - <<'END'
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
int main(void) { return printf("%d%d", getuid() != geteuid(), !!getenv("LD_PRELOAD")) < 0; }
END
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null &&
		chmod 755 "$tmp" && chmod 4755 "$tmp/setuid" &&
		[ "$(setpriv --reuid 65534 --clear-groups "$tmp/setuid")" = 10 ]; then
	said 'a set-uid program' '10status 0 ' setpriv --reuid 65534 --clear-groups \
		env PERCU=typo:1 LD_PRELOAD="$lib" "$tmp/setuid"
else
	echo 'a set-uid program: skipped, it takes root, setpriv and a file system for it'
fi
exit $rc
