/* SPDX-License-Identifier: Apache-2.0 */
/*
 * self_checked: tests without a framework, each of which asks by itself what it has lost and what grows.
 *
 * Run it alone and nothing is checked; run it as `seep run -q ./self_checked` and the two that leak
 * fail, with the place of what they have lost.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "seep.h"

/* ---- what is tested: names that are read once and kept ------------------------------------- */

struct name {
	struct name *next;
	char text[32];
};

static struct name *names;

/* Trims a copy, and has the mistake that `is_careful` leaves out. */
static int is_valid(const char *text, int is_careful)
{
	char *copy = strdup(text);
	int is_empty = copy == NULL || copy[strspn(copy, " ")] == 0;

	if (is_empty && !is_careful)
		return 0; /* the leak: an early return */
	free(copy);
	return !is_empty;
}

static struct name *intern(const char *text, int is_careful)
{
	struct name *name = names;

	while (is_careful && name != NULL && strcmp(name->text, text) != 0)
		name = name->next;
	if (name != NULL && is_careful)
		return name;
	name = malloc(sizeof(*name));
	if (name == NULL)
		abort();
	snprintf(name->text, sizeof(name->text), "%s", text);
	name->next = names; /* held, so not lost; without a look at what is there it grows */
	names = name;
	return name;
}

/* ---- the tests ----------------------------------------------------------------------------- */

static int failures;

static void say(const char *test, long long found)
{
	printf("%s %s\n%s", found == 0 ? "ok    " : "FAILED", test, seep_findings());
	failures += found != 0;
}

static void test_valid(const char *test, int is_careful)
{
	long long moment = seep_moment();

	is_valid("anna", is_careful);
	is_valid("   ", is_careful);
	say(test, seep_check_since(moment));
}

static void use_names(void *is_careful)
{
	intern("anna", *(int *)is_careful);
	intern("bert", *(int *)is_careful);
}

static void test_names(const char *test, int is_careful)
{
	say(test, seep_require_no_growth(20, use_names, &is_careful));
}

int main(void)
{
	test_valid("valid, freed", 1);
	test_valid("valid, lost", 0);
	test_names("names, found again", 1);
	test_names("names, kept twice", 0);
	return failures > 0;
}
