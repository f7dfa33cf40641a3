/* SPDX-License-Identifier: Apache-2.0 */
/*
 * option_value: what stands behind an option's '='.
 */
#include "tools/commands/option_value.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tools/commands/command.h"

static int complain(const struct command *command, const struct command_option *option,
		    const char *text, const char *expected)
{
	char name[COMMAND_OPTION_BYTES];

	command_fail("%s: %s needs %s, not '%s'; see 'seep %s --help'", command->name,
		     command_option_text(option, 0, name), expected, text, command->name);
	return -EINVAL;
}

int option_value_count(const struct command *command, const struct command_option *option,
		       const char *text, size_t *count)
{
	char *end;

	errno = 0;
	unsigned long long value = strtoull(text, &end, 10);
	/* strtoull takes "-1" for a very large number. */
	if (!isdigit((unsigned char)*text) || *end || errno || value > SIZE_MAX)
		return complain(command, option, text, "a whole number");
	*count = (size_t)value;
	return 0;
}

int option_value_status(const struct command *command, const struct command_option *option,
			const char *text, size_t *status)
{
	char *end;
	long number = strtol(text, &end, 10);

	if (!isdigit((unsigned char)*text) || *end || number < 1 || number > 255)
		return complain(command, option, text, "a number from 1 to 255");
	*status = (size_t)number;
	return 0;
}

int option_value_bytes(const struct command *command, const struct command_option *option,
		       const char *text, uint64_t *bytes)
{
	static const char letters[] = "KMGT";
	static const char expected[] = "a size such as 4096, 100K or 1.5M";
	char *end;
	int shift = 0;

	if (!isdigit((unsigned char)*text))
		return complain(command, option, text, expected);
	double value = strtod(text, &end);
	const char *letter = *end ? strchr(letters, toupper((unsigned char)*end)) : NULL;
	if (letter) {
		shift = 10 * (int)(letter - letters + 1);
		end++;
	}
	if ((strcasecmp(end, "") != 0 && strcasecmp(end, "B") != 0 &&
	     !(letter && strcasecmp(end, "iB") == 0)) ||
	    !(value * (double)(1ull << shift) < 0x1p63))
		return complain(command, option, text, expected);
	*bytes = (uint64_t)(value * (double)(1ull << shift));
	return 0;
}

int option_value_choice(const struct command *command, const struct command_option *option,
			const char *text, size_t *index)
{
	const char *word = option->argument;
	char expected[256] = "one of ";

	for (size_t i = 0; word; i++) {
		size_t length = strcspn(word, "|");
		if (strlen(text) == length && strncmp(text, word, length) == 0) {
			*index = i;
			return 0;
		}
		word = word[length] ? word + length + 1 : NULL;
	}
	strncat(expected, option->argument, sizeof(expected) - strlen(expected) - 1);
	return complain(command, option, text, expected);
}
