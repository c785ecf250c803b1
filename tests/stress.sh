#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Laws: everything at once and in turn holds for 20 seconds, beside chaos; the
# result is TAP that adds up; a command line that makes no sense is status 2.
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
"$stress" --duration 20s --tap >"$log" || status=$?
grep -v '^#' "$log"
points=$(grep -c '^ok ' "$log")
grep -q "^1\.\.$points\$" "$log" || {
	echo "stress: the plan is not $points points"
	exit 1
}
exit "$status"
