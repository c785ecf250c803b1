#!/bin/sh
# SPDX-License-Identifier: MIT
#
# bench-samples.sh [--short]
#
# The servers of samples/ on percu and on the system's malloc: requests a
# second, CPU time a request, and the most memory that was resident.  The two
# take turns, each for some seconds with a server started anew, and the order
# changes with each round; medians are shown, and the ratio of the two within a
# round as its median and its range.  The client runs on the same machine and
# takes its share of it: CPU time a request says more than requests a second.
#
# wrk asks cache and uv_http; samples/echo_load.c asks echo.
#
# Environment: O, the build folder.
set -u

O=${O:-build}
rounds=9
seconds=2
if [ "${1-}" = --short ]; then
	rounds=3
	seconds=1
fi
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

# Half again as many keys as slots; answers of up to 16 KiB.
cat >"$tmp/cache.lua" <<'END'
request = function()
	return wrk.format("GET", "/key-" .. math.random(1500))
end
END
cat >"$tmp/uv_http.lua" <<'END'
request = function()
	return wrk.format("GET", "/" .. math.random(16384))
end
END

ask() {	# server
	case $1 in
	echo)
		"$O/samples/echo_load" "$port" 64 $((seconds * 1000)) ;;
	*)
		wrk -t 1 -c 64 -d "$seconds" -s "$tmp/$1.lua" "http://127.0.0.1:$port" ;;
	esac
}

# Leaves a line "server memory requests/s us/request KiB".
run() {	# server, round, percu or malloc
	rm -f "$tmp/said"
	mkfifo "$tmp/said"
	sh -c 'echo "$$"; exec "$@"' sh "$O/samples/$1" \
		$([ "$3" = percu ] || echo --malloc) >"$tmp/said" 2>&1 &
	exec 3<"$tmp/said"
	read -r pid <&3
	read -r _ port <&3
	ask "$1" >"$tmp/client" 2>&1 || { cat "$tmp/client"; failed=yes; }
	if grep -e 'Non-2xx' -e 'Socket errors' "$tmp/client"; then
		failed=yes
	fi
	kill -TERM "$pid"
	grep 'requests,' <&3 >"$tmp/end"
	exec 3<&-
	wait "$pid" || { echo "$1: status $?"; failed=yes; }
	awk -v s="$seconds" -v server="$1" -v round="$2" -v memory="$3" '{
		printf "%s %s %s %.0f %.3f %d\n", server, round, memory,
			$2 / s, 1000 * $4 / $2, $9
	}' "$tmp/end" >>"$tmp/runs"
}

servers='echo cache'
failed=no
if [ -x "$O/samples/uv_http" ]; then
	servers="$servers uv_http"
else
	echo 'uv_http is not there: libuv was not, when the samples were built'
fi
if ! command -v wrk >/dev/null; then
	echo 'skipped: cache and uv_http, for wrk is not here'
	servers=echo
fi

for round in $(seq "$rounds"); do
	for server in $servers; do
		order='percu malloc'
		[ $((round % 2)) = 0 ] || order='malloc percu'
		for memory in $order; do
			run "$server" "$round" "$memory"
		done
	done
done
[ $failed = no ] || exit 1

sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | sort | uniq -c | sed 's/^ */CPUs: /'
echo "$(uname -sr), $(date -u '+%Y-%m-%d %H:%M UTC'), $0 $*"
echo "$rounds rounds of $seconds s, 64 connections, medians"
awk '
function median(list, n,    i, j, v) {
	for (i = 2; i <= n; i++) {
		v = list[i]
		for (j = i - 1; j > 0 && list[j] > v; j--)
			list[j + 1] = list[j]
		list[j + 1] = v
	}
	return n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
}
function row(server, memory,    f, r) {
	printf "%-10s %-14s", server, memory
	for (f = 1; f <= 3; f++) {
		for (r = 1; r <= rounds; r++)
			v[r] = x[server, memory, r, f]
		printf f == 2 ? " %12.2f" : " %12.0f", median(v, rounds)
	}
	printf "\n"
}
function ratios(server,    f, r) {
	printf "%-10s %-14s", "", "percu / malloc"
	for (f = 1; f <= 3; f++) {
		for (r = 1; r <= rounds; r++)
			v[r] = x[server, "percu", r, f] / x[server, "malloc", r, f]
		printf " %12.2f", median(v, rounds)
		range[f] = sprintf("%.2f..%.2f", v[1], v[rounds])
	}
	printf "\n%-10s %-14s %12s %12s %12s\n", "", "range", range[1], range[2], range[3]
}
{
	if (!($1 in seen))
		order[++servers] = $1
	seen[$1] = 1
	rounds = $2
	for (f = 1; f <= 3; f++)
		x[$1, $3, $2, f] = $(f + 3)
}
END {
	printf "%-10s %-14s %12s %12s %12s\n", "server", "memory", "requests/s", \
		"us/request", "KiB at most"
	for (s = 1; s <= servers; s++) {
		row(order[s], "percu")
		row(order[s], "malloc")
		ratios(order[s])
	}
}' "$tmp/runs"
