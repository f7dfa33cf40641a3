/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lsan_doors: what a program that was written for LeakSanitizer says to it.
 *
 * The meaning is that of sanitizer/lsan_interface.h and compiler-rt/lib/lsan/lsan_common.cpp, with two
 * differences, because nothing is done to a program that is only watched: what is found stands in the
 * snapshot file and not on stderr, and nothing ends the program: `seep check` answers with its status.
 *
 * What a program defines for LeakSanitizer to call can be seen from here only where the linker has made
 * it visible (-rdynamic, or in a shared library).
 *
 *   Runs in   the target, in any thread
 *   Locks     those of the side table; whoever asks for a scan waits for it
 *   Memory    see root_regions
 *   Calls     life_look_for_leaks; the program's __lsan_is_turned_off, __lsan_default_options and
 *             __lsan_default_suppressions
 *   Failure   what could not be noted does not count; what could not be looked for is not found
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lib/base/life.h"
#include "lib/base/stale_stack.h"
#include "lib/interpose/doors.h"
#include "lib/interpose/lsan_doors.h"
#include "lib/record/recorder.h"
#include "lib/record/root_regions.h"
#include "lib/record/thread_state.h"

#include "lib/base/poison.h"

/* The program's, if it has them. */
extern int __lsan_is_turned_off(void) __attribute__((weak));
extern const char *__lsan_default_options(void) __attribute__((weak));
extern const char *__lsan_default_suppressions(void) __attribute__((weak));

DOOR void __lsan_disable(void);
DOOR void __lsan_enable(void);
DOOR void __lsan_ignore_object(const void *ptr);
DOOR void __lsan_register_root_region(const void *start, size_t bytes);
DOOR void __lsan_unregister_root_region(const void *start, size_t bytes);
DOOR void __lsan_do_leak_check(void);
DOOR int __lsan_do_recoverable_leak_check(void);

/* What include/seep.h refers to. */
DOOR void seep_disable_(void) __attribute__((alias("__lsan_disable")));
DOOR void seep_enable_(void) __attribute__((alias("__lsan_enable")));
DOOR void seep_ignore_(const void *ptr) __attribute__((alias("__lsan_ignore_object")));
DOOR void seep_register_root_region_(const void *start, size_t bytes)
	__attribute__((alias("__lsan_register_root_region")));
DOOR void seep_unregister_root_region_(const void *start, size_t bytes)
	__attribute__((alias("__lsan_unregister_root_region")));
DOOR long long seep_check_(void);

static bool is_separator(char byte)
{
	return byte == ' ' || byte == ',' || byte == ':' || byte == '\n' || byte == '\t' ||
	       byte == '\r';
}

/* The last setting of detect_leaks in a text such as "verbosity=1:detect_leaks=0". */
static bool text_turns_off(const char *text)
{
	static const char name[] = "detect_leaks=";
	bool is_off = false;

	for (const char *at = text; text != NULL && *at != 0; at++) {
		char value;

		if ((at > text && !is_separator(at[-1])) ||
		    strncmp(at, name, sizeof(name) - 1) != 0)
			continue;
		value = at[sizeof(name) - 1];
		is_off = value == '0' || value == 'f' || value == 'n';
	}
	return is_off;
}

bool lsan_doors_are_turned_off(void)
{
	if (__lsan_is_turned_off != NULL && __lsan_is_turned_off() != 0)
		return true;
	return __lsan_default_options != NULL && text_turns_off(__lsan_default_options());
}

const char *lsan_doors_suppressions(void)
{
	return __lsan_default_suppressions == NULL ? NULL : __lsan_default_suppressions();
}

void __lsan_disable(void)
{
	if (life_is_on())
		thread_state_begin_ignoring();
}

void __lsan_enable(void)
{
	if (life_is_on())
		thread_state_end_ignoring();
}

void __lsan_ignore_object(const void *ptr)
{
	recorder_ignore(ptr);
}

void __lsan_register_root_region(const void *start, size_t bytes)
{
	if (life_is_on())
		root_regions_add((uint64_t)start, bytes);
}

void __lsan_unregister_root_region(const void *start, size_t bytes)
{
	if (life_is_on())
		root_regions_remove((uint64_t)start, bytes);
}

/* The check at the end comes now, and only now. */
void __lsan_do_leak_check(void)
{
	stale_stack_wipe();
	if (!lsan_doors_are_turned_off())
		life_look_for_leaks("leak check", true);
}

int __lsan_do_recoverable_leak_check(void)
{
	stale_stack_wipe();
	return !lsan_doors_are_turned_off() && life_look_for_leaks("leak check", false) > 0;
}

long long seep_check_(void)
{
	stale_stack_wipe();
	return life_look_for_leaks("check", false);
}
