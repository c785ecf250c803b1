#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Laws: each law of the end that is broken is the one that the verdict of
# percu-stress names, in text, TAP and JSON, in a line with the command that
# breaks it again; who stops a run or crashes it gets a verdict too, and no
# good status.
set -eu

stress=$O/stress/percu-stress
log=$O/check/verdict
mkdir -p "$O/check"

wrong() {
	echo "verdict: $*"
	cat "$log.out" "$log.err"
	exit 1
}

run() {	# arguments: status is set
	status=0
	"$stress" --scenario handover --duration 0.2s --chaos exit "$@" \
		>"$log.out" 2>"$log.err" || status=$?
}

failed() {	# of the laws of the end, one a line
	sed -n 's/^  FAILED  \([a-z]*\) .*/\1/p' "$log.out"
}

run
[ "$status" = 0 ] || wrong 'a run without a fault failed'
laws=$(sed -n 's/^  ok  *\([a-z]*\) .*/\1/p' "$log.out")
n=0
for law in $laws; do
	run --break "$law"
	[ "$status" = 1 ] || wrong "$law is broken, and the status is $status"
	[ "$(failed)" = "$law" ] || wrong "$law is broken, and what failed is: $(failed)"
	grep -q '^verdict: FAILED' "$log.out" || wrong "$law is broken: no verdict"
	grep -q "^percu-stress: FAILED: the end: .* \[again: percu-stress .*--break $law\]$" \
		"$log.err" || wrong "$law is broken: no line says so"
	n=$((n + 1))
done
[ "$n" = 8 ] || wrong "$n laws, and not 8: $laws"

# The command of the line does what the line says.
again=$(sed -n 's/.*\[again: percu-stress \(.*\)\]$/\1/p' "$log.err" | head -n 1)
status=0
# shellcheck disable=SC2086
"$stress" $again >"$log.out" 2>"$log.err" || status=$?
[ "$status" = 1 ] && [ "$(failed)" = "$law" ] || wrong "not again: $again"

run --break retained --tap
[ "$status" = 1 ] || wrong "TAP: status $status"
grep -q '^not ok [0-9]* - retained: ' "$log.out" || wrong 'TAP: no "not ok"'
[ "$(grep -c '^not ok' "$log.out")" = 1 ] || wrong 'TAP: one is broken'
if command -v python3 >/dev/null; then
	run --break retained --json
	python3 - "$log.out" <<'END' || wrong 'JSON: it does not say so'
import json, sys
with open(sys.argv[1]) as f:
    result = json.load(f)
assert result["verdict"] == "failed" and result["failures"] == 1
assert [law["name"] for law in result["laws"] if not law["ok"]] == ["retained"]
assert "--break retained" in result["lines"][0]
END
fi

# Slices that are cut ask the system for nothing: the fault comes all the same.
"$stress" --scenario slices --duration 0.5s --chaos oscall \
	>"$log.out" 2>"$log.err" || wrong 'oscall was never forced beside slices'

# Asked to stop, or hit, while it is at work: until then it prints.
during() {	# signal, arguments
	signal=$1
	shift
	rm -f "$log.fifo"
	mkfifo "$log.fifo"
	"$stress" --scenario handover --duration 60s "$@" >"$log.fifo" 2>"$log.err" &
	pid=$!
	{
		read -r _
		kill "-$signal" "$pid"
		cat
	} <"$log.fifo" >"$log.out"
	status=0
	wait "$pid" || status=$?
	rm -f "$log.fifo"
}

during TERM
[ "$status" = 143 ] || wrong "SIGTERM: status $status"
grep -q '^verdict: stopped by SIGTERM; every law held until then$' "$log.out" ||
	wrong 'SIGTERM: no verdict'
grep -q 'asked to stop' "$log.err" || wrong 'SIGTERM: no answer'
during HUP --tap
[ "$status" = 129 ] || wrong "SIGHUP: status $status"
tail -n 1 "$log.out" | grep -q '^Bail out! SIGHUP$' || wrong 'SIGHUP: TAP goes on'
if [ -z "${SAN:-}" ]; then
	during SEGV
	[ "$status" = 139 ] || wrong "SIGSEGV: status $status"
	grep -q '^percu-stress: FAILED: .*ends by signal 11 .*\[again: percu-stress ' \
		"$log.err" || wrong 'SIGSEGV: no line'
	grep -q '^verdict: FAILED' "$log.out" || wrong 'SIGSEGV: no verdict'
fi

# Nobody reads what it prints.
"$stress" --scenario handover --duration 60s 2>"$log.err" | head -n 1 >"$log.out"
tail -n 1 "$log.err" |
	grep -q '^percu-stress: verdict: stopped; stdout cannot be written$' ||
	wrong 'a broken pipe: no verdict'
status=0
"$stress" --scenario handover --duration 0.2s >&- 2>"$log.err" <&- || status=$?
[ "$status" = 0 ] || wrong "closed: status $status"

echo "verdict: $n laws broken and named; stopped, hit and unread"
