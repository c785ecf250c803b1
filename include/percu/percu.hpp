/* SPDX-License-Identifier: MIT */
/*
 * percu/percu.hpp - percu for C++17: a memory resource, typed pools, readers
 *
 * Three things that the C calls leave to the program: a std::pmr resource, so
 * that containers take their memory from percu; a pool whose objects come in a
 * std::unique_ptr that puts them back; and a reader of a vector that is in a
 * read section as long as it lives, and is a range.
 *
 *	percu::pool<conn> conns("conn");
 *	auto c = conns.get();			(put at the end of the scope)
 *
 *	std::pmr::vector<int> v(percu::resource());
 *
 *	using section = percu::read_section<rcu_read_lock, rcu_read_unlock>;
 *	for (backend &b : percu::reader<backend, section>(live))
 *		...
 *
 * Everything is inlined into the C calls and has no state of its own.  Where C
 * returns NULL or -errno these throw: std::bad_alloc for ENOMEM, and
 * std::system_error with the errno otherwise.
 *
 * Best for: programs in C++ that would wrap the C calls in just this way.
 *
 * Not for: objects that are to be constructed anew at each get: a pool keeps
 * its objects constructed.
 */
#ifndef PERCU_PERCU_HPP
#define PERCU_PERCU_HPP

#include <cerrno>
#include <cstddef>
#include <memory>
#include <memory_resource>
#include <new>
#include <system_error>
#include <type_traits>
#include <utility>
#include <percu/alloc.h>
#include <percu/pool.h>
#include <percu/vec.h>

namespace percu {

/* private: what a NULL with errno is in C++ */
[[noreturn]] inline void fail(int err)
{
	if (err == ENOMEM)
		throw std::bad_alloc();
	throw std::system_error(err, std::generic_category());
}
/* public: */

/**
 * class percu::memory_resource - memory by size for std::pmr
 *
 * There is one, which percu::resource() returns.  Sizes go back with the block,
 * so that a free looks nothing up; blocks of more than natural alignment are
 * the exception.
 *
 * Context: any thread, without a lock of the program's.
 */
class memory_resource final : public std::pmr::memory_resource {
	friend memory_resource *resource() noexcept;

	memory_resource() = default;

	/* What percu_alloc() gives without being asked. */
	static constexpr bool natural(std::size_t size, std::size_t align)
	{
		return align <= (size > 8 ? 16u : 8u);
	}

	void *do_allocate(std::size_t size, std::size_t align) override
	{
		void *p = natural(size, align) ?
				  percu_alloc(size) :
				  percu_alloc_aligned(align, size);

		if (!p)
			fail(errno);
		return p;
	}

	void do_deallocate(void *p, std::size_t size,
			   std::size_t align) override
	{
		if (natural(size, align))
			percu_free_sized(p, size);
		else
			percu_free(p);
	}

