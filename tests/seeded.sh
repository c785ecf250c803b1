#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Law: a library without its drain fence does not survive the stress.  It is
# built with -DPERCU_BUG_NO_FENCE, which leaves the fence of pools_quiesce()
# out, and percu-stress must notice: a stress that cannot fail proves nothing.
set -eu

stress=$O/stress/percu-stress
seeded=$O/seeded
mode=$("$stress" drain -t 1 | sed -n 's/.*mode \([^,]*\),.*/\1/p')
case $mode in
rseq/*) ;;
*)	echo "seeded: mode $mode has no fence to leave out"; exit 77 ;;
esac

make -s O="$seeded" CC="$CC" SAN= D= CPPFLAGS=-DPERCU_BUG_NO_FENCE \
	"$seeded/stress/percu-stress" >&2
status=0
"$seeded/stress/percu-stress" drain -t 20 >"$seeded/log" 2>&1 || status=$?
sed 's/^/  /' "$seeded/log"
if [ "$status" = 0 ]; then
	echo "seeded: the stress did not notice that the drain fence is missing"
	exit 1
fi
echo "seeded: without the drain fence the stress fails, as it must"
