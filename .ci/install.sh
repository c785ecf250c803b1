#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# What is installed is enough: three programs are built from the installed tree
# alone, by pkg-config, by CMake and statically, and one in C++; they are run;
# the servers of samples/ are built from it too, and tested; the tree is moved,
# and CMake finds it where it is then; the manual is found; and uninstall leaves
# no file.
#
# Environment: O, the build folder.
set -u
cd "$(dirname "$0")/.." || exit 1

O=${O:-build}
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
rc=0
tree=$dir/tree
prefix=/opt/percu
version=$(sed -n 's/^VERSION[	 ]*:= *//p' Makefile)
libdir=lib/$(gcc -dumpmachine)
at=(O="$O" DESTDIR="$tree" PREFIX="$prefix" LIBDIR="$prefix/$libdir")

bad() {
	echo "$*"
	rc=1
}

# A pool, a block, a vector and its readers; says which library it has.
cat >"$dir/x.c" <<'END'
#include <stdio.h>
#include <urcu-bp.h>
#include <percu/alloc.h>
#include <percu/inline.h>
#include <percu/stats.h>
#include <percu/vec.h>

int main(void)
{
	const struct percu_pool_attr attr = { .name = "x", .size = 40 };
	struct percu_pool *pool = percu_pool_create(&attr);
	const struct percu_vec_attr vattr = { .name = "v", .pool = pool };
	struct percu_vec vec;
	size_t i, seen = 0;
	void *obj;

	if (!pool || percu_vec_init(&vec, &vattr))
		return 1;
	for (i = 0; i < 100; i++) {
		obj = percu_pool_get(pool);
		if (!obj || percu_vec_append(&vec, obj))
			return 2;
	}
	rcu_read_lock();
	percu_vec_for_each (&vec, i, obj)
		seen++;
	rcu_read_unlock();
	percu_free(percu_alloc(64));
	percu_vec_destroy(&vec);
	printf("%s\n", percu_mode());
	return percu_pool_destroy(pool) || seen != 100;
}
END
cat >"$dir/x.cc" <<'END'
#include <vector>
#include <percu/percu.hpp>

int main()
{
	percu::pool<int> pool("ints");
	std::pmr::vector<int> v(1000, percu::resource());

	*pool.get() = v[999];
	return 0;
}
END
# Whose malloc it has.
cat >"$dir/m.c" <<'END'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(void)
{
	void *(*volatile get)(size_t) = malloc;
	Dl_info where;

	free(get(100));
	if (!dladdr((void *)(uintptr_t)get, &where))
		return 2;
	puts(strrchr(where.dli_fname, '/') + 1);
	return !strstr(where.dli_fname, "libpercu-malloc.so");
}
END
cat >"$dir/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.16)
project(x C CXX)
set(CMAKE_CXX_STANDARD 17)
find_package(percu 0.1 REQUIRED)
add_executable(shared x.c)
target_link_libraries(shared PRIVATE percu::percu urcu-bp)
add_executable(static x.c)
target_link_libraries(static PRIVATE percu::percu_static)
add_executable(cxx x.cc)
target_link_libraries(cxx PRIVATE percu::percu)
add_executable(malloc m.c)
target_link_libraries(malloc PRIVATE percu::malloc)
find_package(percu 0.99 QUIET)
if(percu_FOUND)
	message(FATAL_ERROR "a version that is not there is found")
endif()
END

# Whether the program wants the shared library, and runs with it.
runs() {	# program, yes or no
	local wants=no

	readelf -d "$1" | grep -q 'NEEDED.*\[libpercu\.so\.0\]' && wants=yes
	[ $wants = "$2" ] || bad "$1: wants libpercu.so.0: $wants"
	LD_LIBRARY_PATH=$lib "$1" >"$dir/out" || bad "$1: status $?"
	echo "${1##*/}: ok, $(cat "$dir/out")"
}

