/* SPDX-License-Identifier: Apache-2.0 */
/* help_text: what `seep COMMAND --help` says, made from the command's entry; 80 columns. */
#ifndef SEEP_COMMANDS_HELP_TEXT_H
#define SEEP_COMMANDS_HELP_TEXT_H

#include <stdio.h>

struct command;

void help_text_write(FILE *out, const struct command *command);

/* What `seep --help` says: the commands, one line each. */
void help_text_write_overview(FILE *out);

#endif
