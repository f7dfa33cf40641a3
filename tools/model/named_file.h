/* SPDX-License-Identifier: Apache-2.0 */
/*
 * named_file: a file by the name that somebody gave, opened without waiting for anybody.
 *
 * A FIFO waits for its other end, perhaps for ever. What stands behind /dev/stdout or the shell's
 * <(...) is there already, and is as good as a file.
 */
#ifndef SEEP_MODEL_NAMED_FILE_H
#define SEEP_MODEL_NAMED_FILE_H

#include <stdbool.h>
#include <stddef.h>

/* Opens it; what is created has mode 0666 without the umask. Returns a descriptor or -errno, for which
 * named_file_why has words. */
int named_file_open(const char *path, int flags);

/* Opens what somebody else has named, in a file or as a process, to read it: a file, a folder or a pipe,
 * without waiting. A device or socket is refused before it is opened, for that alone may set something
 * off. Returns a descriptor or -errno, as above. */
int named_file_open_harmless(const char *path);

/* Reads all of it, but a byte order mark: *text has *bytes bytes and a zero behind them, and is the
 * caller's. Returns 0, or -errno, -EFBIG where there are more than `most`; then *text is null. */
int named_file_read(const char *path, size_t most, char **text, size_t *bytes);

/* Why it could not be opened, or be read or written later: `code` is an errno value. */
const char *named_file_why(int code);

/* Whether somebody has opened this file for seep: it is a standard stream. */
struct stat;
bool named_file_is_standard(const struct stat *status);

/* Whether this open pipe has a name, and so may wait. */
bool named_file_is_fifo(int fd);

#endif
