/* SPDX-License-Identifier: Apache-2.0 */
/* every_record: a run with every kind of record, for tests of what reads them. */
#ifndef TESTS_SUPPORT_EVERY_RECORD_H
#define TESTS_SUPPORT_EVERY_RECORD_H

struct profile_writer;

/* Starts the writer. Process 4711 has two sites, of the stacks 2 and 3 under the caller 1, over the snapshots
 * 1, 2 (labelled "loaded"), 5 and 6. */
void every_record_write(struct profile_writer *writer);

#endif
