#!/bin/sh
# SPDX-License-Identifier: MIT
#
# redis: redis-benchmark beside a storm of BGSAVE, each of which forks; what is
# saved loads again; and redis' own figures are percu's.
. "$(dirname "$0")/common.sh"
want redis-server redis-cli redis-benchmark

sock=$TMP/redis.sock
redis() {
	redis-cli -s "$sock" "$@"
}
# From 7.0 on DEBUG is to be allowed.
debug=
case $(redis-server --version) in
*' v='[0-6].*) ;;
*)	debug='--enable-debug-command yes' ;;
esac
start() {
	serve redis-server --port 0 --unixsocket "$sock" --dir "$TMP" --save '' \
		--dbfilename dump.rdb --daemonize no $debug
	await answers
	serves "$server"
}
answers() { # and not that it is loading
	redis ping | grep -q PONG
}
# What all keys and values make: never the empty data set's, never an error.
digest() {
	redis debug digest | grep -x '[0-9a-f]\{40\}' | grep -v -x '0*' || die 'DEBUG DIGEST' >&2
}
saved() {
	redis info persistence | grep -q '^rdb_bgsave_in_progress:0'
}

start
redis-benchmark -s "$sock" -q -n 60000 -r 50000 -d 200 -c 20 -P 8 \
	-t set,get,incr,lpush,rpop,sadd,hset,zadd,mset >"$TMP/bench" 2>&1 &
bench=$!
saves=0
while kill -0 $bench 2>/dev/null; do
	redis bgsave >/dev/null
	await saved
	redis info persistence | grep -q '^rdb_last_bgsave_status:ok' || die 'a BGSAVE failed'
	saves=$((saves + 1))
done
wait $bench || { cat "$TMP/bench"; die 'redis-benchmark'; }
[ "$saves" -ge 3 ] || die "$saves saves only"

redis memory malloc-stats | grep -q '^percu rseq\|^percu lock' || die 'MALLOC-STATS is not of percu'
redis info memory | tr -d '\r' >"$TMP/memory"
value() {
	sed -n "s/^$1://p" "$TMP/memory"
}
for v in allocator_allocated allocator_active allocator_resident used_memory; do
	[ "$(value $v)" -gt 1000000 ] || die "$v is $(value $v)"
done
redis memory purge >/dev/null || die 'MEMORY PURGE'

redis config set activedefrag yes 2>/dev/null | grep -q OK && die 'percu has no defragmentation'
digest=$(digest) || exit 1
size=$(redis dbsize)
redis save >/dev/null || die SAVE
kill "$server"
wait "$server"
servers=
start
[ "$(redis dbsize)" = "$size" ] || die 'other keys after a restart'
[ "$(digest)" = "$digest" ] || die 'other values after a restart'
redis set "one key more" 1 >/dev/null
[ "$(digest)" != "$digest" ] || die 'the digest does not tell'
redis flushall >/dev/null
echo "$saves saves during $(grep -c 'requests per second' "$TMP/bench") benchmarks, $size keys"
