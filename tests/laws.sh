#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Laws: each law of each scenario of percu-stress can fail: it is broken on
# purpose, and what the run says is that law, where, and the command that
# breaks it again.  A scenario in which nothing has happened fails.  A run that
# hangs ends with a line, and names who is stuck, whatever chaos goes on.
set -eu

stress=$O/stress/percu-stress
log=$O/check/laws
mkdir -p "$O/check"
n=0

wrong() {
	echo "laws: $*"
	cat "$log.out" "$log.err"
	exit 1
}

broken() {	# what, what the first failure says, arguments
	what=$1 says=$2
	shift 2
	status=0
	timeout -k 5 60 "$stress" --duration 0.2s --break "$what" "$@" >"$log.out" 2>"$log.err" || status=$?
	[ "$status" = 1 ] || wrong "$what is broken, and the status is $status"
	grep -m 1 '^percu-stress: FAILED: ' "$log.err" |
		grep -q " $says.* \[again: .*percu-stress .*--break $what.*\]$" ||
		wrong "$what is broken, and what failed is not \"$says\""
	n=$((n + 1))
}

broken churn 'churn: .* is not as its owner left it' churn
broken refused 'churn: .*: a get failed with errno 12' churn
broken pipeline 'pipeline: number [0-9]* of lane [0-9]* is not as it was made' pipeline
broken block 'pipeline: the block of number' pipeline
broken handover 'handover: number [0-9]* came, but not as it was sent' handover
broken growth 'handover: .* grew from' handover --duration 1s
broken drain 'drain: worker [0-9]* puts an object of worker' drain
broken words 'words: .* counted [0-9]* times, but it is' words --short -i Documentation
broken input 'words: all of the input changes' words --short -i Documentation
broken view 'vec: [a-z]*: slot 0 of a view has changed' vec
# TSan would see that, too.
[ "${SAN:-}" = thread ] || broken ages 'vec: .*released' vec
broken removal 'vec: [a-z ]*: an edit returned -11' vec
broken balancer 'balancer: a request failed at a backend' balancer
broken slices 'slices: round [0-9]*: slices is' slices
broken bytes 'slices: byte 0 of a slice' slices
broken replay 'replay: .* blocks of percu are out, but' replay
broken resized 'replay: .* was not copied' replay
broken leak 'churn: never ended: worker "seat [0-9]*" receives .*holds [0-9]* of "[a-z-]*", ' churn
broken leak 'vec: never ended: worker "writer [0-9]*" receives .*holds [0-9]* of "taken element"' vec
if [ -z "${SAN:-}" ]; then
	broken clock 'the time of day has jumped, and a grace period took' drain --chaos clock
	broken poor 'a block of a poor child' drain --chaos memory
	grep -q 'a child with little address space failed' "$log.err" || wrong 'a child failed, and nothing says so'
fi
for scenario in words churn pipeline handover drain vec balancer slices replay; do
	broken idle "$scenario: nothing was" $scenario --short -i Documentation
done
broken pools 'the end: the statistics have no pools' drain
broken keys 'the end: the statistics of pool .* do not say "created"' drain
[ -n "${SAN:-}" ] || broken unknown 'the end: .* how much is resident' drain

# At once, in the warm-up; agents go on and count, or wait for percu's locks.
for what in hang deadlock; do
	for chaos in none exit; do
		broken $what '.*it hangs: nothing was counted for 0.45 s' \
			handover --patience 0.4s --chaos $chaos
		grep -q 'at work for worker "broken 0" is in$' "$log.err" ||
			wrong "$what beside $chaos: nobody is named"
		grep -q '^verdict: FAILED, it hangs$' "$log.out" || wrong "$what: no verdict"
	done
done
broken hang 'it hangs' handover --patience 0.4s --json
grep -q '"hangs":true' "$log.out" || wrong 'a hang is not in the JSON'

echo "laws: $n broken, each is what failed"
