/* SPDX-License-Identifier: Apache-2.0 */
/*
 * may_lose_an_intrusive_list: the links lie in the middle of the nodes, and pointers lead from link
 * to link.
 *
 * reach push: possibly_lost=400/10
 */
#include "scan_point.h"

struct link {
	struct link *next, *previous;
};

struct node {
	long values[2];
	struct link link;
	long more;
};

struct link list = {.next = &list, .previous = &list};

APART static void push(void)
{
	struct node *node = calloc(1, sizeof(*node));

	node->link = (struct link){.next = list.next, .previous = &list};
	list.next->previous = &node->link;
	list.next = &node->link;
}

int main(void)
{
	for (int i = 0; i < 10; i++)
		push();
	scan_point();
}
