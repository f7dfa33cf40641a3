/* SPDX-License-Identifier: Apache-2.0 */
/* small_file: a snapshot file that is small enough to be damaged in every place. */
#ifndef TESTS_SUPPORT_SMALL_FILE_H
#define TESTS_SUPPORT_SMALL_FILE_H

#include <stddef.h>

struct profile_writer;

#define SMALL_FILE_SNAPSHOTS 3
#define SMALL_FILE_RECORDS 16 /* at most */

/* One site, with a record of nearly each kind. `ends[i]` is where snapshot i ends without its padding,
 * `records[i]` where record i ends. Returns how many records there are. */
size_t small_file_write(struct profile_writer *writer, size_t ends[SMALL_FILE_SNAPSHOTS],
			size_t *records);

#endif
