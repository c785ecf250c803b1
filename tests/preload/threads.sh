#!/bin/sh
# SPDX-License-Identifier: MIT
# A C++ program of eight threads, threads.cc.
. "$(dirname "$0")/common.sh"
want g++

g++ -std=c++17 -O2 -pthread -o "$TMP/threads" tests/preload/threads.cc || exit 1
"$TMP/threads" >"$TMP/expected" || exit 1
under "$TMP/threads" >"$TMP/got" || die "$(cat "$TMP/stats")"
cmp "$TMP/expected" "$TMP/got" || exit 1
echo "the same sum, $(used 1000000)"
