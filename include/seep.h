/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seep.h: for programs that want to talk to the seep that watches them.
 *
 * Nothing has to be linked: the functions are weak references that libseep.so fills in when it is
 * preloaded. Without it every call is a test of a null pointer and does nothing. Works in C and
 * C++, in PIE and non-PIE programs and in shared libraries. All functions may be called from any
 * thread; none may be called from a signal handler. errno is left alone.
 */
#ifndef SEEP_H
#define SEEP_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Filled in by libseep.so; call the functions without the underscore below. */
extern int seep_snapshot_(const char *label) __attribute__((weak));
extern int seep_mark_(const char *label) __attribute__((weak));
extern int seep_scan_(const char *label) __attribute__((weak));

/* True when this process is being watched. */
static inline bool seep_is_watching(void)
{
	return seep_snapshot_ != 0;
}

/* Takes a snapshot now and returns when it is in the file. `label` is shown by `seep snapshots` and
 * can be used as FILE@LABEL; null means none, longer than 127 bytes is cut.
 * Where the file is full, old ones go: of those with a label every second, once there are more of them
 * than of those without.
 * Returns 0, also when nobody is watching, or a positive errno value when it could not be written. */
static inline int seep_snapshot(const char *label)
{
	return seep_snapshot_ ? seep_snapshot_(label) : 0;
}

/* Says that the program is in a state to which it comes back again and again, such as between two
 * jobs or with all sessions closed, and takes a snapshot of it. `label` names the state; the same
 * label means the same state, so what grows from one mark to the next of its kind is not given back:
 * nothing tells a leak sooner. Returns when the snapshot is in the file, which takes some
 * milliseconds: a mark for each round of work, not for each of a thousand requests a second. After
 * 262,143 snapshots of any kind the ages of blocks cannot be told apart any more.
 * Results as of seep_snapshot; EINVAL for a label that is null or empty, EFBIG when the file is full
 * and no older mark is left to make room. */
static inline int seep_mark(const char *label)
{
	return seep_mark_ ? seep_mark_(label) : 0;
}

/* Takes a snapshot and looks which blocks can still be reached in this moment, and by whom they are held;
 * returns when that is in the file, which takes as long as reading the whole heap twice. All threads
 * stand still for some 25 ms for each GiB, twice.
 * Results as of seep_snapshot; ENOTSUP when it was not possible to look: the file says why. */
static inline int seep_scan(const char *label)
{
	return seep_scan_ ? seep_scan_(label) : 0;
}

#ifdef __cplusplus
}
#endif
#endif
