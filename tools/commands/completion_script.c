/* SPDX-License-Identifier: Apache-2.0 */
/*
 * completion_script: shell completion made from the command table.
 *
 * What can be completed is read off the data that --help is made from: "text|json" is a choice,
 * FILE is a file, PID is a process under seep. Those are found in /proc/net/unix, where each has
 * its control socket (see control_protocol.h), so that completing asks nobody anything.
 */
#include "tools/commands/completion_script.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "tools/commands/command.h"

static const char list_pids[] =
	"sed -n 's/.*@seep\\.\\([0-9][0-9]*\\)\\.[0-9]*$/\\1/p' /proc/net/unix 2>/dev/null";

static bool needs_value(const struct command_option *option)
{
	return option->argument && !option->is_argument_optional;
}

/* "text|json": words to choose from, not the name of a thing. */
static bool is_choice(const char *argument)
{
	if (!argument || !strchr(argument, '|'))
		return false;
	for (; *argument; argument++)
		if (!islower((unsigned char)*argument) && !strchr("|,-_", *argument))
			return false;
	return true;
}

static bool is_file(const char *argument)
{
	return argument && strcmp(argument, "FILE") == 0;
}

static void write_choices(FILE *out, const char *argument)
{
	for (; *argument; argument++)
		fputc(*argument == '|' ? ' ' : *argument, out);
}

static void write_command_names(FILE *out)
{
	for (const struct command *const *command = command_table; *command; command++)
		fprintf(out, "%s%s", command == command_table ? "" : " ", (*command)->name);
}

/* ---- bash: a function with one case for each command --------------------------------------- */

static void write_bash_option_values(FILE *out, const struct command *command)
{
	char text[COMMAND_OPTION_BYTES];

	fputs("\t\tcase $option in\n", out);
	for (const struct command_option *option = command->options; option && option->name;
	     option++) {
		if (!needs_value(option))
			continue;
		fprintf(out, "\t\t%s", command_option_text(option, 0, text));
		if (option->letter)
			fprintf(out, "|-%c", option->letter);
		fputs(") ", out);
		if (is_choice(option->argument)) {
			fputs("COMPREPLY=($(compgen -W '", out);
			write_choices(out, option->argument);
			fputs("' -- \"$value\")); ", out);
		} else if (is_file(option->argument)) {
			fputs("compopt -o filenames; COMPREPLY=($(compgen -f -- \"$value\")); ",
			      out);
		}
		fputs("return ;;\n", out);
	}
	fputs("\t\tesac\n", out);
}

static void write_bash_operands(FILE *out, const struct command *command)
{
	fputs("\t\tCOMPREPLY=(", out);
	if (strstr(command->arguments, "PID"))
		fprintf(out, "$(compgen -W \"$(%s)\" -- \"$current\")", list_pids);
	if (strstr(command->arguments, "COMMAND")) {
		fputs("$(compgen -W '", out);
		write_command_names(out);
		fputs("' -- \"$current\")", out);
	}
	fputs(")\n", out);
	if (strstr(command->arguments, "FILE") || strstr(command->arguments, "OLD"))
		fputs("\t\tcompopt -o filenames\n"
		      "\t\tCOMPREPLY+=($(compgen -d -- \"$current\") "
		      "$(compgen -f -X '!*.seep' -- \"$current\"))\n",
		      out);
}

static void write_bash_command(FILE *out, const struct command *command)
{
	char text[COMMAND_OPTION_BYTES];

	fprintf(out, "\t%s)\n", command->name);
	write_bash_option_values(out, command);
	fputs("\t\tif [[ $current == -* ]]; then\n\t\t\tCOMPREPLY=($(compgen -W '", out);
	for (const struct command_option *option = command->options; option && option->name;
	     option++)
		fprintf(out, "%s%s ", command_option_text(option, 0, text),
			needs_value(option) ? "=" : "");
	fputs("--help' -- \"$current\"))\n"
	      "\t\t\t[[ ${COMPREPLY-} == *= ]] && compopt -o nospace\n"
	      "\t\t\treturn\n\t\tfi\n",
	      out);
	write_bash_operands(out, command);
	fputs("\t\t;;\n", out);
}

/* The short options after which a word is a value. */
static void write_letters_with_value(FILE *out, const struct command *command)
{
	for (const struct command_option *option = command->options; option && option->name;
	     option++)
		if (option->letter && needs_value(option))
			fputc(option->letter, out);
}

