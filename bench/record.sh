#!/bin/sh
# SPDX-License-Identifier: MIT
#
# record.sh RESULTS...
#
# Writes into bench/bounds.tsv what must not get worse, from what percu-bench
# check wrote with --tsv, several times.  The machine has to have been idle: a
# bound that was recorded beside busy neighbours guards nothing.
set -eu

[ $# -ge 1 ] || { echo "usage: $0 RESULTS..." >&2; exit 2; }
busy=$(awk -F'\t' '$1 == "machine" && $4 == "others" {
	sub(/^used /, "", $11)
	if ($11 + 0 > most) most = $11 + 0
} END { print most + 0 }' "$@")
[ "$busy" -le 5 ] || {
	echo "others used $busy % of the CPUs: what was measured is no bound" >&2
	exit 1
}
new=$(mktemp)
trap 'rm -f "$new"' EXIT
awk -f bench/record.awk bench/bounds.tsv "$@" >"$new"
cat "$new" >bench/bounds.tsv
