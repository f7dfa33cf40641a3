/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory_table: the parts of the memory of a process as a table; they add up to what is resident.
 *
 *     Memory                     end      peak       growth
 *       requested           3.83 MiB  4.02 MiB   +230 MiB/h  ▁▁▂▂▃▃▄▄▅▅▆▆▇▇██
 *       free between blocks  610 KiB   644 KiB               ▃▃▃▃▄▄▄▄▄▄▄▄▄▄▄▄
 *       …
 */
#ifndef SEEP_OUTPUT_MEMORY_TABLE_H
#define SEEP_OUTPUT_MEMORY_TABLE_H

struct report;
struct text_line;

/* Parts that are not known, or that the process never had, are left out. */
void memory_table_write(struct text_line *line, const struct report *report);

#endif
