#!/bin/sh
# SPDX-License-Identifier: MIT
# memcached: eight clients set, get and delete, and look at what they get.
. "$(dirname "$0")/common.sh"
want memcached perl

cat >"$TMP/client.pl" <<'END'
use strict;
use IO::Socket::UNIX;
my ($path, $id) = @ARGV;
my $s = IO::Socket::UNIX->new($path) or die "connect: $!";
my $x = $id * 7919 + 1;
sub rnd { $x = ($x * 1103515245 + 12345) % 2147483648; int($x / 65536) % $_[0] }
my (%is, $gets);
sub line { my $l = <$s>; defined $l or die "closed"; $l =~ s/\r\n//; $l }
for my $i (1 .. 6000) {
	my $k = "$id-" . rnd(1500);
	if (rnd(3) == 0) {
		my $v = chr(97 + rnd(26)) x (1 + rnd(rnd(20) ? 500 : 60000));
		printf $s "set %s 0 0 %d\r\n%s\r\n", $k, length $v, $v;
		line() eq "STORED" or die "set";
		$is{$k} = $v;
	} elsif (rnd(10) == 0) {
		print $s "delete $k\r\n";
		line() =~ /^(DELETED|NOT_FOUND)$/ or die "delete";
		delete $is{$k};
	} else {
		print $s "get $k\r\n";
		my $l = line();
		next if $l eq "END" && !exists $is{$k};
		$l =~ /^VALUE \S+ 0 (\d+)$/ or die "get: $l";
		read($s, my $v, $1 + 2);
		$v eq "$is{$k}\r\n" or die "another value";
		line() eq "END" or die "end";
		$gets++;
	}
}
print "$gets\n";
END
serve memcached -s "$TMP/sock" -m 512 -t 4 $([ "$(id -u)" != 0 ] || echo "-u $(id -un)")
await test -S "$TMP/sock"
clients=
for id in 1 2 3 4 5 6 7 8; do
	perl "$TMP/client.pl" "$TMP/sock" $id >"$TMP/out.$id" 2>&1 &
	clients="$clients $!"
done
for c in $clients; do
	wait "$c" || { cat "$TMP"/out.*; die 'a client'; }
done
serves "$server"
echo "$(cat "$TMP"/out.* | awk '{ n += $1 } END { print n }') values as they were set"
