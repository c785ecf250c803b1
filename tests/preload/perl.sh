#!/bin/sh
# SPDX-License-Identifier: MIT
# perl: hashes, strings that grow, sorting, regular expressions, fork and pipes.
. "$(dirname "$0")/common.sh"
want perl

cat >"$TMP/work.pl" <<'END'
use strict;
my (%h, @a, $s);
my $x = 12345;
sub rnd { $x = ($x * 1103515245 + 12345) % 2147483648; $x % $_[0] }
for my $i (1 .. 150000) {
	my $k = "key" . rnd(40000);
	$h{$k} .= chr(65 + rnd(26)) x rnd(20);
	delete $h{"key" . rnd(40000)} if $i % 3 == 0;
	push @a, { id => $i, list => [ map { rnd(100) } 1 .. rnd(8) ] };
	splice @a, rnd(scalar @a), 1 if @a > 5000;
}
$s .= "$_=" . length($h{$_}) . ";" for sort keys %h;
(my $t = $s) =~ s/(\d+)=(\d+)/$2-$1/g;
my $sum = 0;
my @sorted = sort { $a->{id} <=> $b->{id} } @a;
for my $n (1 .. 20) {
	my $pid = open(my $pipe, "-|") // die;
	if (!$pid) { print join(",", map { $_ * $n } 1 .. 2000), "\n"; exit }
	my $line = <$pipe>;
	$sum += length $line;
	close $pipe or die;
}
printf "%d %d %d %d %08x\n", scalar keys %h, length $t, $sum, $sorted[77]{id},
	unpack("%32C*", $t);
END
perl "$TMP/work.pl" >"$TMP/expected" || exit 1
under perl "$TMP/work.pl" >"$TMP/got" || die "perl ended with $?: $(cat "$TMP/stats")"
cmp "$TMP/expected" "$TMP/got" || exit 1
echo "the same result: $(cat "$TMP/got"), $(used 100000)"
