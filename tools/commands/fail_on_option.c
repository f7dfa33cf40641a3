/* SPDX-License-Identifier: Apache-2.0 */
/* fail_on_option: a word that nobody knows ends the command: the gate would stand open. */
#include "tools/commands/fail_on_option.h"

#include <errno.h>
#include <string.h>

#include "tools/commands/command.h"

int fail_on_option_take(const struct command *command, const char *words, unsigned *fails_on)
{
	unsigned chosen = 0;

	for (const char *word = words;; word++) {
		size_t length = strcspn(word, ","), rule = 0;
		while (rule < FINDING_RULES &&
		       (strlen(finding_rules[rule].word) != length ||
			strncmp(finding_rules[rule].word, word, length) != 0))
			rule++;
		if (rule == FINDING_RULES) {
			command_fail("%s: --fail-on: there is no '%.*s'; choose of %s",
				     command->name, (int)length, word, FAIL_ON_WORDS);
			return -EINVAL;
		}
		chosen |= 1u << rule;
		word += length;
		if (!*word)
			break;
	}
	*fails_on = chosen;
	return 0;
}
