# SPDX-License-Identifier: MIT
#
# What the scripts of this folder share.  Each runs one real program under
# libpercu-malloc.so and looks at what came of its work.  Environment: LIB, the
# library; TMP, an empty folder that is removed afterwards.
#
#	want prog...	skips unless all of them are there
#	under cmd...	runs it under percu; its statistics go to $TMP/stats
#	used		the last one under percu really was
#	serve cmd...	starts a server under percu; server is its process
#	serves pid	it really is under percu
#	await cmd...	waits for it to succeed, for a minute at most
#	free_port	prints a TCP port that nobody listens on
#	die text
set -u

servers=

die() {
	echo "$*"
	exit 1
}

want() {
	for prog; do
		command -v "$prog" >/dev/null || { echo "skipped: there is no $prog"; exit 77; }
	done
}

under() {
	rm -f "$TMP/stats"
	env LD_PRELOAD="$LIB" PERCU=stats:1 "$@" 2>"$TMP/stats"
}

# The last that ended wrote last.
used() {
	grep '^mallocs ' "$TMP/stats" | tail -n 1 >"$TMP/mallocs"
	read -r _ mallocs _ <"$TMP/mallocs" || { cat "$TMP/stats"; die 'percu was not there'; }
	[ "$mallocs" -ge "${1:-1000}" ] || die "percu served $mallocs blocks only"
	echo "$mallocs blocks"
}

serve() {
	env LD_PRELOAD="$LIB" "$@" >"$TMP/server.log" 2>&1 &
	server=$!
	servers="$servers $server"
}

serves() {
	grep -q libpercu-malloc "/proc/$1/maps" || die "process $1 is without percu"
}

await() {
	end=$(($(date +%s) + 60))
	while ! "$@" >/dev/null 2>&1; do
		[ "$(date +%s)" -lt "$end" ] || die "waited for: $*"
		[ -z "$server" ] || kill -0 "$server" 2>/dev/null || {
			cat "$TMP/server.log"
			die 'the server has ended'
		}
		perl -e 'select(undef, undef, undef, 0.02)'
	done
}

free_port() {
	perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(Listen => 1,
		LocalAddr => "127.0.0.1", LocalPort => 0)->sockport'
}

server=
trap 'for p in $servers; do kill "$p" 2>/dev/null; done; wait' EXIT
