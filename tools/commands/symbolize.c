/* SPDX-License-Identifier: Apache-2.0 */
/*
 * symbolize: `seep symbolize`, functions and lines for the addresses in a text.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/commands/command.h"
#include "tools/symbols/address_text.h"

static const struct command_option options[] = {
	{0},
};

/* What is longer is no line of a log, and has no end that anybody could wait for. */
#define LINE_BYTES (64u << 10)

/* Up to the end of the line, or so much as fits in. */
static size_t read_piece(FILE *in, char *piece)
{
	size_t bytes = 0;

	for (int next; bytes < LINE_BYTES - 1 && (next = getc(in)) != EOF;) {
		piece[bytes++] = (char)next;
		if (next == '\n')
			break;
	}
	piece[bytes] = '\0';
	return bytes;
}

/* Line by line, so that who waits for one gets it. What is no text is copied. */
static int copy_lines(FILE *in, struct address_text *text)
{
	char *piece = malloc(LINE_BYTES);
	bool is_begin = true, is_whole;
	int result = piece ? 0 : -ENOMEM;

	errno = 0;
	for (size_t bytes; result == 0 && (bytes = read_piece(in, piece)) > 0;
	     is_begin = is_whole) {
		is_whole = piece[bytes - 1] == '\n';
		if (!is_begin || bytes == LINE_BYTES - 1 || strlen(piece) < bytes)
			fwrite(piece, 1, bytes, stdout);
		else if (!address_text_write_line(text, stdout, piece))
			result = -ENOMEM;
		if (fflush(stdout) != 0)
			break;
		errno = 0;
	}
	if (result == 0 && ferror(in))
		result = errno ? -errno : -EIO;
	free(piece);
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
