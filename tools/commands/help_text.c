/* SPDX-License-Identifier: Apache-2.0 */
/* help_text: what `seep COMMAND --help` says. man_page.c says the same on paper, from the same
 * data. */
#include "tools/commands/help_text.h"

#include <string.h>

#include "tools/commands/command.h"
#include "tools/commands/text_wrap.h"

/* Where the explanation of an option begins. */
#define OPTION_COLUMN 28

static void write_option(FILE *out, const struct command_option *option)
{
	char text[COMMAND_OPTION_BYTES], explanation[2048];
	int column;

	if (option->letter)
		column = fprintf(out, "  -%c, ", option->letter);
	else
		column = fprintf(out, "      ");
	column += fprintf(out, "%s", command_option_text(option, 1, text));
	if (column + 2 > OPTION_COLUMN) {
		fputc('\n', out);
		column = 0;
	}
	snprintf(explanation, sizeof(explanation), option->initial ? "%s (default: %s)" : "%s",
		 option->help, option->initial);
	text_wrap(out, explanation, column, OPTION_COLUMN);
}

static void write_options(FILE *out, const struct command *command)
{
	fputs("\nOptions:\n", out);
	for (const struct command_option *option = command->options; option && option->name;
	     option++)
		write_option(out, option);
	write_option(out, &command_help_option);
}

/* A long pipeline goes on in the next line, as the shell allows after a bar. */
static void write_typed(FILE *out, const char *typed, int length)
{
	int cut = 0;

	for (int i = 0; length + 2 > TEXT_WRAP_COLUMNS && i + 4 <= TEXT_WRAP_COLUMNS; i++)
		if (strncmp(typed + i, " | ", 3) == 0)
			cut = i + 2;
	if (cut)
		fprintf(out, "  %.*s\n    %.*s\n", cut, typed, length - cut - 1, typed + cut + 1);
	else
		fprintf(out, "  %.*s\n", length, typed);
}

static void write_examples(FILE *out, const struct command *command)
{
	if (!command->examples)
		return;
	fputs("\nExamples:\n", out);
	for (const char *line = command->examples; *line;) {
		int typed = (int)strcspn(line, "\t\n"), whole = (int)strcspn(line, "\n");
		char explanation[512];
		write_typed(out, line, typed);
		if (typed < whole) {
			snprintf(explanation, sizeof(explanation), "%.*s", whole - typed - 1,
				 line + typed + 1);
			text_wrap(out, explanation, 0, 6);
		}
		line += whole + (line[whole] == '\n');
	}
}

void help_text_write(FILE *out, const struct command *command)
{
	fprintf(out, "Usage: seep %s %s\n\n", command->name, command->arguments);
	text_wrap_paragraphs(out, command->description, 0);
	write_options(out, command);
	write_examples(out, command);
}

void help_text_write_overview(FILE *out)
{
	fprintf(out, "Usage: seep %s\n\n", command_seep.arguments);
	text_wrap_paragraphs(out, command_seep.description, 0);
	fputs("\nCommands:\n", out);
	for (const struct command *const *command = command_table; *command; command++) {
		int column = fprintf(out, "  %-12s", (*command)->name);
		text_wrap(out, (*command)->summary, column, column);
	}
	write_options(out, &command_seep);
	write_examples(out, &command_seep);
	fputs("\nRead on: seep COMMAND --help, or man seep-COMMAND.\n", out);
}
