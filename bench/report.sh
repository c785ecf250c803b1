#!/bin/sh
# SPDX-License-Identifier: MIT
#
# report.sh RESULTS DIR
#
# Makes DIR/index.html, and the pictures that it shows, of what percu-bench
# wrote with --tsv=RESULTS.  report.awk writes the page and what gnuplot is to
# draw; without gnuplot the page has all bars and tables, and no curves.
set -eu

[ $# = 2 ] || { echo "usage: $0 RESULTS DIR" >&2; exit 2; }
results=$1
dir=$2
here=$(dirname "$0")

plots=1
command -v gnuplot >/dev/null || plots=
rm -rf "$dir"
mkdir -p "$dir"
awk -v dir="$dir" -v plots="$plots" -f "$here/report.awk" "$results" >"$dir/index.html"
if [ -z "$plots" ]; then
	echo 'the curves are skipped: gnuplot is not installed (apt-get install gnuplot-nox)'
else
	for gp in "$dir"/*.gp; do
		[ ! -e "$gp" ] || (cd "$dir" && gnuplot "${gp##*/}")
	done
fi
echo "written: $dir/index.html"
