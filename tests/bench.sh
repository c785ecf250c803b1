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
	if ($1 == "skip" && $2 == $4) skipped[$2]
	if ($1 == "ratio" || $1 == "figure") rows[$2, $3, $4]
	next
}
/^#/ { next }
NF != 8 { print "not eight fields: " $0; bad++; next }
!(($1, $2, $3) in rows) && !($1 in skipped) {
	print "nothing measures " $1 " " $2 " " $3; bad++
}
END { exit bad != 0 }' "$dir/tsv" bench/bounds.tsv || fail 'bounds.tsv lies'

# The guard, where it costs nothing: of what is counted and not timed.
guard() {	# file of counts: what check says of it is in $dir/out
	"$bench" check --tiny --only=counts ${1:+--counts="$1"} >"$dir/out" 2>&1
}
guard '' && grep -q 'NOT MEASURED: nothing was disassembled' "$dir/out" ||
	{ cat "$dir/out"; fail 'what was skipped with a reason fails the guard'; }
if [ -n "$counts" ] && [ -z "${SAN:-}${D:-}${CFLAGS:-}" ]; then
	guard "$dir/counts" || { cat "$dir/out"; fail 'the hit path is worse than recorded'; }
	if ! grep -q 'as built here' "$dir/out"; then
		awk '/^percu_free_rcu/ { $2++ } 1' "$dir/counts" >"$dir/more"
		! guard "$dir/more" && grep -q '^counts *percu_free_rcu_flavor .*WORSE' "$dir/out" ||
			{ cat "$dir/out"; fail 'one instruction more, and the guard is content'; }
	fi
	awk '/^inlined_get/ { $6++ } 1' "$dir/counts" >"$dir/locked"
	! guard "$dir/locked" && grep -q 'inlined_get, locked or calls.*WORSE' "$dir/out" ||
		{ cat "$dir/out"; fail 'a locked instruction, and the guard is content'; }
	grep -v '^percu_alloc ' "$dir/counts" >"$dir/fewer"
	! guard "$dir/fewer" && grep -q 'nothing says why' "$dir/out" ||
		{ cat "$dir/out"; fail 'what nobody measures does not fail the guard'; }
fi

# What is held is written from runs on an idle machine, by the worst of them.
row() {	# file, median, least
	printf 'machine\t\t-\tCPUs\t0\t0\t0\t0\t0\t\tsome CPU, 2 for us\t\t\t\t\n' >"$dir/$1"
	printf 'ratio\tg\t-\tn\t%s\t%s\t%s\t%s\t15\tx\t\t\t\t\t\n' "$2" "$2" "$2" "$3" >>"$dir/$1"
}
printf '# recorded on another\ng\t-\tn\tmost\t1.1\t9\t9\twhy\n' >"$dir/old"
row one 1.2 1.01
row two 1.3 1.02
awk -f bench/record.awk "$dir/old" "$dir/one" "$dir/two" 2>/dev/null >"$dir/new"
printf '# recorded on some CPU\ng\t-\tn\tmost\t1.1\t1.3\t1.02\twhy\n' | cmp -s - "$dir/new" ||
	{ cat "$dir/new"; fail 'what is held is not the worst of the runs'; }
row two 1.09 1.5
awk -f bench/record.awk "$dir/old" "$dir/two" "$dir/two" "$dir/one" 2>/dev/null >"$dir/new"
printf '# recorded on some CPU\ng\t-\tn\tmost\t1.1\t1.2\t-\twhy\n' | cmp -s - "$dir/new" ||
	{ cat "$dir/new"; fail 'least times are held on which the runs do not agree'; }
printf 'machine\t\t-\tothers\t0\t0\t0\t0\t0\t\tused 40 %% of the CPUs\t\t\t\t\n' >>"$dir/one"
! bench/record.sh "$dir/one" 2>"$dir/out" && grep -q 'is no bound' "$dir/out" ||
	fail 'bounds were written beside busy neighbours'

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
	grep -q "<section id='malloc'>" "$dir/report/index.html" &&
	grep -q '<h2 id=memory>' "$dir/report/index.html" ||
	{ cat "$dir/out"; fail 'report.sh failed'; }
# Who loses in a time, in a percentile, in memory: each is there.
{
	printf 'ratio\tg\t-\tbest peer / a\t0.5\t0.4\t0.6\t0.5\t15\tx\twho-1\t\t\t\t\n'
	printf 'ratio\tg\t-\tseqlock / vec\t0.5\t0.4\t0.6\t0.5\t15\tx\twho-2\t\t\t\t\n'
	printf 'ratio\tg\t-\tbest peer / b\t0.9\t0.8\t1.1\t0.9\t15\tx\twho-no\t\t\t\t\n'
	printf 'figure\tchurn\t-\tpercu: worst\t2\t2\t2\t2\t1\tx\tours\t\t\t\t\n'
	printf 'figure\tchurn\t-\twho-3: worst\t1\t1\t1\t1\t1\tx\tpeer\t\t\t\t\n'
} >"$dir/lost"
awk -v dir="$dir" -v plots= -f bench/report.awk "$dir/lost" >"$dir/out"
for who in who-1 who-2 who-3; do
	sed -n '/id=losses/,/id=memory/p' "$dir/out" | grep -q "<td>$who\$" || fail "$who has won, and nobody sees it"
done
! sed -n '/id=losses/,/id=memory/p' "$dir/out" | grep -q who-no || fail 'what may be chance is a loss'
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
