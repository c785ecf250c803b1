# SPDX-License-Identifier: MIT
#
# What objdump -d --no-show-raw-insn says, for an awk program to come after it:
#
#	entry[name]	where a function begins
#	code[address]	an instruction, without comments and symbols
#	within[address]	the function that it is in
#	before[address], after[address]	its neighbours in the listing
function hex(s,    i, n) {
	n = 0
	s = tolower(s)
	for (i = 1; i <= length(s); i++)
		n = n * 16 + index("0123456789abcdef", substr(s, i, 1)) - 1
	return n
}
/^[0-9a-f]+ <.*>:$/ {
	name = $2
	gsub(/[<>:]/, "", name)
	entry[name] = hex($1)
	next
}
/^ *[0-9a-f]+:\t/ {
	a = $1
	sub(/:/, "", a)
	a = hex(a)
	line = $0
	sub(/^[^\t]*\t/, "", line)
	sub(/ *[#<].*/, "", line)
	code[a] = line
	within[a] = name
	before[a] = last
	if (last != "")
		after[last] = a
	last = a
	next
}
