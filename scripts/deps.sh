#!/bin/sh
# SPDX-License-Identifier: MIT
#
# deps.sh run|check|ci|programs|peers
#
# Installs what the build is to have for that and has not: with apt where
# there is apt and the right to use it; elsewhere it names the packages and
# fails.  What is missing is found by trying it, so that a library that came
# in any other way counts as well.
#
# What only a comparison wants, or the models, peers, comes with ci where it is
# to be had; who would use it says what is not there.
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

# What make preload-check runs; each that is not to be had is a skip there.
probe_programs() {
	PATH=$PATH:/usr/sbin
	need perl:perl:perl:perl perl -e 1
	need git:git:git:git git --version
	need g++:gcc-c++:gcc:g++ g++ --version
	need sqlite3:sqlite:sqlite:sqlite sqlite3 --version
	need redis-server,redis-tools:redis:redis:redis redis-server --version
	need nginx-light:nginx:nginx:nginx nginx -v
	need wrk:wrk:wrk:wrk command -v wrk
	need memcached:memcached:memcached:memcached memcached -V
	need haproxy:haproxy:haproxy:haproxy haproxy -v
	need "$(python_tests)":python3-test:python:python3-tests \
		/usr/bin/python3 -c 'import test.test_dict'
}

# Debian's package is of one version.
python_tests() {
	/usr/bin/python3 -c 'import sys; print("libpython%d.%d-testsuite" % sys.version_info[:2])' \
		2>/dev/null || echo libpython3-testsuite
}

preloads() {	# library
	for lib; do
		[ -n "$(LD_PRELOAD=$lib true 2>&1)" ] || return 0
	done
	return 1
}

# Whom the bench compares percu with, what draws its pictures, and what looks at
# the models.
probe_peers() {
	need libjemalloc2:jemalloc:jemalloc:jemalloc preloads libjemalloc.so.2
	need "$(mimalloc)":mimalloc:mimalloc:mimalloc2 \
		preloads libmimalloc.so.3 libmimalloc.so.2
	need libtcmalloc-minimal4:gperftools-libs:gperftools:gperftools \
		preloads libtcmalloc_minimal.so.4 libtcmalloc.so.4
	need libtbbmalloc2:tbb:onetbb:onetbb preloads libtbbmalloc_proxy.so.2
	need libck-dev:ck-devel:concurrencykit:libck-dev has ck_epoch.h
	need golang-go:golang:go:go go version
	need gnuplot-nox:gnuplot-minimal:gnuplot:gnuplot gnuplot --version
	need spin:spin:spin:spin command -v spin
}

# Debian's package is named after its version.
mimalloc() {
	apt-cache pkgnames libmimalloc 2>/dev/null | grep -v dev | sort | tail -n 1 |
		grep . || echo libmimalloc2.0
}

has() {	# header
	printf '#include <stdio.h>\n#include <%s>\n' "$1" |
		$CC -D_GNU_SOURCE -DPCRE2_CODE_UNIT_WIDTH=8 -E -x c -
}

# The libraries that include/percu/hook/ has adapters for.
probe_hooks() {
	need libevent-dev:libevent-devel:libevent:libevent-dev has event2/event.h
	need libuv1-dev:libuv-devel:libuv:libuv-dev has uv.h
	need libsqlite3-dev:sqlite-devel:sqlite:sqlite-dev has sqlite3.h
	need libssl-dev:openssl-devel:openssl:openssl-dev has openssl/ssl.h
	need libcurl4-openssl-dev:libcurl-devel:curl:curl-dev has curl/curl.h
	need libjansson-dev:jansson-devel:jansson:jansson-dev has jansson.h
	need libcjson-dev:cjson-devel:cjson:cjson-dev has cjson/cJSON.h
	need zlib1g-dev:zlib-devel:zlib:zlib-dev has zlib.h
	need libnghttp2-dev:libnghttp2-devel:libnghttp2:nghttp2-dev has nghttp2/nghttp2.h
	need libxml2-dev:libxml2-devel:libxml2:libxml2-dev pkg-config --exists libxml-2.0
	need libzstd-dev:libzstd-devel:zstd:zstd-dev has zstd.h
	need liblua5.4-dev:lua-devel:lua:lua5.4-dev pkg-config --exists lua5.4
	need libpcre2-dev:pcre2-devel:pcre2:pcre2-dev has pcre2.h
	need libexpat1-dev:expat-devel:expat:expat-dev has expat.h
	need libpng-dev:libpng-devel:libpng:libpng-dev has png.h
	need libmicrohttpd-dev:libmicrohttpd-devel:libmicrohttpd:libmicrohttpd-dev \
		has microhttpd.h
	need liburing-dev:liburing-devel:liburing:liburing-dev has liburing.h
	need libck-dev:ck-devel:concurrencykit:libck-dev has ck_malloc.h
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
		need cmake:cmake:cmake:cmake cmake --version
		need mandoc:mandoc:mandoc:mandoc mandoc -h /dev/null
		need man-db:man-db:man-db:man-db man --version
		need curl:curl:curl:curl curl --version
		need wrk:wrk:wrk:wrk command -v wrk
		probe_hooks
		;;
	programs)
		probe_programs
		;;
	peers)
		probe_peers
		;;
	esac
}

packages() {	# 1 apt, 2 dnf, 3 pacman, 4 apk
	echo "$missing" | tr ' ' '\n' | cut -d: -f"$1" | tr ',' '\n' | sort -u | xargs
}

apt_install() {
	$as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y \
		install --no-install-recommends "$@"
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
		apt_install "$@" && return
	done
	# One program that is not to be had keeps no other away.
	case $goal in
	programs|peers)
		for package; do
			apt_install "$package"
		done
		;;
	esac
	return 1
}

goal=${1-}
case $goal in
run|check|ci|programs|peers)
	;;
*)
	echo "usage: $0 run|check|ci|programs|peers" >&2
	exit 2
	;;
esac

[ "$goal" != ci ] || "$0" peers || echo 'who would use those will skip them'

probe
[ -n "$missing" ] || exit 0
apt 3>&1 >"$dir/log" 2>&1
probe
[ -n "$missing" ] || exit 0

[ ! -s "$dir/log" ] || tail -n 20 "$dir/log" >&2
cat >&2 <<END
deps.sh: $goal wants packages that are not installed:
  Debian, Ubuntu	apt-get install $(packages 1)
  Fedora, RHEL		dnf install $(packages 2)
  Arch			pacman -S $(packages 3)
  Alpine		apk add $(packages 4)
END
exit 1
