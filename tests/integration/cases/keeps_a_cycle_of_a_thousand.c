/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeps_a_cycle_of_a_thousand: a global points to one of a thousand nodes, and the last to the
 * first.
 *
 * reach push: reachable=24000/1000
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

	node->next = list ? list->next : node;
	if (list)
		list->next = node;
	list = node;
}

int main(void)
{
	for (int i = 0; i < 1000; i++)
		push();
	scan_point();
}
