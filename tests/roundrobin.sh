#!/bin/sh
# SPDX-License-Identifier: MIT
#
# samples/roundrobin.c: no request fails while backends come and go in all four
# ways, and nothing leaks.  And the sample notices: with a reference that is
# not given back it must say that it failed.
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

demo() {	# name, command
	name=$1
	shift
	if timeout -k 10 300 "$@" --demo 1 >"$tmp/out" 2>&1; then
		echo "$name: $(grep -m 1 requests "$tmp/out"); $(grep -m 1 backends "$tmp/out")"
	else
		echo "$name: ended with status $?"
		cat "$tmp/out"
		rc=1
	fi
}

demo 'as it is' $steady "$program"
demo 'with locks' env GLIBC_TUNABLES=glibc.pthread.rseq=0 $steady "$program"
if [ -z "$SAN" ] && valgrind -q true 2>/dev/null; then
	demo 'under Valgrind' valgrind -q --error-exitcode=9 --leak-check=full \
		--suppressions=scripts/valgrind.supp "$program"
fi

# Commands, and what they say; the port, the counts and the mode vary.
$steady "$program" 0 127.0.0.1:1 nonsense >"$tmp/out" 2>&1 <<END
list
add 127.0.0.1:2
add 127.0.0.1:3
add 127.0.0.1:3
add nothing
remove nil 127.0.0.1:2
list
add 127.0.0.1:4
list
remove swap 127.0.0.1:1
remove exact 127.0.0.1:4
remove 127.0.0.1:5
remove slowly 127.0.0.1:3
list
remove 127.0.0.1:3
jump
quit
END
status=$?
sed -e 's/port [0-9]*/port N/' -e '/^percu /d' "$tmp/out" >"$tmp/said"
cat >"$tmp/expected" <<END
roundrobin: no nonsense
listening on port N
0 127.0.0.1:1 0
add: File exists
add: Invalid argument
0 127.0.0.1:1 0
2 127.0.0.1:3 0
0 127.0.0.1:1 0
1 127.0.0.1:4 0
2 127.0.0.1:3 0
remove: No such file or directory
remove: Invalid argument
0 127.0.0.1:3 0
jump: Invalid argument
requests 0, failures 0
backends added 4, removed 4, released while a request had them 0
END
if [ $status != 0 ] || ! diff "$tmp/expected" "$tmp/said"; then
	echo "commands: status $status, and what they say is not what is expected"
	rc=1
else
	echo 'commands: all say what they should'
fi

# Without the put of pick()'s reference, nothing is ever released.
for f in roundrobin roundrobin_main http; do
	sed '/stream_idle(&up);/{n;s/backend_put(b);/;/;}' samples/$f.c >"$tmp/$f.c"
done
if cmp -s samples/roundrobin.c "$tmp/roundrobin.c"; then
	echo 'samples/roundrobin.c has no such line'
	rc=1
elif ! $CC -std=gnu11 -D_GNU_SOURCE -O1 -w ${SAN:+-fsanitize=$SAN} -Iinclude -I. \
		-o "$tmp/leaks" "$tmp/roundrobin.c" "$tmp/roundrobin_main.c" "$tmp/http.c" \
		"$O/libpercu.a" -lurcu-bp -pthread; then
	rc=1
elif ASAN_OPTIONS=detect_leaks=0 timeout -k 10 300 $steady "$tmp/leaks" --demo 1 >"$tmp/out" 2>&1 ||
		! grep -q '^verdict: FAILED' "$tmp/out"; then
	echo 'references are not given back, and the verdict is:'
	tail -n 1 "$tmp/out"
	rc=1
else
	echo "references are not given back: $(grep '^percu ' "$tmp/out")"
fi
exit $rc
