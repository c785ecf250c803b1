# SPDX-License-Identifier: MIT
#
# report.awk -v dir=DIR -v plots=1|"" RESULTS: the page, on stdout
#
# A group of rows is one section.  Without a curve its figures are bars, percu's
# solid, the limit's hatched, all others' open: that can be told in grey.  A
# curve of three points or more is drawn by gnuplot on log axes, with what it
# would be if it did not grow, or grew with the logarithm, or with n.
# Every row of a group is in a table that opens.
BEGIN { FS = "\t" }

$1 == "machine" { machine[++machines] = $4; is[$4] = $11; next }
{
	group = $2
	if (!(group in known)) {
		known[group]
		order[++groups] = group
	}
	if ($1 == "title") { title[group] = $4; axis[group] = $10; next }
	if ($1 == "skip") { skipped[++skips] = $4 ": " $11; next }
	if ($1 == "remark") { remark[group] = remark[group] "<li>" html($11) "</li>\n"; next }
	r = ++rows[group]
	row[group, r] = $0
	times[group] += $1 == "time"
	if ($1 == "bucket") { buckets[group]++; next }
	if ($3 != "-" && !((group, $3) in xs)) {
		xs[group, $3]
		nxs[group]++
		ticks[group] = ticks[group] (nxs[group] > 1 ? ", " : "") "\"" tick($3) "\" " $3
	}
	# The best peer's may be there a second time, by its own name.
	if ($1 == "ratio" && $11 != "" && $7 < 1 && !(($2, $3, $5, $11) in known_loss)) {
		known_loss[$2, $3, $5, $11]
		lost[++losses] = $0
	}
	if ($1 == "figure" && ($11 == "ours" || $11 == "peer"))
		of_each($0)
	if ($15 != "")
		promised[++promises] = $0
	if ($15 != "")
		judged[$15]++
}

# A figure that all have, "WHO: WHAT": who of the others has least of it?
function of_each(row,    f, k, who, what) {
	split(row, f, "\t")
	who = what = f[4]
	sub(/: .*/, "", who)
	sub(/^[^:]*: /, "", what)
	k = f[2] SUBSEP f[3] SUBSEP what
	if (f[11] == "ours") {
		had[++have] = row
		had_what[have] = k
	} else if (!(k in best) || f[5] < best[k]) {
		best[k] = f[5] + 0
		best_hi[k] = f[7] + 0
		best_who[k] = who
	}
	if (f[3] != "-" || f[2] !~ /^(idle|churn|drift)$/)
		return
	if (!((f[2], what) in held)) {
		held[f[2], what]
		held_row[++held_rows] = f[2] SUBSEP what
	}
	if (!(who in holder)) {
		holder[who]
		holders[++nr_holders] = who
	}
	held_figure[f[2], what, who] = amount(f[5], f[10])
}

# What the others have less of, with the ratio where times have theirs.
function figures_lost(    i, f, k) {
	for (i = 1; i <= have; i++) {
		split(had[i], f, "\t")
		k = had_what[i]
		if (k in best && best_hi[k] < f[6])
			lost[++losses] = "ratio\t" f[2] "\t" f[3] "\t" f[4] "\t" best[k] / f[5] \
				"\t0\t0\t0\t1\tx\t" best_who[k]
	}
}

function memory_table(    i, j, k) {
	if (!held_rows)
		return
	print "<h2 id=memory>Memory</h2>\n<p>What each holds; a dash where it was not asked.</p>\n<div class=scroll><table>\n<tr><th>case<th>what"
	for (j = 1; j <= nr_holders; j++)
		printf "<th class=n>%s", html(holders[j])
	for (i = 1; i <= held_rows; i++) {
		split(held_row[i], k, SUBSEP)
		printf "\n<tr><td><a href='#%s'>%s</a><td>%s", k[1], k[1], html(k[2])
		for (j = 1; j <= nr_holders; j++)
			printf "<td class=n>%s", ((k[1], k[2], holders[j]) in held_figure) ? held_figure[k[1], k[2], holders[j]] : "–"
	}
	print "\n</table></div>"
}

