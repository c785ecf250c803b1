#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The sequences of the shared library, as the kernel will see them.  For each
# descriptor in __rseq_cs:
#
#	the instruction before the section arms it
#	what decides about the record (cpu_id, the index) is loaded inside
#	the section ends behind one store to the record's word, the only one
#	nothing inside calls, returns, enters the kernel, or locks the bus
#	the abort handler follows the signature that the kernel asks for, and
#	jumps to where the sequence is armed anew
set -u

O=${O:-build}
lib=$O/libpercu.so.0

[ -e "$lib" ] || { echo "there is no $lib"; exit 1; }
command -v readelf >/dev/null && command -v objdump >/dev/null ||
	{ echo 'there is no readelf or objdump'; exit 77; }
readelf -h "$lib" | grep -q 'X86-64' ||
	{ echo 'not x86-64: there are no sequences'; exit 77; }
readelf -SW "$lib" | grep -q ' __rseq_cs ' ||
	{ echo 'the library was built without sequences'; exit 77; }

dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT

readelf -SW "$lib" | sed 's/^ *\[ *[0-9]*\] *//' >"$dir/sections"
readelf -rW "$lib" >"$dir/relocs"
objdump -s -j __rseq_cs "$lib" >"$dir/bytes"
objdump -s -j .text "$lib" >"$dir/text"
objdump -d --no-show-raw-insn "$lib" >"$dir/code"

# The last file is the code: by then all that describes it is known.
awk "$(cat scripts/disasm.awk)"'
# Little-endian, n bytes at address a of the dump b[].
function little(b, a, n,    i, v) {
	v = 0
	for (i = n - 1; i >= 0; i--)
		v = v * 256 + hex(b[a + i])
	return v
}
function dump(b,    a, i, j, w) {
	a = hex($1)
	for (i = 2; i <= 5 && $i ~ /^[0-9a-f]+$/ && length($i) <= 8; i++)
		for (j = 1; j < length($i); j += 2)
			b[a++] = substr($i, j, 2)
}
function wrong(what) {
	printf "%s+%x: %s\n", name, start - entry[name], what
	bad++
}
# The last operand: what an instruction writes.
function target(s,    i, c, deep, from) {
	deep = 0
	from = 1
	for (i = 1; i <= length(s); i++) {
		c = substr(s, i, 1)
		deep += (c == "(") - (c == ")")
		if (c == "," && !deep)
			from = i + 1
	}
	return substr(s, from)
}

FILENAME ~ /sections$/ {
	if ($1 == "__rseq_cs") {
		cs = hex($3); ncs = hex($5) / 32
	} else if ($1 == "__rseq_cs_ptr_array") {
		nptr = hex($5) / 8
	}
	next
}
FILENAME ~ /relocs$/ {
	if ($3 == "R_X86_64_RELATIVE")
		points[hex($1)] = hex($4)
	next
}
FILENAME ~ /bytes$/ {
	if ($1 ~ /^[0-9a-f]+$/)
		dump(data)
	next
}
FILENAME ~ /text$/ {
	if ($1 ~ /^[0-9a-f]+$/)
		dump(text)
	next
}

function section(i,    d, a, end, op, args, to, commits, commit, first, n, id, idx) {
	d = cs + 32 * i
	start = points[d + 8]
	end = start + little(data, d + 16, 8)
	handler = points[d + 24]
	name = within[start]
	if (!(start in code))
		return wrong("starts at no instruction")
	if (!(end in code))
		return wrong("ends at no instruction")
	if (little(data, d, 8))
		wrong("version and flags are not 0")
	if (code[before[start]] !~ /^mov +%r[a-z0-9]+,%fs:0x8\(%r[a-z0-9]+\)$/)
		wrong("is not armed by: " code[before[start]])
	commit = before[end]
	if (code[commit] !~ /^mov +%r[a-z0-9]+,\(%r[a-z0-9]+\)$/)
		wrong("does not end with a store: " code[commit])
	to = target(code[commit])
	for (a = start; a < end; a++) {
		if (!(a in code))
			continue
		n++
		op = code[a]
		if (op ~ /^(call|ret|syscall|sysenter|int|lock|xchg|push|pop|rep)/)
			wrong("inside: " op)
		args = op
		sub(/^[a-z0-9]+ */, "", args)
		if (op !~ /^(cmp|test|lea|j)/ && target(args) == to)
			commits++
		if (target(args) ~ /%fs:/ && op !~ /^cmp/)
			wrong("stores to the area: " op)
		id += args ~ /%fs:0x4\(/
		idx += args ~ /%fs:(0x0)?\(/
	}
	if (commits != 1)
		wrong(commits " stores to the word")
	if (id != 1 || idx != 1)
		wrong("loads cpu_id " id " times inside, and the index " idx)
	if (handler >= start && handler < end)
		wrong("the abort handler is inside")
	if (little(text, handler - 4, 4) != hex("53053053"))
		wrong("no signature before the abort handler")
	if (code[handler] !~ /^jmp +[0-9a-f]+$/)
		return wrong("the abort handler is: " code[handler])
	first = code[handler]
	sub(/^jmp +/, "", first)
	first = hex(first)
	if (!(first in code) || first > before[start] || first < start - 40)
		wrong("an abort goes on at " code[handler])
	printf "%-20s %2d instructions, %3d bytes, commit: %s\n", name, n,
		end - start, code[commit]
}
END {
	for (i = 0; i < ncs; i++)
		section(i)
	if (ncs != nptr) {
		print ncs " descriptors, " nptr " pointers to one"
		bad++
	}
	if (ncs < 5) {
		print "only " ncs + 0 " sequences found"
		bad++
	}
	exit bad != 0
}' "$dir/sections" "$dir/relocs" "$dir/bytes" "$dir/text" "$dir/code"
