/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugin_with_plain_operators: a plug-in for opens_plugins_with_operators; no case of its own.
 */
#include <cstdio>

int *volatile number;

extern "C" void plugin_go()
{
	number = new int(6);
	printf("plain %d\n", *number);
	delete number;
}
