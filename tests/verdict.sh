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
	n=$((n + 1))
	[ "$law" = resident ] && [ -n "${SAN:-}" ] && continue	# it keeps memory
	run --break "$law"
	[ "$status" = 1 ] || wrong "$law is broken, and the status is $status"
	[ "$(failed)" = "$law" ] || wrong "$law is broken, and what failed is: $(failed)"
	grep -q '^verdict: FAILED' "$log.out" || wrong "$law is broken: no verdict"
	grep -q "^percu-stress: FAILED: the end: .* \[again: .*percu-stress .*--break $law\]$" \
		"$log.err" || wrong "$law is broken: no line says so"
done
[ "$n" = 8 ] || wrong "$n laws, and not 8: $laws"

# The command of the line does what the line says.
repeat() {	# the first line's; status is set
	again=$(sed -n 's/.*\[again: \(.*\)\]$/\1/p' "$log.err" | head -n 1)
	status=0
	PATH=${stress%/*}:$PATH sh -c "$again" >"$log.out" 2>"$log.err" || status=$?
}
repeat
[ "$status" = 1 ] && [ "$(failed)" = "$law" ] || wrong "not again: $again"

run --break workers
grep -q '^  FAILED  workers *11 leaked$' "$log.out" || wrong 'eleven workers have leaked'

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

# The command of a default run, with what is awkward in it: as long, as short.
mkdir -p "$log.it's"
rm -f "$log.it's"/*
head -c 3000 README.md >"$log.it's/a b"
PERCU=cpu_cache:16k "$stress" words --short --duration 12.5s -i "$log.it's/a b" \
	--break words >"$log.out" 2>"$log.err" && wrong 'words were not broken'
grep -q "again: PERCU='cpu_cache:16k' .*percu-stress --scenario words --seed 0x[0-9a-f]* --short --duration \(9\|1[0-2]\)\.[0-9]*s" \
	"$log.err" || wrong 'the command is not that of the run'
repeat
[ "$status" = 1 ] && grep -q '^percu-stress: FAILED: words: .* counted .*--duration \(9\|1[0-2]\)\.' "$log.err" ||
	wrong "not again: $again"

# What has nothing to do says so; what was named and cannot run has failed.
status=0
PATH=/nowhere "$stress" replay --duration 0.3s >"$log.out" 2>"$log.err" || status=$?
[ "$status" = 2 ] && grep -q '^percu-stress: python: there is no gzip$' "$log.err" ||
	wrong "replay without gzip: status $status"
PATH=/nowhere "$stress" --mixed --short -i README.md --duration 0.3s --tap \
	>"$log.out" 2>"$log.err" || wrong 'all but replay, without gzip'
grep -q '^ok [0-9]* - mixed:replay # SKIP there is no gzip' "$log.out" || wrong 'no # SKIP'
if taskset -c 0 true 2>/dev/null; then
	taskset -c 0 "$stress" drain --duration 0.3s --chaos affinity \
		>"$log.out" 2>"$log.err" || wrong 'affinity on one CPU'
	grep -q '^  skip      fault affinity: there is but one CPU$' "$log.out" || wrong 'no skip'
	grep -q '^  ok .* affinity skipped (there is but one CPU)' "$log.out" || wrong 'why?'
fi

# Asked to stop, or hit, while it is at work: until then it prints.
as=
during() {	# signal, arguments
	signal=$1
	shift
	rm -f "$log.fifo"
	mkfifo "$log.fifo"
	$as "$stress" --scenario handover --duration 60s "$@" >"$log.fifo" 2>"$log.err" &
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
if env --default-signal=INT true 2>/dev/null; then	# a shell's job ignores it
	as='env --default-signal=INT'
	during INT --chaos exit
	as=
	[ "$status" = 130 ] || wrong "SIGINT: status $status"
	grep -q '^verdict: stopped by SIGINT; every law held until then$' "$log.out" ||
		wrong 'SIGINT: no verdict'
fi
during HUP --tap
[ "$status" = 129 ] || wrong "SIGHUP: status $status"
tail -n 1 "$log.out" | grep -q '^Bail out! SIGHUP$' || wrong 'SIGHUP: TAP goes on'
if [ -z "${SAN:-}" ]; then
	during SEGV
	[ "$status" = 139 ] || wrong "SIGSEGV: status $status"
	grep -q '^percu-stress: FAILED: .*ends by signal 11 .*\[again: .*percu-stress ' \
		"$log.err" || wrong 'SIGSEGV: no line'
	grep -q '^verdict: FAILED' "$log.out" || wrong 'SIGSEGV: no verdict'
fi

# Nobody reads what it prints.
"$stress" --scenario handover --duration 6s 2>"$log.err" | head -n 1 >"$log.out"
tail -n 1 "$log.err" |
	grep -q '^percu-stress: verdict: stopped; stdout cannot be written$' ||
	wrong 'a broken pipe: no verdict'
for how in '--duration 60s' '--duration 0.3s --json'; do	# at once, at the end
	status=0
	timeout 50 "$stress" --scenario handover $how >/dev/full 2>"$log.err" || status=$?
	[ "$status" = 1 ] || wrong "a full disk: $how: status $status"
	tail -n 1 "$log.err" | grep -q 'verdict: stopped; stdout cannot be written$' ||
		wrong 'a full disk: no verdict'
done
for how in --list '--dump stress/traces/sqlite.trace.gz'; do
	"$stress" $how >/dev/full 2>"$log.err" && wrong "a full disk: $how"
done
status=0
"$stress" --scenario handover --duration 0.2s >&- 2>"$log.err" <&- || status=$?
[ "$status" = 0 ] || wrong "closed: status $status"

# A pipe that does not block, and is full for a while.
if command -v python3 >/dev/null; then
	python3 - "$stress" >"$log.out" 2>"$log.err" <<'END' || wrong 'a full pipe ends the run'
import fcntl, os, subprocess, sys, time
out, to = os.pipe()
fcntl.fcntl(to, 1031, 4096)  # F_SETPIPE_SZ
os.set_blocking(to, False)
run = subprocess.Popen([sys.argv[1], "--mixed", "--short", "-i", "README.md",
                        "--duration", "0.3s"], stdout=to)
os.close(to)
time.sleep(1)
with open(out) as f:
    text = f.read()
assert run.wait() == 0 and text.endswith("verdict: ok\n"), text
END
fi

echo "verdict: $n laws broken and named; stopped, hit and unread"
