/* SPDX-License-Identifier: MIT */
/*
 * bench/programs_list.c - what is measured under each malloc
 *
 * Interpreters, a data base, tools with threads and with processes, servers,
 * and at the end what only mallocs do (bench/lives.c).
 */
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/programs.h"

#define PERL_WORK                                                               \
	"cat >perl.pl <<'END'\n"                                                \
	"my (%h, @a, $s); my $x = 12345;\n"                                     \
	"sub rnd { $x = ($x * 1103515245 + 12345) % 2147483648; $x % $_[0] }\n" \
	"for my $i (1 .. 250000) {\n"                                           \
	"  my $k = 'key' . rnd(60000);\n"                                       \
	"  $h{$k} .= chr(65 + rnd(26)) x rnd(20);\n"                            \
	"  delete $h{'key' . rnd(60000)} if $i % 3 == 0;\n"                     \
	"  push @a, { id => $i, list => [ map { rnd(100) } 1 .. rnd(8) ] };\n"  \
	"  splice @a, rnd(scalar @a), 1 if @a > 20000;\n"                       \
	"}\n"                                                                   \
	"$s .= \"$_=$h{$_};\" for sort keys %h;\n"                              \
	"$s =~ s/(\\d+)=(\\w+)/$2-$1/g;\n"                                      \
	"END\n"

#define PYTHON_WORK                                                                        \
	"cat >work.py <<'END'\n"                                                           \
	"import json, re, collections\n"                                                   \
	"d = [{'id': i, 'name': 'n%d' % (i * 7919 % 10007), 'tags': list(range(i % 9))}\n" \
	"     for i in range(40000)]\n"                                                    \
	"for _ in range(3):\n"                                                             \
	"    d = json.loads(json.dumps(d))\n"                                              \
	"c = collections.Counter(x['name'] for x in d)\n"                                  \
	"t = ' '.join(re.sub(r'n(\\d)', r'\\1n', k) * v for k, v in c.most_common())\n"    \
	"s = {tuple(x['tags']): x for x in d}\n"                                           \
	"l = sorted(d, key=lambda x: x['name'])\n"                                         \
	"END\n"

#define SQL_WORK                                                                             \
	"cat >work.sql <<'END'\n"                                                            \
	"PRAGMA cache_size=-20000;\n"                                                        \
	"CREATE TABLE t(id INTEGER PRIMARY KEY, k TEXT, v BLOB, n INT);\n"                   \
	"CREATE INDEX t_k ON t(k);\n"                                                        \
	"BEGIN;\n"                                                                           \
	"WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 150000)\n" \
	"INSERT INTO t SELECT i, printf('key-%08d', i * 7919 % 150001),\n"                   \
	"  zeroblob(i * 31 % 300), i % 977 FROM c;\n"                                        \
	"UPDATE t SET v = hex(k) || n WHERE n % 5 = 0;\n"                                    \
	"CREATE TABLE s AS SELECT n, count(*) c, group_concat(k) g FROM t GROUP BY n;\n"     \
	"SELECT sum(length(g)) FROM s;\n"                                                    \
	"SELECT k, count(*) FROM t GROUP BY k ORDER BY 2 DESC, 1 LIMIT 5;\n"                 \
	"END\n"

/* Twenty connections, each kept for 300 requests. */
#define HTTP_CLIENT                                                                                   \
	"cat >client.pl <<'END'\n"                                                                    \
	"use IO::Socket::INET; use IO::Select;\n"                                                     \
	"my (%left, %buf); my $sel = IO::Select->new;\n"                                              \
	"my $get = \"GET /page.txt HTTP/1.1\\r\\nHost: a\\r\\nAccept-Encoding: gzip\\r\\n\\r\\n\";\n" \
	"for (1 .. 20) { my $s = IO::Socket::INET->new('127.0.0.1:47831') or die;\n"                  \
	"  $left{$s} = 300; syswrite $s, $get; $sel->add($s) }\n"                                     \
	"while ($sel->count) { for my $s ($sel->can_read) {\n"                                        \
	"  sysread($s, $buf{$s}, 65536, length($buf{$s} // '')) or die;\n"                            \
	"  next unless $buf{$s} =~ /\\r\\n0\\r\\n\\r\\n$/;\n"                                         \
	"  $buf{$s} = '';\n"                                                                          \
	"  if (--$left{$s}) { syswrite $s, $get } else { $sel->remove($s) } } }\n"                    \
	"END\n"

