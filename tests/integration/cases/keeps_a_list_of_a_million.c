/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeps_a_list_of_a_million: a global points to the first node, and each to the next. Whoever
 * follows them by calling itself runs out of stack.
 *
 * reach push: reachable=24000000/1000000
 */
#include "scan_point.h"

struct node {
	struct node *next;
	long values[2];
};

struct node *list;

APART static void push(void)
{
	struct node *node = malloc(sizeof(*node));

	*node = (struct node){.next = list};
	list = node;
}

int main(void)
{
	for (int i = 0; i < 1000000; i++)
		push();
	scan_point();
}