by_pkg_config() {
	local -x PKG_CONFIG_PATH=$lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$tree
	local cc='gcc -Wall -Wextra -pedantic -Werror'

	[ "$(pkg-config --modversion percu)" = "$version" ] || bad 'percu.pc: another version'
	(cd "$dir" && $cc -std=c11 -o shared x.c $(pkg-config --cflags --libs percu) -lurcu-bp &&
		$cc -x c++ -std=c++17 -o cxx x.cc $(pkg-config --cflags --libs percu) -lstdc++) ||
		bad 'pkg-config: does not build'
	runs "$dir/shared" yes
	runs "$dir/cxx" yes

	# Where there is no other library than the static one, it is taken.
	mkdir "$dir/away"
	mv "$lib"/libpercu.so* "$dir/away"
	(cd "$dir" && $cc -std=c11 -o static x.c $(pkg-config --static --cflags --libs percu)) ||
		bad 'pkg-config --static: does not build'
	runs "$dir/static" no
	mv "$dir/away"/* "$lib"

	(cd "$dir" && $cc -std=c11 -o malloc m.c $(pkg-config --libs percu-malloc) &&
		$cc -std=c11 -o plain m.c) || bad 'percu-malloc.pc: does not build'
	runs "$dir/malloc" no
	LD_PRELOAD=$tree$(PKG_CONFIG_SYSROOT_DIR='' pkg-config --variable=preload percu-malloc) \
		runs "$dir/plain" no
}

# Their headers are beside them; all else comes from the tree.
servers() {
	local -x PKG_CONFIG_PATH=$lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$tree
	local flags server

	flags="-D_GNU_SOURCE -Wall -Wextra -Werror $(pkg-config --cflags --libs percu)"
	mkdir "$dir/servers" "$dir/source"
	cp samples/*.[ch] "$dir/source"
	for server in echo echo_load cache uv_http; do
		(cd "$dir" && gcc -std=gnu11 -O2 -o "servers/$server" "source/$server.c" \
			$flags $([ $server != uv_http ] || echo -luv) -lurcu-bp -pthread) ||
			bad "$server does not build"
	done
	LD_LIBRARY_PATH=$lib SAMPLES=$dir/servers tests/samples.sh || bad 'samples.sh fails'
}

by_cmake() {
	command -v cmake >/dev/null || { bad 'there is no cmake'; return; }
	mv "$tree$prefix" "$dir/moved"
	lib=$dir/moved/$libdir
	if cmake -S "$dir" -B "$dir/cmake" -DCMAKE_PREFIX_PATH="$dir/moved" >"$dir/log" 2>&1 &&
			cmake --build "$dir/cmake" >>"$dir/log" 2>&1; then
		runs "$dir/cmake/shared" yes
		runs "$dir/cmake/static" no
		runs "$dir/cmake/cxx" yes
		runs "$dir/cmake/malloc" no
	else
		cat "$dir/log"
		bad 'CMake: does not build'
	fi
	mv "$dir/moved" "$tree$prefix"
	lib=$tree$prefix/$libdir
}

# A path with a space in it.
oddly() {
	local odd=$dir/'an odd place'
	local -x PKG_CONFIG_PATH=$odd/lib/pkgconfig

	make -s install O="$O" PREFIX="$odd" || bad 'install: not into an odd place'
	(cd "$dir" && eval "gcc -o oddly x.c $(pkg-config --cflags --libs percu)" -lurcu-bp) ||
		bad 'pkg-config: does not build from an odd place'
	lib=$odd/lib runs "$dir/oddly" yes
	make -s uninstall O="$O" PREFIX="$odd" || bad 'uninstall: not from an odd place'
	find "$odd" -type f -o -type l | grep . && bad 'uninstall leaves this'
}

make -s install "${at[@]}" || exit 1
lib=$tree$prefix/$libdir
grep -rIl -e "$dir" -e "$PWD" "$tree" | grep . && bad 'a path of this machine is installed'
by_pkg_config
servers
by_cmake
oddly

O=$lib tests/symbols.sh || bad 'symbols.sh fails'
[ "$(readlink -f "$lib/libpercu.so")" = "$(realpath "$lib/libpercu.so.$version")" ] ||
	bad "libpercu.so does not lead to libpercu.so.$version"
find "$tree" -xtype l | grep . && bad 'a link leads nowhere'
for page in percu_pool_get percu_vec_for_each percu-rcu percu percu-malloc percu_hook_curl; do
	MANPATH=$tree$prefix/share/man man "$page" 2>/dev/null | grep -q -i '^NAME' ||
		bad "man does not find $page"
done
make -s uninstall "${at[@]}" || bad 'uninstall fails'
find "$tree" -type f -o -type l | grep . && bad 'uninstall leaves this'
find "$tree" -type d -name '*percu*' ! -path "$tree$prefix" | grep . && bad 'uninstall leaves a folder'
exit $rc
