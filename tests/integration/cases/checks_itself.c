/* SPDX-License-Identifier: Apache-2.0 */
/*
 * checks_itself: tests that check themselves through seep.h, for what is lost and for what grows, each with its
 * clean twin; and scopes in C.
 */
#include "checks_itself.h"

APART static void scope_loses(void)
{
	SEEP_SCOPE("outer");
	for (int i = 0; i < 2; i++) {
		SEEP_SCOPE("inner");
		if (i == 1) {
			lose_pair();
			wipe_traces();
			return;
		}
		free_pair();
	}
}

APART static void scope_frees(void)
{
	SEEP_SCOPE("clean");
	free_pair();
	wipe_traces();
}

int main(int argc, char **argv)
{
	(void)argv;
	if (argc == 1)
		check_all();
	else if (argv[1][0] == 'l')
		scope_loses();
	else
		scope_frees();
	return 0;
}
