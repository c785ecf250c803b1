#!/bin/sh
# SPDX-License-Identifier: MIT
# nginx: wrk on static files with gzip, configurations reloaded meanwhile.
. "$(dirname "$0")/common.sh"
PATH=$PATH:/usr/sbin
want nginx wrk perl

port=$(free_port)
mkdir "$TMP/html" "$TMP/logs"
chmod 755 "$TMP"
perl -e 'print "line $_ of a page\n" for 1 .. 2000' >"$TMP/html/page.txt"
cat >"$TMP/nginx.conf" <<END
daemon off;
worker_processes 2;
pid $TMP/nginx.pid;
error_log $TMP/logs/error.log;
$([ "$(id -u)" != 0 ] || echo "user $(id -un);")
events { worker_connections 512; }
http {
	access_log $TMP/logs/access.log;
	client_body_temp_path $TMP/body; proxy_temp_path $TMP/proxy;
	fastcgi_temp_path $TMP/f; uwsgi_temp_path $TMP/u; scgi_temp_path $TMP/s;
	types { text/plain txt; }
	gzip on; gzip_types text/plain;
	server {
		listen 127.0.0.1:$port;
		root $TMP/html;
		location /proxy/ { proxy_pass http://127.0.0.1:$port/; }
	}
}
END
page() {
	perl -MIO::Socket::INET -e 'my $s = IO::Socket::INET->new("127.0.0.1:$ARGV[0]") or exit 1;
		print $s "GET $ARGV[1] HTTP/1.0\r\n\r\n"; local $/; $_ = <$s>; s/.*?\r\n\r\n//s; print' \
		"$port" "$1"
}
serve nginx -p "$TMP" -c "$TMP/nginx.conf"
await page /page.txt
serves "$server"
for path in /page.txt /proxy/page.txt; do
	wrk -t1 -c20 -d3s -H 'Accept-Encoding: gzip' "http://127.0.0.1:$port$path" >"$TMP/wrk" &
	wrk=$!
	while kill -0 $wrk 2>/dev/null; do
		kill -HUP "$server"
		perl -e 'select(undef, undef, undef, 0.5)'
	done
	wait $wrk || die wrk
	! grep -q 'Non-2xx' "$TMP/wrk" || { cat "$TMP/wrk"; die 'bad answers'; }
	requests=$(sed -n 's/ *\([0-9]*\) requests in.*/\1/p' "$TMP/wrk")
	[ "$requests" -gt 100 ] || die "$requests requests"
	page $path | cmp - "$TMP/html/page.txt" || die 'the page is another'
	echo "$path: $requests requests"
done
for pid in $(cat "/proc/$server/task/$server/children"); do
	serves "$pid"
done
! grep -q -e 'exited on signal' -e 'alert' "$TMP/logs/error.log" || { cat "$TMP/logs/error.log"; die 'a worker died'; }
