/* SPDX-License-Identifier: Apache-2.0 */
/*
 * command: from an argument vector to calls, one for each option.
 *
 * getopt_long does the reading; what it accepts is made from the command's option table, so the
 * table cannot say one thing and the parser do another. Two of its habits are switched off. Its
 * own messages, because ours name the command and where to read on. And abbreviations: a script
 * with --int for --interval would break on the day when a second option begins with int.
 */
#include "tools/commands/command.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/commands/help_text.h"
#include "tools/commands/near_word.h"
#include "tools/output/utf8.h"

/* getopt_long returns this plus the option's index, above every letter. */
#define FIRST_OPTION_VALUE 256

const struct command_option command_help_option = {
	.name = "help",
	.letter = 'h',
	.help = "show this help and exit.",
};

/* What it names may be anything that somebody has typed or that a script has passed on. */
int command_fail(const char *format, ...)
{
	char *text;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	/* What the command has printed so far comes first also where both go to one file. */
	fflush(stdout);
	flockfile(stderr);
	fputs("seep: ", stderr);
	utf8_write_harmless(stderr, text ? text : "not enough memory");
	fputc('\n', stderr);
	funlockfile(stderr);
	free(text);
	return EXIT_CANNOT;
}

void command_say(const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	utf8_write_harmless(stdout, text ? text : "not enough memory");
	fputc('\n', stdout);
	free(text);
}

const char *command_option_text(const struct command_option *option, int with_argument, char *text)
{
	int length = snprintf(text, COMMAND_OPTION_BYTES, "--%s", option->name);

	for (char *c = text; *c; c++)
		if (*c == '_')
			*c = '-';
	if (with_argument && option->argument && length < COMMAND_OPTION_BYTES)
		snprintf(text + length, (size_t)(COMMAND_OPTION_BYTES - length),
			 option->is_argument_optional ? "[=%s]" : "=%s", option->argument);
	return text;
}

static size_t count_options(const struct command *command)
{
	size_t count = 0;

	while (command->options && command->options[count].name)
		count++;
	return count;
}

/* What getopt_long needs, made from the table; the last option is --help. */
struct parser {
	const struct command *command;
	size_t option_count; /* with --help */
	struct option *long_options;
	char (*names)[COMMAND_OPTION_BYTES];
	char letters[3 + 2 * 128];
};

static const struct command_option *option_at(const struct parser *parser, size_t index)
{
	return index + 1 == parser->option_count ? &command_help_option
						 : &parser->command->options[index];
}

static int parser_make(struct parser *parser, const struct command *command, int stop_at_operand)
{
	*parser = (struct parser){
		.command = command,
		.option_count = count_options(command) + 1,
	};
	parser->long_options = calloc(parser->option_count + 1, sizeof(struct option));
	parser->names = calloc(parser->option_count, sizeof(*parser->names));
	if (!parser->long_options || !parser->names)
		return -ENOMEM;

	/* '+': stop at the first operand. ':': tell a missing value from an unknown option. */
	char *letter = stpcpy(parser->letters, stop_at_operand ? "+:" : ":");
	for (size_t i = 0; i < parser->option_count; i++) {
		const struct command_option *option = option_at(parser, i);
		command_option_text(option, 0, parser->names[i]);
		parser->long_options[i] = (struct option){
			.name = parser->names[i] + 2,
			.has_arg = !option->argument		  ? no_argument
				   : option->is_argument_optional ? optional_argument
								  : required_argument,
			.val = FIRST_OPTION_VALUE + (int)i,
		};
		if (option->letter && !strchr(parser->letters, option->letter)) {
			*letter++ = option->letter;
			if (option->argument)
				*letter++ = ':';
		}
	}
	return 0;
}

static const struct command_option *option_by_letter(const struct parser *parser, int letter)
{
	for (size_t i = 0; i < parser->option_count; i++)
		if (option_at(parser, i)->letter == letter)
			return option_at(parser, i);
	return NULL;
}

/* The word of the command line that getopt_long has just read as a long option. */
static const char *typed_option(char **argv)
{
	/* With its value in a word of its own that word is the last one read. */
	return optarg && optarg == argv[optind - 1] ? argv[optind - 2] : argv[optind - 1];
}

static void complain(const struct parser *parser, const char *what, const char *option)
{
	command_fail("%s: %s '%.*s'; see 'seep %s --help'", parser->command->name, what,
		     (int)strcspn(option, "="), option, parser->command->name);
}

/* An option that begins with "--" and is none: perhaps a slip. */
static void complain_unknown(const struct parser *parser, const char *typed)
{
	char name[COMMAND_OPTION_BYTES];
	unsigned nearest_distance = UINT_MAX;
	const char *nearest = NULL;

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(typed, "="), typed);
	for (size_t i = 0; strncmp(name, "--", 2) == 0 && i < parser->option_count; i++) {
		unsigned distance = near_word_distance(name + 2, parser->names[i] + 2);
		if (distance >= nearest_distance)
			continue;
		nearest_distance = distance;
		nearest = parser->names[i];
	}
	if (nearest && near_word_is_near(name + 2, nearest_distance))
		command_fail("%s: unknown option '%s', did you mean '%s'? see 'seep %s --help'",
			     parser->command->name, name, nearest, parser->command->name);
	else
		complain(parser, "unknown option", typed);
}

/* The option meant by what getopt_long returned, or null after a message. */
static const struct command_option *read_option(const struct parser *parser, char **argv, int got)
{
	const char *what = NULL;

	if (got == ':' || got == '?') {
		what = got == ':' ? "a value is missing after option"
				  : "no value can follow option";
		got = optopt;
	}
	if (got < FIRST_OPTION_VALUE) {
		const char letter[] = {'-', (char)got, '\0'};
		const struct command_option *option = got ? option_by_letter(parser, got) : NULL;
		if (!option)
			complain_unknown(parser, got ? letter : argv[optind - 1]);
		else if (what)
			complain(parser, what, letter);
		return what ? NULL : option;
	}

	size_t index = (size_t)(got - FIRST_OPTION_VALUE);
	const char *name = parser->names[index], *typed = typed_option(argv);
	if (strcspn(typed, "=") != strlen(name)) {
		complain_unknown(parser, typed);
		return NULL;
	}
	if (what) {
		complain(parser, what, name);
		return NULL;
	}
	return option_at(parser, index);
}

int command_parse(const struct command *command, int argc, char **argv, int stop_at_operand,
		  int (*take)(const struct command_option *option, const char *value,
			      void *context),
		  void *context, int *status)
{
	struct parser parser;
	int operand = -1;

	*status = EXIT_CANNOT;
	if (parser_make(&parser, command, stop_at_operand) < 0) {
		command_fail("%s: out of memory", command->name);
		goto out;
	}

	opterr = 0;
	optind = 0; /* glibc: forget what an earlier parse left behind */
	for (;;) {
		int got = getopt_long(argc, argv, parser.letters, parser.long_options, NULL);
		if (got < 0)
			break;
		const struct command_option *option = read_option(&parser, argv, got);
		if (!option)
			goto out;
		if (option == &command_help_option) {
			help_text_write(stdout, command);
			*status = EXIT_CLEAN;
			goto out;
		}
		if (take(option, option->argument ? optarg : NULL, context) < 0)
			goto out;
	}
	operand = optind;
out:
	free(parser.long_options);
	free(parser.names);
	return operand;
}
