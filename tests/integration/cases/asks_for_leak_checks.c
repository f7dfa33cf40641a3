/* SPDX-License-Identifier: Apache-2.0 */
/*
 * asks_for_leak_checks: a program that was written for LeakSanitizer asks again and again whether it has
 * lost something, and says what is no leak. It prints what it is told: a number of blocks by seep_check,
 * yes or no by __lsan_do_recoverable_leak_check.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "scan_point.h"
#include "seep.h"

int __lsan_do_recoverable_leak_check(void) __attribute__((weak));
void __lsan_do_leak_check(void) __attribute__((weak));
void __lsan_ignore_object(const void *ptr) __attribute__((weak));
void __lsan_disable(void) __attribute__((weak));
void __lsan_enable(void) __attribute__((weak));

static char *volatile kept;

APART static void lose(size_t bytes)
{
	kept = malloc(bytes);
	memset(kept, 1, bytes);
	kept = NULL;
}

/* Into the middle of a block, as LeakSanitizer takes it; a large one has no word in the live table. */
APART static void lose_and_ignore(size_t bytes)
{
	kept = calloc(1, bytes);
	__lsan_ignore_object(kept + bytes / 2);
	kept = NULL;
}

APART static void *lose_in_thread(void *bytes)
{
	lose((size_t)bytes);
	return NULL;
}

APART static void lose_disabled(void)
{
	pthread_t other;

	__lsan_disable();
	lose(100);
	__lsan_disable();
	lose(2000);
	__lsan_enable();
	lose(300);
	/* Another thread has disabled nothing. */
	pthread_create(&other, NULL, lose_in_thread, (void *)72);
	pthread_join(other, NULL);
	__lsan_enable();
	/* One more than there were calls of the other changes nothing. */
	__lsan_enable();
	lose(73);
}

APART static void say(const char *when)
{
	wipe_traces();
	errno = EDOM;
	printf("%s %lld", when, seep_check());
	wipe_traces();
	printf(" %d%s\n", __lsan_do_recoverable_leak_check(), errno == EDOM ? "" : " errno");
}

/* What is disabled stays so in a child. */
APART static void say_in_child(void)
{
	int status;

	fflush(stdout);
	__lsan_disable();
	if (fork() == 0) {
		lose(40);
		__lsan_enable();
		say("in a child");
		lose(40);
		say("and then");
		fflush(stdout);
		_exit(0);
	}
	__lsan_enable();
	wait(&status);
}

int main(void)
{
	if (!seep_is_watching()) {
		seep_ignore((const void *)&kept);
		seep_disable();
		seep_enable();
		seep_register_root_region((const void *)&kept, 8);
		seep_unregister_root_region((const void *)&kept, 8);
		printf("alone %lld\n", seep_check());
		return 0;
	}
	printf("first of all\n"); /* stdout has its buffer now */
	say("nothing");
	lose_and_ignore(48);
	lose_and_ignore(50000);
	say("ignored");
	lose(40);
	say("one");
	/* Before there are threads: what those had that a child leaves behind is never lost in it. */
	say_in_child();
	lose_disabled();
	say("three");
	wipe_traces();
	__lsan_do_leak_check();
	lose(71);
	__lsan_do_leak_check();
	return 0;
}
