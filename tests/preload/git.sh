#!/bin/sh
# SPDX-License-Identifier: MIT
# git: a generated repository is cloned, repacked by threads, collected and checked.
. "$(dirname "$0")/common.sh"
want git perl

export HOME="$TMP" GIT_CONFIG_NOSYSTEM=1
git init -q --bare "$TMP/origin" || exit 1
perl -e '
my $x = 1; sub rnd { $x = ($x * 1103515245 + 12345) % 2147483648; int($x / 65536) % $_[0] }
my %f; my $mark = 0;
for my $c (1 .. 400) {
	my @ch;
	for (1 .. 6) {
		my $n = "d" . rnd(9) . "/f" . rnd(60);
		my @l = split /^/, $f{$n} // "";
		splice @l, rnd(@l + 1), rnd(3), map { "line " . rnd(1e6) . " " x rnd(40) . "\n" } 0 .. rnd(30);
		$f{$n} = join "", @l;
		push @ch, $n;
	}
	print "commit refs/heads/main\nmark :", ++$mark, "\ncommitter a <a\@b> ", 1e9 + $c, " +0000\n";
	print "data 7\ncommit\n\n";
	print "M 100644 inline $_\ndata ", length $f{$_}, "\n$f{$_}\n" for @ch;
}' >"$TMP/stream"
under git -C "$TMP/origin" fast-import --quiet <"$TMP/stream" || die "$(cat "$TMP/stats")"
git -C "$TMP/origin" symbolic-ref HEAD refs/heads/main
head=$(git -C "$TMP/origin" rev-parse main)

under git clone -q --no-local "$TMP/origin" "$TMP/clone" || die "$(cat "$TMP/stats")"
cd "$TMP/clone" || exit 1
[ "$(git rev-parse HEAD)" = "$head" ] || die 'not the same commit'
under git -c pack.threads=4 repack -q -a -d -f --depth=50 --window=50 || die "$(cat "$TMP/stats")"
under git gc -q --aggressive --prune=now || die "$(cat "$TMP/stats")"
under git fsck --full --strict >"$TMP/fsck" || { cat "$TMP/fsck"; die 'fsck'; }
echo "fsck is content, $(used 10000)"
git fsck --full || die 'fsck without percu'
[ "$(under git log -p --stat -M | sha1sum)" = "$(git log -p --stat -M | sha1sum)" ] || die 'log differs'
