// SPDX-License-Identifier: Apache-2.0
/*
 * checks_itself_in_cxx: the same as checks_itself in C++: a scope ends with an exception, too, and so does a
 * growth check.
 */
#include "checks_itself.h"

#include <stdexcept>

APART static void lose_and_throw(void *unused)
{
	(void)unused;
	lose_pair();
	wipe_traces();
	throw std::runtime_error("over");
}

APART static void scope_loses()
{
	seep::scope outer("outer");
	seep::scope inner("inner");

	lose_and_throw(nullptr);
}

APART static void scope_frees()
{
	SEEP_SCOPE("clean");
	free_pair();
	wipe_traces();
}

int main(int argc, char **argv)
{
	if (argc == 1) {
		check_all();
		return 0;
	}
	if (argv[1][0] != 'l') {
		scope_frees();
		return 0;
	}
	try {
		scope_loses();
	} catch (const std::exception &) {
	}
	try {
		seep_require_no_growth(5, lose_and_throw, nullptr);
	} catch (const std::exception &error) {
		printf("%s\n", error.what());
	}
	return 0;
}
