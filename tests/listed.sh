#!/bin/sh
# SPDX-License-Identifier: MIT
# Every source file is in its folder's Kbuild: check has built all that is, but
# for programs of a list that a library's absence has switched off, and objects
# of a switch.  A script is there too, or has a target of its own.
set -u

O=${O:-build}
rc=0

for kbuild in */Kbuild */*/Kbuild; do
	dir=${kbuild%/Kbuild}
	for c in "$dir"/*.c; do
		o=$O/${c%.c}
		[ ! -e "$c" ] || [ -e "$o.o" ] || [ -e "$o.pic.o" ] ||
				grep -Eq "^(prog-\\$\(have-|obj-y [+]= \\$\(if ).*\<${o##*/}\>" "$kbuild" || {
			echo "$c is not in $kbuild"
			rc=1
		}
	done
	for sh in "$dir"/*.sh; do
		[ ! -e "$sh" ] || grep -q "[ 	]${sh##*/}" "$kbuild" ||
				grep -q "[ 	)]$sh" Makefile || {
			echo "$sh is in neither $kbuild nor Makefile"
			rc=1
		}
	done
done
exit $rc
