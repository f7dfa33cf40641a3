/* SPDX-License-Identifier: Apache-2.0 */
/*
 * has_many_children_at_once: COUNT of them, forked one after the other, who all work while all are there
 * and end together.
 *
 *     has_many_children_at_once COUNT
 *
 * The test is in test_trees.py.
 */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "counted_work.h"

int main(int argc, char **argv)
{
	int count = argc > 1 ? atoi(argv[1]) : 10, right = 0, status;
	int all_are_there[2], has_worked[2];
	char byte = 0;

	if (pipe(all_are_there) || pipe(has_worked))
		return 2;
	keep_for_children();
	for (int i = 0; i < count; i++) {
		int number = 20 + i % 100;
		pid_t pid = fork();

		if (pid < 0)
			return 3;
		if (pid > 0)
			continue;
		close(all_are_there[1]);
		work(number);
		if (write(has_worked[1], &byte, 1) != 1 || read(all_are_there[0], &byte, 1) != 0)
			_exit(1);
		_exit(number);
	}
	for (int i = 0; i < count; i++)
		if (read(has_worked[0], &byte, 1) != 1)
			return 4;
	close(all_are_there[1]);
	while (wait(&status) > 0)
		right += WIFEXITED(status) && WEXITSTATUS(status) >= 20;
	printf("%d of %d\n", right, count);
	return 10;
}
