# SPDX-License-Identifier: MIT
#
# A manual page of section 3 from a header's kernel-doc comments:
#
#	awk -v version=0.1.0 -v date=2026-11-23 -f scripts/kdoc.awk HEADER
#
# The first comment of the header, "percu/NAME.h - what it is", is the page's
# head.  Each comment that starts with two stars is an item: a function, a
# macro, a struct, an enum, or "DOC: title", a heading for those that follow.
# All but "private:" members of the declaration behind it go to the synopsis,
# without the attributes for the compiler.  In text, "@name" is a parameter,
# and lines that are set in by a tab or by blanks are left as they are.
#
# Whoever wants the other names of the page finds them in its NAME section.
#
# Words: item i is kind[i], whole[i] as the comment names it, title[i] its bare
# name, brief[i], text[i], decl[i]; esc() makes text harmless in troff; fresh is
# set after a heading, which has begun a paragraph.

function esc(s) {
	gsub(/\\/, "\\e", s)
	gsub(/-/, "\\-", s)
	gsub(/^[.']/, "\\\\\\&&", s)
	gsub(/\n\./, "\n\\\\\\&.", s)
	return s
}

function untab(s,    at) {
	while (at = index(s, "\t"))
		s = substr(s, 1, at - 1) sprintf("%" 8 - (at - 1) % 8 "s", "") substr(s, at + 1)
	return s
}

# Text is set in roman, with names of parameters in italics and functions of
# percu in bold.
function words(s,    done, w) {
	s = esc(s)
	done = ""
	while (match(s, /(^|[^A-Za-z0-9_])@[A-Za-z_][A-Za-z0-9_.]*[A-Za-z0-9_]|(^|[^A-Za-z0-9_])@[A-Za-z_]|percu_[a-z0-9_]+\(\)|PERCU_[A-Z0-9_]+\(\)/)) {
		w = substr(s, RSTART, RLENGTH)
		done = done substr(s, 1, RSTART - 1)
		s = substr(s, RSTART + RLENGTH)
		if (w ~ /@/) {
			done = done substr(w, 1, index(w, "@") - 1)
			done = done "\\fI" substr(w, index(w, "@") + 1) "\\fR"
		} else {
			done = done "\\fB" substr(w, 1, length(w) - 2) "\\fR()"
		}
	}
	return done s
}

# A sentence that ends a line is seen as such; one that ends inside is not.
function text_line(s) {
	s = words(s)
	gsub(/\.  /, ".\n", s)
	print s
	fresh = 0
}

# No paragraph begins right after a heading, for that has begun one.
function heading(s) {
	print s
	fresh = 1
}

function paragraph() {
	if (!fresh)
		print ".PP"
	fresh = 0
}

function end_literal() {
	print ".fi\n.RE"
}

# state: 0 before a paragraph, 1 in one, 2 in lines that stay as they are
function para(s,    n, i, line, state) {
	n = split(s, line, "\n")
	state = 0
	for (i = 1; i <= n; i++) {
		if (line[i] ~ /^[ \t]+[^ \t]/) {
			if (state != 2) {
				paragraph()
				print ".RS 0\n.nf"
			}
			state = 2
			print esc(substr(untab(line[i]), 2))
		} else if (line[i] ~ /[^ \t]/) {
			if (state == 2)
				end_literal()
			if (state != 1)
				paragraph()
			state = 1
			text_line(line[i])
		} else if (state == 2 && line[i + 1] ~ /^[ \t]/) {
			print ""
		} else {
			if (state == 2)
				end_literal()
			state = 0
		}
	}
	if (state == 2)
		end_literal()
}

# Takes attributes off a declaration, and what it does not need to be read.
function bare(s,    n) {
	gsub(/[ \t\n]+/, " ", s)
	gsub(/__extension__ /, "", s)
	gsub(/(PERCU_(API|MUST_CHECK|MALLOC|COLD|NOPLT)|static inline|inline) ?/, "", s)
	while (match(s, /(PERCU_[A-Z_]+|__attribute__) ?\(/)) {
		n = matching(s, RSTART + RLENGTH - 1)
		s = substr(s, 1, RSTART - 1) substr(s, n + 1)
		sub(/^ +/, "", s)
	}
	gsub(/ +/, " ", s)
	gsub(/ +;/, ";", s)
	gsub(/\* percu/, "*percu", s)
	gsub(/\( /, "(", s)
	sub(/^ /, "", s)
	sub(/ $/, "", s)
	return s
}

function matching(s, at,    depth, c) {
	for (depth = 0; at <= length(s); at++) {
		c = substr(s, at, 1)
		depth += (c == "(") - (c == ")")
		if (!depth)
			return at
	}
	return at
}

# Lines of at most 72 columns, broken after a comma.
function wrapped(s,    out, at, col) {
	out = ""
	while (length(s) > 72) {
		for (at = 72; at > 40 && substr(s, at, 2) != ", "; at--)
			;
		if (at == 40)
			break
		out = out substr(s, 1, at) "\n"
		s = "        " substr(s, at + 2)
	}
	return out s
}

# Members behind "private:" are nobody's business, comments are not C's.
function members(s,    n, i, line, out, hidden) {
	n = split(s, line, "\n")
	out = ""
	hidden = 0
	for (i = 1; i <= n; i++) {
		if (line[i] ~ /\/\* private: ?\*\//)
			hidden = 1
		else if (line[i] ~ /\/\* public: ?\*\//)
			hidden = 0
		else if (!hidden || line[i] ~ /^}/) {
			sub(/[ \t]*\/\*.*\*\//, "", line[i])
			out = out (out == "" ? "" : "\n") untab(line[i])
		}
	}
	if (out ~ /[{]\n[}]/)
		sub(/ [{].*/, ";", out)
	return out
}

# A macro is shown with the parameters that its comment names.
function macro(i,    n, line, k, list) {
	list = ""
	n = split(text[i], line, "\n")
	for (k = 1; k <= n; k++)
		if (match(line[k], /^@([A-Za-z_]+|[.][.][.]):/))
			list = list (list == "" ? "" : ", ") substr(line[k], 2, RLENGTH - 2)
	return title[i] "(" list ")"
}

function start_item(first_line,    s) {
	n++
	s = first_line
	kind[n] = "function"
	if (sub(/^DOC: */, "", s)) {
		kind[n] = "heading"
		title[n] = s
		return
	}
	whole[n] = substr(s, 1, index(s, " - ") - 1)
	brief[n] = substr(s, index(s, " - ") + 3)
	title[n] = whole[n]
	sub(/\(\)$/, "", title[n])
	if (sub(/^(struct|enum|union|class) /, "", title[n]))
		kind[n] = "type"
}

BEGIN {
	NONE = 0; HEAD = 1; ITEM = 2; DECL = 3
	where = NONE
}

NR == 1 && /SPDX/ {
	next
}
where == NONE && !headed && /^\/\*$/ {
	where = HEAD
	next
}
where == HEAD && /^ \*\// {
	where = NONE
	headed = 1
	next
}
where == HEAD {
	sub(/^ \*/, "")
	sub(/^ /, "")
	if (what == "") {
		what = $0
		sub(/^.* - /, "", what)
	} else {
		head = head $0 "\n"
	}
	next
}
where == NONE && /^\/\*\*$/ {
	where = ITEM
	begins = 1
	next
}
where == ITEM && /^ \*\// {
	where = kind[n] == "heading" ? NONE : DECL
	next
}
where == ITEM {
	sub(/^ \*/, "")
	sub(/^ /, "")
	if (begins)
		start_item($0)
	else
		text[n] = text[n] $0 "\n"
	begins = 0
	next
}
where == DECL {
	if (decl[n] == "" && /^#define/) {
		kind[n] = "macro"
		where = NONE
		next
	}
	decl[n] = decl[n] (decl[n] == "" ? "" : "\n") $0
	if (kind[n] != "type" || whole[n] ~ /^class/ ? /[;{]$|^[{]/ : /^}/) {
		sub(/[ \t\n]*[{]$/, ";", decl[n])
		where = NONE
	}
}

# A font ends with its line, for readers that take lines one by one.
function bold(s) {
	s = esc(s)
	gsub(/\n/, "\\fR\n\\fB", s)
	print "\\fB" s "\\fR"
}

# Types stand apart, functions and macros in a block.
function synopsis(    i, apart) {
	print ".SH SYNOPSIS\n.nf"
	print ".B #include <" header ">"
	apart = 1
	for (i = 1; i <= n; i++) {
		if (kind[i] == "heading")
			continue
		if (apart || kind[i] == "type")
			print ".PP"
		apart = kind[i] == "type"
		if (kind[i] == "type")
			bold(members(decl[i]))
		else
			bold(kind[i] == "macro" ? macro(i) ";" : wrapped(bare(decl[i])))
	}
	print ".fi"
}

function parameter(name, s) {
	print ".TP\n.I " esc(name)
	text_line(s)
	while (line[k + 1] ~ /^\t/) {
		sub(/^\t/, "", line[++k])
		text_line(line[k])
	}
	fresh = 0
}

# "Context: ..." and "Return: ..." begin a paragraph, whatever comes before.
function contract(label, s) {
	paragraph()
	print "\\fI" label "\\fR:"
	text_line(s)
	while (k < lines && line[k + 1] !~ /^$|^(Context|Return): /)
		text_line(line[++k])
}

# line[1..lines] is the item's text, k the line that is being looked at.
function item(i,    colon, rest) {
	if (kind[i] == "heading")
		heading(".SH " toupper(esc(title[i])))
	else
		heading(".SS " esc(whole[i]) " \\- " words(brief[i]))
	lines = split(text[i], line, "\n")
	rest = ""
	for (k = 1; k <= lines; k++) {
		colon = index(line[k], ":")
		if (line[k] ~ /^@[^ :]+:/) {
			parameter(substr(line[k], 2, colon - 2), substr(line[k], colon + 2))
		} else if (line[k] ~ /^(Context|Return|Context, Return): /) {
			para(rest)
			rest = ""
			contract(substr(line[k], 1, colon - 1), substr(line[k], colon + 2))
		} else {
			rest = rest line[k] "\n"
		}
	}
	para(rest)
}

END {
	if (!n) {
		print FILENAME ": no kernel-doc" >"/dev/stderr"
		exit 1
	}
	header = FILENAME
	sub(/^.*include\//, "", header)
	page = header
	sub(/\.h$/, "", page)
	sub(/^percu\/percu/, "percu", page)
	gsub(/[^a-z0-9]/, "_", page)

	print ".\\\" From " header " by kdoc.awk."
	print ".TH " page " 3 " date " \"percu " version "\" \"percu manual\""
	print ".nh\n.ad l\n.SH NAME"
	all = page
	seen[page] = 1
	for (i = 1; i <= n; i++) {
		if (kind[i] == "heading" || title[i] in seen)
			continue
		seen[title[i]] = 1
		all = all ",\n" title[i]
	}
	print all " \\- " esc(what)
	print ".SH LIBRARY\npercu (libpercu, \\-lpercu)"
	synopsis()
	heading(".SH DESCRIPTION")
	para(head)
	if (kind[1] != "heading")
		heading(".SH FUNCTIONS AND TYPES")
	for (i = 1; i <= n; i++)
		item(i)
	print ".SH SEE ALSO\n.BR percu (7),\n.BR percu\\-rcu (7)"
}
