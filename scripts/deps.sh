#!/bin/sh
# SPDX-License-Identifier: MIT
#
# deps.sh run|check|ci
#
# Installs what the build is to have for that and has not: with apt where
# there is apt and the right to use it; elsewhere it names the packages and
# fails.  What is missing is found by trying it, so that a library that came
# in any other way counts as well.
set -u

CC=${CC:-cc}
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT

# Words of "apt:dnf:pacman:apk", one for each thing that is missing; a comma
# stands for a blank.
missing=

links() {	# program text, libraries
	printf '%s\n' "$1" >"$dir/x.c"
	$CC -o "$dir/x" "$dir/x.c" $2 2>/dev/null
}

need() {	# packages, then a command that succeeds if they are there
	packages=$1
	shift
	"$@" >"$dir/out" 2>&1 || missing="$missing $packages"
}

probe_run() {
	need libc6-dev:glibc-devel:glibc:musl-dev,linux-headers \
		links '#include <stdio.h>
		int main(void) { return 0; }' ''
	need liburcu-dev:userspace-rcu-devel:liburcu:userspace-rcu-dev \
		links '#include <urcu-bp.h>
		int main(void) { return 0; }' -lurcu-bp
}

probe_check() {
	probe_run
	need libcunit1-dev:CUnit-devel:cunit:cunit-dev \
		links '#include <CUnit/Basic.h>
		int main(void) { return CU_initialize_registry(); }' -lcunit
	need valgrind,libc6-dbg:valgrind:valgrind:valgrind,musl-dbg valgrind -q true
	need valgrind:valgrind-devel:valgrind:valgrind-dev \
		links '#include <valgrind/memcheck.h>
		int main(void) { return 0; }' ''
}

probe() {
	missing=
	case $goal in
	run)
		probe_run
		;;
	check)
		probe_check
		;;
	ci)
		probe_check
		need clang:clang:clang:clang clang --version
		need pkg-config:pkgconf:pkgconf:pkgconf pkg-config --version
		;;
	esac
}

packages() {	# 1 apt, 2 dnf, 3 pacman, 4 apk
	echo "$missing" | tr ' ' '\n' | cut -d: -f"$1" | tr ',' '\n' | sort -u | xargs
}

apt() {
	as_root=
	if [ "$(id -u)" != 0 ]; then
		sudo -n true 2>/dev/null || return 1
		as_root='sudo -n'
	fi
	command -v apt-get >/dev/null || return 1
	set -- $(packages 1)
	echo "installing $*" >&3
	# The list of packages may be missing or old: only then is it fetched.
	for update in false true; do
		if $update; then
			$as_root apt-get -q update || return 1
		fi
		$as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y \
			install --no-install-recommends "$@" && return
	done
	return 1
}

goal=${1-}
case $goal in
run|check|ci)
	;;
*)
	echo "usage: $0 run|check|ci" >&2
	exit 2
	;;
esac

probe
[ -n "$missing" ] || exit 0
apt 3>&1 >"$dir/log" 2>&1 && probe
[ -n "$missing" ] || exit 0

[ ! -s "$dir/log" ] || tail -n 20 "$dir/log" >&2
cat >&2 <<END
make $goal wants packages that are not installed:
  Debian, Ubuntu	apt-get install $(packages 1)
  Fedora, RHEL		dnf install $(packages 2)
  Arch			pacman -S $(packages 3)
  Alpine		apk add $(packages 4)
END
exit 1
