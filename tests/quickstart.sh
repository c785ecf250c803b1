#!/bin/sh
# SPDX-License-Identifier: MIT
#
# What README and samples/ show compiles without a warning as strict C11, with
# what is installed alone, links with either library, and runs.  README's
# program is samples/quickstart.c, word for word, and prints what README says.
set -u

O=${O:-build}
CC=${CC:-cc}
SAN=${SAN:-}
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
rc=0
sanflag=${SAN:+-fsanitize=$SAN}

steady=
if setarch -R true 2>/dev/null; then
	steady='setarch -R'
fi

try() {	# name, file, how it is linked, libraries
	if ! $CC -std=c11 -O2 -Wall -Wextra -pedantic -Werror $sanflag -Iinclude \
			-o "$tmp/program" "$2" $4 -pthread; then
		echo "$1 does not compile ($3)"
		rc=1
	elif ! $steady "$tmp/program" >"$tmp/out" 2>&1; then
		echo "$1 does not run ($3)"
		cat "$tmp/out"
		rc=1
	else
		echo "$1 ($3): $(head -n 1 "$tmp/out")"
		return
	fi
	: >"$tmp/out"
}

both() {	# name, file
	try "$1" "$2" shared "-L$O -lpercu -Wl,-rpath,$(realpath "$O")"
	try "$1" "$2" static "$O/libpercu.a -lurcu-bp"
}

# The blocks of a page that are marked as C: whole programs are built and run,
# parts of one must compile.
programs() {	# page, where to put them
	awk -v to="$2" '
	/^```/ && inside { close(file); inside = 0; next }
	/^```c$/ { inside = 1; file = to "/" ++n ".c"; next }
	inside { print >file }' "$1"
	for f in "$2"/*.c; do
		[ -e "$f" ] && grep -q '^int main(' "$f" && continue
		if [ -e "$f" ] && ! $CC -std=c11 -O2 -Wall -Wextra -Werror \
				$sanflag -Iinclude -c -o /dev/null "$f"; then
			echo "a part of a program in $1 does not compile"
			rc=1
		fi
		rm -f "$f"
	done
}

both samples/quickstart.c samples/quickstart.c
# How many objects one miss brings depends on the machine and on tools.
sed 's/[0-9][0-9]* misses\{0,1\}, [0-9][0-9]* made (.*)/N misses, N made (mode)/' "$tmp/out" >"$tmp/sample"

if [ -e README.md ]; then
	mkdir "$tmp/readme"
	programs README.md "$tmp/readme"
	for f in "$tmp"/readme/*.c; do
		[ -e "$f" ] || { echo 'README.md has no program'; rc=1; break; }
		if grep -q 'samples/quickstart.c' "$f"; then
			diff samples/quickstart.c "$f" >"$tmp/diff" && continue
			echo 'README.md and samples/quickstart.c are not the same:'
			cat "$tmp/diff"
			rc=1
		fi
		both "README.md, program ${f##*/}" "$f"
	done
	sed 's/[0-9][0-9]* misses\{0,1\}, [0-9][0-9]* made (.*)/N misses, N made (mode)/' README.md >"$tmp/page"
	grep -q -x -F -e "$(head -n 1 "$tmp/sample")" "$tmp/page" || {
		echo "README.md does not say what samples/quickstart.c prints"
		rc=1
	}
fi

# configuration.md's list of keys is what PERCU=help prints; a debug build has
# another default.
page=Documentation/configuration.md
if [ -e $page ] && [ -z "${D:-}" ]; then
	sed -n '/^\$ PERCU=/,/^```/{/^```/d;p;}' $page >"$tmp/page"
	variable=$(sed -n '1s/^\$ \(PERCU=[^ ]*\) program$/\1/p' "$tmp/page")
	sed 1d "$tmp/page" >"$tmp/want"
	try 'PERCU=help' samples/quickstart.c static "$O/libpercu.a -lurcu-bp"
	[ -n "$variable" ] || { echo "$page has no example of PERCU"; rc=1; }
	env "$variable" $steady "$tmp/program" 2>"$tmp/help" >/dev/null
	diff "$tmp/want" "$tmp/help" || {
		echo "$page and what $variable prints are not the same"
		rc=1
	}
fi
exit $rc