function html(s) {
	gsub(/&/, "\\&amp;", s)
	gsub(/</, "\\&lt;", s)
	gsub(/>/, "\\&gt;", s)
	return s
}

# Three digits that count, and words for many.
function figure(v,    a) {
	a = v < 0 ? -v : v
	if (a >= 1e6)
		return sprintf("%.3g M", v / 1e6)
	if (a >= 1e4)
		return sprintf("%.0f", v)
	if (a >= 100)
		return sprintf("%.0f", v)
	if (a >= 10)
		return sprintf("%.1f", v)
	return sprintf("%.2f", v)
}

# With its unit: long times in a longer one.
function amount(v, unit) {
	if (unit == "ns" && v >= 1e6)
		return figure(v / 1e6) " ms"
	if (unit == "ns" && v >= 1e5)
		return figure(v / 1e3) " us"
	return figure(v) " " unit
}

# Where on a curve: 10^6 and not 1000000.
function at(x,    k) {
	k = length(x) - 1
	return x ~ /^10000+$/ ? "10<sup>" k "</sup>" : x
}

function tick(x) {
	return x ~ /^10000+$/ ? "10^" length(x) - 1 : x
}

function interval(f) {
	return f[9] > 1 ? figure(f[6]) " – " figure(f[7]) (wide(f) ? " (wide)" : "") : ""
}

# The time was over before 3 %.
function wide(f) {
	return f[1] == "ratio" && f[5] > 0 && (f[7] - f[6]) / f[5] >= 0.03
}

# Who is not percu's, where the rows do not say.
function others(name) {
	return name ~ /^(glibc|jemalloc|mimalloc|tcmalloc|tbbmalloc|snmalloc|Go|sync.Pool|malloc|call_rcu|ck_)/ ||
		name ~ /^(array|rcu_dereference|rwlock|mutex|seqlock|snapshot|copied|a copy by hand|alloc \+ memcpy)/ ||
		name ~ /^a line to another CPU/
}

function class_of(name, role) {
	if (role == "limit" || name == "nothing")
		return "limit"
	return role == "peer" || (role != "ours" && others(name)) ? "peer" : "ours"
}

function slug(s) {
	gsub(/[^A-Za-z0-9]+/, "-", s)
	return s
}

# Bars. ------------------------------------------------------------------------

function bar_place(v, max, min, log_) {
	if (!log_)
		return 100 * v / max
	return v > 0 ? 100 * log(v / (min / 2)) / log(max / (min / 2)) : 0
}

function is_bar(f, x, unit) {
	return f[1] == (times[f[2]] ? "time" : "figure") && f[3] == x && f[10] == unit
}

# Those of the group's times, or sizes, that are at x.
function bars(group, x, unit,    i, f, n, max, min, log_, lo, hi) {
	max = 0; min = 1e300; n = 0
	for (i = 1; i <= rows[group]; i++) {
		split(row[group, i], f, "\t")
		if (!is_bar(f, x, unit))
			continue
		n++
		if (f[5] + 0 > max) max = f[5] + 0
		# Room for the interval's end, unless that is far away.
		if (f[9] > 1 && f[7] > max) max = f[7] < 1.3 * f[5] ? f[7] : max > 1.3 * f[5] ? max : 1.3 * f[5]
		if (f[5] > 0 && f[5] + 0 < min) min = f[5] + 0
	}
	if (!n || max <= 0)
		return
	log_ = max > 40 * min
	printf "<div class=bars>%s\n", log_ ? "<p class=small>The scale is logarithmic.</p>" : ""
	for (i = 1; i <= rows[group]; i++) {
		split(row[group, i], f, "\t")
		if (!is_bar(f, x, unit))
			continue
		lo = bar_place(f[6], max, min, log_); hi = bar_place(f[7], max, min, log_)
		if (lo < 0) lo = 0
		if (hi > 100) hi = 100
		printf "<div class=name>%s</div><div class=track>" \
			"<span class='bar %s' style='width:%.1f%%'></span>%s</div>" \
			"<div class=value>%s</div>\n", html(f[4]), class_of(f[4], f[11]),
			(f[5] > 0 ? bar_place(f[5], max, min, log_) : 0),
			(f[9] > 1 ? sprintf("<span class=whisker style='left:%.1f%%;width:%.1f%%'></span>", lo, hi - lo) : ""),
			amount(f[5], unit)
	}
	print "</div>"
}

