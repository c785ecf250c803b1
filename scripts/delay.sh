#!/bin/sh
# SPDX-License-Identifier: MIT
#
# delay.sh [LINE...]
#
# Builds percu with DELAY=1, in a folder of its own, and runs what tries to
# break it: each LINE, or those below, is
#
#	[VARIABLE=value...] PROGRAM [ARGUMENT...]
#
# the short form of it.  Then it adds up how often each place of the delays was
# slow (sys/delay.h).  It fails if a program does, or if there is a place that
# never was slow, or none at all: then it proves nothing there.
#
# Environment: O, CC; PERCU_TEST_TIMEOUT, seconds a program.
set -u

O=${O:-build}
CC=${CC:-cc}
limit=${PERCU_TEST_TIMEOUT:-300}
dir=$O/delay
log=$dir/log
counts=$dir/counts
failed=

# Started by make, those started here would inherit that make's switches.
unset MAKEFLAGS MFLAGS MAKELEVEL PERCU GLIBC_TUNABLES

all='percu-stress --scenario churn,pipeline,handover,vec,slices --duration 8s
percu-stress drain -t 2s
GLIBC_TUNABLES=glibc.pthread.rseq=0 percu-stress drain -t 2s
test_retire_torture
test_vec_torture
test_barrier
test_retire_oom
test_reserve
test_release
test_heap
test_heap_resize'

# The program of a line, without variables and arguments.
program() {	# line
	for word in $1; do
		case $word in
		*=*)	;;
		*)	echo "$word"; return ;;
		esac
	done
}

path() {	# program
	case $1 in
	percu-*)	echo "$dir/${1#percu-}/$1" ;;
	*)		echo "$dir/tests/$1" ;;
	esac
}

run() {	# line
	what=$(program "$1")
	vars=${1%%"$what"*}
	env $vars PERCU_DELAY_REPORT="$counts" PERCU_TEST_SHORT=1 PERCU_TEST_BRIEF=1 \
		timeout -k 5 "$limit" "$(path "$what")" ${1#*"$what"} >"$log" 2>&1 </dev/null
}

if [ $# -gt 0 ]; then
	all=$(printf '%s\n' "$@")
fi
mkdir -p "$dir"
rm -f "$counts"
make -s -j"$(getconf _NPROCESSORS_ONLN)" O="$dir" CC="$CC" DELAY=1 SAN= D= \
	$(echo "$all" | while read -r line; do
		path "$(program "$line")"
	done | sort -u) || exit 1

echo "$all" >"$dir/lines"
while read -r line; do
	from=$(date +%s)
	if run "$line"; then
		verdict=ok
	else
		verdict=FAILED
		failed="$failed $(program "$line")"
		cat "$log"
	fi
	printf '  %-60s %s, %d s\n' "$line" "$verdict" $(($(date +%s) - from))
done <"$dir/lines"

# A header's place is in many objects: it is one.  Names as the compiler had
# them, so from where make was started.
sort "$counts" 2>/dev/null | awk '
	{ n[$1 " " $2] += $3 }
	END {
		for (at in n) {
			places++
			all += n[at]
			if (n[at])
				fired++
			else
				print "  never slow: " at
		}
		printf "delays: %d at %d of %d places\n", all, fired, places
		exit !places || fired < places
	}' || failed="$failed delays"
[ -z "$failed" ] || { echo "delay: failed:$failed" >&2; exit 1; }
