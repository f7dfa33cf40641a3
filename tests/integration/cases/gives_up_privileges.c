/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gives_up_privileges: a program that nobody may look into any more works on for two seconds.
 *
 *     gives_up_privileges dumpable|setuid|"setuid and dumpable"|"for a while"|"new ones"
 *
 * The tests are in test_hazards.py and test_security.py.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

void *blocks[20];

__attribute__((noinline)) static void *keep(void)
{
	return malloc(100);
}

int main(int argc, char **argv)
{
	bool is_dumpable = argc > 1 && strcmp(argv[1], "setuid and dumpable") == 0;
	bool comes_back = argc > 1 && strcmp(argv[1], "for a while") == 0;

	if (argc < 2)
		return 2;
	if (comes_back) {
		if (seteuid(65534))
			return 2;
	} else if (is_dumpable) {
		if (setgid(65534) || setuid(65534) || prctl(PR_SET_DUMPABLE, 1))
			return 2;
	} else if (strcmp(argv[1], "setuid") == 0) {
		if (setgid(65534) || setuid(65534))
			return 2;
	} else if (strcmp(argv[1], "new ones") == 0) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
			return 2;
	} else if (prctl(PR_SET_DUMPABLE, 0)) {
		return 2;
	}
	for (int i = 0; i < 20; i++) {
		blocks[i] = keep();
		usleep(100000);
		if (comes_back && i == 10 && seteuid(0))
			return 2;
	}
	if (is_dumpable)
		printf("dumpable %d\n", prctl(PR_GET_DUMPABLE));
	puts("done");
	return 3;
}
