/* SPDX-License-Identifier: MIT */
/* libs: -lsqlite3 */
/* tests/hooks/hook_sqlite.c - a database in memory, queried and checked */
#include <limits.h>
#include <percu/hook/sqlite.h>

#include "hook.h"

static void run(sqlite3 *db, const char *sql)
{
	must(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK);
}

static void fill(sqlite3 *db)
{
	sqlite3_stmt *insert;

	run(db, "create table t (id integer primary key, name text, n int)");
	run(db, "create index by_n on t (n)");
	must(sqlite3_prepare_v2(db, "insert into t (name, n) values (?, ?)", -1,
				&insert, NULL) == SQLITE_OK);
	run(db, "begin");
	for (int i = 0; i < 5000; i++) {
		char name[64];

		snprintf(name, sizeof(name), "the row of number %d", i);
		sqlite3_bind_text(insert, 1, name, -1, SQLITE_TRANSIENT);
		sqlite3_bind_int(insert, 2, i % 97);
		must(sqlite3_step(insert) == SQLITE_DONE);
		sqlite3_reset(insert);
	}
	run(db, "commit");
	sqlite3_finalize(insert);
	run(db, "delete from t where n = 13");
	run(db, "vacuum");
}

static void expect(sqlite3 *db, const char *sql, const char *answer)
{
	sqlite3_stmt *q;

	must(sqlite3_prepare_v2(db, sql, -1, &q, NULL) == SQLITE_OK);
	must(sqlite3_step(q) == SQLITE_ROW);
	must(!strcmp((const char *)sqlite3_column_text(q, 0), answer));
	sqlite3_finalize(q);
}

/* What SQLite relies on, of every size from 1 byte up. */
static void sizes_are_true(void)
{
	sqlite3_mem_methods m;

	must(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &m) == SQLITE_OK);
	must(m.xMalloc == percu_hook_sqlite_malloc);
	for (int n = 1; n < 200000; n += 1 + n / 50) {
		int whole = m.xRoundup(n);
		char *p = m.xMalloc(whole);

		must(p && whole >= n && m.xSize(p) == whole);
		must(m.xRoundup(whole) == whole);
		memset(p, 1, (size_t)whole);
		p = m.xRealloc(p, m.xRoundup(2 * n));
		must(p && m.xSize(p) == m.xRoundup(2 * n) && p[whole - 1] == 1);
		m.xFree(p);
	}
	/* The most that SQLite asks for: the next page is beyond an int. */
	must(m.xRoundup(0x7fffff00) >= 0x7fffff00);
	must(m.xRoundup(INT_MAX) == INT_MAX);
}

int main(void)
{
	sqlite3 *db;

	hook_begin();
	must(percu_hook_sqlite() == SQLITE_OK);
	must(sqlite3_initialize() == SQLITE_OK);
	must(sqlite3_open(":memory:", &db) == SQLITE_OK);
	must(percu_hook_sqlite() == SQLITE_MISUSE); /* too late */
	fill(db);
	expect(db, "select count(*) from t", "4948");
	expect(db, "select name from t where n = 42 order by id limit 1",
	       "the row of number 42");
	expect(db, "pragma integrity_check", "ok");
	printf("sqlite: %lld bytes used, %lld of percu\n",
	       (long long)sqlite3_memory_used(), (long long)hook_bytes());
	must(hook_cut() ? sqlite3_memory_used() < hook_bytes() :
			  sqlite3_memory_used() == hook_bytes());
	must(sqlite3_memory_used() > 100000);
	must(sqlite3_close(db) == SQLITE_OK);
	must(sqlite3_shutdown() == SQLITE_OK);
	must(hook_bytes() == 0);
	sizes_are_true();
	return hook_end("sqlite", 1000);
}
