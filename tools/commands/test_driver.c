/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_driver: by their names, for nothing else tells make from a server that has workers: both go on
 * keeping what they have learned from their children.
 */
#include "tools/commands/test_driver.h"

#include <string.h>

#include "tools/commands/chosen_children.h"
#include "tools/model/path_base.h"
#include "tools/model/profile.h"

/* An interpreter's script is one of the words behind it: python3 -m pytest, perl /usr/bin/prove. */
#define WORDS 3

static bool drives(const char *name)
{
	static const char *const drivers[] = {
		/* build systems and test runners */
		"make", "gmake", "remake", "ninja", "samu", "scons", "waf", "bazel", "ctest",
		"cmake", "meson", "meson.py", "cargo", "go", "prove", "runtest", "bats", "tox",
		"nox", "pytest", "pytest-3", "py.test", "nose2", "unittest", "lit", "llvm-lit",
		/* what their recipes are written in */
		"sh", "dash", "bash", "ksh", "zsh", "busybox", "env", "xargs", "parallel",
		"timeout", "time"};

	for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++)
		if (strcmp(drivers[i], name) == 0)
			return true;
	return false;
}

/* "python3.11"; shells drive by themselves. */
static bool interprets(const char *name)
{
	static const char *const interpreters[] = {"python", "perl", "ruby", "node"};

	for (size_t i = 0; i < sizeof(interpreters) / sizeof(interpreters[0]); i++)
		if (strncmp(interpreters[i], name, strlen(interpreters[i])) == 0)
			return true;
	return false;
}

static bool is_known(const struct profile *profile)
{
	const char *program = path_base(profile->exe);

	if (drives(program) || (profile->name && drives(profile->name)))
		return true;
	for (size_t i = 1; interprets(program) && i < profile->command_count && i < WORDS; i++)
		if (drives(path_base(profile->command[i])))
			return true;
	return false;
}

/* As one of the words between the commas. */
static bool is_named(const char *children, const char *name)
{
	size_t length = strlen(name);

	for (const char *word = children; *word; word += *word == ',') {
		size_t word_length = strcspn(word, ",");
		if (word_length == length && strncmp(word, name, length) == 0)
			return true;
		word += word_length;
	}
	return false;
}

static bool are_folders(const char *children)
{
	for (const char *word = children; word; word = strchr(word, ',')) {
		word += *word == ',';
		if (*word != '/')
			return false;
	}
	return true;
}

bool test_driver_is(const struct profile *profile, const char *children, bool is_program)
{
	bool is_left_out =
		chosen_children_leave_out(children, profile->exe) &&
		!is_named(children, profile->name ? profile->name : "") &&
		!(profile->command_count && is_named(children, path_base(profile->command[0])));

	if (strcmp(children, "none") == 0)
		return false;
	if (is_program && is_left_out && are_folders(children))
		return true;
	return is_known(profile) && (is_left_out || strcmp(children, "all") == 0);
}
