// SPDX-License-Identifier: MIT
// tests/cxx.cc - what percu/percu.hpp says, from C++; tests/cxx.sh builds it
#include <urcu-bp.h>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>
#include <percu/percu.hpp>
#include <percu/stats.h>

#define CHECK(what) check((what), #what, __LINE__)

static unsigned int checks;

static void check(bool ok, const char *what, int line)
{
	checks++;
	if (ok)
		return;
	fprintf(stderr, "cxx.cc:%d: %s\n", line, what);
	exit(1);
}

static uint64_t out()
{
	struct percu_memstats ms;

	percu_memstats(&ms);
	return ms.heap_objects;
}

static uint64_t mallocs()
{
	struct percu_memstats ms;

	percu_memstats(&ms);
	return ms.mallocs;
}

// The resource. -------------------------------------------------------------

static void containers()
{
	const uint64_t before = out(), made = mallocs();

	{
		std::pmr::unordered_map<int, std::pmr::string> map(
			percu::resource());

		for (int i = 0; i < 1000; i++)
			map[i] = std::pmr::string(static_cast<size_t>(i), 'x',
						  percu::resource());
		CHECK(map[700].size() == 700);
		CHECK(mallocs() - made >= 1900); // nodes, and long strings
		CHECK(out() - before >= 1000);
	}
	CHECK(out() == before);
}

static void alignments()
{
	const uint64_t before = out();

	for (size_t align = 1; align <= 4096; align *= 2)
		for (size_t size :
		     { 0u, 1u, 8u, 9u, 16u, 100u, 5000u, 70000u }) {
			void *p = percu::resource()->allocate(size, align);

			CHECK(reinterpret_cast<uintptr_t>(p) % align == 0);
			percu::resource()->deallocate(p, size, align);
		}
	CHECK(out() == before);
	CHECK(percu::resource()->is_equal(*percu::resource()));
	CHECK(!percu::resource()->is_equal(*std::pmr::new_delete_resource()));
}

static void too_much()
{
	bool thrown = false;

	try {
		(void)percu::resource()->allocate(PTRDIFF_MAX, 16);
	} catch (const std::bad_alloc &) {
		thrown = true;
	}
	CHECK(thrown);
}

// Pools. --------------------------------------------------------------------

struct counted {
	static int made, gone;
	int turn = 0;
	std::string name = "a string that is too long to lie in the object";

	counted()
	{
		made++;
	}
	~counted()
	{
		gone++;
	}
};
int counted::made, counted::gone;

static void kept()
{
	const uint64_t before = out();
	percu::pool<counted> pool("counted", 0, 2);
	int made = counted::made;

	CHECK(made >= 2 && counted::gone == 0);
	for (int i = 0; i < 1000; i++) {
		auto c = pool.get();

		CHECK(c->name.size() == 46);
		c->turn++;
	}
	CHECK(counted::made == made);
	{
		// Each CPU may have had one of its own.
		std::vector<percu::pool<counted>::handle> all;
		int turns = 0;

		for (int i = 0; i < made; i++) {
			all.push_back(pool.get());
			turns += all.back()->turn;
		}
		CHECK(turns == 1000 && counted::made == made);
	}
	{
		percu::pool<counted> moved(std::move(pool));
		auto c = moved.get();

		std::thread([h = std::move(c)]() mutable { h.reset(); }).join();
		CHECK(!c);
		pool = std::move(moved);
	}
	CHECK(pool.get()->turn >= 0 && counted::gone == 0);
	pool = percu::pool<counted>("another");
	CHECK(counted::gone == counted::made);
	CHECK(out() == before);
}

struct alignas(256) wide {
	char c;
};

static void limits()
{
	percu::pool<wide> pool("wide", 1);
	auto one = pool.get();
	bool thrown = false;

	CHECK(reinterpret_cast<uintptr_t>(one.get()) % 256 == 0);
	CHECK(!pool.try_get() && errno == ENOMEM);
	try {
		(void)pool.get();
	} catch (const std::bad_alloc &) {
		thrown = true;
	}
	CHECK(thrown);
	one.reset();
	CHECK(pool.try_get() != nullptr);
}

struct refuses {
	static int how;

	refuses()
	{
		if (how == 1)
			throw std::bad_alloc();
		if (how == 2)
			throw std::runtime_error("no");
	}
};
int refuses::how;

static int refusal(percu::pool<refuses> &pool, int how)
{
	refuses::how = how;
	try {
		(void)pool.get();
	} catch (const std::bad_alloc &) {
		return ENOMEM;
	} catch (const std::system_error &e) {
		return e.code().value();
	}
	return 0;
}

static void constructors_that_throw()
{
	percu::pool<refuses> pool("refuses");

	CHECK(refusal(pool, 1) == ENOMEM);
	CHECK(refusal(pool, 2) == ECANCELED);
	CHECK(refusal(pool, 0) == 0);
}

static void handle_that_stays_out()
{
	percu::pool<wide>::handle left;

	{
		percu::pool<wide> pool("left");

		left = pool.get();
	}
	left->c = 1;
	struct percu_pool *lives = left.get_deleter().pool;

	left.reset();
	CHECK(percu_pool_destroy(lives) == 0);
}

// Readers. ------------------------------------------------------------------

using section = percu::read_section<rcu_read_lock, rcu_read_unlock>;
using reader = percu::reader<int, section>;

static void same_as_c(struct percu_vec *vec)
{
	std::vector<int> c, cxx;
	int *obj;
	size_t i;

	rcu_read_lock();
	percu_vec_for_each (vec, i, obj)
		c.push_back(*obj);
	rcu_read_unlock();
	for (int &x : reader(*vec)) {
		CHECK(rcu_read_ongoing());
		cxx.push_back(x);
	}
	CHECK(!rcu_read_ongoing());
	CHECK(c == cxx);

	reader r(*vec);
	size_t found = 0;

	for (i = 0; i < r.size(); i++)
		found += r[i] != nullptr;
	CHECK(found == c.size() && !r[r.size()]);
}

static void readers(size_t n)
{
	std::vector<int> values(n);
	struct percu_vec vec;

	CHECK(percu_vec_init(&vec, nullptr) == 0);
	same_as_c(&vec);
	for (size_t i = 0; i < n; i++) {
		values[i] = static_cast<int>(i);
		CHECK(percu_vec_append(&vec, &values[i]) == 0);
	}
	same_as_c(&vec);
	for (size_t i = 0; i < n; i += i < 20 || i + 20 > n ? 1 : 7)
		CHECK(percu_vec_remove_nil(&vec, i) == 0);
	same_as_c(&vec);
	for (int &x : reader(vec))
		if (x > 20)
			break;
	CHECK(!rcu_read_ongoing());
	percu_vec_destroy(&vec);
}

int main()
{
	containers();
	alignments();
	too_much();
	kept();
	limits();
	constructors_that_throw();
	handle_that_stays_out();
	for (size_t n : { 1u, 30u, 1017u, 5000u })
		readers(n);
	printf("%u checks, %s\n", checks, percu_mode());
	return 0;
}
