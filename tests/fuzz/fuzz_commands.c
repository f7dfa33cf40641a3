/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_commands: a hostile snapshot file, given to every command that reads one, in every format.
 *
 * Which one it is stands in the first reserved byte of the file's header, which no reader looks at. What
 * modules the file names is not looked for on this machine: the same input does the same everywhere.
 */
#include <string.h>

#include "seep/snapshot_format.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/hostile_file.h"
#include "tests/fuzz/tool_call.h"

#define FILE_HERE "FILE"
#define NOWHERE "--sysroot=/nonexistent"

static const struct {
	const char *arguments[9];
	enum { TEXT, JSON, XML } format;
} commands[] = {
	{{"report", FILE_HERE, NOWHERE}, TEXT},
	{{"report", FILE_HERE, "--format=json", "--no-symbols"}, JSON},
	{{"report", FILE_HERE, "--top=0", "--full-stacks", "--all", NOWHERE}, TEXT},
	{{"report", FILE_HERE, "--format=json", "--from=2", NOWHERE}, JSON},
	{{"report", FILE_HERE, "--format=json", "--max-growth=1K/h", "--max-site-growth=1/h",
	  "--max-live=1K", NOWHERE},
	 JSON},
	{{"report", FILE_HERE, "--max-site-live=1", "--max-heap-share-of-rss=1%", "--to=-2",
	  "--no-symbols"},
	 TEXT},
	{{"check", FILE_HERE, "--fail-on=lost,leak,growth,budget,misuse", "--all", "--max-live=1K"}, TEXT},
	{{"check", FILE_HERE, "--format=json", "--fail-on=lost,leak,growth"}, JSON},
	{{"check", FILE_HERE, "--format=junit", "--all"}, XML},
	{{"check", FILE_HERE, "--format=sarif", "--fail-on=lost,leak,growth"}, JSON},
	{{"check", FILE_HERE, "--format=github", "--all", "--max-live=1K"}, TEXT},
	{{"check", FILE_HERE, "--format=gitlab", "--fail-on=lost,leak,growth"}, JSON},
	{{"check", FILE_HERE, "--format=valgrind", "--fail-on=lost,leak,growth"}, XML},
	{{"check", FILE_HERE, "--gen-suppressions=/dev/null", "-q"}, TEXT},
	{{"diff", FILE_HERE, NOWHERE}, TEXT},
	{{"diff", FILE_HERE, "--format=json", "--no-symbols"}, JSON},
	{{"diff", FILE_HERE, FILE_HERE, "--sort=bytes", "--top=0", "--full-stacks", NOWHERE}, TEXT},
	{{"diff", FILE_HERE, FILE_HERE, "--format=json", NOWHERE}, JSON},
	{{"snapshots", FILE_HERE}, TEXT},
	{{"export", FILE_HERE, "--format=folded", NOWHERE}, TEXT},
	{{"export", FILE_HERE, "--format=folded", "--value=allocations", "--snapshot=first",
	  "--no-symbols"},
	 TEXT},
	{{"export", FILE_HERE, "--format=folded", "--lost", "--no-symbols"}, TEXT},
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *arguments[sizeof(commands[0].arguments) / sizeof(char *) + 1] = {0};
	const char *path = hostile_file(data, size);
	size_t at = offsetof(struct seep_file_header, reserved);
	size_t choice = size > at ? data[at] % (sizeof(commands) / sizeof(*commands)) : 0;

	for (size_t i = 0; commands[choice].arguments[i]; i++)
		arguments[i] = strcmp(commands[choice].arguments[i], FILE_HERE) == 0
				       ? path
				       : commands[choice].arguments[i];
	const struct tool_call *run = tool_call(arguments);
	if (commands[choice].format == JSON)
		tool_call_demand_json(run);
	else if (commands[choice].format == TEXT)
		tool_call_demand_harmless(run);
	return 0;
}
