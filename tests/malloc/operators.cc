/* SPDX-License-Identifier: MIT */
/*
 * tests/malloc/operators.cc - C++'s new and delete, all forms
 */
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <new>
#include <string>
#include <vector>
#include <malloc.h>

struct alignas(256) wide {
	char c[256];
};

static int handled;

static void give_up()
{
	if (++handled == 3)
		throw std::bad_alloc();
}

static void die(const char *what)
{
	printf("operators: %s\n", what);
	exit(1);
}

template <class F> static void throws(const char *what, F f)
{
	handled = 0;
	try {
		f();
	} catch (const std::bad_alloc &) {
		if (handled == 3)
			return;
	}
	die(what);
}

int main()
{
	volatile std::size_t much = SIZE_MAX / 2 - 4096;
	const std::align_val_t align{ 512 };

	for (std::size_t n = 0; n < 100000; n = n * 2 + 1) {
		void *p = ::operator new(n), *q = ::operator new[](n);
		void *r = ::operator new(n, align);
		void *s = ::operator new[](n, align, std::nothrow);
		void *t = ::operator new(n, std::nothrow);

		if (reinterpret_cast<std::uintptr_t>(r) % 512 ||
		    reinterpret_cast<std::uintptr_t>(s) % 512)
			die("alignment");
		memset(p, 1, n);
		memset(q, 2, n);
		memset(r, 3, n);
		memset(s, 4, n);
		memset(t, 5, n);
		::operator delete(p, n);
		::operator delete[](q);
		::operator delete(r, n, align);
		::operator delete[](s, align);
		::operator delete(t, std::nothrow);
	}
	std::unique_ptr<wide[]> w(new wide[10]);
	if (reinterpret_cast<std::uintptr_t>(w.get()) % 256)
		die("alignment of a type");
	std::map<std::string, std::vector<int>> m;
	for (int i = 0; i < 20000; i++)
		m[std::to_string(i)].assign(i % 50, i);

	std::set_new_handler(give_up);
	throws("new", [&] { return ::operator new(much); });
	throws("new[]", [&] { return ::operator new[](much); });
	throws("aligned new", [&] { return ::operator new(much, align); });
	throws("aligned new[]", [&] { return ::operator new[](much, align); });
	handled = 0;
	if (::operator new(much, std::nothrow) || handled != 3)
		die("new(nothrow)");
	handled = 0;
	if (::operator new[](much, align, std::nothrow) || handled != 3)
		die("aligned new[](nothrow)");
	std::set_new_handler(nullptr);
	if (::operator new(much, std::nothrow))
		die("new(nothrow) without a handler");
	try {
		(void)::operator new(much);
		die("new without a handler");
	} catch (const std::bad_alloc &) {
	}
	puts("operators: ok");
}
