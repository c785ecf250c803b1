#!/bin/sh
# SPDX-License-Identifier: MIT
#
# samples/retention.c: what is needed and what is out, after each step, are
# these figures.  And the sample notices when they are not: it is compiled
# with a mistake at a time, and each time it must say that a figure is wrong.
set -u

O=${O:-build}
CC=${CC:-cc}
SAN=${SAN:-}
D=${D:-}
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
rc=0

steady=
if setarch -R true 2>/dev/null; then
	steady='setarch -R'
fi

# MiB that are needed, MiB that are out.  Where large blocks have guards these
# are counted too, and only the program's own verdict is looked at.
guards=
case $SAN$D in
*address*|*1*)
	guards=yes ;;
esac
cat >"$tmp/expected" <<END
a slice of five 5.00 5.00
append(s[:1], s[2:]...) 4.00 4.00
append(s[:3], s[4:]...) 3.00 4.00
append(s[:2], s[3:]...) 2.00 4.00
nothing refers to the array 0.00 0.00
a vector of five 5.00 5.00
percu_vec_remove(): copy and truncate 4.00 4.00
percu_vec_remove_nil(): explicit nil 3.00 3.00
percu_vec_remove_exact(): reallocation 2.00 2.00
percu_vec_remove_swap(): swap and pop 1.00 1.00
percu_vec_destroy() 0.00 0.00
64 bytes of 1 MiB, shared as in Go 0.00 1.00
percu_slice_clone() of them 0.00 0.00
64 bytes of 1 MiB, above the ratio 0.00 0.00
all slices put 0.00 0.00
in a read section, with the whole view 1.00 5.00
woken up 0.00 0.00
outside, with a reference to the one 1.00 1.00
woken up 0.00 0.00
a free list, after five small requests 0.00 5.00
percu_buf_put(), after five small requests 0.00 0.00
END

right() {	# name, are there guards, command
	name=$1
	guarded=$2
	shift 2
	timeout -k 10 300 "$@" >"$tmp/out" 2>&1
	status=$?
	# Rows end in five figures, of which the first two count.
	awk '$NF ~ /^[0-9]+$/ && NF > 5 { NF -= 3; print }' "$tmp/out" >"$tmp/rows"
	if [ $status != 0 ]; then
		cat "$tmp/out"
		echo "$name: ended with status $status"
		rc=1
	elif [ -z "$guarded" ] && ! diff "$tmp/expected" "$tmp/rows"; then
		echo "$name: the figures are not those expected"
		rc=1
	else
		echo "$name: $(grep -c . "$tmp/rows") rows, $(tail -n 1 "$tmp/out")"
	fi
}

wrong() {	# what is changed, by what
	sed "$2" samples/retention.c >"$tmp/wrong.c"
	if cmp -s samples/retention.c "$tmp/wrong.c"; then
		echo "$1: samples/retention.c has no such line"
		rc=1
	elif ! $CC -std=gnu11 -D_GNU_SOURCE -O1 -w ${SAN:+-fsanitize=$SAN} -Iinclude \
			-o "$tmp/wrong" "$tmp/wrong.c" "$O/libpercu.a" -lurcu-bp -pthread; then
		echo "$1: does not compile"
		rc=1
	elif ASAN_OPTIONS=detect_leaks=0 timeout -k 10 300 $steady "$tmp/wrong" >"$tmp/out" 2>&1; then
		echo "$1: and no figure is wrong"
		rc=1
	elif ! grep -q WRONG "$tmp/out"; then
		cat "$tmp/out"
		echo "$1: fails, but for another reason"
		rc=1
	else
		echo "$1: $(grep -c WRONG "$tmp/out") figures are wrong, the first: $(
			grep WRONG "$tmp/out" | head -n 1)"
	fi
}

right 'as it is' "$guards" $steady "$O/samples/retention"
right 'with locks' "$guards" env GLIBC_TUNABLES=glibc.pthread.rseq=0 $steady "$O/samples/retention"
if [ -z "$SAN" ] && valgrind -q true 2>/dev/null; then
	right 'under Valgrind' yes valgrind -q --error-exitcode=9 --leak-check=full \
		--suppressions=scripts/valgrind.supp "$O/samples/retention"
fi

wrong 'objects are not released' '/== 0)$/{n;s/percu_free(o)/(void)o/;}'
wrong 'the collector heeds the length' 's/j < NR; j++/j < (int)s->len; j++/'
wrong 'a removal is left out' 's/percu_vec_remove_swap(&v, 0), 1/0, 1/'
wrong 'a clone is a reference' 's/percu_slice_clone(token)/percu_slice_dup(token)/'
wrong 'the ratio is left out' 's/percu_slice_set_ratio(ratio)/(void)ratio/'
wrong 'a figure is another' 's/whole view", 5)/whole view", 1)/'
wrong 'the slice is the array' 's/expect("the slice", s.ptr/expect("the slice", array/'
wrong 'buffers are not put' 's/percu_buf_put(b\[i\])/(void)b/'
exit $rc
