/* SPDX-License-Identifier: Apache-2.0 */
/*
 * followed_parent: is the process that has started this one followed, too?
 *
 * Without seep run nobody says which process is the first of a tree.
 */
#ifndef LIB_CONTROL_FOLLOWED_PARENT_H
#define LIB_CONTROL_FOLLOWED_PARENT_H

#include <stdbool.h>

/* The library is in it, whether or not it has a file; or it writes one. */
bool followed_parent_is_there(void);

#endif
