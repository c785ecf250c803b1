#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Laws: a library without its drain fence does not survive the stress, nor one
# that releases too early the torture of retirement.  They are built with a bug:
#
#	PERCU_BUG_NO_FENCE	leaves the fence of pools_quiesce() out
#	PERCU_BUG_LATE_INBOX	a round takes what came during its grace period
#
# A stress that cannot fail proves nothing.
set -eu

seeded=$O/seeded
late=$O/seeded-late
make -s O="$late" CC="$CC" SAN= D= CPPFLAGS=-DPERCU_BUG_LATE_INBOX \
	"$late/tests/test_retire_torture" >&2
status=0
PERCU_TEST_SHORT=1 "$late/tests/test_retire_torture" >"$late/log" 2>&1 || status=$?
grep 'ages seen' "$late/log" | sed 's/^/  /'
if [ "$status" = 0 ]; then
	echo "seeded: the torture did not notice that objects are released too early"
	exit 1
fi
echo "seeded: with objects released too early the torture fails, as it must"

stress=$O/stress/percu-stress
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
