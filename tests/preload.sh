#!/bin/sh
# SPDX-License-Identifier: MIT
#
# preload.sh [NAME...]
#
# Real programs under libpercu-malloc.so: each script of tests/preload/, or those
# that are named, one after another.  Every program does its own work, and what
# came of it is looked at.  One that is not installed is a skip with its reason.
set -u

LIB=$(realpath "${O:-build}")/libpercu-malloc.so
export LIB TMP
unset PERCU LD_PRELOAD
cd "$(dirname "$0")/.." || exit 1
[ $# -gt 0 ] || set -- $(ls tests/preload | sed -n 's/\.sh$//p' | grep -v common)
log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT
failed= skipped=

for name; do
	TMP=$(mktemp -d) || exit 1
	from=$(date +%s)
	timeout -k 10 "${PERCU_TEST_TIMEOUT:-300}" "tests/preload/$name.sh" >"$log" 2>&1 </dev/null
	rc=$?
	took=$(($(date +%s) - from))
	case $rc in
	0)	echo "$name: ok, $took s: $(tr '\n' ';' <"$log" | sed 's/;$//; s/;/; /g')" ;;
	77)	echo "$name: $(cat "$log")"
		skipped="$skipped $name" ;;
	*)	echo "$name: FAILED with status $rc, $took s, and said:"
		cat "$log"
		failed="$failed $name" ;;
	esac
	rm -rf "$TMP"
done
echo "programs under percu: $#; failed:${failed:- none}; skipped:${skipped:- none}"
[ -z "$failed" ]
