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
serve haproxy -W -db -f "$TMP/haproxy.cfg"
await page
serves "$server"
wrk -t1 -c20 -d4s -H 'Accept-Encoding: gzip' "http://127.0.0.1:$front/" >"$TMP/wrk" &
wrk=$!
reloads=0
while kill -0 $wrk 2>/dev/null; do
	kill -USR2 "$server"
	reloads=$((reloads + 1))
	perl -e 'select(undef, undef, undef, 0.7)'
done
wait $wrk || die wrk
! grep -q 'Non-2xx' "$TMP/wrk" || { cat "$TMP/wrk"; die 'bad answers'; }
await page
for pid in $(cat "/proc/$server/task/$server/children"); do
	serves "$pid"
done
# 2.6.12 walks a list that it has freed and forgotten when a worker ends (its
# issue 2114), whatever the malloc: a former worker's SIGSEGV is its own there.
own=0
case $(haproxy -v) in
*' 2.6.12'*)
	own=$(grep -c 'Former worker .* exited with code 139' "$TMP/server.log")
	sed -i '/Former worker .* exited with code 139/d' "$TMP/server.log" ;;
esac
! grep -q -e 'exited with code 1[0-9][0-9]' -e 'segfault' "$TMP/server.log" || { cat "$TMP/server.log"; die 'a worker died'; }
echo "$(sed -n 's/ *\([0-9]*\) requests in.*/\1/p' "$TMP/wrk") requests, $reloads reloads, $own ends of its own fault"
