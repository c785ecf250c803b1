#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Laws: the scripts that look for bugs fail where they have looked at nothing:
# a mutant is not killed by a test that cannot run here, a model without runs
# or mutants, or one whose search was cut short, is not proved, and delays at
# no place prove nothing.  What they start is stood in for.
set -u

tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
top=$PWD
unset MAKEFLAGS MFLAGS MAKELEVEL
rc=0

wrong() {
	echo "scripts: $*"
	cat "$tmp/log"
	rc=1
}

stub() {	# path; its text is on stdin
	mkdir -p "$(dirname "$1")"
	{ echo '#!/bin/sh'; cat; } >"$1"
	chmod +x "$1"
}

# A tree with one file, one mutant and one test, which ends with a status.
mkdir -p "$tmp/include" "$tmp/scripts" "$tmp/tests/mutants" "$tmp/Documentation/models"
touch "$tmp/Makefile" "$tmp/include/x.h" "$tmp/scripts/x.sh" "$tmp/tests/Kbuild"
echo good >"$tmp/tests/code.c"
cat >"$tmp/tests/mutants/bug.patch" <<'END'
Bug: a word is wrong.
Why: To see who notices.
Caught-by: look.sh

--- a/tests/code.c
+++ b/tests/code.c
@@ -1,1 +1,1 @@
-good
+bad
END
stub "$tmp/bin/make" </dev/null
PATH=$tmp/bin:$PATH

mutant() {	# status of the test: that of the script
	echo "exit $1" | stub "$tmp/tests/look.sh"
	(cd "$tmp" && O=$tmp/o "$top/scripts/mutants.sh" -q bug) >"$tmp/log" 2>&1
}
for status in 1 124 139; do
	mutant $status || wrong "a mutant that a test of status $status has noticed survives"
done
for status in 0 77 126 127; do
	mutant $status && wrong "a test of status $status kills a mutant"
done

# The search says what a file says, and finds the bug of a mutant.
stub "$tmp/bin/spin" <<'END'
echo "$1" >define
END
stub "$tmp/bin/cc" <<'END'
cp ../../pan pan
END
stub "$tmp/pan" <<'END'
if grep -q BUG define; then
	echo 'errors: 1'
else
	cat ../../says
fi
END
model() {	# what the plain search says, runs, mutants: the status
	printf '%s\n' "$1" >"$tmp/says"
	printf '/*\n * Runs:\n%s * Mutants:\n%s */\n' "$2" "$3" >"$tmp/Documentation/models/m.pml"
	(cd "$tmp" && O=$tmp/o CC=cc "$top/scripts/models.sh" m) >"$tmp/log" 2>&1
}
runs=' *	(plain)
' mutants=' *	BUG	a bug
'
model 'errors: 0' "$runs" "$mutants" || wrong 'a model that holds'
model 'errors: 0
Warning: Search not completed' "$runs" "$mutants" && wrong 'half a search proves a model'
model 'errors: 1' "$runs" "$mutants" && wrong 'a model with an error'
model 'errors: 0' '' "$mutants" && wrong 'a model without runs'
model 'errors: 0' "$runs" '' && wrong 'a model without mutants'

delay() {	# what is counted: the status
	printf '#!/bin/sh\nprintf "%s" >"$PERCU_DELAY_REPORT"\n' "$1" | stub "$tmp/o/delay/tests/look"
	O=$tmp/o scripts/delay.sh look >"$tmp/log" 2>&1
}
delay 'a.c 1 5\n' || wrong 'a place that was slow'
delay 'a.c 1 5\na.c 2 0\n' && wrong 'a place that never was slow'
delay '' && wrong 'no place at all'
exit $rc
