/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main: finds the verb and runs it.
 */
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/commands/command.h"
#include "tools/commands/help_text.h"
#include "tools/commands/snapshot_folder.h"
#include "tools/commands/target.h"

/* The verb that was left out before a program, a snapshot file or a process; null where it is none. */
static const char *meant_command(const char *word)
{
	if (target_is_pid(word) || snapshot_folder_is(word) ||
	    snapshot_folder_stem(word) < strlen(word))
		return "report";
	return strchr(word, '/') && access(word, X_OK) == 0 ? "run" : NULL;
}

static int run_verb(int argc, char **argv)
{
	if (argc < 2) {
		help_text_write_overview(stderr);
		return EXIT_CANNOT;
	}

	const char *verb = argv[1];
	if (strcmp(verb, "--help") == 0 || strcmp(verb, "-h") == 0) {
		help_text_write_overview(stdout);
		return EXIT_CLEAN;
	}
	if (strcmp(verb, "--version") == 0 || strcmp(verb, "-V") == 0) {
		puts("seep " SEEP_VERSION);
		return EXIT_CLEAN;
	}
	if (*verb == '-')
		return command_fail("unknown option '%s'; options stand after the command; see "
				    "'seep --help'",
				    verb);

	const struct command *command = command_find(verb);
	if (command)
		return command->run(command, argc - 1, argv + 1);
	command = command_suggest(verb);
	if (command)
		return command_fail("there is no command '%s', did you mean 'seep %s'? see 'seep "
				    "--help'",
				    verb, command->name);
	const char *meant = meant_command(verb);
	if (meant)
		return command_fail("there is no command '%s', did you mean 'seep %s %s'? see "
				    "'seep --help'",
				    verb, meant, verb);
	return command_fail("there is no command '%s'; see 'seep --help'", verb);
}

int main(int argc, char **argv)
{
	/* For the width of characters on a terminal; numbers keep their point. */
	setlocale(LC_CTYPE, "");

	int status = run_verb(argc, argv);

	/* A full disk behind a redirection must not look like success. */
	if (ferror(stdout) | fflush(stdout))
		status = command_fail("cannot write to standard output: %s", strerror(errno));
	return status;
}
