/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory_lock: all memory of the process locked but ours, as mlockall does it without us.
 */
#ifndef LIB_SNAPSHOT_MEMORY_LOCK_H
#define LIB_SNAPSHOT_MEMORY_LOCK_H

/* For mlockall with these flags: returns 0 or a negative errno value, as that would. */
int memory_lock_all(int flags);

#endif
