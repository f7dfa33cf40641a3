/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node_table: the call tree as the file tells it, then checked and without doubles.
 *
 * Two threads of the target can give the same node (parent, pc, generation) two ids, and a plug-in that
 * was loaded again at another address gets new ones for the same code (build-id, path, offset). The
 * first id then stands for all of them, everywhere.
 */
#ifndef SEEP_MODEL_NODE_TABLE_H
#define SEEP_MODEL_NODE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct decoded_node;
struct module;
struct stack_node;

/* So many ids are taken for the same node; more is not worth the work that a hostile file could make of
 * it. The next ones are taken for another node, again so many. */
#define NODE_MAX_DOUBLES 64

struct node_table {
	struct stack_node *nodes; /* by id; after node_table_link with parents without doubles */
	uint32_t *generations;	  /* by id */
	uint32_t *
		first_ids; /* by id, after node_table_link: the id that stands for it; 0: unknown */
	size_t count;	   /* one more than the highest id; 1 for the root alone */
	size_t node_capacity, generation_capacity;
	uint64_t id_limit; /* ids from here on cannot come from such a file */
};

void node_table_start(struct node_table *table, size_t file_bytes);

/* Returns 0; -EBADMSG for an id that cannot be, or one that already means another node; -ENOMEM. */
int node_table_add(struct node_table *table, uint32_t id, const struct decoded_node *node);

/* Returns 0, -EBADMSG when a node's parent is missing (then the node is unknown too), -ENOMEM. */
int node_table_link(struct node_table *table, const struct module *modules, size_t module_count);

/* The id that stands for `id`, 0 when that is unknown. */
uint32_t node_table_first_id(const struct node_table *table, uint32_t id);

void node_table_free(struct node_table *table); /* also what it has not handed over */

#endif
