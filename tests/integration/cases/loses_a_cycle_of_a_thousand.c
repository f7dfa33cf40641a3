/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loses_a_cycle_of_a_thousand: the twin of keeps_a_cycle_of_a_thousand forgets its nodes. Something
 * points to each of them; one stands for all.
 *
 * reach push: definitely_lost=24/1 indirectly_lost=23976/999
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
	list = NULL;
	scan_point();
}
