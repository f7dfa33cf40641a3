/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tool_call: a command of the tool in this process, and what it must keep to whatever it is given.
 *
 * Commands write to descriptor 1 and to the stream stderr. The first is replaced by a file in
 * memory for good, the second only while the command runs: descriptor 2 belongs to the sanitizers.
 */
#include "tests/fuzz/tool_call.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/fuzz/demand.h"
#include "tools/commands/command.h"

#define ARGUMENTS_MAX 16

static struct tool_call result;

static void replace_stdout(void)
{
	int fd = memfd_create("stdout", MFD_CLOEXEC);

	DEMAND(fd >= 0 && dup2(fd, STDOUT_FILENO) == STDOUT_FILENO, "no file");
	close(fd);
}

static void read_stdout(void)
{
	off_t bytes = lseek(STDOUT_FILENO, 0, SEEK_END);

	DEMAND(bytes >= 0, "nobody may close it");
	result.out = malloc((size_t)bytes + 1);
	DEMAND(result.out && pread(STDOUT_FILENO, result.out, (size_t)bytes, 0) == bytes,
	       "no memory");
	result.out_bytes = (size_t)bytes;
	result.out[bytes] = '\0';
}

/* Length of the character, 0 where there is none: RFC 3629, section 4. */
static size_t utf8_bytes(const unsigned char *text, size_t left)
{
	size_t bytes = *text < 0x80   ? 1
		       : *text < 0xc2 ? 0
		       : *text < 0xe0 ? 2
		       : *text < 0xf0 ? 3
				      : 4;

	if (bytes == 0 || bytes > left || *text > 0xf4)
		return 0;
	for (size_t i = 1; i < bytes; i++)
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	if ((*text == 0xe0 && text[1] < 0xa0) || (*text == 0xed && text[1] > 0x9f) ||
	    (*text == 0xf0 && text[1] < 0x90) || (*text == 0xf4 && text[1] > 0x8f))
		return 0;
	return bytes;
}

/* What may stand in any format: UTF-8, and of the control characters only the end of a line. */
static void demand_text(const char *name, const char *text, size_t bytes)
{
	for (size_t i = 0, step; i < bytes; i += step) {
		const unsigned char *at = (const unsigned char *)text + i;

		step = utf8_bytes(at, bytes - i);
		DEMAND(step > 0, "%s is no UTF-8 at %zu: %.60s", name, i, at);
		DEMAND(*at >= ' ' || *at == '\n', "%s has a control character at %zu: %.60s", name,
		       i, at);
	}
}

/* Nor what else a terminal obeys: Latin-1's control characters, and what turns the direction of text. */
static void demand_harmless(const char *name, const char *text)
{
	for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
		bool is_control = *at == 0x7f || (at[0] == 0xc2 && at[1] < 0xa0);
		bool turns =
			at[0] == 0xe2 && ((at[1] == 0x80 && (at[2] == 0x8e || at[2] == 0x8f ||
							     (at[2] >= 0xaa && at[2] <= 0xae))) ||
					  (at[1] == 0x81 && at[2] >= 0xa6 && at[2] <= 0xa9));

		DEMAND(!is_control && !turns, "%s would move a terminal: %.60s", name, at);
	}
}

static void demand_sentence(void)
{
	const char *end = strchr(result.err, '\n');

	DEMAND(strncmp(result.err, "seep: ", 6) == 0 && strlen(result.err) > 15,
	       "status 2 without a word: %s", result.err);
	DEMAND(end && end[1] == '\0', "status 2 with more than one line: %s", result.err);
}

const struct tool_call *tool_call(const char *const *arguments)
{
	static bool is_replaced;
	char *argv[ARGUMENTS_MAX + 1];
	int argc = 0;
	FILE *real_stderr = stderr;

	if (!is_replaced)
		replace_stdout();
	is_replaced = true;
	free(result.out);
	free(result.err);
	result = (struct tool_call){0};
	for (; arguments[argc]; argc++)
		argv[argc] = (char *)arguments[argc];
	argv[argc] = NULL;
	DEMAND(ftruncate(STDOUT_FILENO, 0) == 0 && lseek(STDOUT_FILENO, 0, SEEK_SET) == 0,
	       "no file");

	const struct command *command = command_find(argv[0]);
	DEMAND(command, "there is no command %s", argv[0]);
	stderr = open_memstream(&result.err, &result.err_bytes);
	result.status = command->run(command, argc, argv);
	fclose(stderr);
	stderr = real_stderr;
	fflush(stdout);
	read_stdout();

	DEMAND(result.status >= EXIT_CLEAN && result.status <= EXIT_CANNOT, "status %d",
	       result.status);
	demand_text("stdout", result.out, result.out_bytes);
	demand_text("stderr", result.err, result.err_bytes);
	demand_harmless("stderr", result.err);
	if (result.status == EXIT_CANNOT)
		demand_sentence();
	return &result;
}

void tool_call_demand_harmless(const struct tool_call *run)
{
	demand_harmless("stdout", run->out);
}

void tool_call_demand_json(const struct tool_call *run)
{
	const char *text = run->out, *end = run->out + run->out_bytes;

	while (text < end) {
		json_error_t error;
		json_t *value = json_loadb(text, (size_t)(end - text),
					   JSON_DISABLE_EOF_CHECK | JSON_REJECT_DUPLICATES, &error);

		DEMAND(value, "no JSON: %s at %d: %.80s", error.text, error.position, text);
		json_decref(value);
		text += error.position;
		while (text < end && (*text == '\n' || *text == ' '))
			text++;
	}
}
