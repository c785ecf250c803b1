#!/bin/sh
# SPDX-License-Identifier: MIT
#
# haproxy: a proxy in front of itself, reloaded while wrk is at it: old workers
# finish, trim their memory and end, new ones start.
. "$(dirname "$0")/common.sh"
PATH=$PATH:/usr/sbin
want haproxy wrk perl

front=$(free_port)
back=$(free_port)
cat >"$TMP/haproxy.cfg" <<END
global
	nbthread 2
	stats socket $TMP/stats.sock mode 600 level admin
defaults
	mode http
	timeout connect 5s
	timeout client 5s
	timeout server 5s
frontend front
	bind 127.0.0.1:$front
	http-request set-header X-Long %[rand(1000000),bytes(0,8)]
	default_backend b
backend b
	compression algo gzip
	compression type text/plain
	server s1 127.0.0.1:$back
frontend answers
	bind 127.0.0.1:$back
	http-request return status 200 content-type text/plain lf-string "a page for %[src] $(perl -e 'print "x" x 3000')"
END
page() {
	perl -MIO::Socket::INET -e 'my $s = IO::Socket::INET->new("127.0.0.1:$ARGV[0]") or exit 1;
		print $s "GET / HTTP/1.0\r\n\r\n"; local $/; $_ = <$s>; exit !/a page for 127.0.0.1 x{3000}/' "$front"
}
# Reloads while wrk runs and the condition holds.
reload() {	# condition to go on, seconds between, seconds in all
	await page
	wrk -t1 -c20 -d"$3"s -H 'Accept-Encoding: gzip' "http://127.0.0.1:$front/" >"$TMP/wrk" &
	wrk=$!
	reloads=0
	while "$1" && kill -0 $wrk 2>/dev/null; do
		kill -USR2 "$server"
		reloads=$((reloads + 1))
		perl -e 'select(undef, undef, undef, $ARGV[0])' "$2"
	done
}
stop() {
	kill "$server"
	wait "$server"
	servers=
}
crashes() {
	grep -c 'Former worker .* exited with code 139' "$TMP/server.log"
}

serve haproxy -W -db -f "$TMP/haproxy.cfg"
await page
serves "$server"
reload true 0.7 4
wait $wrk || die wrk
! grep -q 'Non-2xx' "$TMP/wrk" || { cat "$TMP/wrk"; die 'bad answers'; }
await page
for pid in $(cat "/proc/$server/task/$server/children"); do
	serves "$pid"
done
served=$(sed -n 's/ *\([0-9]*\) requests in.*/\1/p' "$TMP/wrk")
all=$reloads
stop
own=$(crashes)
# The last one is told to end.
sed -e '/Former worker .* exited with code 139/d' \
	-e '/Current worker .* exited with code 143/d' "$TMP/server.log" >"$TMP/rest"
! grep -q -e 'exited with code 1[0-9][0-9]' -e 'segfault' "$TMP/rest" || { cat "$TMP/server.log"; die 'a worker died'; }

# 2.6.12 deletes a descriptor from what it has freed when a worker ends (its issue
# 2114): one of some twenty to a hundred former workers dies so, whatever the malloc.  So
# that is looked for under glibc, and no more than two of them are let pass.
died=$own
if [ "$own" -gt 0 ]; then
	case $(haproxy -v) in
	*' 2.6.12'*) ;;
	*)	die "$own former workers died" ;;
	esac
	[ "$own" -le 2 ] || die "$own of $all former workers died"
	haproxy -W -db -f "$TMP/haproxy.cfg" >"$TMP/server.log" 2>&1 &
	server=$!
	servers=$server
	none_died() {
		[ "$(crashes)" = 0 ]
	}
	reload none_died 0.25 90
	kill $wrk
	wait $wrk 2>/dev/null
	stop
	none_died && die "$own former workers died, and of $reloads under glibc none"
	died="$own, as $(crashes) of $reloads under glibc"
fi
echo "$served requests, $all reloads, former workers that died: $died"
