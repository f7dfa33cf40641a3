/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loses_a_cycle_under_a_head: a lost block points to a cycle; the block is what was lost.
 *
 * reach push: indirectly_lost=240/10
 * reach make_head: definitely_lost=40/1
 * valgrind push: definitely_lost=24/1 indirectly_lost=216/9; it met the cycle before its head
 */
#include "scan_point.h"

struct node {
	struct node *next;
	long values[2];
};

struct node *list;
struct node **head;

APART static void push(void)
{
	struct node *node = malloc(sizeof(*node));

	node->next = list ? list->next : node;
	if (list)
		list->next = node;
	list = node;
}

APART static void make_head(void)
{
	head = malloc(40);
	head[2] = list;
}

int main(void)
{
	for (int i = 0; i < 10; i++)
		push();
	make_head();
	list = NULL;
	head = NULL;
	scan_point();
}