# Curves. ----------------------------------------------------------------------

# What would be seen if the cost did not grow, or how it may.
function slope(group, unit) {
	if (unit == "M/s")
		return "linear"
	if (group ~ /^vec-(edit|ways)/)
		return "log"
	return "flat"
}

# long: the titles take a line each, and the picture is higher for that.
function gnuplot_head(gp, file, xlabel, ylabel, long,    fixed) {
	fixed = xlabel == "phase" ? "" : "x"
	printf "set term svg size 520,%d dynamic enhanced font 'sans-serif,16' background rgb 'white'\n" \
		"set output '%s'\nset key below maxcols %d samplen 3 spacing 1.05 noenhanced\n" \
		"set border 3 lc rgb '#888888'\nset tics nomirror\nset grid lc rgb '#dddddd' lt 1\n" \
		"set xlabel '%s' offset 0,0.8\nset ylabel '%s'\nset logscale y\n%sset autoscale xfix\nset format x '%%g'\nset format y '%%g'\n",
		(long ? 400 + 32 * long : 480), file, (long ? 1 : 2), xlabel, ylabel, fixed == "" ? "set yrange [1:]\n" : "set logscale x\n" >gp
}

# Percu's lines are thick, the limit's dashed, all others' thin, each with
# points of its own: the k-th of its kind.
function style(class, k) {
	if (class == "limit")
		return "lw 2 dt 2 lc rgb '#000000' pt 0"
	if (class == "ours")
		return sprintf("lw 2.6 lc rgb '%s' pt %d ps 0.9", substr("#0b3d91#3a7bd5#062a63#6aa5ee", 7 * (k % 4) + 1, 7),
			substr("0705091113150301", 2 * (k % 8) + 1, 2))
	return sprintf("lw 1.3 lc rgb '%s' pt %d ps 0.8", substr("#444444#777777#999999", 7 * (k % 3) + 1, 7),
		substr("040608101214", 2 * (k % 6) + 1, 2))
}

# What all of a picture have in common need not be said of each.
function short(name) {
	sub(/: (retired an edit|resident)$/, "", name)
	return name
}

