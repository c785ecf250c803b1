#!/bin/sh
# SPDX-License-Identifier: MIT
# sqlite3: a load with indexes, updates and deletes; then its own integrity check.
. "$(dirname "$0")/common.sh"
want sqlite3

cat >"$TMP/load.sql" <<'END'
PRAGMA journal_mode=WAL;
PRAGMA cache_size=-20000;
CREATE TABLE t(id INTEGER PRIMARY KEY, k TEXT, v BLOB, n INT);
CREATE INDEX t_k ON t(k);
CREATE INDEX t_n ON t(n, k);
BEGIN;
WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 120000)
INSERT INTO t SELECT i, printf('key-%08d', i * 7919 % 120001),
	zeroblob(i * 31 % 300), i % 977 FROM c;
COMMIT;
UPDATE t SET v = hex(k) || n WHERE n % 5 = 0;
DELETE FROM t WHERE n % 7 = 3;
CREATE TABLE s AS SELECT n, count(*) c, group_concat(k) g, sum(length(v)) l FROM t GROUP BY n;
INSERT INTO t(k, v, n) SELECT a.k, b.v, a.n + b.n FROM t a JOIN t b ON a.id = b.id + 1 WHERE a.n < 100;
ANALYZE;
VACUUM;
PRAGMA integrity_check;
SELECT count(*), sum(length(v)), sum(n), (SELECT sum(length(g)) FROM s) FROM t;
SELECT k, count(*) FROM t GROUP BY k ORDER BY 2 DESC, 1 LIMIT 5;
END
sqlite3 "$TMP/a.db" <"$TMP/load.sql" >"$TMP/expected" || exit 1
under sqlite3 "$TMP/b.db" <"$TMP/load.sql" >"$TMP/got" || die "sqlite3: $(cat "$TMP/stats")"
grep -qx ok "$TMP/got" || { cat "$TMP/got"; die 'the data base is damaged'; }
cmp "$TMP/expected" "$TMP/got" || exit 1
[ "$(sqlite3 "$TMP/b.db" 'PRAGMA integrity_check')" = ok ] || die 'the file is damaged'
echo "integrity_check ok, the same answers, $(used 100000)"
