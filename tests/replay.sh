#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Laws: what a program allocates is what is recorded of it, whatever ends it and
# whichever thread it is of; a trace is replayed event by event; one that is
# damaged is refused by one line.
set -u

O=$(realpath "${O:-build}")
CC=${CC:-cc}
stress=$O/stress/percu-stress
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
rc=0
unset LD_PRELOAD PERCU

failed() {
	echo "replay: $*"
	cat "$tmp/err"
	rc=1
}

# A sanitizer's malloc does not want to be preloaded; known is without.
$CC -std=gnu11 -D_GNU_SOURCE -O1 -fno-builtin -o "$tmp/known" tests/trace/known.c -pthread || exit 1

record() {	# wanted status, command
	want=$1
	shift
	"$stress" --record "$tmp/t" -- "$@" >"$tmp/out" 2>"$tmp/err"
	got=$?
	[ $got = "$want" ] || failed "$* ended with status $got, recorded"
	"$stress" --dump "$tmp/t" >"$tmp/dump" || failed "what is recorded of $* is no trace"
	[ -z "$(ls -d "$tmp"/t.?????? 2>/dev/null)" ] || failed "$*: what it left behind is still there"
}

# Thread, operation, slot, size, alignment.
is() {	# what
	sed 's/^[0-9]* //' "$tmp/dump" | diff "$tmp/want" - >"$tmp/err" && return
	failed "recorded of $1, < what it did, > what is in the trace:"
}

count() {	# pattern
	grep -c "$1" "$tmp/dump"
}

cat >"$tmp/want" <<END
0 malloc 0 1001 0
0 calloc 1 1010 0
0 realloc 0 2002 0
0 malloc 2 1003 0
0 free 1 1010 0
0 free 2 1003 0
0 aligned 2 1088 6
0 aligned 1 1004 5
0 free 2 1088 0
0 free 1 1004 0
0 aligned 1 1005 12
0 aligned 2 1006 12
0 realloc 1 1210 0
0 malloc 3 1 0
0 free 3 1 0
0 free 1 1210 0
0 free 2 1006 0
END
record 3 "$tmp/known" exit
is 'what _exit ended'
record 137 "$tmp/known" kill
is 'what a signal ended'
record 0 "$tmp/known" exec
is 'what followed an exec'
record 0 "$tmp/known" single
is 'one thread'
cp "$tmp/t" "$tmp/single"

cat >"$tmp/want" <<END
1 malloc 1100
2 realloc 1200
2 malloc 1101
3 realloc 1201
3 malloc 1102
4 realloc 1202
4 malloc 1103
0 free 1200
0 free 1201
0 free 1202
0 free 1103
END
record 0 "$tmp/known" threads
awk '$5 > 1000 { print $1, $2, $3, $5 }' "$tmp/dump" >"$tmp/some" && mv "$tmp/some" "$tmp/dump"
is 'five threads'

# Blocks that four threads take from each other: no event is missing or early.
record 0 "$tmp/known" storms
grep -q 'left out' "$tmp/err" && failed 'the events of four threads are not in order'
[ "$(count ' malloc ')" = 80000 ] || failed "$(count ' malloc ') of 80000 blocks"
awk '$3 == "free"' "$tmp/dump" | wc -l | grep -qx 80000 || failed 'not all of them were freed'
cp "$tmp/t" "$tmp/storms"

# Who does more is kept; a child's frees of its parent's blocks are left out.
record 0 "$tmp/known" parent
[ "$(count ' 1300 ') $(count ' 1400 ')" = '40 0' ] || failed 'the parent is not what is kept'
record 0 "$tmp/known" child
[ "$(count ' 1300 ') $(count ' 1400 ')" = '0 200' ] || failed 'the child is not what is kept'
grep -q 'left out: 1 frees' "$tmp/err" || failed "its parent's block is not left out"

# Neither closed descriptors nor a limit are the program's to suffer.
record 0 "$tmp/known" closed
[ "$(count .)" = 400000 ] || failed 'closed descriptors end the recording'
record 0 sh -c "ulimit -f 3000; exec '$tmp/known' many"
grep -q 'File too large, and [0-9,]* events were lost' "$tmp/err" || failed 'nothing is lost under a limit'

