#!/bin/sh
# SPDX-License-Identifier: MIT
#
# samples/roundrobin.c: no request fails while backends come and go in all four
# ways, and nothing leaks.  And the sample notices: with a reference that is
# not given back, or not taken, it must fail.
set -u

O=${O:-build}
CC=${CC:-cc}
SAN=${SAN:-}
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
rc=0
program=$O/samples/roundrobin

steady=
if setarch -R true 2>/dev/null; then
	steady='setarch -R'
fi

demo() {	# name, requests, command
	name=$1 requests=$2
	shift 2
	if timeout -k 10 300 "$@" --demo "$requests" >"$tmp/out" 2>&1; then
		echo "$name: $(grep -m 1 requests "$tmp/out"); $(grep -m 1 backends "$tmp/out")"
	else
		echo "$name: ended with status $?"
		cat "$tmp/out"
		rc=1
	fi
}

demo 'as it is' 6000 $steady "$program"
demo 'with locks' 6000 env GLIBC_TUNABLES=glibc.pthread.rseq=0 $steady "$program"
if [ -z "$SAN" ] && valgrind -q true 2>/dev/null; then
	demo 'under Valgrind' 600 valgrind -q --error-exitcode=9 --leak-check=full \
		--suppressions=scripts/valgrind.supp "$program"
fi

# Commands, and what they say; the port and the mode vary.
$steady "$program" 0 1 >"$tmp/out" 2>&1 <<END
add 2
add 3
add 3
add nothing
remove 2 1
add 4
remove 1 3
remove 4 2
remove 5
remove 3
jump
quit
END
status=$?
sed -e 's/port [0-9]*/port N/' -e 's/^percu (.*)/percu (MODE)/' "$tmp/out" >"$tmp/said"
cat >"$tmp/expected" <<END
listening on port N
add: File exists
add: Invalid argument
remove: No such file or directory
jump: Invalid argument
requests 0, failures 0
backends added 4, removed 4, released while a request had them 0
percu (MODE): 0 objects out, 0 bytes deferred
verdict: ok
END
if [ $status != 0 ] || ! diff "$tmp/expected" "$tmp/said"; then
	echo "commands: status $status, and what they say is not what is expected"
	rc=1
else
	echo 'commands: all say what they should'
fi

mutant() {	# what is wrong, sed's command
	sed "$2" samples/roundrobin.c >"$tmp/mutant.c"
	if [ "$(diff samples/roundrobin.c "$tmp/mutant.c" | grep -c '^>')" != 1 ]; then
		echo "samples/roundrobin.c has no such line, or several: $2"
		rc=1
	elif ! $CC -std=gnu11 -D_GNU_SOURCE -O1 -w ${SAN:+-fsanitize=$SAN} -Iinclude \
			-o "$tmp/mutant" "$tmp/mutant.c" "$O/libpercu.a" -lurcu-bp -pthread; then
		rc=1
	elif ASAN_OPTIONS=detect_leaks=0 PERCU=debug:1 timeout -k 10 300 $steady "$tmp/mutant" \
			--demo 6000 >"$tmp/out" 2>&1; then
		echo "$1, and that goes unnoticed"
		rc=1
	else
		echo "$1: $(grep '^percu' "$tmp/out" | tail -n 1)"
	fi
}

mutant 'a reference is not given back' 's/^\t\tbackend_put(b);/\t\t;/'
mutant 'a reference is not taken' 's/^\t\tb->refs++;/\t\t;/'
exit $rc
