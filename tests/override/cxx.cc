// SPDX-License-Identifier: MIT
// tests/override/cxx.cc - std:: and ::, methods of these names, a container
#include "tree.h"

#include <cstdlib>
#include <cstring>
#include <ext/malloc_allocator.h>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

namespace {

struct heap {
	int live = 0;

	void *malloc(std::size_t n)
	{
		live++;
		return ::malloc(n);
	}
	void free(void *p)
	{
		live--;
		std::free(p);
	}
	bool free() const
	{
		return live == 0;
	}
};

struct freed {
	void operator()(void *p) const
	{
		std::free(p);
	}
};

int lines()
{
	std::istringstream in("one\ntwo\n");
	std::string s;
	int n = 0;

	while (std::getline(in, s))
		n++;
	return n;
}

} // namespace

int cxx_part()
{
	heap h;
	void *p = h.malloc(10), *q = std::calloc(10, 10);
	std::unique_ptr<char, freed> owned(static_cast<char *>(std::malloc(5)));
	std::vector<int, __gnu_cxx::malloc_allocator<int>> v;
	std::vector<int> w(1000, 1); // operator new is the program's own

	for (int i = 0; i < 1000; i++)
		v.push_back(i);
	q = std::realloc(q, 1000);
	h.free(p);
	free(q);
	return h.free() && owned && v[999] == 999 && w[5] == 1 && lines() == 2 ?
		       14 :
		       -1;
}
