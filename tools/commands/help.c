/* SPDX-License-Identifier: Apache-2.0 */
/*
 * help: `seep help` and what the build makes from the command table: man pages, completion.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "tools/commands/command.h"
#include "tools/commands/completion_script.h"
#include "tools/commands/help_text.h"
#include "tools/commands/man_page.h"

static const struct command_option options[] = {
	{
		.name = "man",
		.help = "write the man page of COMMAND, or seep(1) without COMMAND, e.g. to read "
			"it where it is not installed: seep help --man run | man -l -",
	},
	{
		.name = "completion",
		.argument = "bash|fish",
		.help = "write the completion script for a shell. For bash: eval \"$(seep help "
			"--completion=bash)\"",
	},
	{
		.name = "names",
		.help = "write the names of all commands, one a line, for scripts.",
	},
	{0},
};

struct choices {
	bool man, names;
	const char *shell;
};

static int take(const struct command_option *option, const char *value, void *context)
{
	struct choices *choices = context;

	if (option == &options[0])
		choices->man = true;
	else if (option == &options[1])
		choices->shell = value;
	else
		choices->names = true;
	return 0;
}

static int run(const struct command *self, int argc, char **argv)
{
	struct choices choices = {0};
	int status;
	int operand = command_parse(self, argc, argv, 0, take, &choices, &status);

	if (operand < 0)
		return status;
	if (argc - operand > 1)
		return command_fail("help: one COMMAND at a time; see 'seep help --help'");
	if (choices.names) {
		for (const struct command *const *command = command_table; *command; command++)
			puts((*command)->name);
		return EXIT_CLEAN;
	}
	if (choices.shell) {
		if (completion_script_write(stdout, choices.shell) < 0)
			return command_fail("help: there is no completion for '%s'; --completion "
					    "takes %s",
					    choices.shell, options[1].argument);
		return EXIT_CLEAN;
	}

	const char *name = argv[operand];
	const struct command *command = name ? command_find(name) : &command_seep;
	const struct command *near = command ? NULL : command_suggest(name);
	if (near)
		return command_fail("help: there is no command '%s', did you mean 'seep help %s'? "
				    "see 'seep --help'",
				    name, near->name);
	if (!command)
		return command_fail("help: there is no command '%s'; see 'seep --help'", name);
	if (choices.man)
		man_page_write(stdout, command);
	else if (command == &command_seep)
		help_text_write_overview(stdout);
	else
		help_text_write(stdout, command);
	return EXIT_CLEAN;
}

const struct command command_help = {
	.name = "help",
	.summary = "explain a command",
	.arguments = "[OPTIONS] [COMMAND]",
	.description =
		"Without COMMAND lists all commands. seep help COMMAND says the same as seep "
		"COMMAND --help.",
	.options = options,
	.examples = "seep help run\tthe options of seep run\n",
	.run = run,
};
