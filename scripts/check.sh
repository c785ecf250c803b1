#!/bin/sh
# SPDX-License-Identifier: MIT
#
# check.sh MODE... -- PROGRAM|SCRIPT.sh...
#
# Runs each script once, and each program in each mode, all of them even when
# one fails, and closes with one summary in CUnit's format that adds up CUnit's
# own.  What CUnit did not count is counted as a test of its own: a script, and
# a program that failed in another way than by an assertion (it crashed, it
# hung, Valgrind found something).
#
#	rseq		as it is
#	lock		without restartable sequences
#	valgrind	under memcheck, which has no restartable sequences either
#	quick		as it is, but short
#
# As many run at once as there are CPUs, so none may rely on having the machine
# to itself.  Whichever ends first, what they say comes in the order in which
# they were begun.
#
# Environment: O, the build folder; PERCU_TEST_TIMEOUT, seconds a program.
set -u

O=${O:-build}
export O
limit=${PERCU_TEST_TIMEOUT:-600}
logs=$O/check
mkdir -p "$logs" || exit 1

modes=
while [ $# -gt 0 ] && [ "$1" != -- ]; do
	modes="$modes $1"
	shift
done
[ $# -eq 0 ] || shift
if [ $# -eq 0 ]; then
	echo 'there is no test of that name' >&2
	exit 1
fi

# Seconds with a fraction where the system's date has one.
now() {
	case $(date +%N) in
	[0-9]*)	date +%s.%N ;;
	*)	date +%s ;;
	esac
}

run() {	# mode, program
	case $1 in
	rseq|script)
		timeout -k 10 "$limit" "$2" ;;
	lock)
		GLIBC_TUNABLES=glibc.pthread.rseq=0 timeout -k 10 "$limit" "$2" ;;
	quick)
		PERCU_TEST_SHORT=1 timeout -k 10 "$limit" "$2" ;;
	valgrind)
		PERCU_TEST_SHORT=1 timeout -k 10 "$limit" valgrind -q \
			--error-exitcode=9 --leak-check=full \
			--show-leak-kinds=definite,indirect,possible \
			--errors-for-leak-kinds=definite,indirect,possible \
			--child-silent-after-fork=yes \
			--suppressions=scripts/valgrind.supp \
			"$2" ;;
	*)
		echo "check.sh: there is no mode $1"
		return 2 ;;
	esac
}

log_of() {	# mode, program
	echo "$logs/$(basename "$2" .sh).$1.log"
}

# Leaves the log, and beside it the status and the seconds that it took.
one() {	# mode, program
	log=$(log_of "$1" "$2")
	from=$(date +%s)
	run "$1" "$2" >"$log" 2>&1 </dev/null
	rc=$?
	[ $rc != 124 ] || echo "still running after $limit seconds" >>"$log"
	echo "$rc $(($(date +%s) - from))" >"$log.status~"
	mv "$log.status~" "$log.status"
}

if [ "$modes" = ' one' ]; then
	one "$@"
	echo ended
	exit 0
fi

results=$logs/results
: >"$results"

show() {	# mode, program
	log=$(log_of "$1" "$2")
	name="$(basename "$2" .sh) ($1)"
	printf '\n==== %s\n' "$name"
	read -r rc seconds <"$log.status"
	cat "$log"
	good=yes
	if [ "$rc" = 0 ]; then
		echo "==== $name: ok, $seconds s"
	elif [ "$rc" = 77 ] && [ "$1" = script ]; then
		echo "==== $name: skipped"
	else
		echo "==== $name: FAILED with status $rc, $seconds s"
		good=no
	fi
	echo "$rc $1 $log $good" >>"$results"
}

# Shows each of the list when it has ended and all before it have been shown.
# A line comes in whenever something has ended.
show_all() {
	exec 3<"$logs/list"
	read -r mode t <&3
	while read -r _; do
		while [ "$mode" ] && [ -e "$(log_of "$mode" "$t").status" ]; do
			show "$mode" "$t"
			read -r mode t <&3 || mode=
		done
	done
}

# Long ones first, so that no CPU has nothing to do at the end.
list() {	# program...
	for t in "$@"; do
		case $t in
		*.sh)	echo "script $t" ;;
		esac
	done
	for mode in $modes; do
		for t in "$@"; do
			case $t in
			*.sh)	;;
			*)	echo "$mode $t" ;;
			esac
		done
	done
}

start=$(now)
list "$@" >"$logs/list"
while read -r mode t; do
	rm -f "$(log_of "$mode" "$t").status"
done <"$logs/list"
xargs -L 1 -P "$(getconf _NPROCESSORS_ONLN)" "$0" one -- <"$logs/list" | show_all

awk '$4 == "no" { print $3 }' "$results" | while read -r log; do
	printf '\n==== the end of %s\n' "$log"
	tail -n 30 "$log"
done

awk -v start="$start" -v end="$(now)" '
function row(what, n, passed, inactive) {
	printf "%20s %6s %6s %6s %6s %8s\n", what, n[1], n[2], passed, n[3], inactive
}
{
	rc = $1; script = $2 == "script"; log_ = $3
	ran = failed = 0
	while ((getline line <log_) > 0) {
		n = split(line, f, " ")
		# suites and tests: Total Ran Passed Failed Inactive
		if (n == 6 && f[1] == "suites" && f[4] == "n/a") {
			s[1] += f[2]; s[2] += f[3]; s[3] += f[5]; s[4] += f[6]
			ran = 1; failed += f[5]
		} else if (ran && n == 6 && f[1] == "tests") {
			t[1] += f[2]; t[2] += f[3]; t[3] += f[5]; t[4] += f[6]
			failed += f[5]
		} else if (ran && n == 6 && f[1] == "asserts" && f[6] == "n/a") {
			a[1] += f[2]; a[2] += f[3]; a[3] += f[5]
		}
	}
	close(log_)
	if (script) {
		s[1]++; t[1]++
		if (rc == 77) {
			s[4]++; t[4]++
		} else {
			s[2]++; t[2]++
			t[3] += rc != 0
		}
	} else if (rc && !failed) {
		if (!ran) {
			s[1]++; s[2]++
		}
		t[1]++; t[2]++; t[3]++
	}
}
END {
	for (i = 1; i <= 4; i++) {
		s[i] += 0; t[i] += 0; a[i] += 0
	}
	printf "\nRun Summary:    Type  Total    Ran Passed Failed Inactive\n"
	row("suites", s, "n/a", s[4])
	row("tests", t, t[2] - t[3], t[4])
	row("asserts", a, a[2] - a[3], "n/a")
	printf "\nElapsed time = %8.3f seconds\n", end - start
}' "$results" | tee "$logs/summary"

# All have run, and all are good.
[ "$(grep -c ' yes$' "$results")" = "$(wc -l <"$logs/list")" ]
