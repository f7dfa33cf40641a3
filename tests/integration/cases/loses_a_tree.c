/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loses_a_tree: 1023 nodes, each with a pointer to its parent as well; nothing points to any of
 * them from outside.
 *
 * reach grow: definitely_lost=24/1 indirectly_lost=24528/1022
 */
#include "scan_point.h"

struct node {
	struct node *left, *right, *parent;
};

struct node *root;

APART static struct node *grow(struct node *parent, int levels)
{
	struct node *node = malloc(sizeof(*node));

	*node = (struct node){.parent = parent};
	if (levels > 1) {
		node->left = grow(node, levels - 1);
		node->right = grow(node, levels - 1);
	}
	return node;
}

APART static void plant(void)
{
	root = grow(NULL, 10);
}

int main(void)
{
	plant();
	root = NULL;
	scan_point();
}
