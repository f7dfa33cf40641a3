/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeps_a_tree_by_a_leaf: the twin of loses_a_tree remembers one leaf, and its parents all others.
 *
 * reach grow: reachable=24552/1023
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
	while (root->left)
		root = root->left;
}

int main(void)
{
	plant();
	scan_point();
}
