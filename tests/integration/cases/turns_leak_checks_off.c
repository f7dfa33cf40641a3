/* SPDX-License-Identifier: Apache-2.0 */
/*
 * turns_leak_checks_off: a program that was written for LeakSanitizer and does not want to be looked at.
 */
#include <stdio.h>

#include "scan_point.h"

int __lsan_do_recoverable_leak_check(void) __attribute__((weak));
void __lsan_do_leak_check(void) __attribute__((weak));

#ifdef OPTIONS
const char *__lsan_default_options(void);
const char *__lsan_default_options(void)
{
	return OPTIONS;
}
#else
int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void)
{
	return 1;
}
#endif

static void *volatile kept;

APART static void lose(void)
{
	kept = malloc(40);
	kept = NULL;
}

int main(void)
{
	lose();
	wipe_traces();
	printf("%d\n", __lsan_do_recoverable_leak_check());
	__lsan_do_leak_check();
	return 0;
}
