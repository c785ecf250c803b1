# SPDX-License-Identifier: MIT
#
# A manual page from a frame of troff and sections of the documentation:
#
#	awk -v version=0.1.0 -v date=2026-11-23 -f scripts/md2man.awk FRAME
#
# A line "@INCLUDE FILE" of the frame becomes what FILE says before its first
# section, "@INCLUDE FILE ## Title" that section, its heading among it; with
# "###" instead the heading, and those below it, go down a level.  Everything
# else is copied, with @VERSION@ and @DATE@ filled in.
#
# Of Markdown this knows what the documentation uses: headings, paragraphs,
# lists of one level, fenced blocks, tables, `code`, **bold**, *italic*, links.
#
# Words: mode is what the lines belong to: "", para, item, fence or table;
# cell[r, c] is a table, row 1 its heading; wide[c] is what a column needs in
# one line, least[c] what it needs at least.

function esc(s) {
	gsub(/\\/, "\\e", s)
	gsub(/-/, "\\-", s)
	gsub(/^[.']/, "\\\\\\&&", s)
	return s
}

# Splits at `code`, which is left as it is.
function words(s,    n, i, part, out) {
	s = esc(s)
	n = split(s, part, "`")
	out = ""
	for (i = 1; i <= n; i++) {
		if (i % 2 == 0)
			out = out "\\fB" part[i] "\\fR"
		else
			out = out marked(part[i])
	}
	gsub(/^\\fB\./, "\\fB\\\\\\&.", out)
	return out
}

function marked(s,    w) {
	while (match(s, /\[[^]]*\]\([^)]*\)/)) {
		w = substr(s, RSTART + 1, index(substr(s, RSTART), "]") - 2)
		s = substr(s, 1, RSTART - 1) w substr(s, RSTART + RLENGTH)
	}
	while (match(s, /\*\*[^*]+\*\*/))
		s = substr(s, 1, RSTART - 1) "\\fB" substr(s, RSTART + 2, RLENGTH - 4) \
			"\\fR" substr(s, RSTART + RLENGTH)
	while (match(s, /\*[A-Za-z][^*]*\*/))
		s = substr(s, 1, RSTART - 1) "\\fI" substr(s, RSTART + 1, RLENGTH - 2) \
			"\\fR" substr(s, RSTART + RLENGTH)
	return s
}

function untab(s,    at) {
	while (at = index(s, "\t"))
		s = substr(s, 1, at - 1) sprintf("%" 8 - (at - 1) % 8 "s", "") substr(s, at + 1)
	return s
}

# How many columns a cell takes on a terminal.
function width(s) {
	gsub(/\\f[BIR]/, "", s)
	gsub(/\\[-&]/, "-", s)
	gsub(/\\:/, "", s)
	return length(s)
}

function paragraph() {
	if (!fresh)
		print ".PP"
	fresh = 0
}

# A cell may be broken at a blank, and behind "_" of a name.
function piece(s,    n, i, part, most) {
	gsub(/\\f[BIR]/, "", s)
	n = split(s, part, / |_\\:/)
	most = 0
	for (i = 1; i <= n; i++)
		if (width(part[i]) >= most)
			most = width(part[i]) + 1
	return most
}

function row(line,    c, part, n, s) {
	rows++
	sub(/^\| */, "", line)
	sub(/ *\| *$/, "", line)
	n = split(line, part, / *\| */)
	for (c = 1; c <= n; c++) {
		s = words(part[c])
		if (rows == 1 && s != "")
			s = "\\fI" s "\\fR"
		if (width(s) > wide[c] + 0)
			wide[c] = width(s)
		gsub(/_/, "_\\:", s)
		if (piece(s) > least[c] + 0)
			least[c] = piece(s)
		cell[rows, c] = s
	}
	if (n > cols)
		cols = n
}

