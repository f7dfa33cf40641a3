/* SPDX-License-Identifier: Apache-2.0 */
/*
 * settings_file: what is always to be set, out of a file.
 *
 * Every line is checked, also those that the command at hand has no use for: a mistake in it would
 * otherwise be found by the next command.
 */
#include "tools/commands/settings_file.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/model/error.h"
#include "tools/model/named_file.h"

/* A file of settings is short; what is longer is another file. */
#define FILE_MAX_BYTES (1u << 20)
/* U+FEFF in UTF-8, which some editors put before the first line, and nobody sees. */
#define BYTE_ORDER_MARK "\xef\xbb\xbf"

struct reader {
	struct settings_file *file;
	const char *path;
	unsigned line;
	struct threshold_rule *rule; /* of the section; null before the first one */
	struct error *error;
};

static int fail(const struct reader *reader, const char *what, const char *text, const char *advice)
{
	return error_set(reader->error, EINVAL, "%s:%u: %s '%s'; %s", reader->path, reader->line,
			 what, text, advice);
}

/* Without the blanks around it. */
static char *trimmed(char *text)
{
	char *end = text + strlen(text);

	while (end > text && isspace((unsigned char)end[-1]))
		*--end = '\0';
	while (isspace((unsigned char)*text))
		text++;
	return text;
}

/* "[site GLOB]", where GLOB may have brackets of its own. */
static int begin_section(struct reader *reader, char *line)
{
	static const char advice[] = "sections are written [site FUNCTION]";
	static const char kind[] = "[site";
	struct settings_file *file = reader->file;
	size_t length = strlen(line);

	if (strncmp(line, kind, sizeof(kind) - 1) != 0 || line[length - 1] != ']' ||
	    !isspace((unsigned char)line[sizeof(kind) - 1]))
		return fail(reader, "there is no section", line, advice);
	line[length - 1] = '\0';
	const char *function = trimmed(line + sizeof(kind) - 1);
	if (!*function)
		return fail(reader, "a function is missing in", kind, advice);

	struct threshold_rule *longer =
		reallocarray(file->rules, file->rule_count + 1, sizeof(*file->rules));
	if (!longer)
		return error_set(reader->error, ENOMEM, "out of memory");
	file->rules = longer;
	reader->rule = &file->rules[file->rule_count];
	for (size_t kind_index = 0; kind_index < THRESHOLD_KINDS; kind_index++)
		reader->rule->limits[kind_index] = NAN;
	reader->rule->function = strdup(function);
	if (!reader->rule->function)
		return error_set(reader->error, ENOMEM, "out of memory");
	file->rule_count++;
	return 0;
}

static int set(struct reader *reader, char *line)
{
	char key[64], shown_as[sizeof(key) + 512];
	char *value = strchr(line, '=');
	int result;

	if (!value)
		return fail(reader, "there is no '=' in", line, "lines are written KEY = VALUE");
	*value++ = '\0';
	line = trimmed(line);
	value = trimmed(value);
	snprintf(key, sizeof(key), "%s", line);
	for (char *c = key; *c; c++)
		if (*c == '-')
			*c = '_';
	const struct setting *setting = strlen(line) < sizeof(key) ? settings_find(key) : NULL;
	if (!setting)
		return fail(reader, "there is no setting", line, "see 'seep run --help'");
	snprintf(shown_as, sizeof(shown_as), "%.400s:%u: %s", reader->path, reader->line, line);
	result = setting_check(setting, shown_as, value, reader->error);
	if (result < 0)
		return result;
	if (!reader->rule)
		return settings_text_set(&reader->file->settings, setting, value, reader->error);
	if (strcmp(key, "max_site_growth") == 0)
		reader->rule->limits[THRESHOLD_SITE_GROWTH] = setting_limit(setting, value);
	else if (strcmp(key, "max_site_live") == 0)
		reader->rule->limits[THRESHOLD_SITE_LIVE] = setting_limit(setting, value);
	else
		return fail(reader, "a section for sites cannot have", line,
			    "only max-site-growth and max-site-live; write it above the sections");
	return 0;
}

static int read_line(struct reader *reader, char *line)
{
	line = trimmed(line);
	if (!*line || *line == '#')
		return 0;
	return *line == '[' ? begin_section(reader, line) : set(reader, line);
}

/* The whole file as a text. */
static int slurp(const char *path, char **text, struct error *error)
{
	size_t bytes;
	int result = named_file_read(path, FILE_MAX_BYTES, text, &bytes);

	if (result == 0 && !memchr(*text, '\0', bytes))
		return 0;
	if (result == 0 || result == -EFBIG)
		return error_set(error, EINVAL,
				 "%s is no file of settings: it is %s; give one with lines "
				 "KEY = VALUE",
				 path, result < 0 ? "larger than 1 MiB" : "no text");
	return error_set(error, -result, "cannot read the settings in %s: %s", path,
			 named_file_why(-result));
}

int settings_file_read(struct settings_file *file, const char *path, struct error *error)
{
	struct reader reader = {.file = file, .path = path, .error = error};
	char *text, *rest;
	int result;

	*file = (struct settings_file){.rule_count = 0};
	result = slurp(path, &text, error);
	if (result == 0)
		result = settings_text_make(&file->settings, error);
	rest = text;
	if (rest && strncmp(rest, BYTE_ORDER_MARK, strlen(BYTE_ORDER_MARK)) == 0)
		rest += strlen(BYTE_ORDER_MARK);
	while (result == 0 && rest) {
		reader.line++;
		result = read_line(&reader, strsep(&rest, "\n"));
	}
	free(text);
	if (result < 0)
		settings_file_free(file);
	return result;
}

void settings_file_free(struct settings_file *file)
{
	for (size_t i = 0; i < file->rule_count; i++)
		free(file->rules[i].function);
	free(file->rules);
	settings_text_free(&file->settings);
	*file = (struct settings_file){.rule_count = 0};
}
