#!/bin/sh
# SPDX-License-Identifier: MIT
#
# golden.sh [--update | --print]
#
# What a hit costs: for each entry point of the shared library, the
# instructions from its first to its return, and what they are.  A hit path is
# straight: no branch on it is taken but unconditional ones.
#
# Always: no call, no locked instruction on a hit path, and at most 20
# instructions for get and put.  Where the compiler is the one that the table
# in tests/golden/ was made with, and nothing was built in for debugging: what
# the table says.  --update writes the table; --print prints it, with what the
# benchmark has inlined, if it is there, and that is all.
#
# Environment: O, the build folder; SAN, D, CFLAGS as make has them.
set -u

O=${O:-build}
lib=$O/libpercu.so.0
table=tests/golden/x86_64-gcc12.txt

[ -e "$lib" ] || { echo "there is no $lib"; exit 1; }
command -v readelf >/dev/null && command -v objdump >/dev/null ||
	{ echo 'there is no readelf or objdump'; exit 77; }
readelf -h "$lib" | grep -q 'X86-64' ||
	{ echo 'not x86-64: there is no hit path to look at'; exit 77; }
readelf -SW "$lib" | grep -q ' __rseq_cs ' ||
	{ echo 'the library was built without sequences'; exit 77; }

dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT

# What objdump says on stdin of the functions that are named.
count() {
awk -v names="$1" "$(cat scripts/disasm.awk)"'
# Is its last operand in memory, is another one?
function operands(args,    i, c, deep, part, n) {
	deep = n = 0
	part = ""
	split("", mem)
	for (i = 1; i <= length(args) + 1; i++) {
		c = substr(args, i, 1)
		deep += (c == "(") - (c == ")")
		if (c == "" || (c == "," && !deep)) {
			mem[n++] = part ~ /\(|%[fg]s:/
			part = ""
		} else {
			part = part c
		}
	}
	to = n > 0 && mem[n - 1]
	from = n > 1 && (mem[0] || (n > 2 && mem[1]))
}
function count(fn,    a, op, args, goal) {
	instructions = loads = stores = branches = locked = calls = 0
	a = entry[fn]
	while (a in code && instructions < 200) {
		op = args = code[a]
		sub(/ .*/, "", op)
		sub(/^[^ ]* */, "", args)
		if (op ~ /^(nop|endbr64|cs|data16)/) {
			a = after[a]
			continue
		}
		instructions++
		if (op == "ret")
			return
		if (op == "lock" || (op ~ /^xchg/ && args ~ /\(/))
			locked++
		if (op == "call")
			calls++
		if (op == "jmp") {
			branches++
			goal = hex(args)
			if (within[goal] != fn) {
				calls++
				return
			}
			a = goal
			continue
		}
		if (op ~ /^j/)
			branches++
		operands(args)
		if (op !~ /^(lea|j|call)/) {
			loads += from || (to && op !~ /^mov/)
			stores += to && op !~ /^(cmp|test|bt)/
		}
		a = after[a]
	}
	calls++			# it never returns
}
END {
	n = split(names, fns, " ")
	for (i = 1; i <= n; i++) {
		if (!(fns[i] in entry)) {
			print fns[i] " is not there"
			continue
		}
		count(fns[i])
		printf "%-26s%13d%7d%8d%10d%8d%7d\n", fns[i], instructions,
			loads, stores, branches, locked, calls
	}
}'
}

entries='percu_pool_get percu_pool_put percu_pool_put_rcu_flavor'
entries="$entries percu_alloc percu_free percu_free_sized percu_free_rcu_flavor"
{
	echo '# up to the return of a hit; scripts/golden.sh'
	printf '%-26s%13s%7s%8s%10s%8s%7s\n' '# entry' instructions \
		loads stores branches locked calls
	objdump -d --no-show-raw-insn "$lib" |
		count "$entries"
} >"$dir/table"
cat "$dir/table"
if [ "${1:-}" = --print ]; then
	# Inlined there is no entry: two functions of nothing else stand for it.
	for fn in inlined_get inlined_put; do
		[ ! -e "$O/bench/percu-bench" ] ||
			objdump -d --no-show-raw-insn --disassemble=$fn "$O/bench/percu-bench" | count $fn
	done
	exit 0
fi

# What else the compiler was told to do on its way is not ours.
if [ -n "${SAN:-}${CFLAGS:-}" ]; then
	echo 'built with a sanitizer or other flags: nothing to hold it against'
	exit 0
fi
awk '
/^#/ { next }
NF != 7 { print; bad++; next }
$6 > 0 || $7 > 0 { print $1 ": a hit locks or calls"; bad++ }
$1 ~ /^percu_pool_(get|put)$/ && $2 > 20 { print $1 ": more than 20 instructions"; bad++ }
END { exit bad != 0 }' "$dir/table" || exit 1

same() {
	[ -z "${D:-}${CPPFLAGS:-}" ] &&
		readelf -p .comment "$lib" | grep -q 'GCC: .* 12\.' &&
		! readelf -p .comment "$lib" | grep -q clang
}

if [ "${1:-}" = --update ]; then
	same || { echo "$table is for gcc 12 and no debug build"; exit 1; }
	cp "$dir/table" "$table" && echo "written to $table"
elif same; then
	diff "$table" "$dir/table" ||
		{ echo 'the hit path has changed: if it may, make golden'; exit 1; }
else
	echo "another compiler, or a debug build: not held against $table"
fi