# One picture of the group's rows in one unit; its file, or "".
function curve(group, unit,    i, f, n, longest, names, data, gp, file, class, nth, k, lines, base, x0, x1, y0, seen, role, points, s, ylabel) {
	n = 0
	for (i = 1; i <= rows[group]; i++) {
		split(row[group, i], f, "\t")
		if (f[10] != unit || f[3] == "-" || f[1] == "bucket" || f[1] == "ratio" || f[5] <= 0)
			continue
		if (f[4] ~ /^measured \// || f[4] ~ /: in new blocks an edit$/)
			continue
		if (!(f[4] in seen)) {
			seen[f[4]]
			names[++n] = f[4]
			role[f[4]] = f[11]
			if (length(short(f[4])) > longest)
				longest = length(short(f[4]))
		}
		points[f[4]]++
		lines[f[4]] = lines[f[4]] f[3] " " f[5] " " f[6] " " f[7] "\n"
		if (!x0 || f[3] + 0 < x0) { x0 = f[3] + 0; y0 = 0 }
		if (f[3] + 0 > x1) x1 = f[3] + 0
		if (f[3] + 0 == x0 && !y0 && class_of(f[4], f[11]) == "ours")
			y0 = f[5]
	}
	if (!n)
		return ""
	base = slug(group "-" unit)
	file = base ".svg"
	gp = dir "/" base ".gp"
	ylabel = unit == "ns" ? "ns" : unit == "x" ? "times" : unit
	gnuplot_head(gp, file, axis[group], ylabel, (longest > 15 ? n : 0))
	# A tic at the very end of a logarithmic axis may fall off.
	if (axis[group] != "phase")
		printf "set xrange [%g:%g]\n", x0 / 1.03, x1 * 1.03 >gp
	if (nxs[group] < 9)
		printf "set xtics (%s)\n", ticks[group] >gp
	printf "plot " >gp
	for (k = 1; k <= n; k++) {
		data = dir "/" base "-" k ".dat"
		printf "%s", lines[names[k]] >data
		close(data)
		class = class_of(names[k], role[names[k]])
		printf "'%s-%d.dat' using 1:2:3:4 with %s title \"%s\" %s, \\\n", base, k,
			(points[names[k]] > 1 ? "yerrorlines" : "yerrorbars"), short(names[k]),
			style(class, nth[class]++) >gp
	}
	if (!y0)
		y0 = 1
	s = slope(group, unit)
	if (s == "log")
		printf "%g*log(x)/log(%g) with lines lw 2 dt 3 lc rgb '#000000' title 'as log n'\n", y0, (x0 > 1 ? x0 : 2) >gp
	else if (s == "linear")
		printf "%g*x/%g with lines lw 2 dt 3 lc rgb '#000000' title 'as n'\n", y0, x0 >gp
	else
		printf "%g with lines lw 2 dt 3 lc rgb '#000000' title 'no growth'\n", y0 >gp
	close(gp)
	return file
}

# How many take longer than x: what a histogram hides is in its tail.
function tail(group,    i, f, n, class, nth, names, seen, total, gone, k, base, gp, data, lines) {
	n = 0
	for (i = 1; i <= rows[group]; i++) {
		split(row[group, i], f, "\t")
		if (f[1] != "bucket")
			continue
		if (!(f[4] in seen)) { seen[f[4]]; names[++n] = f[4] }
		total[f[4]] += f[5]
	}
	for (i = 1; i <= rows[group]; i++) {
		split(row[group, i], f, "\t")
		if (f[1] != "bucket")
			continue
		lines[f[4]] = lines[f[4]] f[3] " " (total[f[4]] - gone[f[4]]) / total[f[4]] "\n"
		gone[f[4]] += f[5]
	}
	base = slug(group "-tail")
	gp = dir "/" base ".gp"
	gnuplot_head(gp, base ".svg", "ns", "share of gets that take as long", 0)
	print "set yrange [1e-6:1.2]\nset format y '10^{%T}'" >gp
	printf "plot " >gp
	for (k = 1; k <= n; k++) {
		data = dir "/" base "-" k ".dat"
		printf "%s", lines[names[k]] >data
		close(data)
		class = class_of(names[k], names[k] == "limit" ? "limit" : "")
		printf "%s'%s-%d.dat' using 1:2 with linespoints title \"%s\" %s", (k > 1 ? ", \\\n" : ""),
			base, k, names[k], style(class, nth[class]++) " pi 8" >gp
	}
	print "" >gp
	close(gp)
	return base ".svg"
}

# Tables. ----------------------------------------------------------------------

function table(group, summary,    i, f, n, withx) {
	withx = nxs[group] > 0
	printf "<details><summary>%s</summary><div class=scroll><table>\n<tr>%s<th>what<th class=n>figure<th>unit<th>95 %%<th>\n",
		summary, withx ? "<th class=n>" html(axis[group]) : ""
	for (i = 1; i <= rows[group]; i++) {
		split(row[group, i], f, "\t")
		if (f[1] == "bucket")
			continue
		printf "<tr>%s<td>%s<td class=n>%s<td>%s<td class=small>%s<td>%s%s\n",
			withx ? "<td class=n>" (f[3] == "-" ? "" : at(f[3])) : "", html(f[4]), figure(f[5]), f[10],
			interval(f), f[1] == "ratio" ? html(f[11]) : "", verdict(f)
	}
	print "</table></div></details>"
}

function verdict(f) {
	if (f[15] == "")
		return ""
	return sprintf(" at %s %s: <b class=%s>%s</b>", f[12], f[13] + 0, f[15], f[15])
}

# Those that hold, or those that do not.
function promises_table(hold,    i, f) {
	print "<div class=scroll><table>\n<tr><th>case<th>what<th class=n>measured<th class=wide>95 %<th class=n>promised<th class=wide>"
	for (i = 1; i <= promises; i++) {
		split(promised[i], f, "\t")
		if ((f[15] == "ok") != hold)
			continue
		printf "<tr><td><a href='#%s'>%s</a><td>%s%s<td class=n>%s<td class='small wide'>%s<td class=n>%s %s<td class=wide><b class=%s>%s</b>\n",
			f[2], f[2], html(f[4]), (f[3] == "-" ? "" : " at " at(f[3])), figure(f[5]), interval(f),
			f[12] == "most" ? "≤" : "≥", f[13] + 0, f[15], f[15]
	}
	print "</table></div>"
}

function losses_table(    i, f) {
	if (!losses)
		return
	print "<h2 id=losses>Where somebody else is faster</h2>\n<p>All cases in which a peer's time, or what it holds, is less than percu's, by all of the interval where there is one.</p>"
	print "<div class=scroll><table>\n<tr><th>case<th>of percu's<th class=n>peer / percu<th class=wide>95 %<th>who"
	for (i = 1; i <= losses; i++) {
		split(lost[i], f, "\t")
		sub(/^best peer \/ /, "", f[4])
		printf "<tr><td><a href='#%s'>%s</a>%s<td>%s<td class=n>%s<td class='small wide'>%s<td>%s\n", f[2], f[2],
			(f[3] == "-" ? "" : " at " at(f[3])), html(f[4]), figure(f[5]), interval(f), html(f[11])
	}
	print "</table></div>"
}

# The page. --------------------------------------------------------------------

function style_sheet() {
	print "<style>\n" \
	":root{color-scheme:light}\n" \
	"body{font:16px/1.5 system-ui,sans-serif;color:#1a1a1a;background:#fff;margin:0 auto;max-width:72rem;padding:1rem 1.2rem 4rem}\n" \
	"h1{font-size:1.7rem;margin:.5rem 0}h2{font-size:1.15rem;margin:0 0 .2rem}h3{font-size:.95rem;font-weight:600;margin:.8rem 0 .2rem}\n" \
	"p{margin:.4rem 0;max-width:46rem}a{color:#0b3d91}.small{font-size:.82rem;color:#555}\n" \
	"table{border-collapse:collapse;font-size:.88rem;margin:.4rem 0}th{text-align:left;font-weight:600;border-bottom:2px solid #999}\n" \
	"td,th{padding:.18rem .7rem .18rem 0;vertical-align:top}tr+tr td{border-top:1px solid #e4e4e4}.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}\n" \
	".scroll{overflow-x:auto}dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1rem;font-size:.9rem}dt{color:#555}dd{margin:0;overflow-wrap:anywhere}\n" \
	".grid{columns:30rem 2;column-gap:1.2rem;margin-top:1rem}\n" \
	"section{break-inside:avoid;margin:0 0 1.2rem;border:1px solid #d5d5d5;border-radius:6px;padding:.9rem 1rem;min-width:0}section img{width:100%;height:auto;display:block;margin:.5rem 0}\n" \
	".bars{display:grid;grid-template-columns:minmax(6rem,max-content) 1fr max-content;gap:.22rem .6rem;align-items:center;font-size:.86rem;margin:.5rem 0}\n" \
	".bars p{grid-column:1/-1;margin:0}.name{overflow-wrap:anywhere;max-width:13rem}.value{font-variant-numeric:tabular-nums;text-align:right;white-space:nowrap}\n" \
	".track{position:relative;height:1.05rem}.bar{position:absolute;left:0;top:.1rem;bottom:.1rem;box-sizing:border-box}\n" \
	".ours{background:#0b3d91}.peer{background:#e3e3e3;border:1px solid #777}.limit{border:1px solid #000;background:repeating-linear-gradient(45deg,#fff 0 4px,#000 4px 5px)}\n" \
	".whisker{position:absolute;top:.45rem;height:.15rem;min-width:2px;background:#d88a00;outline:1px solid #fff}\n" \
	".MISSED,.WORSE{color:#fff;background:#222;padding:0 .35rem;border-radius:3px}.WORSE{background:#a00}.ok{font-weight:400}\n" \
	".key span{position:static;display:inline-block;width:1.6rem;height:.8rem;vertical-align:-.05rem;margin:0 .35rem 0 .9rem}\n" \
	"details{margin-top:.5rem}summary{cursor:pointer;font-size:.86rem;color:#0b3d91}ul{margin:.3rem 0;padding-left:1.1rem;font-size:.86rem}\n" \
	"@media(max-width:480px){td,th{padding-right:.45rem}.wide{display:none}.bars{grid-template-columns:minmax(5rem,7.5rem) 1fr max-content}body{padding:.6rem .6rem 3rem;font-size:15px}section{padding:.6rem .6rem}.name{max-width:7.5rem}h1{font-size:1.4rem}}\n" \
	"</style>"
}

function head(    i) {
	print "<!doctype html>\n<html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width,initial-scale=1'>\n<title>percu, measured</title>"
	style_sheet()
	print "<h1>percu, measured</h1>\n<dl>"
	for (i = 1; i <= machines; i++)
		printf "<dt>%s<dd>%s\n", html(machine[i]), html(is[machine[i]])
	print "</dl>"
	printf "<p><b>Of what percu promised, %d hold, %d are missed and %d are worse than recorded.</b> ",
		judged["ok"], judged["MISSED"], judged["WORSE"]
	printf "%s</p>\n", losses ? sprintf("In <a href='#losses'>%d comparisons</a> somebody else is faster.", losses) : ""
	print "<p>Contestants take turns of a few milliseconds in one run; of each the median counts, and of a ratio the " \
		"median of the rounds' ratios, with the interval that holds the true median with 95 %; it is wide where the " \
		"time was over before it was known to 3 %. Times of another " \
		"machine will differ; ratios are what to look at.</p>"
	print "<p class='small key'>Bars:<span class='bar ours'></span>percu's own<span class='bar limit'></span>the limit: what the machine takes" \
		"<span class='bar peer'></span>others. The orange line is the interval. Of times and sizes, shorter is better.</p>"
	for (i = 1; i <= skips; i++)
		printf "<p class=small>Skipped: %s.</p>\n", html(skipped[i])
}

function pictures(group,    i, f, seen, file) {
	for (i = 1; i <= rows[group]; i++) {
		split(row[group, i], f, "\t")
		if (f[1] == "bucket" || f[1] == "ratio" || f[3] == "-" || (f[10] in seen))
			continue
		seen[f[10]]
		file = curve(group, f[10])
		if (file != "")
			printf "<img src='%s' alt='%s by %s, in %s; the table has the figures' loading=lazy>\n", file, html(title[group]), html(axis[group]), f[10]
	}
}

function points(group,    i, f, done, last) {
	for (i = 1; i <= rows[group]; i++) {
		split(row[group, i], f, "\t")
		if (f[1] != (times[group] ? "time" : "figure") || ((f[3], f[10]) in done))
			continue
		done[f[3], f[10]]
		if (f[3] != "-" && f[3] != last)
			printf "<h3>%s: %s</h3>\n", html(axis[group]), at(f[3])
		last = f[3]
		bars(group, f[3], f[10])
	}
}

function section(group,    curves) {
	if (!rows[group])
		return
	printf "<section id='%s'><h2>%s</h2><p>%s</p>\n", group, group, html(title[group])
	curves = plots && nxs[group] > 2
	if (curves)
		pictures(group)
	if (buckets[group] && plots)
		printf "<img src='%s' alt='tail of the latency; the table has percentiles' loading=lazy>\n", tail(group)
	if (!curves && !buckets[group])
		points(group)
	if (remark[group])
		printf "<ul>\n%s</ul>\n", remark[group]
	table(group, "All figures")
	print "</section>"
}

END {
	figures_lost()
	head()
	print "<h2>What was promised</h2>"
	if (judged["MISSED"] + judged["WORSE"]) {
		print "<h3>Missed</h3>"
		promises_table(0)
	}
	printf "<details><summary>The %d that hold</summary>\n", judged["ok"]
	promises_table(1)
	print "</details>"
	losses_table()
	memory_table()
	print "<div class=grid>"
	for (g = 1; g <= groups; g++)
		section(order[g])
	print "</div>\n</html>"
}