# 32 MB of events in 24 MB of address space.
record 0 sh -c "ulimit -v 24000; exec '$tmp/known' more"
grep -q 'were lost' "$tmp/err" && failed 'the recorder keeps what it has written'
[ "$(wc -l <"$tmp/dump")" = 1000000 ] || failed 'many events are not all there'

# Handlers that allocate, with a malloc that lets them.
if [ -z "${SAN:-}" ]; then
	record 0 sh -c "LD_PRELOAD=\$LD_PRELOAD:$O/libpercu-malloc.so exec '$tmp/known' signals"
	[ "$(count 'free .* 1700 ')" = 200000 ] || failed 'handlers spoil the recording'
	[ "$(count 'realloc .* 1502 ')" -gt 10 ] || failed 'no handler has run'
	grep -q 'left out' "$tmp/err" && failed 'handlers disturb the order'
fi

# Who ends percu-stress ends the command, and has the trace.
cat >"$tmp/want" <<END
0 malloc 0 1601 0
END
mkfifo "$tmp/said"
"$stress" --record "$tmp/t" -- "$tmp/known" wait >"$tmp/said" 2>"$tmp/err" &
read -r _ <"$tmp/said"
kill $!
wait $!
[ $? = 143 ] || failed 'SIGTERM is not passed on'
"$stress" --dump "$tmp/t" >"$tmp/dump"
is 'what was asked to end'

record 0 true
grep -q ' 0 events' "$tmp/err" || failed 'a program that asks for nothing'
"$stress" --record "$tmp/none" -- "$tmp/no-such" 2>"$tmp/err"
[ $? = 127 ] || failed 'a command that is not there'

# Exactly what is in it is played, by both copies in each round.
play() {	# arguments
	"$stress" --seed 1 --duration 0.3s "$@" >"$tmp/out" 2>"$tmp/err" || {
		cat "$tmp/out"
		failed "percu-stress $*"
	}
}
play --trace "$tmp/single" --threads 1
grep -q '17 events of 1 threads' "$tmp/out" || failed 'the trace has 17 events'
rounds=$(sed -n 's/.*played    by 2 copies, \([0-9,]*\) times to.*/\1/p' "$tmp/out" | tr -d ,)
play --trace "$tmp/single" --threads 1 --json
ops=$(sed -n 's/.*"name":"replay".*"operations":\([0-9]*\).*/\1/p' "$tmp/out")
[ "${rounds:-0}" -gt 0 ] && [ "$ops" = $((rounds * 2 * 17)) ] ||
	failed "$rounds rounds of two copies are $ops events"
gzip "$tmp/storms"
play --trace "$tmp/storms.gz" --trace "$tmp/single" --threads 3
grep -q 'storms.gz: 199,9.. events of 5 threads' "$tmp/out" || failed 'the compressed trace'

# What is damaged, or is no trace: one line, and a status.
wrong() {	# file
	"$stress" --duration 1s --trace "$1" >"$tmp/out" 2>"$tmp/err"
	[ "$? $(grep -c "^percu-stress: $1: " "$tmp/err")" = '2 1' ] && [ ! -s "$tmp/out" ] ||
		failed "$1 is not refused"
}
: >"$tmp/empty"
head -c 40 "$tmp/single" >"$tmp/cut"
head -c 5000 "$tmp/storms.gz" >"$tmp/cut.gz"
for f in empty cut cut.gz known no-such .; do
	wrong "$tmp/$f"
done
for at in 0 7 8 9 12 20 33 47 60; do
	{
		head -c $at "$tmp/single"
		printf '\377'
		tail -c +$((at + 2)) "$tmp/single"
	} >"$tmp/flipped"
	wrong "$tmp/flipped"
done

# The three that are built in are there, whole, and not too large.
for name in python sqlite redis; do
	"$stress" --dump stress/traces/$name.trace.gz >"$tmp/dump" 2>"$tmp/err" || failed $name
	events=$(wc -l <"$tmp/dump")
	grep -q "$name.trace.gz.* $(echo "$events" | sed 's/...$/,&/') |" stress/traces/README.md ||
		failed "$name has $events events, README.md has others"
done
[ "$(cat stress/traces/*.gz | wc -c)" -le 3000000 ] || failed 'the traces are too large'
exit $rc
