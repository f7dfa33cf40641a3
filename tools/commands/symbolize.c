/* SPDX-License-Identifier: Apache-2.0 */
/*
 * symbolize: `seep symbolize`, functions and lines for the addresses in a text.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/commands/command.h"
#include "tools/symbols/address_text.h"

static const struct command_option options[] = {
	{0},
};

/* Line by line, so that who waits for one gets it. */
static int copy_lines(FILE *in, struct address_text *text)
{
	char *line = NULL;
	size_t room = 0;
	int result = 0;

	while (result == 0 && getline(&line, &room, in) >= 0) {
		if (!address_text_write_line(text, stdout, line))
			result = -ENOMEM;
		fflush(stdout);
	}
	if (result == 0 && ferror(in))
		result = -EIO;
	free(line);
	return result;
}

static int symbolize_file(const char *path, struct address_text *text)
{
	FILE *in = path ? fopen(path, "re") : stdin;
	int result = in ? copy_lines(in, text) : -errno;

	if (in && path)
		fclose(in);
	if (result < 0)
		return command_fail("symbolize: cannot read %s: %s", path ? path : "standard input",
				    strerror(-result));
	return EXIT_CLEAN;
}

static int run(const struct command *self, int argc, char **argv)
{
	struct address_text *text;
	int status, operand = command_parse(self, argc, argv, 0, NULL, NULL, &status);

	if (operand < 0)
		return status;
	text = address_text_new(NULL);
	if (!text)
		return command_fail("symbolize: out of memory");
	status = operand == argc ? symbolize_file(NULL, text) : EXIT_CLEAN;
	for (; operand < argc && status == EXIT_CLEAN; operand++)
		status = symbolize_file(argv[operand], text);
	address_text_free(text);
	return status;
}

const struct command command_symbolize = {
	.name = "symbolize",
	.summary = "functions and lines for the addresses in a text",
	.arguments = "[FILE...]",
	.description =
		"Copies the text of the FILEs, or of standard input, to standard output, and "
		"writes function, file and line in place of the first /PATH+0xOFFSET of each "
		"line, as addr2line would find them; functions that are inlined there stand on "
		"lines of their own. What is not known stays as it is.\n\n"
		"A program that checks itself through seep.h has such addresses in its findings "
		"where it was started with LD_PRELOAD alone; under seep run and seep check it "
		"has names at once. Sanitizers write the same form where they have no "
		"symbolizer. The files must be those that ran: nothing here can tell.",
	.options = options,
	.examples = "LD_PRELOAD=libseep.so ./test 2>&1 | seep symbolize\twith names\n"
		    "seep symbolize test.log\tof a log\n",
	.run = run,
};
