/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_settings: a file of settings, and SEEP_OPTIONS, as the tool and as the library read them.
 *
 * What the tool takes it can write so that it takes it again, and the library understands that: a
 * program is never started with settings that its library then complains about.
 */
#include <stdbool.h>
#include <string.h>

#include "lib/base/options.h"
#include "tests/fuzz/demand.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/hostile_file.h"
#include "tools/commands/settings_file.h"
#include "tools/commands/settings_text.h"
#include "tools/model/error.h"

static void demand_line(const char *what, const char *text)
{
	DEMAND(*text && !strchr(text, '\n'), "%s: no sentence: '%s'", what, text);
}

static void read_file(const uint8_t *data, size_t size)
{
	struct settings_file file;
	struct error error = {""};

	if (settings_file_read(&file, hostile_file(data, size), &error) < 0)
		demand_line("file", error.text);
	else
		settings_file_free(&file);
}

static void demand_same(const struct settings_text *one, const struct settings_text *other)
{
	for (const struct setting *setting = settings_table; setting->key; setting++)
		DEMAND(strcmp(settings_text_get(one, setting->key),
			      settings_text_get(other, setting->key)) == 0,
		       "%s: '%s' was written and '%s' read", setting->key,
		       settings_text_get(one, setting->key),
		       settings_text_get(other, setting->key));
}

static void write_and_read(const struct settings_text *settings)
{
	struct settings_text again;
	struct error error = {""};
	char complaint[256], *written = settings_text_write(settings);

	DEMAND(written && settings_text_make(&again, &error) == 0, "no memory");
	DEMAND(settings_text_read(&again, written, &error) == 0, "%s: %s", written, error.text);
	demand_same(settings, &again);
	settings_text_free(&again);
	options_parse(written, complaint, sizeof(complaint));
	DEMAND(*complaint == '\0', "the library on %s: %s", written, complaint);
	free(written);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = hostile_text(data, size), complaint[256];
	struct settings_text settings;
	struct error error = {""};

	read_file(data, size);
	DEMAND(settings_text_make(&settings, &error) == 0, "no memory");
	if (settings_text_read(&settings, text, &error) == 0)
		write_and_read(&settings);
	else
		demand_line("text", error.text);
	settings_text_free(&settings);

	/* As it stands in the environment of a program that is started without the tool. */
	memset(complaint, 'x', sizeof(complaint));
	options_parse(text, complaint, sizeof(complaint));
	DEMAND(memchr(complaint, 0, sizeof(complaint)), "a complaint without an end");
	DEMAND(options.stack_depth >= 1 && options.stack_depth <= OPTIONS_STACK_DEPTH_MAX,
	       "depth %u", options.stack_depth);
	options_read_sample(text);
	options_follow_child("worker", "/srv/bin/worker");
	free(text);
	return 0;
}
