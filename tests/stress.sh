#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Laws: everything at once and in turn holds for 20 seconds, beside chaos; the
# result is TAP that adds up, and every five seconds a line tells how far it is;
# others than who forces them meet refused calls; a command line that makes no
# sense is status 2.
set -eu

stress=$O/stress/percu-stress
log=$O/check/stress.tap
mkdir -p "$O/check"

for wrong in '--scenario none-such' '--chaos none-such' '--duration never' \
	'--threads -1' '--none-such'; do
	status=0
	"$stress" $wrong >/dev/null 2>&1 || status=$?
	if [ "$status" != 2 ]; then
		echo "stress: $wrong ended with status $status"
		exit 1
	fi
done

status=0
"$stress" --duration 20s --tap >"$log" 2>"$log.err" || status=$?
grep -v '^#' "$log"
cat "$log.err"
line='[0-9.]+ M ops/s, [0-9,]+ live, [0-9.]+ [kMG]?B cached, [0-9.]+ [kMG]?B deferred, [0-9,]+ faults'
grep -Eq "^percu-stress: +1[0-9] s  [a-z]+ +$line\$" "$log.err" || {
	echo 'stress: no line tells how far it is'
	exit 1
}
grep -Eq '^ok .* oscall [0-9,]+( \([1-9][0-9,]* met by others\))?(,|$)' "$log" || {
	echo 'stress: only its agent met a refused call'
	exit 1
}
points=$(grep -c '^ok ' "$log")
grep -q "^1\.\.$points\$" "$log" || {
	echo "stress: the plan is not $points points"
	exit 1
}
exit "$status"
