/* SPDX-License-Identifier: Apache-2.0 */
/*
 * root_name: what holds blocks where nothing else holds it, in words.
 *
 *     g_server.sessions.table[…] (server.c)
 *     stacks of 12 threads in worker_main server.c:41
 *     an anonymous mapping of 64.0 MiB
 */
#ifndef SEEP_OUTPUT_ROOT_NAME_H
#define SEEP_OUTPUT_ROOT_NAME_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct frame;
struct holder_place;
struct holder_root;
struct report;
struct text_style;

/* One root, or several that read the same. */
struct root_name {
	const struct report *report;
	const struct text_style *style; /* null: whole names, as programs want them */
	const struct holder_root *root; /* the first of them */
	const struct holder_place *place;
	uint64_t thread_count, register_count, mapping_count;
	uint64_t low, high;   /* where they lie in a section or module */
	bool differs_in_line; /* that the threads are at */
};

/* Of report->profile->holders->roots[root]. */
void root_name_start(struct root_name *named, const struct report *report,
		     const struct text_style *style, uint32_t root);

/* Writes it. `is_key`: without what may differ between roots that read the same. False without memory. */
bool root_name_put(const struct root_name *named, FILE *out, bool is_key);

/* The order in which roots of one key are put together: `before` is the one before `from`. */
int root_name_compare(const struct root_name *a, const struct root_name *b);
void root_name_merge(struct root_name *into, const struct root_name *from,
		     const struct root_name *before);

/* "list_push list.c:9", for free(); null without memory. A null frame is one without a stack. */
char *root_name_frame(const struct root_name *named, const struct frame *frame);

#endif
