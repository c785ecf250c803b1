#!/bin/sh
# SPDX-License-Identifier: MIT
#
# readme.sh RESULTS REPORT
#
# Writes README's table of measurements, between its marker comments, and its
# picture, from RESULTS and from the REPORT that report.sh has made of them.
# RESULTS must be those of a whole run: a table with gaps is no table.
set -eu

[ $# = 2 ] || { echo "usage: $0 RESULTS REPORT" >&2; exit 2; }
grep -q '^<!-- bench: end -->$' README.md ||
	{ echo 'README.md has no marker comments' >&2; exit 1; }
ran=$(awk -F'\t' '$1 == "machine" && $4 == "command" { print $11 }' "$1")
[ "$ran" = percu-bench ] ||
	{ echo "not a whole run, but $ran: make bench first, without RUNFLAGS" >&2; exit 1; }
new=$(mktemp)
trap 'rm -f "$new"' EXIT
awk -f bench/readme.awk "$1" README.md >"$new"
cat "$new" >README.md
if [ -e "$2/malloc-ns.svg" ]; then
	cp "$2/malloc-ns.svg" Documentation/bench.svg
else
	echo "the picture stays as it is: there is none in $2"
fi
