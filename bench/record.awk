# SPDX-License-Identifier: MIT
#
# record.awk bounds.tsv RESULTS...: bounds.tsv anew, on stdout
#
# What must not get worse becomes what was measured, by the worst of the runs:
# the median, where the wish is missed, and the least times, where the runs agree
# on them to a tenth.  What was counted is held by tests/golden/ as well, and is
# left alone.  Which processor it was is written with them.  What changes is said
# on stderr, and what none of the runs has measured.
BEGIN { FS = OFS = "\t" }

FILENAME != ARGV[1] {
	if ($1 == "machine" && $4 == "CPUs") {
		cpu = $11
		sub(/, [0-9]+ for us$/, "", cpu)
	}
	if ($1 != "ratio" && $1 != "figure")
		next
	k = $2 SUBSEP $3 SUBSEP $4
	if (!(k in runs) || $5 < low[k]) low[k] = $5 + 0
	if (!(k in runs) || $5 > high[k]) high[k] = $5 + 0
	if (!(k in runs) || $8 < least_low[k]) least_low[k] = $8 + 0
	if (!(k in runs) || $8 > least_high[k]) least_high[k] = $8 + 0
	rounds[k] = $9
	runs[k]++
	next
}
{ line[++lines] = $0 }

# As judged: 1.104 is 1.10.
function shown(v) {
	return int(v * 100 + 0.5) / 100
}

function three(v) {
	return sprintf("%.3g", v) + 0
}

function record(    k, most, mid, was) {
	k = $1 SUBSEP $2 SUBSEP $3
	if (!(k in runs)) {
		print "not measured: " $1 " " $2 " " $3 >"/dev/stderr"
		return
	}
	was = $6 " " $7
	most = $4 == "most"
	mid = most ? high[k] : low[k]
	$6 = (most ? shown(mid) <= $5 : shown(mid) >= $5) ? "-" : three(mid)
	$7 = "-"
	if (rounds[k] > 1 && least_high[k] < 1.1 * least_low[k])
		$7 = three(most ? least_high[k] : least_low[k])
	if (was != $6 " " $7)
		print $1 " " $2 " " $3 ": was " was ", is " $6 " " $7 >"/dev/stderr"
}

END {
	for (i = 1; i <= lines; i++) {
		$0 = line[i]
		if (/^# recorded on /)
			continue
		if (!/^#/ && !named++)
			print "# recorded on " cpu
		if (!/^#/ && $7 != "exact")
			record()
		print
	}
}
