#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The manual: each public function has a page, the pages say what the headers
# and Documentation/ say, and a formatter finds nothing to complain about.  A
# section that a page wants and the documentation has not is an error.
set -u

O=${O:-build}
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
rc=0

bad() {
	echo "$*"
	rc=1
}

says() {	# page, text as troff has it
	grep -q -F -e "$2" "$O/man/$1" || bad "$1 does not say: $2"
}

# As install makes links of them.
sed -n '/^\.SH NAME/,/^\.SH [^N]/{/^\.SH/d;s/,$//;s/ \\-.*//;s/\\-/-/g;p;}' "$O"/man/*.[37] |
	sort >"$tmp/names"
uniq -d "$tmp/names" >"$tmp/twice"
[ ! -s "$tmp/twice" ] || bad "on two pages: $(xargs <"$tmp/twice")"

# What inlined code calls is nobody else's.
sed -n 's/^\t\(percu_[a-z0-9_]*\);$/\1/p' scripts/libpercu.map |
	grep -v -e '_slow$' -e '^percu_chunk_' -e '^percu_abi' -e '^percu_flavor_bp$' |
	sort >"$tmp/public"
[ -s "$tmp/public" ] || bad 'scripts/libpercu.map names no function'
comm -23 "$tmp/public" "$tmp/names" >"$tmp/missing"
[ ! -s "$tmp/missing" ] || bad "without a page: $(xargs <"$tmp/missing")"

says percu_pool.3 'void *percu_pool_get(struct percu_pool *pool);'
says percu_pool.3 'percu_pool_put_rcu(pool, obj);'
says percu_pool.3 '        PERCU_POOL_TYPESAFE = 1 << 1,'
says percu_vec.3 '.SS percu_vec_remove_swap() \- move the last element to slot \fIi\fR; swap and pop'
says percu_override.3 'posix_memalign valloc pvalloc'
says percu_alloc.3 '\fIReturn\fR:'

# Each row of the tables of what readers see, by its first cell.
awk '/^## What a reader/ { on = 1 } /^## Batches/ { on = 0 }
     on && /^\| [^|]/ { sub(/^\| /, ""); sub(/ \|.*/, ""); gsub(/[`]/, ""); print }' \
	Documentation/vectors.md >"$tmp/rows"
[ "$(grep -c . "$tmp/rows")" -gt 20 ] || bad 'Documentation/vectors.md has no tables'
sed -e 's/\\f[BIR]//g' -e 's/\\://g' -e 's/\\-/-/g' "$O/man/percu-rcu.7" >"$tmp/plain"
while read -r row; do
	grep -q -F -e "$row" "$tmp/plain" || bad "percu-rcu.7 has no row: $row"
done <"$tmp/rows"

# Nothing of either markup is left over.
for page in "$O"/man/*.[37]; do
	sed '/^\.nf/,/^\.fi/d' "$page" |
		grep -n -e '`' -e '\*\*' -e ']([^ ]*md)' -e '^|' -e '@INCLUDE' -e '@VERSION@' \
			-e '^[^.]*PERCU_API' >"$tmp/left" || continue
	bad "${page##*/}: $(head -n 3 "$tmp/left")"
done

printf '@INCLUDE README.md ## No such section\n' >"$tmp/frame"
if awk -f scripts/md2man.awk "$tmp/frame" >"$tmp/out" 2>&1; then
	bad 'a section that is missing is not an error'
fi

found=
if command -v mandoc >/dev/null; then
	found="$found mandoc"
	mandoc -T lint -W warning "$O"/man/*.[37] || bad 'mandoc complains'
fi
if command -v groff >/dev/null && command -v tbl >/dev/null; then
	found="$found groff"
	for page in "$O"/man/*.[37]; do
		groff -t -man -Tutf8 -ww "$page" 2>&1 >"$tmp/text" | grep . && bad "groff: $page"
		[ -s "$tmp/text" ] || bad "groff makes nothing of $page"
	done
fi
echo "$(grep -c . "$tmp/names") names, $(ls "$O"/man/*.[37] | grep -c .) pages, looked at by${found:- nobody}"
exit $rc
