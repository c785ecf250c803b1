#!/bin/sh
# SPDX-License-Identifier: MIT
# python: a part of its own tests, all of its blocks from malloc.
. "$(dirname "$0")/common.sh"
python=
for p in /usr/bin/python3 python3; do
	[ -n "$python" ] || ! "$p" -c 'import test.test_dict' 2>/dev/null || python=$p
done
[ -n "$python" ] || { echo "skipped: there is no python3 with its tests"; exit 77; }

cd "$TMP" || exit 1
# Not with statistics at the end: some of the tests look at stderr.
serve env PYTHONMALLOC=malloc "$python" -m test test_list test_dict test_thread test_gc \
	test_set test_bytes test_threading_local test_fork1
await test -s "$TMP/server.log"
serves "$server"
wait "$server" || { cat "$TMP/server.log"; die "python's tests failed"; }
grep -q 'Tests result: SUCCESS' "$TMP/server.log" || { cat "$TMP/server.log"; die 'no success'; }
echo "$(grep -c '^0:.*\[' "$TMP/server.log") of its test files"
