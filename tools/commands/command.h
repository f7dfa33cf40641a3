/* SPDX-License-Identifier: Apache-2.0 */
/*
 * command: what a verb of the command line is. One verb, one file; one line each in the table
 * in command_table.c. Usage, --help, man page and shell completion are made from this data.
 */
#ifndef SEEP_COMMANDS_COMMAND_H
#define SEEP_COMMANDS_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

/* Exit status of the tool itself. */
enum { EXIT_CLEAN = 0, EXIT_LEAKS = 1, EXIT_CANNOT = 2 };

struct command_option {
	const char *name;     /* long name without leading dashes; '_' is shown and typed as '-' */
	char letter;	      /* 0 for none */
	const char *argument; /* "FILE", "text|json"; null for a switch */
	bool is_argument_optional; /* --name or --name=ARGUMENT */
	const char *initial;	   /* shown as the default; null for none */
	const char *help;	   /* one or more sentences */
};

struct command {
	const char *name;
	const char *summary;	 /* one line for `seep --help` */
	const char *arguments;	 /* "[OPTIONS] FILE|PID" */
	const char *description; /* paragraphs for --help and the man page, separated by "\n\n" */
	const struct command_option *options; /* ends with a null name */
	const char *examples;		      /* lines "command\texplanation\n"; null for none */
	/* argv[0] is the command's name. Returns the exit status. */
	int (*run)(const struct command *command, int argc, char **argv);
};

extern const struct command *const command_table[]; /* ends with a null pointer */

/* Each is defined in the file of its verb. */
extern const struct command command_run, command_report, command_check, command_diff,
	command_snapshots, command_snapshot, command_mark, command_scan, command_export,
	command_symbolize, command_doctor, command_help;
/* The tool itself as if it were a verb: for `seep --help` and seep(1). Not in the table. */
extern const struct command command_seep;

/* The command called `name`, or null. */
const struct command *command_find(const char *name);
/* The command whose name is nearest to what was typed, or null where none is near. */
const struct command *command_suggest(const char *typed);

/* "--stack-depth" for the option named stack_depth, with "=N" (or "[=N]") when asked for; at most
 * COMMAND_OPTION_BYTES. Returns `text`. */
#define COMMAND_OPTION_BYTES 128
const char *command_option_text(const struct command_option *option, int with_argument, char *text);
/* Every command has it: -h, --help. */
extern const struct command_option command_help_option;

/* Parses options in front of the first operand (or up to "--"). For each option calls
 * `take(option, value, context)`, value null for a switch or where it was left out; take returns 0 or
 * -EINVAL with its own message printed. Handles --help. Returns the index of the first operand, or -1
 * when the command should end with *status. Options may stand after operands too, unless
 * `stop_at_operand`. */
int command_parse(const struct command *command, int argc, char **argv, int stop_at_operand,
		  int (*take)(const struct command_option *option, const char *value,
			      void *context),
		  void *context, int *status);

/* Prints "seep: " and a sentence on stderr; returns EXIT_CANNOT. What could harm a terminal is '?'. */
int command_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Prints a line on stdout, likewise harmless. */
void command_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
