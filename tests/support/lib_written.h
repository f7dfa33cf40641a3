/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lib_written: what the library under test has written, as the tool reads it.
 */
#ifndef TESTS_SUPPORT_LIB_WRITTEN_H
#define TESTS_SUPPORT_LIB_WRITTEN_H

struct profile;

/* Of the file that is being written; the test fails where it is not sound from one end to the other. */
struct profile *lib_written_read(void);

#endif