# Columns that need less than their share get what they need, those that
# cannot be broken into as little the least they can, and the others share what
# is left of the line.  Leaves size[c], and which columns are broken[c].
function share(    c, left, n, again) {
	left = 69 - 2 * (cols - 1)
	n = cols
	split("", size)
	split("", broken)
	do {
		again = 0
		for (c = 1; c <= cols; c++) {
			if (c in size || wide[c] > left / n && least[c] < left / n)
				continue
			broken[c] = wide[c] > left / n
			size[c] = broken[c] ? least[c] : wide[c]
			left -= size[c]
			n--
			again = 1
		}
	} while (again && n)
	for (c = 1; c <= cols; c++)
		if (!(c in size)) {
			broken[c] = 1
			size[c] = int(left / n)
		}
}

function table(    r, c, any, line) {
	share()
	paragraph()
	print ".TS"
	line = ""
	any = 0
	for (c = 1; c <= cols; c++) {
		line = line (broken[c] ? "lw(" size[c] "n)" : "l") (c < cols ? "2 " : ".")
		any = any || broken[c]
	}
	print line
	for (r = 1; r <= rows; r++) {
		if (any && r > 1)
			print "\\&"
		line = ""
		for (c = 1; c <= cols; c++) {
			line = line (c > 1 ? "\t" : "")
			line = line (broken[c] ? "T{\n" cell[r, c] "\nT}" : cell[r, c])
		}
		print line
	}
	print ".TE"
	split("", cell)
	split("", wide)
	split("", least)
	rows = cols = 0
}

function finish() {
	if (mode == "fence")
		print ".fi\n.RE"
	if (mode == "table")
		table()
	mode = ""
}

function heading(line, down,    level, s) {
	finish()
	match(line, /^#+/)
	level = RLENGTH + down
	s = substr(line, RLENGTH + 2)
	gsub(/`/, "", s)
	print (level == 2 ? ".SH " toupper(esc(s)) : ".SS " esc(s))
	fresh = 1
}

function body(line) {
	if (line ~ /^```/) {
		if (mode == "fence") {
			finish()
			return
		}
		finish()
		paragraph()
		print ".RS 2\n.nf"
		mode = "fence"
	} else if (mode == "fence") {
		print esc(untab(line))
	} else if (line ~ /^\|/) {
		if (mode != "table")
			finish()
		mode = "table"
		if (line !~ /^\|[-| ]*\|$/)
			row(line)
	} else if (line ~ /^ *$/) {
		finish()
	} else if (line ~ /^(-|[0-9]+\.) /) {
		finish()
		print line ~ /^-/ ? ".IP \\(bu 2" : ".IP " substr(line, 1, index(line, " ") - 1) " 3"
		print words(substr(line, index(line, " ") + 1))
		mode = "item"
		fresh = 0
	} else {
		sub(/^ +/, "", line)
		if (mode == "" || mode == "table") {
			finish()
			paragraph()
			mode = "para"
		}
		print words(line)
	}
}

# Leaves found, for a section that the page wants and nobody has is an error.
function include(file, marks, title,    line, level, inside, down, fence) {
	down = marks == "###"
	inside = title == ""
	found = 0
	while ((getline line <file) > 0) {
		fence = fence != (line ~ /^```/)
		level = fence || line !~ /^#+ / ? 0 : index(line, " ") - 1
		if (level == 2 || level == 1 && found)
			inside = line == "## " title
		if (level == 1)
			continue
		found = found || inside
		if (inside && level)
			heading(line, down)
		else if (inside)
			body(line)
	}
	close(file)
	finish()
	if (!found) {
		print FILENAME ": " file " has no section " title >"/dev/stderr"
		exit 1
	}
}

NR == 1 {
	print "'\\\" t"
	print ".\\\" From the documentation, by md2man.awk."
}
/^@INCLUDE / {
	title = ""
	for (i = 4; i <= NF; i++)
		title = title (i > 4 ? " " : "") $i
	include($2, $3, title)
	next
}
{
	gsub(/@VERSION@/, version)
	gsub(/@DATE@/, date)
	print
	fresh = $1 == ".SH"
}
