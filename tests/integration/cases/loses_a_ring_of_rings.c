/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loses_a_ring_of_rings: a ring whose nodes point to further rings, allocated before it and after it.
 * One node of the first stands for all of them.
 *
 * reach push_outer: definitely_lost=32/1 indirectly_lost=96/3
 * reach push_inner: indirectly_lost=384/12
 * valgrind push_outer: definitely_lost=32/1 indirectly_lost=96/3; the rings it met first stay heads
 * valgrind push_inner: definitely_lost=64/2 indirectly_lost=320/10; the rings it met first stay heads
 */
#include "scan_point.h"

struct node {
	struct node *next, *ring;
	long values[2];
};

struct node *outer, *inner[4];

APART static struct node *enter(struct node *ring, struct node *node)
{
	node->next = ring ? ring->next : node;
	if (ring)
		ring->next = node;
	return node;
}

APART static void push_outer(void)
{
	outer = enter(outer, calloc(1, sizeof(struct node)));
}

APART static void push_inner(int index)
{
	inner[index] = enter(inner[index], calloc(1, sizeof(struct node)));
}

APART static void tie(void)
{
	for (int i = 0; i < 4; i++) {
		outer->ring = inner[i];
		outer = outer->next;
		inner[i] = NULL;
	}
	outer = NULL;
}

int main(void)
{
	for (int i = 0; i < 6; i++)
		push_inner(i / 3);
	for (int i = 0; i < 4; i++)
		push_outer();
	for (int i = 6; i < 12; i++)
		push_inner(i / 3);
	tie();
	scan_point();
}
