/* SPDX-License-Identifier: Apache-2.0 */
/*
 * man_page: seep-COMMAND(1) from the same data as --help.
 *
 * The man macros, not mdoc: every man since the seventies reads them. Text is escaped so that no
 * word of a help text can become a request: a backslash, a hyphen that has to stay ASCII when it is
 * copied, a dot or an apostrophe at the start of a line.
 */
#include "tools/commands/man_page.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "tools/commands/command.h"

/* Lines of the source; not of the page. */
#define SOURCE_COLUMNS 70

/* `is_filled`: the text is a paragraph, in which a line break is as good as a blank. */
static void write_escaped(FILE *out, const char *text, size_t length, bool is_filled)
{
	size_t column = 0;

	for (size_t i = 0; i < length; i++) {
		char c = text[i];
		if (c == ' ' && is_filled && column + strcspn(text + i + 1, " \n") > SOURCE_COLUMNS)
			c = '\n';
		if (column == 0 && (c == '.' || c == '\''))
			fputs("\\&", out);
		if (c == '\\')
			fputs("\\e", out);
		else if (c == '-')
			fputs("\\-", out);
		else
			fputc(c, out);
		column = c == '\n' ? 0 : column + 1;
	}
}

static void write_text(FILE *out, const char *text)
{
	write_escaped(out, text, strlen(text), true);
}

static void write_paragraphs(FILE *out, const char *text)
{
	while (*text) {
		const char *end = strstr(text, "\n\n");
		size_t length = end ? (size_t)(end - text) : strlen(text);
		fputs(*text == ' ' ? ".PP\n.nf\n" : ".PP\n", out);
		write_escaped(out, text, length, *text != ' ');
		fputs(*text == ' ' ? "\n.fi\n" : "\n", out);
		text += length + (end ? 2 : 0);
	}
}

static void write_option(FILE *out, const struct command_option *option)
{
	char name[COMMAND_OPTION_BYTES];

	fputs(".TP\n", out);
	if (option->letter)
		fprintf(out, "\\fB\\-%c\\fR, ", option->letter);
	fputs("\\fB", out);
	write_text(out, command_option_text(option, 0, name));
	fputs("\\fR", out);
	if (option->argument) {
		fputs(option->is_argument_optional ? "[=\\fI" : "=\\fI", out);
		write_text(out, option->argument);
		fputs(option->is_argument_optional ? "\\fR]" : "\\fR", out);
	}
	fputc('\n', out);
	write_text(out, option->help);
	if (option->initial) {
		fputs("\n(default: ", out);
		write_text(out, option->initial);
		fputc(')', out);
	}
	fputc('\n', out);
}

static void write_options(FILE *out, const struct command *command)
{
	fputs(".SH OPTIONS\n", out);
	for (const struct command_option *option = command->options; option && option->name;
	     option++)
		write_option(out, option);
	write_option(out, &command_help_option);
}

static void write_examples(FILE *out, const struct command *command)
{
	if (!command->examples)
		return;
	fputs(".SH EXAMPLES\n", out);
	for (const char *line = command->examples; *line;) {
		size_t typed = strcspn(line, "\t\n"), whole = strcspn(line, "\n");
		fputs(".TP\n\\fB", out);
		write_escaped(out, line, typed, false);
		fputs("\\fR\n", out);
		if (typed < whole)
			write_escaped(out, line + typed + 1, whole - typed - 1, true);
		fputc('\n', out);
		line += whole + (line[whole] == '\n');
	}
}

static void write_commands(FILE *out)
{
	fputs(".SH COMMANDS\n", out);
	for (const struct command *const *command = command_table; *command; command++) {
		fprintf(out, ".TP\n\\fBseep\\-%s\\fR(1)\n", (*command)->name);
		write_text(out, (*command)->summary);
		fputc('\n', out);
	}
}

static void write_see_also(FILE *out, const struct command *page)
{
	const char *separator = "";

	fputs(".SH SEE ALSO\n", out);
	if (page != &command_seep) {
		fputs("\\fBseep\\fR(1)", out);
		separator = ",\n";
	}
	for (const struct command *const *command = command_table; *command; command++) {
		if (*command == page)
			continue;
		fprintf(out, "%s\\fBseep\\-%s\\fR(1)", separator, (*command)->name);
		separator = ",\n";
	}
	fputc('\n', out);
}

void man_page_write(FILE *out, const struct command *command)
{
	int is_tool = command == &command_seep;
	const char *dash = is_tool ? "" : "-", *name = is_tool ? "" : command->name;

	fputs(".TH SEEP", out);
	fputs(dash, out);
	for (const char *c = name; *c; c++)
		fputc(toupper((unsigned char)*c), out);
	fprintf(out, " 1 \"%s\" \"seep %s\" \"seep\"\n", SEEP_RELEASED, SEEP_VERSION);

	fprintf(out, ".SH NAME\nseep%s%s \\- ", is_tool ? "" : "\\-", name);
	write_text(out, command->summary);
	fprintf(out, "\n.SH SYNOPSIS\n\\fBseep%s%s\\fR ", is_tool ? "" : " ", name);
	write_text(out, command->arguments);
	fputs("\n.SH DESCRIPTION\n", out);
	/* The heading does the work of the first .PP. */
	const char *rest = strstr(command->description, "\n\n");
	size_t first = rest ? (size_t)(rest - command->description) : strlen(command->description);
	write_escaped(out, command->description, first, true);
	fputc('\n', out);
	if (rest)
		write_paragraphs(out, rest + 2);
	if (is_tool)
		write_commands(out);
	write_options(out, command);
	fputs(".SH EXIT STATUS\n", out);
	if (command == &command_run) {
		write_text(out,
			   "The program's own, 128 + the signal's number when a signal ended it, "
			   "the number given to --error-exitcode when there are leaks, 2 when the "
			   "program could not be started.\n");
	} else {
		write_text(out,
			   "0 when all is well, 1 when leaks were found by a command that is a "
			   "check, 2 when the work could not be done; one line on standard error "
			   "then says why.\n");
	}
	write_examples(out, command);
	write_see_also(out, command);
}
