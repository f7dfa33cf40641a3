/* SPDX-License-Identifier: Apache-2.0 */
/*
 * identity: the user and the groups that the program runs as, which its helper takes on.
 *
 * The helper runs on memory that the program can write: whoever controls the program controls the
 * helper. So where a program gives up what it began with, such as root, its helper must not keep it.
 */
#ifndef LIB_CONTROL_IDENTITY_H
#define LIB_CONTROL_IDENTITY_H

#include <stdbool.h>

/* For the helper: takes on what the program has now, no more than that. True when both are the same user
 * and in the same groups; false where the kernel does not let us, or nothing is known of the program. */
bool identity_follow(void);

/* The same while the program says that it is just about to change: for at most 20 ms, until it has. */
void identity_follow_change(void);

void identity_postfork_child(void);

#endif
