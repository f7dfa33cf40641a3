/* SPDX-License-Identifier: Apache-2.0 */
/*
 * allocates_in_many_ways: what compilers and optimisers treat differently: functions that are
 * inlined, templates, closures, containers, virtual functions, recursion. Each keeps as much in every
 * build. No function ends in the call that allocates: of such ones no frame would be left.
 *
 * Used by test_diff.py.
 */
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace
{
void *volatile last;
struct Session {
	char name[200];
};
std::vector<std::unique_ptr<Session>> sessions;
std::map<int, std::string> names;

template <class T> T *make_many(size_t count)
{
	T *made = static_cast<T *>(calloc(count, sizeof(T)));
	last = made;
	return made;
}

void *small_function(size_t bytes)
{
	void *block = malloc(bytes);
	last = block;
	return block;
}
} // namespace

struct Server {
	virtual ~Server() = default;
	virtual void *fill(size_t count)
	{
		void *filled = make_many<long>(count);
		last = filled;
		return filled;
	}
	void *descend(int depth)
	{
		void *found = depth == 0 ? fill(3) : descend(depth - 1);
		last = found;
		return found;
	}
	void add_session(int number)
	{
		sessions.emplace_back(new Session);
		names[number] = std::string(100, 'n');
	}
};

__attribute__((noinline)) static void never_inlined(Server &server, int number)
{
	server.add_session(number);
	last = server.descend(5);
}

int main()
{
	Server server;
	std::function<void(int)> later = [](int bytes) { last = small_function(bytes); };

	sessions.reserve(64);
	for (int i = 0; i < 50; i++) {
		never_inlined(server, i);
		last = make_many<short>(7);
		last = small_function(11);
		later(13);
	}
	return 0;
}
