/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loses_and_keeps_lists: a list of a hundred nodes, each with a text, to which nothing points in the
 * end; and one of ten that is kept.
 *
 * Used by test_lost.py, which knows what is allocated where.
 */
#include "scan_point.h"

#define LOST 100
#define KEPT 10
#define TEXT_BYTES 40

struct node {
	struct node *next;
	char *text;
};

static struct node *kept;

APART static char *lost_text(void)
{
	char *text = malloc(TEXT_BYTES);

	memset(text, 'x', TEXT_BYTES);
	return text;
}

APART static struct node *lost_node(struct node *next)
{
	struct node *node = malloc(sizeof(*node));

	*node = (struct node){next, NULL};
	return node;
}

APART static struct node *kept_node(struct node *next)
{
	struct node *node = malloc(sizeof(*node));

	*node = (struct node){next, NULL};
	return node;
}

APART static void lose(void)
{
	struct node *volatile list = NULL;

	for (int i = 0; i < LOST; i++) {
		list = lost_node(list);
		list->text = lost_text();
	}
	list = NULL;
}

int main(void)
{
	for (int i = 0; i < KEPT; i++)
		kept = kept_node(kept);
	lose();
	scan_point();
}
