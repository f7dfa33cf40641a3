/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot_list: the snapshots in a file as a table.
 */
#ifndef SEEP_OUTPUT_SNAPSHOT_LIST_H
#define SEEP_OUTPUT_SNAPSHOT_LIST_H

#include <stdio.h>

struct profile;
struct text_style;

/* Errors of writing stay in the stream. */
void snapshot_list_write(FILE *stream, const struct text_style *style,
			 const struct profile *profile);

#endif
