/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forgets_a_name: a member function with a long signature loses a copy of the name that it is given; with
 * --clean it does not.
 *
 *     forgets_a_name [--clean]
 *
 * The test is in test_lost.py.
 */
#include <cstring>
#include <string>

#define APART __attribute__((noinline))

class Registry
{
      public:
	APART void enter(const std::string &name, bool is_clean)
	{
		char *copy = new char[40];

		memcpy(copy, name.data(), name.size() < 40 ? name.size() : 40);
		last = copy;
		if (is_clean)
			delete[] copy;
		last = nullptr;
	}
	char *volatile last;
};

int main(int argc, char **)
{
	Registry registry;

	registry.enter("a name", argc > 1);
}