static void write_bash(FILE *out)
{
	fputs("# bash completion for seep; made by `seep help --completion=bash`.\n\n"
	      "_seep()\n{\n"
	      "\tlocal current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
	      "\tlocal command=${COMP_WORDS[1]-} option=$before value=$current i\n\n"
	      "\tCOMPREPLY=()\n"
	      "\tif ((COMP_CWORD == 1)); then\n\t\tCOMPREPLY=($(compgen -W '",
	      out);
	write_command_names(out);
	fputs(" --help --version' -- \"$current\"))\n\t\treturn\n\tfi\n\n"
	      "\t# The program that `seep run` starts has a completion of its own.\n"
	      "\tif [[ $command == run ]]; then\n"
	      "\t\tfor ((i = 2; i < COMP_CWORD; i++)); do\n"
	      "\t\t\tif [[ ${COMP_WORDS[i]} == -- ]]; then\n"
	      "\t\t\t\t((i++))\n\t\t\t\tbreak\n\t\t\tfi\n"
	      "\t\t\t[[ ${COMP_WORDS[i]} == -* || ${COMP_WORDS[i]} == = ||\n"
	      "\t\t\t\t${COMP_WORDS[i-1]} == = || ${COMP_WORDS[i-1]} == -[",
	      out);
	write_letters_with_value(out, &command_run);
	fputs("] ]] || break\n"
	      "\t\tdone\n"
	      "\t\tif ((i < COMP_CWORD)); then\n"
	      "\t\t\tif declare -F _command_offset >/dev/null; then\n"
	      "\t\t\t\t_command_offset $i\n"
	      "\t\t\telse\n"
	      "\t\t\t\tcompopt -o filenames\n"
	      "\t\t\t\tCOMPREPLY=($(compgen -f -- \"$current\"))\n"
	      "\t\t\tfi\n\t\t\treturn\n"
	      "\t\tfi\n"
	      "\t\tif [[ $current != [-=]* && $before != = && $before != -[",
	      out);
	write_letters_with_value(out, &command_run);
	fputs("] ]]; then\n"
	      "\t\t\tcompopt -o filenames\n"
	      "\t\t\tif [[ $current == */* ]]; then\n"
	      "\t\t\t\tCOMPREPLY=($(compgen -f -- \"$current\"))\n"
	      "\t\t\telse\n"
	      "\t\t\t\tCOMPREPLY=($(compgen -c -- \"$current\") $(compgen -d -- \"$current\"))\n"
	      "\t\t\tfi\n\t\t\treturn\n\t\tfi\n\tfi\n\n"
	      "\t# bash makes three words of --option=value.\n"
	      "\tif [[ $current == = ]]; then\n"
	      "\t\tvalue=\n"
	      "\telif [[ $before == = ]]; then\n"
	      "\t\toption=${COMP_WORDS[COMP_CWORD-2]}\n"
	      "\tfi\n\n"
	      "\tcase $command in\n",
	      out);
	for (const struct command *const *command = command_table; *command; command++)
		write_bash_command(out, *command);
	fputs("\tesac\n}\n\ncomplete -F _seep seep\n", out);
}

/* ---- fish: one line for each thing that can be completed ------------------------------------ */

/* A text in single quotes, up to the end of its first sentence. */
static void write_quoted_sentence(FILE *out, const char *text)
{
	fputc('\'', out);
	for (; *text && !(*text == '.' && (text[1] == ' ' || !text[1])); text++) {
		if (*text == '\'' || *text == '\\')
			fputc('\\', out);
		fputc(*text, out);
	}
	fputc('\'', out);
}

static void write_fish_command(FILE *out, const struct command *command)
{
	char text[COMMAND_OPTION_BYTES];

	fprintf(out, "complete -c seep -n __fish_use_subcommand -f -a %s -d ", command->name);
	write_quoted_sentence(out, command->summary);
	fputc('\n', out);
	for (const struct command_option *option = command->options; option && option->name;
	     option++) {
		fprintf(out, "complete -c seep -n '__fish_seen_subcommand_from %s' -l %s",
			command->name, command_option_text(option, 0, text) + 2);
		if (option->letter)
			fprintf(out, " -s %c", option->letter);
		if (needs_value(option))
			fputs(is_file(option->argument) ? " -r" : " -x", out);
		if (is_choice(option->argument)) {
			fputs(" -a '", out);
			write_choices(out, option->argument);
			fputc('\'', out);
		}
		fputs(" -d ", out);
		write_quoted_sentence(out, option->help);
		fputc('\n', out);
	}
	if (strstr(command->arguments, "PID"))
		fprintf(out,
			"complete -c seep -n '__fish_seen_subcommand_from %s' -a '(%s)' "
			"-d 'process under seep'\n",
			command->name, "__seep_pids");
}

static void write_fish(FILE *out)
{
	fputs("# fish completion for seep; made by `seep help --completion=fish`.\n\n", out);
	fprintf(out, "function __seep_pids\n\t%s\nend\n\n", list_pids);
	for (const struct command *const *command = command_table; *command; command++)
		write_fish_command(out, *command);
}

int completion_script_write(FILE *out, const char *shell)
{
	if (strcmp(shell, "bash") == 0)
		write_bash(out);
	else if (strcmp(shell, "fish") == 0)
		write_fish(out);
	else
		return -EINVAL;
	return 0;
}
