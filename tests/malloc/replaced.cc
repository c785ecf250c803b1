/* SPDX-License-Identifier: MIT */
/*
 * tests/malloc/replaced.cc - a program with a few operators of its own
 *
 * By the standard the forms of new and delete that it does not define are made
 * of those that it does (ARRAY: of its new[] and delete[] too): each block has
 * a head, which only its own delete knows of.
 */
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>
#include <vector>

namespace {
enum {
	HEAD = 64,
	MUCH = 1 << 20,
	SINGLE = 0x51,
	MANY = 0xa4,
	WIDE = 0x3c
};

long out[256]; /* blocks, by the head */

void die(const char *what)
{
	fprintf(stderr, "replaced: %s\n", what);
	_Exit(1);
}

void *make(std::size_t n, int head)
{
	char *p = n < MUCH ? static_cast<char *>(malloc(n + HEAD)) : nullptr;

	if (!p)
		throw std::bad_alloc();
	memset(p, head, HEAD);
	out[head]++;
	return p + HEAD;
}

void unmake(void *ptr, int head)
{
	char *p = static_cast<char *>(ptr) - HEAD;

	if (!ptr)
		return;
	for (int i = 0; i < HEAD; i++)
		if (static_cast<unsigned char>(p[i]) != head)
			die("freed by another's delete");
	out[head]--;
	free(p);
}
} // namespace

/* -Wsized-deallocation wants all forms, which is not what is tried here. */
void *operator new(std::size_t n)
{
	return make(n, SINGLE);
}

void operator delete(void *p) noexcept
{
	unmake(p, SINGLE);
}

#ifdef ARRAY
void *operator new[](std::size_t n)
{
	return make(n, MANY);
}

void operator delete[](void *p) noexcept
{
	unmake(p, MANY);
}
#else
#define MANY SINGLE
#endif

#ifdef __cpp_aligned_new
void *operator new(std::size_t n, std::align_val_t)
{
	return make(n, WIDE);
}

void operator delete(void *p, std::align_val_t) noexcept
{
	unmake(p, WIDE);
}
#endif

namespace {
/* Made, of that kind, and then not any more. */
void *is(void *p, int head)
{
	if (!p || out[head] != 1)
		die("made by another's new");
	return p;
}

void gone(int head, const char *what)
{
	if (out[head])
		die(what);
}

#define EACH(head, made, unmade)          \
	do {                              \
		void *p = is(made, head); \
		unmade;                   \
		gone(head, #unmade);      \
	} while (0)

void plain(std::size_t n)
{
	EACH(SINGLE, ::operator new(n), ::operator delete(p));
	EACH(MANY, ::operator new[](n), ::operator delete[](p));
	EACH(SINGLE, ::operator new(n, std::nothrow),
	     ::operator delete(p, std::nothrow));
	EACH(MANY, ::operator new[](n, std::nothrow),
	     ::operator delete[](p, std::nothrow));
#ifdef __cpp_sized_deallocation
	EACH(SINGLE, ::operator new(n), ::operator delete(p, n));
	EACH(MANY, ::operator new[](n), ::operator delete[](p, n));
#endif
}

#ifdef __cpp_aligned_new
void wide(std::size_t n)
{
	const std::align_val_t a{ 32 };

	EACH(WIDE, ::operator new(n, a), ::operator delete(p, a));
	EACH(WIDE, ::operator new[](n, a), ::operator delete[](p, a));
	EACH(WIDE, ::operator new(n, a), ::operator delete(p, n, a));
	EACH(WIDE, ::operator new[](n, a), ::operator delete[](p, n, a));
	EACH(WIDE, ::operator new(n, a, std::nothrow),
	     ::operator delete(p, a, std::nothrow));
	EACH(WIDE, ::operator new[](n, a, std::nothrow),
	     ::operator delete[](p, a, std::nothrow));
	if (::operator new(MUCH, a, std::nothrow) ||
	    ::operator new[](MUCH, a, std::nothrow))
		die("nothrow aligned new of too much");
}
#else
void wide(std::size_t)
{
}
#endif
} // namespace

int main()
{
	long before = out[SINGLE];

	out[SINGLE] = 0;
	for (std::size_t n = 1; n < 200000; n *= 3) {
		plain(n);
		wide(n);
	}
	if (::operator new(MUCH, std::nothrow) ||
	    ::operator new[](MUCH, std::nothrow))
		die("nothrow new of too much");
	{
		std::vector<std::string> v;

		for (int i = 0; i < 1000; i++)
			v.push_back(
				std::string(static_cast<std::size_t>(i), 'x'));
		if (out[SINGLE] < 900)
			die("the library's own new");
	}
	gone(SINGLE, "a vector of strings");
	out[SINGLE] = before;
	puts("replaced: ok");
}
