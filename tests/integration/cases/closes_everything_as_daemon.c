/* SPDX-License-Identifier: Apache-2.0 */
/*
 * closes_everything_as_daemon: a daemon of the old school: it forks twice with setsid in between, goes
 * to /, and closes every descriptor with one call, before and after it has allocated.
 *
 *     closes_everything_as_daemon closefrom|close_range
 *
 * The test is in test_trees.py.
 */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "counted_work.h"

static void close_all(const char *how)
{
	if (strcmp(how, "closefrom") == 0)
		closefrom(0);
	else if (close_range(0, ~0u, 0))
		_exit(97);
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return 2;
	keep_for_children();
	if (fork())
		_exit(30);
	if (setsid() < 0)
		_exit(96);
	if (fork())
		_exit(31);
	umask(077);
	close_all(argv[1]);
	if (chdir("/"))
		_exit(95);
	work(21);
	close_all(argv[1]);
	work(22);
	return 23;
}
