/* SPDX-License-Identifier: MIT */
/*
 * tests/preload/threads.cc - eight threads with C++'s containers
 *
 * Work items are made by one thread and ended by another; what they come to is
 * the same whatever the order.  Exceptions are thrown and caught all the while.
 */
#include <algorithm>
#include <condition_variable>
#include <cstdio>
#include <deque>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <numeric>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

struct item {
	int id;
	std::vector<std::string> words;
	std::map<int, std::shared_ptr<std::string>> index;
};

static std::mutex lock;
static std::condition_variable more, room;
static std::deque<std::unique_ptr<item>> queue;
static bool ended;

static std::unique_ptr<item> make(int id)
{
	std::mt19937 r(id);
	auto it = std::make_unique<item>();

	it->id = id;
	for (unsigned i = 0, n = r() % 40; i < n; i++) {
		it->words.push_back(std::string(r() % 100, 'a' + r() % 26));
		it->index[r() % 64] = std::make_shared<std::string>(it->words.back() + "!");
	}
	return it;
}

static unsigned long weigh(const item &it)
{
	unsigned long sum = it.id;
	std::unordered_map<std::string, int> seen;

	for (const auto &w : it.words)
		sum += w.size() * ++seen[w];
	for (const auto &[k, p] : it.index)
		sum += k * p->size();
	try {
		if (it.id % 10 == 0)
			throw std::runtime_error("item " + std::to_string(it.id));
	} catch (const std::exception &e) {
		sum += std::string(e.what()).size();
	}
	return sum;
}

static unsigned long consume()
{
	unsigned long sum = 0;

	for (;;) {
		std::unique_lock<std::mutex> l(lock);
		more.wait(l, [] { return ended || !queue.empty(); });
		if (queue.empty())
			return sum;
		auto it = std::move(queue.front());
		queue.pop_front();
		room.notify_one();
		l.unlock();
		sum += weigh(*it);
	}
}

int main()
{
	std::vector<std::future<unsigned long>> consumers;
	std::vector<std::thread> makers;
	unsigned long sum = 0;

	for (int i = 0; i < 4; i++)
		consumers.push_back(std::async(std::launch::async, consume));
	for (int t = 0; t < 4; t++)
		makers.emplace_back([t] {
			for (int id = t; id < 60000; id += 4) {
				auto it = make(id);
				std::unique_lock<std::mutex> l(lock);
				room.wait(l, [] { return queue.size() < 500; });
				queue.push_back(std::move(it));
				more.notify_one();
			}
		});
	for (auto &m : makers)
		m.join();
	{
		std::lock_guard<std::mutex> l(lock);
		ended = true;
	}
	more.notify_all();
	for (auto &c : consumers)
		sum += c.get();
	std::printf("%lu\n", sum);
}
