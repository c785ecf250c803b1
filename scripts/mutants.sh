#!/bin/sh
# SPDX-License-Identifier: MIT
#
# mutants.sh [-q|-n] [NAME...]
#
# Builds the library with one deliberate bug at a time and runs the tests that
# must notice; one that none of them notices survives, and the script fails.
# Without names all mutants are tried.  Tests that fail without any bug prove
# nothing, so first each of them must pass; -q leaves that out, for where they
# have just passed.  -n builds nothing: it tells whether the patches apply.
#
# A mutant is tests/mutants/NAME.patch, a patch with one line of context below
# a head of
#
#	Bug:	   what is broken
#	Why:	   what comes of it; goes on in lines that begin with a blank
#	Needs:	   rseq or breakpoints, if nothing of it shows without
#	Build:	   switches for make, as SAN=thread, or DELAY=1 for a race
#	Limit:	   seconds a test, if not PERCU_TEST_TIMEOUT: where it hangs
#	Caught-by: [VARIABLE=value...] PROGRAM|SCRIPT.sh [ARGUMENT...]
#
# The tests of all Caught-by lines are run in their order until one fails, the
# short form of each.  A test that hangs, or dies, has failed.
#
# The work is done on a copy of the tree, $O/mutants/tree, in one build folder
# for all that have the same switches, so that a mutant compiles one file and
# links the programs that it is shown to.
#
# Environment: O, CC; PERCU_TEST_TIMEOUT, seconds a test.
set -u

O=${O:-build}
CC=${CC:-cc}
limit=${PERCU_TEST_TIMEOUT:-120}
work=$O/mutants
tree=$work/tree
log=$work/log

# Started by make, those started here would inherit that make's switches.
unset MAKEFLAGS MFLAGS MAKELEVEL PERCU GLIBC_TUNABLES

die() {
	echo "mutants: $*" >&2
	exit 1
}

quick= dry=
case ${1-} in
-q)	quick=y; shift ;;
-n)	dry=y; shift ;;
esac
command -v patch >/dev/null || { echo 'mutants: there is no patch(1)'; exit 77; }

# Copying. ---------------------------------------------------------------------

# Only what differs is copied, and so is newer than what was made of it before,
# be it a mutant that a script left behind that was killed.
copy_tree() {
	sources=$(find Makefile include scripts $(ls */Kbuild | xargs dirname) -type f)
	mkdir -p "$tree"
	for f in $sources; do
		cmp -s "$f" "$tree/$f" && continue
		mkdir -p "$tree/$(dirname "$f")" && cp "$f" "$tree/$f" || exit 1
	done
	(cd "$tree" && find . -type f) | while read -r f; do
		[ -e "$f" ] || rm "$tree/$f"
	done
}

# The files that a patch changes.
files_of() {	# name
	sed -n 's|^+++ b/\([^	]*\).*|\1|p' "tests/mutants/$1.patch"
}

field() {	# name, field
	sed -n "/^---/q;s/^$2:[ 	]*//p" "tests/mutants/$1.patch"
}

mutate() {	# name
	patch -s -p1 -F0 --no-backup-if-mismatch -d "$tree" \
		<"tests/mutants/$1.patch" >"$log" 2>&1 && return
	cat "$log"
	restore "$1"
	return 1
}

restore() {	# name
	for f in $(files_of "$1"); do
		cp "$f" "$tree/$f"
		rm -f "$tree/$f.rej" "$tree/$f.orig"
	done
}

# Building and running. --------------------------------------------------------

folder() {	# switches
	echo "$work/build$(echo "$*" | tr -c 'A-Za-z0-9\n' -)"
}

# The program of a Caught-by line, without variables and arguments.
program() {	# line
	for word in $1; do
		case $word in
		*=*)	;;
		*)	echo "$word"; return ;;
		esac
	done
}

# What make is to build for it.
targets() {	# folder, line
	what=$(program "$2")
	case $what in
	*.sh)		echo lib ;;
	percu-*)	echo "$1/${what#percu-}/$what" ;;
	test_misuse)	echo "$1/tests/$what" "$1/tests/misuse/${2##* }" ;;
	*)		echo "$1/tests/$what" ;;
	esac
}

# All of the lines' programs.
build() {	# switches, lines
	dir=$(folder $1)
	make -s -j"$(getconf _NPROCESSORS_ONLN)" -C "$tree" O="$dir" CC="$CC" \
		SAN= D= DELAY= $1 $(echo "$2" | while read -r line; do
			targets "$dir" "$line"
		done | sort -u) >"$log" 2>&1
}

# gcc 12's TSan wants its addresses where little randomisation leaves them.
steady() {
	if setarch -R true 2>/dev/null; then
		setarch -R "$@"
	else
		"$@"
	fi
}

