#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Law: with one thread a run of percu-stress is repeated by its seed, switch for
# switch and operation for operation; another seed gives another one.
set -eu

stress=$O/stress/percu-stress
log=$O/check/repeat
mkdir -p "$O/check"

# What a scenario did: its workers, the digest of their switches, its counts.
did() {	# scenario, seed
	"$stress" --scenario "$1" --duration 0.1s --threads 1 --seed "$2" -i Documentation \
		>"$log.out" 2>"$log.err" || {
		cat "$log.out" "$log.err"
		exit 1
	}
	sed -n -e '/^  workers/p;/^  trace/p' \
		-e 's/^  \(passed\|reads\|did\|edits\|words\|played\) *\([0-9,]*\) .*/\1 \2/p' "$log.out"
}

for scenario in pipeline slices vec churn words replay; do
	first=$(did $scenario 1)
	second=$(did $scenario 1)
	other=$(did $scenario 2)
	if [ "$first" != "$second" ] || [ "$first" = "$other" ]; then
		printf 'repeat: %s: seed 1, again, and seed 2:\n%s\n%s\n%s\n' \
			"$scenario" "$first" "$second" "$other"
		exit 1
	fi
	[ "$(echo "$first" | grep -c '')" -ge 3 ] || {
		echo "repeat: $scenario does not say what it did: $first"
		exit 1
	}
	echo "repeat: $scenario: $(echo "$first" | grep trace)"
done
