/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leaves_everything_behind: what daemons do: fork, setsid, close every descriptor, change to the
 * root folder and another user, then work; the last state is in the file all the same.
 *
 *     leaves_everything_behind [UID]
 *
 * The test is in test_surroundings.py.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void *blocks[200];

__attribute__((noinline)) static void keep(int from, int to)
{
	for (int i = from; i < to; i++)
		blocks[i] = malloc(50);
}

int main(int argc, char **argv)
{
	if (daemon(0, 0))
		return 1;
	keep(0, 100);
	for (int fd = 0; fd < 1024; fd++)
		close(fd);
	umask(077);
	if (argc > 1 && (setgid(atoi(argv[1])) || setuid(atoi(argv[1]))))
		return 2;
	keep(100, 200);
	usleep(300000);
	return 17;
}
