#!/bin/sh
# SPDX-License-Identifier: MIT
# PERCU_POOL_DEFINE() in strict C and in C++, with calls and inlined, with
# either library, first used by a constructor; what it refuses to compile; and
# that a hit has one test more than a hit of a pool in a static variable.
set -u

O=${O:-build}
CC=${CC:-cc}
SAN=${SAN:-}
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
rc=0
warn='-Wall -Wextra -pedantic -Werror'
san=${SAN:+-fsanitize=$SAN}
steady=
if [ "$SAN" = thread ] && setarch -R true 2>/dev/null; then
	steady='setarch -R'
fi

langs='c:c11 c:gnu11 c++:c++11 c++:c++17 c++:c++20'
printf 'int x;\n' | $CC -x c++ -fsyntax-only - 2>/dev/null || {
	echo 'no C++ compiler: C++ is not tried'
	langs='c:c11 c:gnu11'
}

cat >"$dir/x" <<'END'
#ifdef INLINE
#include <percu/inline.h>
#endif
#include <percu/define.h>
#include <percu/stats.h>
#include <stdio.h>

struct conn {
	int fd;
	char peer[60];
};

PERCU_POOL_DEFINE(conn, struct conn);

static int number;

static int few_ctor(void *obj, void *arg)
{
	((struct conn *)obj)->fd = ++*(int *)arg;
	return 0;
}

/* Old C++ has no designated initialisers: ctor, dtor, reset, create, ... */
#if !defined(__cplusplus) || __cplusplus >= 202002L
PERCU_POOL_DEFINE(few, struct conn, .ctor = few_ctor, .arg = &number,
		  .limit = 1);
#else
PERCU_POOL_DEFINE(few, struct conn, few_ctor, NULL, NULL, NULL, NULL, &number, 1);
#endif

static struct conn *early;

#ifdef __cplusplus
static struct first {
	first() { early = conn_get(); }
} first;
#else
__attribute__((constructor(101))) static void first(void)
{
	early = conn_get();
}
#endif

int main(void)
{
	struct percu_pool_stats st;
	struct conn *c = few_get();

	if (!early || !c || few_get() || c->fd < 1 || c->fd > number)
		return 1;
	early->fd = 1;
	conn_put(early);
	for (int i = 0; i < 1000; i++) {
		early = conn_get();
		if (!early || early->fd != 1)
			return 2;
		conn_put(early);
	}
	conn_put_rcu(NULL);
	few_put(c);
	percu_pool_stats(conn_pool(), &st);
	if (st.gets != 1001 || st.puts != 1001 || st.size != sizeof(*c))
		return 3;
	printf("%s", percu_mode());
	return conn_destroy() || few_destroy();
}
END

try() {	# language, standard, flags, library, what to link
	cxx=
	test "$1" = c || cxx=-lstdc++
	$CC -x "$1" -std="$2" -O2 $warn $san $3 -Iinclude -o "$dir/program" \
		"$dir/x" -x none $5 $cxx -pthread &&
		said=$($steady "$dir/program") && return
	echo "$2 $3 with the $4 library: failed"
	rc=1
}

for lang in $langs; do
	for flags in '' -DINLINE; do
		try "${lang%:*}" "${lang#*:}" "$flags" static "$O/libpercu.a -lurcu-bp"
	done
	try "${lang%:*}" "${lang#*:}" '' shared \
		"-L$O -lpercu -Wl,-rpath,$(realpath "$O")"
	echo "${lang#*:}: $said"
done

# A pool that cannot be is a compile error.
refused() {	# a type
	printf '#include <percu/define.h>\nstruct t { %s };\nPERCU_POOL_DEFINE(t, struct t);\n' "$1" |
		$CC -x c -std=gnu11 -Iinclude -fsyntax-only - 2>"$dir/out"
	[ $? != 0 ] && grep -q 'percu: a pool' "$dir/out" && return
	echo "a pool of { $1 } compiles"
	rc=1
}
refused 'char c[262145];'
refused '_Alignas(8192) char c;'
refused ''

# Instructions to the end of each function that is one jump or call long.
cat >"$dir/hit.c" <<'END'
#include <percu/define.h>
struct conn { int a[12]; };
PERCU_POOL_DEFINE(conn, struct conn);
static struct percu_pool *pool;
void set(struct percu_pool *p) { pool = p; }
struct conn *defined_get(void) { return conn_get(); }
void defined_put(struct conn *c) { conn_put(c); }
struct conn *static_get(void) { return percu_pool_get(pool); }
void static_put(struct conn *c) { percu_pool_put(pool, c); }
END
if [ "$(uname -m)" != x86_64 ] || ! command -v objdump >/dev/null; then
	echo 'not x86-64, or no objdump: hits are not looked at'
	exit $rc
fi
$CC -std=gnu11 -O2 -Iinclude -c -o "$dir/hit.o" "$dir/hit.c" || exit 1
objdump -d --no-show-raw-insn "$dir/hit.o" | awk '
/^[0-9a-f]+ <.*>:$/ { fn = substr($2, 2, length($2) - 3); over = 0 }
/^ +[0-9a-f]+:\t/ && !over {
	n[fn]++
	tests[fn] += $2 == "test"
	over = $2 == "jmp" || $2 == "ret"
}
END {
	for (i = 1; i <= 2; i++) {
		what = i == 1 ? "get" : "put"
		d = "defined_" what
		s = "static_" what
		printf "%s: %d instructions to the jump, of a static pool %d\n",
			what, n[d], n[s]
		bad += !n[s] || n[d] > n[s] + 2 || tests[d] > 1
	}
	exit bad != 0
}' || { echo 'a hit of a defined pool has more than one test more'; rc=1; }
exit $rc
