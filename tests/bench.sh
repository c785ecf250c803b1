#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Every case of percu-bench can be run, all of what is promised is measured,
# and what it writes for machines is what they can read.  Nothing is judged:
# a few turns of each contestant say nothing about speed.
set -u

O=${O:-build}
bench=$O/bench/percu-bench
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT

fail() {
	echo "$*"
	exit 1
}

counts=
scripts/golden.sh --print >"$dir/counts" && counts=--counts=$dir/counts
"$bench" --tiny $counts --tsv="$dir/tsv" --json="$dir/json" >"$dir/out" 2>&1 ||
	{ cat "$dir/out"; fail 'percu-bench --tiny failed'; }

# The list is all that there is: each case has rows, and nothing else has.
"$bench" --list | cut -d' ' -f1 >"$dir/cases"
[ -s "$dir/cases" ] || fail '--list says nothing'
awk -F'\t' '
FILENAME == ARGV[1] { is[$1]; next }
$2 == "" { next }
{
	name = $2
	while (!(name in is) && sub(/-[^-]*$/, "", name))
		;
	if (!(name in is)) { print "no case has the rows of " $2; bad++ }
	seen[name]
}
END {
	for (name in is)
		if (!(name in seen)) { print "no rows of " name; bad++ }
	exit bad != 0
}' "$dir/cases" "$dir/tsv" || fail 'the list and the rows differ'

# A bound whose row goes by another name guards nothing.
awk -F'\t' '
FILENAME == ARGV[1] {
	if ($1 == "skip") skipped[$2]
	if ($1 == "ratio" || $1 == "figure") rows[$2, $3, $4]
	next
}
/^#/ { next }
NF != 8 { print "not eight fields: " $0; bad++; next }
!(($1, $2, $3) in rows) && !($1 in skipped) {
	print "nothing measures " $1 " " $2 " " $3; bad++
}
END { exit bad != 0 }' "$dir/tsv" bench/bounds.tsv || fail 'bounds.tsv lies'

if command -v python3 >/dev/null; then
	python3 - "$dir/json" "$(grep -c . "$dir/tsv")" <<-'END' || fail 'the JSON is wrong'
		import json, sys
		rows = json.load(open(sys.argv[1]))["rows"]
		assert len(rows) == int(sys.argv[2]), "as many rows as lines"
		for r in rows:
		    assert r["kind"] and "group" in r and "name" in r, r
		    if r["kind"] == "ratio":
		        assert r["lo"] <= r["mid"] <= r["hi"], r
	END
else
	echo 'python3 is not there: the JSON is not looked at'
fi

# The page and README's table can be made of it; curves where gnuplot is there.
bench/report.sh "$dir/tsv" "$dir/report" >"$dir/out" 2>&1 &&
	grep -q "<section id='malloc'>" "$dir/report/index.html" ||
	{ cat "$dir/out"; fail 'report.sh failed'; }
awk -f bench/readme.awk "$dir/tsv" README.md >"$dir/out" &&
	grep -q '^| 64 bytes got and put, inlined | [0-9]' "$dir/out" &&
	grep -q '^| pair-inline | pool / limit | [0-9]' "$dir/out" ||
	{ cat "$dir/out"; fail 'readme.awk failed'; }
! bench/readme.sh "$dir/tsv" "$dir/report" 2>/dev/null ||
	fail 'README was written from a run that was not a whole one'

# One case alone, and none that there is not.
"$bench" --tiny --only pair >"$dir/out" 2>&1 || fail '--only pair failed'
! grep -q '^churn:' "$dir/out" || fail '--only runs others, too'
! "$bench" --tiny --only nothing >/dev/null 2>&1 || fail 'there is no case nothing'
wc -l <"$dir/tsv" | xargs echo 'rows:'
