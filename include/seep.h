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
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Filled in by libseep.so; call the functions without the underscore below. */
extern int seep_snapshot_(const char *label) __attribute__((weak));
extern int seep_mark_(const char *label) __attribute__((weak));
extern int seep_scan_(const char *label) __attribute__((weak));
extern long long seep_check_(void) __attribute__((weak));
extern void seep_ignore_(const void *ptr) __attribute__((weak));
extern void seep_disable_(void) __attribute__((weak));
extern void seep_enable_(void) __attribute__((weak));
extern void seep_register_root_region_(const void *start, size_t bytes) __attribute__((weak));
extern void seep_unregister_root_region_(const void *start, size_t bytes) __attribute__((weak));

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

/* Looks as seep_scan does, and returns how many blocks are lost, definitely or indirectly: 0 when there are
 * none or nobody is watching, a negative errno value when nobody could look. */
static inline long long seep_check(void)
{
	return seep_check_ ? seep_check_() : 0;
}

/*
 * What is no leak although it looks like one. All of this has the meaning that LeakSanitizer gives it
 * (sanitizer/lsan_interface.h), whose functions do the same in a program that is watched.
 */

/* The block that `ptr` points to or into is no leak, nor is what it leads to. */
static inline void seep_ignore(const void *ptr)
{
	if (seep_ignore_)
		seep_ignore_(ptr);
}

/* What this thread allocates between seep_disable and seep_enable is none either. Pairs may be nested. */
static inline void seep_disable(void)
{
	if (seep_disable_)
		seep_disable_();
}

static inline void seep_enable(void)
{
	if (seep_enable_)
		seep_enable_();
}

/* What the words of this memory point to is reachable, wherever the memory lies. To take it back, the same
 * start and length. */
static inline void seep_register_root_region(const void *start, size_t bytes)
{
	if (seep_register_root_region_)
		seep_register_root_region_(start, bytes);
}

static inline void seep_unregister_root_region(const void *start, size_t bytes)
{
	if (seep_unregister_root_region_)
		seep_unregister_root_region_(start, bytes);
}

#ifdef __cplusplus
}
#endif
#endif
