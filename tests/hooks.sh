#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Each adapter of include/percu/hook/ with the real library, if that is here:
# a program of tests/hooks/ compiles without a warning as strict C11, runs as it
# is and with debug checks, and says what came past percu.
#
#	libs: -lx		how the program's head says what it links
#	pkg: x y		or by pkg-config, once for each of these
#	opt: -Wno-x		and with which flags
#
# Environment: O, the build folder; PREFIX, instead of it, what "make install"
# has filled (an absolute path).
set -u

CC=${CC:-cc}
SAN=${SAN:-}
O=${O:-build}
cd "$(dirname "$0")/.." || exit 1
O=$(realpath "$O")
if [ -n "${PREFIX:-}" ]; then
	percu="-I$PREFIX/include $PREFIX/lib/libpercu.a -lurcu-bp"
else
	percu="-Iinclude $O/libpercu.a -lurcu-bp"
fi
steady=
if [ "$SAN" = thread ] && setarch -R true 2>/dev/null; then
	steady='setarch -R'
fi
warn='-Wall -Wextra -pedantic -Werror'

said() {	# key, file
	sed -n "s|^/\\* $1: \\(.*\\) \\*/\$|\\1|p" "$2"
}

# The headers that it includes, of libraries and of adapters, are all here.
there() {	# file, flags
	$CC $2 -E -D_GNU_SOURCE -Iinclude -Itests/hooks "$1" >/dev/null 2>"$tmp/missing.$$"
	rc=$?
	missing=$(sed -n 's/.*error: \([^ :]*\): No such file.*/\1/p' "$tmp/missing.$$")
	rm -f "$tmp/missing.$$"
	return $rc
}

run() {	# name, program, environment
	name=$1 program=$2
	shift 2
	env "$@" timeout -k 5 60 $steady "$program" >"$tmp/$name.run" 2>&1 </dev/null &&
		return
	echo "$name ($*): failed with status $?"
	cat "$tmp/$name.run"
	return 1
}

# Prints one block, whose first word on the last line is the result.
one() {	# file, pkg-config's name or nothing
	name=$(basename "$1" .c)${2:+-$2}
	libs=$(said libs "$1")
	cflags=$(said opt "$1")
	if [ -n "$2" ]; then
		libs=$(pkg-config --libs "$2" 2>/dev/null) &&
			cflags="$cflags $(pkg-config --cflags "$2" | sed 's/-I/-isystem /g')" || {
			echo "$name: skipped, pkg-config does not know $2"
			return 77
		}
	fi
	if ! there "$1" "$cflags"; then
		echo "$name: skipped, there is no ${missing:-header of its library}"
		return 77
	fi
	$CC -std=c11 -D_GNU_SOURCE -O1 -g $warn ${SAN:+-fsanitize=$SAN} $cflags \
		-Itests/hooks -o "$tmp/$name" "$1" $percu $libs -pthread || return
	run "$name" "$tmp/$name" PERCU= || return
	cat "$tmp/$name.run"
	grep -q '^skipped' "$tmp/$name.run" && return 77
	run "$name" "$tmp/$name" PERCU=debug:1
}

if [ "${1:-}" = one ]; then
	tmp=$2
	one "$3" "${4:-}" >"$tmp/$(basename "$3" .c)${4:+-$4}.log" 2>&1
	echo $? >>"$tmp/$(basename "$3" .c)${4:+-$4}.log"
	exit 0
fi

tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
# As many at once as there are CPUs; what they say is shown one by one.
for f in ${HOOKS:-tests/hooks/hook_*.c}; do
	pkgs=$(said pkg "$f")
	for pkg in ${pkgs:--}; do
		echo "$f" "$pkg"
	done
done | sed 's/ -$//' | xargs -L 1 -P "$(getconf _NPROCESSORS_ONLN)" \
	"$0" one "$tmp"

ran=0 skipped=0 failed=0
for log in "$tmp"/*.log; do
	sed '$d' "$log"
	case $(tail -n 1 "$log") in
	0)	ran=$((ran + 1)) ;;
	77)	skipped=$((skipped + 1)) ;;
	*)	failed=$((failed + 1)); echo "$(basename "$log" .log): FAILED" ;;
	esac
done
echo "hooks: $ran hold, $skipped skipped, $failed failed"
[ $failed = 0 ] || exit 1
[ $ran != 0 ] || exit 77
