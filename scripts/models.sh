#!/bin/sh
# SPDX-License-Identifier: MIT
#
# models.sh [NAME...]
#
# Has spin look at every state of the models in Documentation/models/.  Of each
# model the runs that its head lists must be without an error, and in each of
# its mutants one must be found.
#
# Environment: O; CC.
set -u

O=${O:-build}
CC=${CC:-cc}
dir=$O/models
models=Documentation/models
failed=0

command -v spin >/dev/null || { echo 'models: there is no spin (apt-get install spin)'; exit 77; }

# The names below a line of the model's head.
listed() {	# model, line
	sed -n "/^ \* $2/,/^ \*\( [A-Z]\|\/\)/s/^ \*	\([^	]*\).*/\1/p" "$models/$1.pml"
}

# Leaves what the search has said in $dir/log.  False: it did not end.
search() {	# model, define
	define=
	[ "$2" = '(plain)' ] || define=-D$2
	(cd "$dir" && spin $define -a model.pml &&
		$CC -w -O1 -DSAFETY -DCOLLAPSE -DMEMLIM=4000 -o pan pan.c &&
		./pan -m1000000 -w24) >"$dir/log" 2>&1 &&
		grep -q 'errors: ' "$dir/log"
}

count() {	# what follows the number
	sed -n "s/^ *\([0-9]*\) $1.*/\1/p" "$dir/log"
}

# All of it was looked at, and nothing found.
whole() {
	grep -q 'errors: 0' "$dir/log" &&
		! grep -Eq 'max search depth|Search not completed' "$dir/log"
}

say() {	# model, define, verdict
	printf '  %-7s %-16s %9s states, depth %6s, %s\n' "$1" "$2" \
		"$(count 'states, stored')" \
		"$(sed -n 's/.*depth reached \([0-9]*\).*/\1/p' "$dir/log")" "$3"
}

try() {	# model, define, is it a mutant?
	search "$1" "$2" || { cat "$dir/log"; failed=1; return; }
	if [ "$3" = mutant ] && ! grep -q 'errors: 0' "$dir/log"; then
		say "$1" "$2" "found: $(sed -n 's/^pan:1: \(.*\) (at depth.*/\1/p' "$dir/log")"
		found=$((found + 1))
	elif [ "$3" != mutant ] && whole; then
		say "$1" "$2" 'no error'
	else
		say "$1" "$2" 'WRONG'
		tail -n 30 "$dir/log"
		failed=1
	fi
}

start=$(date +%s) found=0 mutants=0
[ $# -gt 0 ] || set -- $(cd "$models" && echo *.pml | sed 's/\.pml//g')
mkdir -p "$dir"
for model in "$@"; do
	cp "$models/$model.pml" "$dir/model.pml" || exit 1
	for what in Runs Mutants; do
		[ -n "$(listed "$model" $what)" ] && continue
		echo "models: the head of $model.pml lists no $what"
		failed=1
	done
	for run in $(listed "$model" Runs); do
		try "$model" "$run" run
	done
	for mutant in $(listed "$model" Mutants); do
		mutants=$((mutants + 1))
		try "$model" "$mutant" mutant
	done
done
echo "models: $found of $mutants mutants found, $(($(date +%s) - start)) s"
exit $failed
