/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeps_users_in_a_map_of_a_singleton: a map from names to users, in a static of a function.
 *
 * held load_user: registry.users of app::Registry::instance() (FILE) → node of app::Registry::add(*) FILE:* (*×*) → this
 * bare load_user: app::Registry::instance()::registry → node of * → this
 */
#include <map>

#include "scan_point.h"

namespace app
{

struct User {
	int number;
	char letters[60];
};

class Registry
{
      public:
	static Registry &instance()
	{
		static Registry registry;

		return registry;
	}
	void add(int number, User *user);

      private:
	int version = 1;
	std::map<int, User *> users;
};

APART void Registry::add(int number, User *user)
{
	users[number] = user;
	version++;
}

APART static User *load_user(int number)
{
	return new User{number, ""};
}

APART static void load_all()
{
	for (int i = 0; i < 1000; i++)
		Registry::instance().add(i, load_user(i));
}

} // namespace app

int main()
{
	app::load_all();
	wait_for_scan();
	_exit(0); /* nobody ends the registry */
}
