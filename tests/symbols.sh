#!/bin/sh
# SPDX-License-Identifier: MIT
# The shared library exports what the public headers declare, and no more, each
# name in a version: inlined code's in the one that carries its layout's number.
set -u

O=${O:-build}
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT

# In a declaration, what is left when all parentheses are gone ends with the
# name: PERCU_API and its like become __attribute__((visibility(...))).
for h in include/percu/*.h; do
	printf '#include "%s"\n' "${h#include/}"
done | ${CC:-cc} -x c -D_GNU_SOURCE -Iinclude -E -P - | tr '\n' ' ' |
	tr ';{}' '\n\n\n' | grep -e 'visibility' -e ' __asm__("percu_' |
	sed -e 's/.*__asm__ *("\([^"]*\)").*/ \1/' \
	    -e ':again' -e 's/([^()]*)//g' -e 't again' \
	    -e 's/.*[^A-Za-z0-9_]\(percu_[A-Za-z0-9_]*\).*/\1/' |
	sort -u >"$dir/declared"
nm -D --defined-only "$O/libpercu.so.0" | awk '$2 != "A" { print $3 }' |
	sort -u >"$dir/versioned"
sed 's/@.*//' "$dir/versioned" | sort -u >"$dir/exported"

if ! [ -s "$dir/declared" ]; then
	echo 'no declaration found'
	exit 1
fi
comm -23 "$dir/declared" "$dir/exported" |
	sed 's/$/ is declared, not exported: name it in scripts\/libpercu.map/'
comm -13 "$dir/declared" "$dir/exported" | sed 's/$/ is exported, not declared/'
awk -F @@ '{
	version = "^PERCU_[0-9][0-9.]*$"
	if ($1 ~ /^percu_abi[0-9]/) {
		version = $1
		gsub(/^percu_abi|_.*/, "", version)
		version = "^PERCU_ABI" version "$"
	}
	if ($2 !~ version)
		print $0 ": not the version that the name should have"
}' "$dir/versioned" >"$dir/wrong"
cat "$dir/wrong"
[ ! -s "$dir/wrong" ] && cmp -s "$dir/declared" "$dir/exported"