	bool do_is_equal(
		const std::pmr::memory_resource &other) const noexcept override
	{
		return this == &other;
	}
};

/**
 * percu::resource() - percu as a std::pmr::memory_resource
 *
 * Context: any thread, at any time: it is not destroyed at exit.
 * Return: the resource; the same each time.
 */
inline memory_resource *resource() noexcept
{
	alignas(memory_resource) static unsigned char
		room[sizeof(memory_resource)];
	static memory_resource *const it = new (room) memory_resource;

	return it;
}

/**
 * class percu::pool - a typed pool of objects that stay constructed
 * @get: pool<T>::get(): an object, as a handle, which is a std::unique_ptr
 *	that puts it back; throws
 * @try_get: the same, but an empty handle with errno where get() throws
 * @c_pool: the pool for the calls of <percu/pool.h>
 *
 * An object is constructed once, by T's default constructor, when the pool
 * makes it, which may be in a get that wants another one; and destroyed once,
 * before its memory leaves the pool.  In between it goes from handle to handle
 * as it was left: who gets it sets what it needs.  Constructors and destructors
 * run in whichever thread makes the pool grow, age, shrink or end.
 *
 * A constructor that throws makes get() throw: std::bad_alloc where it threw
 * that, else std::system_error with ECANCELED, for exceptions do not pass
 * through the library.
 *
 * A handle may be released to any thread and put there.  To retire the object
 * instead: percu_pool_put_rcu(p.c_pool(), handle.release()).
 *
 * The destructor ends the pool.  A handle that is still out then is a mistake,
 * and a harmless one: the pool lives on, for ever.
 */
template <class T> class pool {
	struct percu_pool *pool_;

	static int construct(void *obj, void *) noexcept
	{
		try {
			new (obj) T;
		} catch (const std::bad_alloc &) {
			return -ENOMEM;
		} catch (...) {
			return -ECANCELED;
		}
		return 0;
	}

	static void destruct(void *obj, void *) noexcept
	{
		static_cast<T *>(obj)->~T();
	}

public:
	static_assert(std::is_nothrow_destructible_v<T>);

	struct putter {
		struct percu_pool *pool;

		void operator()(T *obj) const noexcept
		{
			percu_pool_put(pool, obj);
		}
	};
	using handle = std::unique_ptr<T, putter>;

	explicit pool(const char *name, std::size_t limit = 0,
		      std::size_t reserve = 0)
	{
		struct percu_pool_attr attr = {};

		attr.name = name;
		attr.size = sizeof(T);
		attr.align = alignof(T);
		attr.ctor = construct;
		if (!std::is_trivially_destructible_v<T>)
			attr.dtor = destruct;
		attr.limit = limit;
		attr.reserve = reserve;
		pool_ = percu_pool_create(&attr);
		if (!pool_)
			fail(errno);
	}

	pool(pool &&from) noexcept : pool_(std::exchange(from.pool_, nullptr))
	{
	}

	pool &operator=(pool &&from) noexcept
	{
		std::swap(pool_, from.pool_);
		return *this;
	}

	~pool()
	{
		if (pool_)
			(void)percu_pool_destroy(pool_);
	}

	handle get()
	{
		handle h = try_get();

		if (!h)
			fail(errno);
		return h;
	}

	handle try_get() noexcept
	{
		return handle(static_cast<T *>(percu_pool_get(pool_)),
			      putter{ pool_ });
	}

	struct percu_pool *c_pool() const noexcept
	{
		return pool_;
	}
};

/**
 * class percu::read_section - a read section of liburcu that ends with its scope
 *
 * Lock and Unlock are those of the flavor in scope, by the names that
 * liburcu's header gives to them:
 *
 *	using section = percu::read_section<rcu_read_lock, rcu_read_unlock>;
 *
 * Context: a thread that may read: registered, where the flavor wants it.
 */
template <void (*Lock)(), void (*Unlock)()> class read_section {
public:
	read_section() noexcept
	{
		Lock();
	}

	~read_section()
	{
		Unlock();
	}

	read_section(const read_section &) = delete;
	read_section &operator=(const read_section &) = delete;
};

/**
 * class percu::reader - a vector's view, and the read section that it is valid in
 * @size: slots of the view, holes among them
 * @operator[]: the object in a slot; nullptr for a hole, and out of range
 * @begin: with end(): from slot 0 up, as references; holes are skipped
 *
 * References and pointers are valid as long as the reader is.  What a view
 * shows while the vector is changed is in the table of <percu/vec.h>.
 *
 * Context: as the section's.
 */
template <class T, class Section> class reader {
	Section section_; /* first, for the view is taken inside it */
	struct percu_view view_;

public:
	struct sentinel {};

	class iterator {
		struct percu_chunk chunk_;
		std::size_t i_ = 0;
		void *const *at_;
		T *obj_ = nullptr;

		/* From at_ on to an object, or to the end, with i_ = end. */
		void settle()
		{
			while (i_ < chunk_.end) {
				void *obj = percu_slot_load(at_);

				if (obj) {
					obj_ = static_cast<T *>(obj);
					return;
				}
				step();
			}
		}

		void step()
		{
			at_++;
			if (++i_ < chunk_.end)
				return;
			percu_chunk_next(&chunk_);
			at_ = chunk_.slot;
		}

	public:
		explicit iterator(struct percu_view view)
		    : chunk_(percu_chunk_first(view)), at_(chunk_.slot)
		{
			settle();
		}

		T &operator*() const
		{
			return *obj_;
		}

		iterator &operator++()
		{
			step();
			settle();
			return *this;
		}

		bool operator!=(sentinel) const
		{
			return i_ < chunk_.end;
		}
	};

	explicit reader(const struct percu_vec &vec)
	    : view_(percu_vec_view(&vec))
	{
	}

	std::size_t size() const noexcept
	{
		return percu_view_len(view_);
	}

	T *operator[](std::size_t i) const noexcept
	{
		return static_cast<T *>(percu_view_get(view_, i));
	}

	iterator begin() const
	{
		return iterator(view_);
	}

	sentinel end() const
	{
		return {};
	}
};

} /* namespace percu */

#endif /* PERCU_PERCU_HPP */
