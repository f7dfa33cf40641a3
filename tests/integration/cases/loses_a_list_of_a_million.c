/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loses_a_list_of_a_million: the twin of keeps_a_list_of_a_million forgets the first node.
 *
 * reach push: definitely_lost=24/1 indirectly_lost=23999976/999999
 * valgrind push: definitely_lost=24/1 indirectly_lost=any possibly_lost=any; numbers lead there
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
	list = NULL;
	scan_point();
}