const struct program programs[] = {
	{ .name = "perl",
	  .needs = "there is no perl",
	  .setup = PERL_WORK "command -v perl >/dev/null",
	  .command = "perl perl.pl" },
	{ .name = "python",
	  .needs = "there is no /usr/bin/python3",
	  .setup = PYTHON_WORK "test -x /usr/bin/python3",
	  .command = "env PYTHONMALLOC=malloc /usr/bin/python3 work.py" },
	{ .name = "sqlite",
	  .needs = "there is no sqlite3",
	  .setup = SQL_WORK "command -v sqlite3 >/dev/null",
	  .command = "sqlite3 :memory: <work.sql" },
	{ .name = "git",
	  .needs = "there is no git, or no history here",
	  .setup =
		  "git clone -q --bare --no-local \"$SRC\" repo.git 2>/dev/null && git -C repo.git rev-parse -q --verify HEAD~50 >/dev/null",
	  .command =
		  "git -C repo.git -c pack.threads=2 repack -q -a -d -f --window=30" },
	{ .name = "git-log",
	  .needs = "there is no git, or no history here",
	  .setup =
		  "test -d repo.git || git clone -q --bare --no-local \"$SRC\" repo.git",
	  .command = "git -C repo.git log -p -M --stat HEAD" },
	{ .name = "g++",
	  .needs = "there is no g++",
	  .setup =
		  "command -v g++ >/dev/null && cp \"$SRC\"/tests/preload/threads.cc .",
	  .command = "g++ -std=c++17 -O2 -pthread -c -o threads.o threads.cc" },
	{ .name = "threads",
	  .needs = "there is no g++",
	  .setup =
		  "g++ -std=c++17 -O2 -pthread -o threads \"$SRC\"/tests/preload/threads.cc",
	  .command = "./threads" },
	{ .name = "redis",
	  .needs = "there is no redis-server",
	  .setup = "command -v redis-server redis-benchmark >/dev/null",
	  .command =
		  "redis-server --port 0 --unixsocket redis.sock --daemonize no --save 900 100000000",
	  .ready = "redis-cli -s redis.sock ping 2>/dev/null | grep -q PONG",
	  .client =
		  "redis-benchmark -s redis.sock -q -n 150000 -r 100000 -d 200 -P 16 -t set,get,lpush,hset,zadd,rpop >/dev/null 2>&1" },
	{ .name = "nginx",
	  .needs = "there is no nginx or no perl",
	  .setup = HTTP_CLIENT
	  "command -v perl nginx >/dev/null && mkdir -p logs html && chmod 755 . && for i in $(seq 2000); do echo line $i; done >html/page.txt && "
	  "printf 'daemon off; master_process off; pid nginx.pid; error_log logs/e; events {} http { access_log off; client_body_temp_path b; proxy_temp_path p; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s; gzip on; gzip_types text/plain; types { text/plain txt; } server { listen 127.0.0.1:47831; root html; } }' >nginx.conf",
	  .command = "nginx -p . -c nginx.conf",
	  .ready =
		  "perl -MIO::Socket::INET -e 'exit !IO::Socket::INET->new(\"127.0.0.1:47831\")'",
	  .client = "perl client.pl" },
	{ .name = "larson", .command = "$LIVES larson" },
	{ .name = "handover", .command = "$LIVES handover" },
	{ .name = "grow", .command = "$LIVES grow" },
	{ .name = "large", .command = "$LIVES large" },
	{ .name = "short", .command = "$LIVES short" },
	{ NULL, NULL, NULL, NULL, NULL, NULL },
};

bool programs_setup(const char *self)
{
	char path[4096], *copy = realpath(self, NULL);

	if (!copy)
		return false;
	snprintf(path, sizeof(path), "%s/lives", dirname(copy));
	setenv("LIVES", path, 1);
	setenv("SRC", getcwd(path, sizeof(path)) ? path : ".", 1);
	setenv("PATH",
	       "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin",
	       1);
	return !access(getenv("LIVES"), X_OK);
}
