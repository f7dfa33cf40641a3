/* SPDX-License-Identifier: Apache-2.0 */
/* fail_on_option: --fail-on=WORD,..., which of what a check finds fails it. */
#ifndef SEEP_COMMANDS_FAIL_ON_OPTION_H
#define SEEP_COMMANDS_FAIL_ON_OPTION_H

#include "tools/output/finding_brief.h"

struct command;

#define FAIL_ON_NAME "fail_on"
#define FAIL_ON_WORDS "lost,leak,growth,budget,misuse"
#define FAIL_ON_OPTION                                                                             \
	{                                                                                          \
		.name = FAIL_ON_NAME, .argument = FAIL_ON_WORDS, .initial = "lost,leak,budget,misuse", \
		.help = "what fails the check: blocks that are lost; what leaks and can still be " \
			"reached; what grows and is not decided yet; a threshold that was "        \
			"crossed; what is freed with a function that does not belong to the one "  \
			"that has allocated it, and a free that has ended the program. All else "  \
			"that is found is shown, and fails nothing.",                              \
	}
/* Without it. Who sets a threshold means it. */
#define FAIL_ON_INITIAL                                                                            \
	(1u << FINDING_RULE_LOST | 1u << FINDING_RULE_LEAK | 1u << FINDING_RULE_BUDGET |           \
	 1u << FINDING_RULE_MISUSE)

/* Stores a bit (1 << enum finding_rule) for each word; prints what is wrong with one and returns
 * -EINVAL, or 0. */
int fail_on_option_take(const struct command *command, const char *words, unsigned *fails_on);

#endif
