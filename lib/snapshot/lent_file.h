/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lent_file: a file that seep run has begun for this process, which cannot do that itself.
 *
 * See include/seep/file_lending.h.
 */
#ifndef LIB_SNAPSHOT_LENT_FILE_H
#define LIB_SNAPSHOT_LENT_FILE_H

#include <stddef.h>

/* Asks for one. Returns its descriptor and fills in the path, which mostly cannot be opened; or returns
 * a negative errno value. */
int lent_file_take(char *path, size_t path_bytes);

/* Nobody is asked any more, by forks either. This process has begun a file by itself: who cannot do what
 * his parent could is locked in by means that we don't know, and may be killed for a system call. Or it has
 * asked in vain. But for who is expected to: the program is about to become another user or to change its root. */
void lent_file_spare(void);
void lent_file_expect(void);

#endif