# Variables stay in front of the program, whose path is put in.
run_test() {	# switches, line
	dir=$(folder $1)
	what=$(program "$2")
	case $what in
	*.sh)		path=tests/$what ;;
	percu-*)	path=$dir/${what#percu-}/$what ;;
	*)		path=$dir/tests/$what ;;
	esac
	set -- $2
	vars=
	while [ "$1" != "$what" ]; do
		vars="$vars $1"
		shift
	done
	shift
	(cd "$tree" && O=$dir PERCU_TEST_SHORT=1 PERCU_TEST_BRIEF=1 steady \
		timeout -k 5 "${patience:-$limit}" env $vars "$path" "$@") >"$log" 2>&1 </dev/null
}

has_rseq= has_breakpoints=

ask() {	# rseq or breakpoints
	build '' test_abort || { cat "$log"; die 'the tree does not build'; }
	run_test '' "test_abort --has $1" && echo yes || echo no
}

has() {	# rseq or breakpoints
	case $1 in
	rseq)		answer=${has_rseq:=$(ask rseq)} ;;
	breakpoints)	answer=${has_breakpoints:=$(ask breakpoints)} ;;
	*)		die "Needs: $1?" ;;
	esac
	[ "$answer" = yes ]
}

# One mutant. ------------------------------------------------------------------

# Prints who notices; false: nobody.
caught() {	# name, switches
	field "$1" Caught-by >"$work/lines"
	while read -r line; do
		run_test "$2" "$line"
		rc=$?
		case $rc in
		0|77)	continue ;;	# what it needs is not there
		126|127) cat "$log" >&2; die "cannot be run: $line" ;;
		esac
		cp "$log" "$work/$1.log"
		[ $rc != 124 ] || line="$line, which hangs"
		echo "$line"
		return
	done <"$work/lines"
	return 1
}

say() {	# name, what
	printf '  %-24s %s\n' "$1" "$2"
}

stale='DOES NOT APPLY: the code has changed, and the patch has not'
killed=0 skipped=0 failed=

try() {	# name
	from=$(date +%s)
	switches=$(field "$1" Build)
	need=$(field "$1" Needs)
	patience=$(field "$1" Limit)
	if [ -n "$need" ] && ! has "$need"; then
		say "$1" "skipped: there is no $need here"
		skipped=$((skipped + 1))
		return
	fi
	if ! mutate "$1"; then
		say "$1" "$stale"
		failed="$failed $1"
		return
	fi
	if ! build "$switches" "$(field "$1" Caught-by)"; then
		cat "$log"
		say "$1" 'DOES NOT BUILD'
		failed="$failed $1"
	elif by=$(caught "$1" "$switches"); then
		say "$1" "killed by $by, $(($(date +%s) - from)) s"
		killed=$((killed + 1))
	else
		say "$1" "SURVIVED $(field "$1" Caught-by | paste -sd, -)"
		failed="$failed $1"
	fi
	restore "$1"
}

# Law: without a bug all of them pass.
healthy() {	# names
	patience=
	for name in "$@"; do
		switches=$(field "$name" Build)
		field "$name" Caught-by | sed "s/^/$switches:/"
	done | sort -u >"$work/all"
	for switches in $(cut -d: -f1 "$work/all" | sort -u | sed 's/^$/-/'); do
		switches=${switches#-}
		build "$switches" "$(sed -n "s/^$switches://p" "$work/all")" ||
			{ cat "$log"; die 'the tree does not build'; }
		grep "^$switches:" "$work/all" | while IFS=: read -r _ line; do
			run_test "$switches" "$line" && continue
			cat "$log"
			die "without a bug fails: $switches $line"
		done || exit 1
	done
}

start=$(date +%s)
if [ $# -eq 0 ]; then
	set -- $(ls tests/mutants | sed -n 's/\.patch$//p')
fi
for name in "$@"; do
	[ -e "tests/mutants/$name.patch" ] || die "there is no tests/mutants/$name.patch"
done
if [ -n "$dry" ]; then
	for name in "$@"; do
		patch -s -p1 -F0 --dry-run <"tests/mutants/$name.patch" && continue
		say "$name" "$stale"
		failed=y
	done
	[ -z "$failed" ] || exit 1
	echo "mutants: all $# apply"
	exit 0
fi
mkdir -p "$work"
copy_tree
if [ -z "$quick" ]; then
	healthy "$@"
	echo "mutants: without a bug all $(wc -l <"$work/all") tests pass"
fi
for name in "$@"; do
	try "$name"
done
echo "mutants: $killed of $(($# - skipped)) killed, $skipped skipped, $(($(date +%s) - start)) s"
[ -z "$failed" ] || die "not killed:$failed"
[ $killed -gt 0 ] || exit 77
