/* SPDX-License-Identifier: Apache-2.0 */
/*
 * closes_most_of_its_sessions: a server that serves ROUNDS rounds of 200 sessions and marks the end of
 * each. Four of five sessions are closed, the others expire; both end in ~Session, which frees the
 * session's buffer. Of each round one session is forgotten, with --clean none.
 *
 *     closes_most_of_its_sessions ROUNDS [--clean]
 *
 * The test is in test_marks.py.
 */
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "seep.h"

/* So that calls at the end of a function are no jumps. */
#define GO_ON __asm__ volatile("")

struct Session {
	char *buffer;
	std::vector<int> requests;

	__attribute__((noinline)) Session() : buffer(new char[300])
	{
		requests.push_back(1);
	}
	__attribute__((noinline)) ~Session()
	{
		delete[] buffer;
		GO_ON;
	}
};

struct Server {
	std::vector<std::unique_ptr<Session>> sessions;

	__attribute__((noinline)) void open()
	{
		sessions.push_back(std::make_unique<Session>());
		GO_ON;
	}
	__attribute__((noinline)) void close()
	{
		sessions.pop_back();
		GO_ON;
	}
	__attribute__((noinline)) void expire()
	{
		std::unique_ptr<Session> old = std::move(sessions.back());
		sessions.pop_back();
		old.reset();
		GO_ON;
	}
	void forget()
	{
		sessions.back().release();
		sessions.pop_back();
	}
};

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 10;
	bool is_clean = argc > 2 && strcmp(argv[2], "--clean") == 0;
	Server server;

	server.sessions.reserve(200);
	for (int round = 0; round < rounds; round++) {
		for (int i = 0; i < 200; i++)
			server.open();
		if (!is_clean)
			server.forget();
		while (!server.sessions.empty()) {
			if (server.sessions.size() % 5 == 0)
				server.expire();
			else
				server.close();
		}
		if (seep_mark("served") != 0)
			return 1;
	}
	return 0;
}
