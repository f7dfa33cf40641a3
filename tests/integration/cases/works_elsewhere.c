/* SPDX-License-Identifier: Apache-2.0 */
/*
 * works_elsewhere: a daemon renames the folder OLD to NEW, changes into the folder ELSEWHERE, has a
 * data file as descriptor 2, and lets a worker allocate and write to it.
 *
 *     works_elsewhere DATA_FILE ELSEWHERE [OLD NEW]
 *
 * The test is in test_hazards.py.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int file, status;
	pid_t pid;

	if (argc < 3 || (argc > 4 && rename(argv[3], argv[4])))
		return 2;
	close(2);
	file = open(argv[1], O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (file != 2 || chdir(argv[2]))
		return 3;
	pid = fork();
	if (pid == 0) {
		void *volatile block;

		for (int i = 0; i < 3000; i++)
			block = malloc(30);
		(void)block;
		_exit(write(file, "RECORD\n", 7) != 7);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return 4;
	return WEXITSTATUS(status);
}
