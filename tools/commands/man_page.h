/* SPDX-License-Identifier: Apache-2.0 */
/* man_page: seep-COMMAND(1) in the man macros, made from the command's entry. */
#ifndef SEEP_COMMANDS_MAN_PAGE_H
#define SEEP_COMMANDS_MAN_PAGE_H

#include <stdio.h>

struct command;

/* For &command_seep the page is seep(1), which lists all commands. */
void man_page_write(FILE *out, const struct command *command);

#endif
