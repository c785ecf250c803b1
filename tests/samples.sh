#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The servers of samples/: each answers what it should, while others ask as
# well, ends at SIGTERM, and has given everything back; on percu and on malloc,
# with restartable sequences and without, and under Valgrind.
#
# Environment: SAMPLES, the folder that they are in: $O/samples.
set -u

O=${O:-build}
SAN=${SAN:-}
SAMPLES=${SAMPLES:-$O/samples}
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
rc=0
pid=

# An answer that does not come is a wrong one.
curl() {
	command curl --fail-early -m 20 "$@"
}

steady=
if setarch -R true 2>/dev/null; then
	steady='setarch -R'
fi

bad() {
	echo "$name: $*"
	rc=1
}

# The server's output is on descriptor 3: its port, then what it says at its
# end, then its status.
start() {	# name, command
	name=$1
	shift
	rm -f "$tmp/said"
	mkfifo "$tmp/said"
	(
		sh -c 'echo "$$"; exec "$@"' sh "$@"
		echo "status $?"
	) >"$tmp/said" 2>&1 &
	exec 3<"$tmp/said"
	read -r pid <&3
	read -r word port <&3
	[ "$word" = port ] || bad "says: $word $port"
	url=http://127.0.0.1:$port
}

end() {
	kill -TERM "$pid"
	cat <&3 >"$tmp/end"
	exec 3<&-
	wait
	if ! grep -q -x 'status 0' "$tmp/end" || ! grep -q ', 0 objects out$' "$tmp/end"; then
		bad 'does not end well'
		cat "$tmp/end"
	else
		echo "$name: $(grep requests "$tmp/end")"
	fi
}

ask_echo() {	# how much
	timeout 60 "$SAMPLES/echo_load" "$port" 20 "$1" >"$tmp/out" 2>&1 || bad "$(cat "$tmp/out")"
}

# A key's value is the same whether it was stored or is made anew; there are
# more keys than slots, so that both happen.
ask_cache() {	# how much
	keys=$url/key-[1-$1]
	curl -s "$keys" >"$tmp/1" &
	curl -s "$keys" >"$tmp/2" || bad 'curl fails'
	wait $!
	cmp "$tmp/1" "$tmp/2" || bad 'answers differ'
	i=0
	while [ $((i += 97)) -le "$1" ]; do
		grep -q -x "key-$i" "$tmp/1" || bad "key-$i has no value"
	done
	curl -s "$url/twice" >/dev/null
	curl -si "$url/twice" | grep -q '^X-Cache: hit' || bad 'a key that was stored is not found'
	curl -s "$url/" >/dev/null && bad 'no key is answered'
}

ask_uv_http() {	# how much
	for n in 0 1 1000 40000 1048576; do
		[ "$(curl -s "$url/$n" | wc -c)" = $n ] || bad "$n bytes are not $n bytes"
	done
	curl -s "$url/[1-$1]" >"$tmp/1" &
	curl -s "$url/[1-$1]" | wc -c >"$tmp/2"
	wait $!
	[ "$(cat "$tmp/2")" = $(($1 * ($1 + 1) / 2)) ] || bad "$1 answers are of another length"
	curl -s "$url/1048577" >/dev/null && bad 'too much is answered'
	curl -s "$url/some" >/dev/null && bad 'what is no number is answered'
}

try() {	# server, how much, and less under Valgrind
	start "$1" $steady "$SAMPLES/$1"
	"ask_$1" "$2"
	end
	start "$1, locks" env GLIBC_TUNABLES=glibc.pthread.rseq=0 $steady "$SAMPLES/$1"
	"ask_$1" "$2"
	end
	[ -z "$SAN" ] && valgrind -q true 2>/dev/null || return
	for how in '' --malloc; do
		start "$1 $how, Valgrind" valgrind -q --error-exitcode=9 --leak-check=full \
			--suppressions=scripts/valgrind.supp "$SAMPLES/$1" $how
		"ask_$1" "$3"
		end
	done
}

try echo 200 200
if ! command curl --version >/dev/null 2>&1; then
	echo 'skipped: there is no curl to ask cache and uv_http'
	exit $rc
fi
try cache 2000 200
if [ -x "$SAMPLES/uv_http" ]; then
	try uv_http 1000 100
else
	echo 'skipped: uv_http, for libuv is not here'
fi
exit $rc
