#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Laws: the page that percu-stress leaves is XML, asks for no other file and
# has every plot; its numbers are those of the JSON; and a run that does not
# come to its end leaves no page of an earlier one.
set -eu

stress=$O/stress/percu-stress
dir=$O/check/report
rm -rf "$dir" "$dir.none"
mkdir -p "$O/check"

wrong() {
	echo "report: $*"
	exit 1
}

"$stress" --scenario churn,vec --duration 2s --chaos exit,affinity,sleep \
	--report "$dir" --json >"$O/check/report.json" 2>/dev/null ||
	wrong "the run itself failed: $(cat "$O/check/report.json")"
page=$dir/index.html
json=$dir/result.json
cmp -s "$json" "$O/check/report.json" || wrong "two forms of one JSON differ"

if command -v xmllint >/dev/null; then
	xmllint --noout "$page" || wrong "the page is no XML"
else
	echo "report: no xmllint: it is not known if the page is XML"
fi
if command -v python3 >/dev/null; then
	python3 -m json.tool "$json" >/dev/null || wrong "that is no JSON"
fi
if grep -E '<script|<link|<img|@import|url\(|src=' "$page"; then
	wrong "the page asks for something else"
fi

for plot in memory waiting operations grace classes faults; do
	grep -q "id=\"plot-$plot\"" "$page" || wrong "no plot of $plot"
done
n=$(grep -c '<svg viewBox' "$page")
[ "$n" -ge 8 ] || wrong "only $n drawings"
grep -q '<path class="line a" d="M[0-9.]*,[0-9.]*L' "$page" ||
	wrong "a plot has no line"
grep -q 'id="verdict">Every law held<' "$page" || wrong "no verdict"

# NAME:VALUE of the JSON against <data id="KIND-NAME" value="VALUE">.
same() {	# kind, name, value
	grep -q "id=\"$1-$2\" value=\"$3\"" "$page" ||
		wrong "$2 is $3, and not so in the page"
	compared=$((compared + 1))
}

compared=0
figures=$(sed -n 's/^"figures":{\(.*\)"unit".*/\1/p' "$json" | tr ',' '\n' |
	sed -n 's/"\(.*\)":\(.*\)/\1 \2/p')
while read -r name value; do
	same figure "$name" "$value"
done <<END
$figures
END
for fault in exit affinity sleep; do
	fired=$(sed -n "s/.*\"name\":\"$fault\".*\"fired\":\([0-9]*\).*/\1/p" "$json")
	[ "$fired" -gt 0 ] || wrong "$fault never fired"
	same fault "$fault" "$fired"
done
[ "$compared" -eq 13 ] || wrong "$compared numbers were compared, and not 13"

if "$stress" words -i /nonexistent -t 1 --report "$dir" >/dev/null 2>&1; then
	wrong "words were counted where there are none"
fi
if [ -e "$page" ] && grep -q 'Every law held' "$page"; then
	wrong "the page of another run was left"
fi
# Who finds the JSON finds a page with it.
mkdir -p "$dir.none/index.html"
if "$stress" drain -t 0.3s --report "$dir.none" >/dev/null 2>&1; then
	wrong "the page was not written, and that is ok"
fi
[ ! -e "$dir.none/result.json" ] || wrong "there is a JSON, and no page"

echo "report: $n drawings, $compared numbers as in the JSON"
