#!/bin/sh
# SPDX-License-Identifier: MIT
#
# install.sh install|uninstall
#
# What is installed, and where: one list serves both.  A shared library has its
# full version in its name, as packages want it; each function has the manual
# page that describes it under its own name.
#
# Environment: O, DESTDIR, INCLUDEDIR, LIBDIR, MANDIR, DOCDIR, VERSION, SONAME,
# and MANPAGES, the files.
set -eu

tab=$(printf '\t')

# Modes are of install(1); "link" is a symbolic link to a name beside it.
entry() {	# mode or "link", source, target
	printf '%s\t%s\t%s\n' "$1" "$2" "$3"
}

headers() {
	for h in include/percu/*.h include/percu/*.hpp include/percu/*/*.h; do
		[ ! -e "$h" ] || entry 644 "$h" "$INCLUDEDIR/${h#include/}"
	done
}

# 0.1.0 of libpercu.so.0 is libpercu.so.0.1.0, which a link makes findable for
# the loader, and another one for the linker.
libraries() {
	real=libpercu.so.$VERSION
	entry 644 "$O/libpercu.a" "$LIBDIR/libpercu.a"
	entry 755 "$O/$SONAME" "$LIBDIR/$real"
	entry link "$real" "$LIBDIR/$SONAME"
	entry link "$SONAME" "$LIBDIR/libpercu.so"
	entry 644 "$O/percu.pc" "$LIBDIR/pkgconfig/percu.pc"
	for f in percu-config.cmake percu-config-version.cmake; do
		entry 644 "$O/$f" "$LIBDIR/cmake/percu/$f"
	done
}

# To be removed it need not have been built this time.
malloc() {
	[ "$1" = uninstall ] || [ -e "$O/libpercu-malloc.so" ] || return 0
	entry 755 "$O/libpercu-malloc.so" "$LIBDIR/libpercu-malloc.so"
	entry 644 "$O/percu-malloc.pc" "$LIBDIR/pkgconfig/percu-malloc.pc"
}

manual() {
	for page in $MANPAGES; do
		name=${page##*/}
		section=${name##*.}
		dir=$MANDIR/man$section
		entry 644 "$page" "$dir/$name"
		sed -n '/^\.SH NAME/,/^\.SH [^N]/{/^\.SH/d;s/,$//;s/ \\-.*//;s/\\-/-/g;p;}' "$page" |
			while read -r alias; do
				[ "$alias.$section" = "$name" ] ||
					entry link "$name" "$dir/$alias.$section"
			done
	done
}

documents() {
	for f in README.md LICENSE Documentation/*.md; do
		entry 644 "$f" "$DOCDIR/$f"
	done
}

list() {
	headers
	libraries
	malloc "$1"
	manual
	documents
}

put() {	# as entry
	target=$DESTDIR$3
	mkdir -p "${target%/*}"
	case $1 in
	link)	ln -sf "$2" "$target" ;;
	*)	install -m "$1" "$2" "$target" ;;
	esac
}

# Folders that others use as well are left, even when they are empty now.
rid() {
	rm -f "$DESTDIR$3"
}

folders() {
	for dir in "$INCLUDEDIR"/percu/hook "$INCLUDEDIR/percu" "$LIBDIR/cmake/percu" \
			"$DOCDIR/Documentation" "$DOCDIR"; do
		rmdir "$DESTDIR$dir" 2>/dev/null || :
	done
}

each() {	# function
	while IFS=$tab read -r mode source target; do
		"$1" "$mode" "$source" "$target"
	done
}

case ${1-} in
install)
	list install | each put ;;
uninstall)
	list uninstall | each rid
	folders ;;
*)
	echo "usage: $0 install|uninstall" >&2
	exit 2 ;;
esac
