# SPDX-License-Identifier: MIT
#
# readme.awk RESULTS README: README anew, on stdout
#
# What stands between "<!-- bench: begin -->" and "<!-- bench: end -->" comes
# from what percu-bench wrote with --tsv=RESULTS, and from nothing else.
BEGIN { FS = "\t" }

FILENAME == ARGV[1] && $1 == "machine" { is[$4] = $11; next }
FILENAME == ARGV[1] {
	if ($15 != "")
		promised[++promises] = $0
	if ($1 == "time" || $1 == "figure")
		got[$2, $3, $4] = $5
	next
}
/^<!-- bench: begin -->$/ { print; measurements(); inside = 1; next }
/^<!-- bench: end -->$/ { inside = 0 }
!inside { print }

function figure(v,    a) {
	a = v < 0 ? -v : v
	return a >= 100 ? sprintf("%.0f", v) : a >= 10 ? sprintf("%.1f", v) : sprintf("%.2f", v)
}

function cell(group, x, name) {
	return (group, x, name) in got ? figure(got[group, x, name]) : "–"
}

# One line of times, in columns of who.
function side(what, group, x, pool,    k) {
	printf "| %s | %s", what, cell(group, x, pool)
	for (k = 1; k <= peers; k++)
		printf " | %s", cell(group, x, peer[k])
	print " |"
}

function side_by_side(    k) {
	peers = split("glibc jemalloc mimalloc tcmalloc tbbmalloc sync.Pool", peer, " ")
	printf "| ns | percu"
	for (k = 1; k <= peers; k++)
		printf " | %s", peer[k]
	print " |"
	print "|---|---|---|---|---|---|---|---|"
	side("64 bytes got and put, inlined", "malloc", 64, "pool, inlined")
	side("the same, a shared library's call", "malloc", 64, "pool")
	side("`percu_alloc()` and `percu_free()` for that", "malloc", 64, "alloc + free")
	side("`malloc()` and `free()` of a preloaded program", "malloc", 64, "percu's malloc")
	side("1000 objects out at once: one", "sets", 1000, "pool")
	side("1 000 000 out at once", "sets", 1000000, "pool")
	side("got on one CPU, put on another", "handover", "-", "pool")
	side("each thread puts what all others got", "exchange", "-", "pool")
	side("an object that takes long to make", "ctor", "-", "pool with a ctor")
	side("every CPU gets and puts", "go-pool", "-", "pool")
	side("the same, a third put by another CPU", "go-starvation", "-", "pool")
	printf "| KiB that an idle thread holds | %s", cell("idle", "-", "pool: held by a thread")
	for (k = 1; k <= peers; k++)
		printf " | %s", cell("idle", "-", peer[k] ": held by a thread")
	print " |"
	memory("bytes resident for one asked for, at worst", "churn", "resident / asked for, at worst")
	memory("the same while sizes shift, bytes", "drift", "resident at worst")
}

function memory(what, group, name,    k) {
	printf "| %s | %s", what, cell(group, "-", "percu: " name)
	for (k = 1; k <= peers; k++)
		printf " | %s", cell(group, "-", peer[k] ": " name)
	print " |"
}

function promise(i,    f) {
	split(promised[i], f, "\t")
	if (f[2] == "counts")
		return
	printf("| %s | %s%s | %s%s | %s %s%s |\n", f[2], f[4],
		f[3] == "-" ? "" : " at " f[3], figure(f[5]),
		f[9] > 1 ? " (" figure(f[6]) " – " figure(f[7]) ")" : "",
		f[12] == "most" ? "≤" : "≥", f[13] + 0,
		f[15] == "ok" ? "" : ", **" tolower(f[15]) "**")
}

function measurements(    i, versions) {
	printf "\nOne run of `%s` on %s,\n%s, %s, %s; mode %s.\n", is["command"], is["CPUs"],
		is["kernel"], is["compiler"], is["date"], is["percu"]
	printf "Others %s.\n", is["others"]
	for (i = split("glibc jemalloc mimalloc tcmalloc tbbmalloc snmalloc liburcu ck Go", peer, " "); i > 0; i--)
		if (peer[i] in is)
			versions = peer[i] ": " is[peer[i]] (versions == "" ? "." : "; " versions)
	printf "%s\n\n", versions
	side_by_side()
	print "\n![a get and a put by size, against every malloc](Documentation/bench.svg)\n"
	print "| case | figure | measured (95 %) | promised |\n|---|---|---|---|"
	for (i = 1; i <= promises; i++)
		promise(i)
	print ""
}
