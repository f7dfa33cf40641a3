/* SPDX-License-Identifier: Apache-2.0 */
/*
 * builds_a_tree: recursion, many blocks, half of the tree freed: 2^13 - 1 nodes, of which the
 * left half below the root goes.
 *
 * expect: allocations=8191 frees=4095 live_blocks=4096 live_bytes=98304
 * valgrind: equal
 */
#include <stdlib.h>

struct node {
	struct node *left, *right;
	long depth;
};

static struct node *grow(int depth)
{
	struct node *node;

	if (depth == 0)
		return NULL;
	node = malloc(sizeof(*node));
	node->depth = depth;
	node->left = grow(depth - 1);
	node->right = grow(depth - 1);
	return node;
}

static void cut(struct node *node)
{
	if (!node)
		return;
	cut(node->left);
	cut(node->right);
	free(node);
}

struct node *root;

int main(void)
{
	root = grow(13);
	cut(root->left);
	root->left = NULL;
	return 0;
}
