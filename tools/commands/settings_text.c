/* SPDX-License-Identifier: Apache-2.0 */
/* settings_text: one parser for --interval=5s and for SEEP_OPTIONS=interval=5s. */
#include "tools/commands/settings_text.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "seep/file_lending.h"
#include "seep/settings.h"
#include "tools/model/error.h"

/* What names of functions are made of. */
#define PREFIX_MAX 31
#define PREFIX_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"

enum setting_type { PATH, DURATION, SIZE, COUNT, CHOICE, LIST, SHARE, RATE, PERCENT, SCHEDULE, PREFIX };

const struct setting settings_table[] = {
#define SETTING_ROW(key_, letter_, type_, values_, initial_, help_)                                \
	{.key = #key_, .values = (values_), .initial = (initial_), .type = (type_)},
	SEEP_SETTINGS(SETTING_ROW)
#undef SETTING_ROW
		{0},
};

#define SETTING_COUNT (sizeof(settings_table) / sizeof(settings_table[0]) - 1)

/* What the library can keep; see lib/base/options.h. */
#define STACK_DEPTH_MAX 512
#define ONE_IN_MAX 1000000000
#define CHILDREN_NAMES_BYTES 1024
#define INTERVAL_MIN_NS 1000000u
#define SCHEDULE_MIN_NS 10000000u
#define FILE_MIN_BYTES (1u << 20)
#define SAMPLE_MAX_BYTES (1u << 30)
#define RATE_SIZE_BYTES 32
#define SHARE_MAX 1000u

struct unit {
	const char *name;
	uint64_t factor;
};

static const struct unit duration_units[] = {
	{"", 1000000000},  {"ns", 1},	       {"us", 1000},	     {"ms", 1000000},
	{"s", 1000000000}, {"m", 60000000000}, {"h", 3600000000000}, {NULL, 0},
};

static const struct unit size_units[] = {
	{"", 1},
	{"B", 1},
	{"k", 1ull << 10},
	{"K", 1ull << 10},
	{"KB", 1ull << 10},
	{"KiB", 1ull << 10},
	{"M", 1ull << 20},
	{"MB", 1ull << 20},
	{"MiB", 1ull << 20},
	{"G", 1ull << 30},
	{"GB", 1ull << 30},
	{"GiB", 1ull << 30},
	{"T", 1ull << 40},
	{"TiB", 1ull << 40},
	{NULL, 0},
};

static const struct unit share_units[] = {{"", SHARE_MAX}, {"%", SHARE_MAX / 100}, {NULL, 0}};

/* What stands behind the slash of a rate, in seconds. */
static const struct unit rate_units[] = {
	{"s", 1}, {"min", 60}, {"h", 3600}, {"d", 86400}, {NULL, 0},
};

const struct setting *settings_find(const char *key)
{
	for (const struct setting *setting = settings_table; setting->key; setting++)
		if (strcmp(setting->key, key) == 0)
			return setting;
	return NULL;
}

const char *setting_plain_value(const struct setting *setting)
{
	return setting->type == SHARE ? "1" : "on";
}

/* "1.5GiB" in the smallest unit. Only plain decimals: strtod would take "inf", "0x10" and, in some
 * countries, a comma. */
static bool read_amount(const char *value, const struct unit *units, uint64_t *amount)
{
	size_t digits = strspn(value, "0123456789"), fraction_digits = 0;

	if (!digits)
		return false;
	if (value[digits] == '.')
		fraction_digits = 1 + strspn(value + digits + 1, "0123456789");
	for (const char *unit_name = value + digits + fraction_digits; units->name; units++) {
		if (strcmp(unit_name, units->name) != 0)
			continue;
		long double exact = (long double)units->factor * strtoull(value, NULL, 10);
		long double scale = units->factor;
		for (size_t i = 1; i < fraction_digits; i++)
			exact += (value[digits + i] - '0') * (scale /= 10);
		if (digits > 19 || exact >= (long double)UINT64_MAX)
			return false;
		*amount = (uint64_t)exact;
		return true;
	}
	return false;
}

/* "10MB/h" in bytes an hour. */
static bool read_rate(const char *value, double *bytes_per_hour)
{
	size_t length = strcspn(value, "/");
	char size[RATE_SIZE_BYTES];
	uint64_t bytes, product;

	if (length >= sizeof(size) || !value[length])
		return false;
	memcpy(size, value, length);
	size[length] = '\0';
	if (!read_amount(size, size_units, &bytes))
		return false;
	for (const struct unit *unit = rate_units; unit->name; unit++) {
		if (strcmp(value + length + 1, unit->name) != 0)
			continue;
		if (__builtin_mul_overflow(bytes, 3600, &product) ||
		    product > UINT64_MAX - unit->factor)
			return false;
		*bytes_per_hour = (double)bytes * 3600 / (double)unit->factor;
		return true;
	}
	return false;
}

static bool read_share(const char *value, uint64_t *share)
{
	return read_amount(value, share_units, share) && *share <= SHARE_MAX;
}

/* Is the word of `length` bytes one of those in `choices`, which are separated by `separator`? */
static bool is_among(const char *word, size_t length, const char *choices, char separator)
{
	for (;;) {
		size_t choice_length = strcspn(choices, (char[]){separator, '\0'});
		if (choice_length == length && memcmp(choices, word, length) == 0)
			return true;
		if (!choices[choice_length])
			return false;
		choices += choice_length + 1;
	}
}

static int refuse(const char *shown_as, const char *value, const char *wanted, struct error *error)
{
	return error_set(error, EINVAL, "%s: '%s' is not possible; give %s", shown_as, value,
			 wanted);
}

static int check_path(const char *shown_as, const char *value, struct error *error)
{
	if (!*value)
		return refuse(shown_as, value, "the name of a file", error);
	if (strlen(value) >= PATH_MAX)
		return error_set(error, ENAMETOOLONG, "%s: the name is longer than %d bytes",
				 shown_as, PATH_MAX - 1);
	for (const char *percent = value; (percent = strchr(percent, '%')); percent += 2) {
		if (!percent[1] || !strchr("pe%", percent[1]))
			return refuse(shown_as, value,
				      "%p for the pid, %e for the program's name, %% for a "
				      "percent sign, and no other %",
				      error);
	}
	return 0;
}

static int check_list(const struct setting *setting, const char *shown_as, const char *value,
		      struct error *error)
{
	bool is_track = strcmp(setting->key, "track") == 0;

	if (strlen(value) >= CHILDREN_NAMES_BYTES)
		return error_set(error, E2BIG, "%s: the list is longer than %d bytes", shown_as,
				 CHILDREN_NAMES_BYTES - 1);
	for (const char *word = value;; word++) {
		size_t length = strcspn(word, ",");
		if (!length || (is_track && !is_among(word, length, "malloc,mmap", ',')))
			return refuse(shown_as, value,
				      is_track ? "malloc or malloc,mmap"
					       : "all, none, or names and folders separated by "
						 "commas",
				      error);
		word += length;
		if (!*word)
			return 0;
	}
}

/* Some settings of type SIZE have limits of their own. */
static int check_size(const struct setting *setting, const char *shown_as, const char *value,
		      struct error *error)
{
	bool is_max_file = strcmp(setting->key, "max_file") == 0;
	bool is_sample = strcmp(setting->key, "sample") == 0;
	uint64_t amount;

	if (!is_max_file && strcmp(value, "off") == 0)
		return 0;
	if (read_amount(value, size_units, &amount) && (!is_max_file || amount >= FILE_MIN_BYTES) &&
	    (!is_sample || (amount >= 1 && amount <= SAMPLE_MAX_BYTES)))
		return 0;
	return refuse(shown_as, value,
		      is_max_file ? "a size of at least 1M such as 64M, 1G"
		      : is_sample ? "off, or a size from 1 to 1G such as 64K, 512K, 2M"
				  : "off, or a size such as 512K, 64M, 1G",
		      error);
}

int setting_check(const struct setting *setting, const char *shown_as, const char *value,
		  struct error *error)
{
	uint64_t amount;
	double rate;
	bool is_initial = strcmp(value, setting->initial) == 0, is_interval;

	if (strchr(value, '\n'))
		return error_set(error, EINVAL, "%s: the value must be one line", shown_as);
	switch ((enum setting_type)setting->type) {
	case PATH:
		return check_path(shown_as, value, error);
	case DURATION:
		if (is_initial ||
		    (read_amount(value, duration_units, &amount) && amount >= INTERVAL_MIN_NS))
			return 0;
		is_interval = strcmp(setting->key, "interval") == 0;
		return refuse(shown_as, value,
			      is_interval ? "auto, or a time of at least 1ms such as 200ms, 5s, 10m"
					  : "a time of at least 1ms such as 200ms, 5s, 10m",
			      error);
	case SIZE:
		return check_size(setting, shown_as, value, error);
	case COUNT:
		if (*value && strspn(value, "0123456789") == strlen(value) && strlen(value) < 10 &&
		    atoi(value) >= 1 && atoi(value) <= STACK_DEPTH_MAX)
			return 0;
		return refuse(shown_as, value, "a number from 1 to 512", error);
	case CHOICE:
		if (is_among(value, strlen(value), setting->values, '|') ||
		    (strcmp(setting->values, "on|off") == 0 &&
		     is_among(value, strlen(value), "1|0", '|')))
			return 0;
		return error_set(error, EINVAL, "%s: '%s' is not possible; choose %s", shown_as,
				 value, setting->values);
	case LIST:
		return check_list(setting, shown_as, value, error);
	case SHARE:
		if (strcmp(value, "off") == 0 || strcmp(value, "1") == 0)
			return 0;
		if (strncmp(value, "1/", 2) == 0 && value[2] &&
		    strspn(value + 2, "0123456789") == strlen(value + 2) &&
		    strlen(value + 2) <= 10 && atoll(value + 2) >= 1 &&
		    atoll(value + 2) <= ONE_IN_MAX)
			return 0;
		return refuse(shown_as, value, "off, 1, or 1/N for one in N such as 1/1000", error);
	case RATE:
		if (strcmp(value, "off") == 0 || read_rate(value, &rate))
			return 0;
		return refuse(shown_as, value,
			      "off, or a size and the time for it such as 10MB/h, 1G/d, 200K/min",
			      error);
	case PERCENT:
		if (strcmp(value, "off") == 0 || read_share(value, &amount))
			return 0;
		return refuse(shown_as, value, "off, or a part up to 100% such as 80% or 0.8",
			      error);
	case SCHEDULE:
		if (strcmp(value, "off") == 0 || strcmp(value, "exit") == 0 ||
		    (read_amount(value, duration_units, &amount) && amount >= SCHEDULE_MIN_NS))
			return 0;
		return refuse(shown_as, value,
			      "off, exit, or a time of at least 10ms such as 30s, 5m", error);
	case PREFIX:
		if (*value && strlen(value) <= PREFIX_MAX &&
		    strspn(value, PREFIX_CHARACTERS) == strlen(value))
			return 0;
		return refuse(shown_as, value, "off, or a prefix such as je_", error);
	}
	return 0;
}

double setting_limit(const struct setting *setting, const char *value)
{
	uint64_t amount;
	double rate;

	switch ((enum setting_type)setting->type) {
	case RATE:
		return read_rate(value, &rate) ? rate : INFINITY;
	case PERCENT:
		return read_share(value, &amount) ? (double)amount / SHARE_MAX : INFINITY;
	default:
		return read_amount(value, size_units, &amount) ? (double)amount : INFINITY;
	}
}

int settings_text_make(struct settings_text *text, struct error *error)
{
	text->values = calloc(SETTING_COUNT, sizeof(char *));
	return text->values ? 0 : error_set(error, ENOMEM, "out of memory");
}

void settings_text_free(struct settings_text *text)
{
	for (size_t i = 0; text->values && i < SETTING_COUNT; i++)
		free(text->values[i]);
	free(text->values);
	text->values = NULL;
}

int settings_text_set(struct settings_text *text, const struct setting *setting, const char *value,
		      struct error *error)
{
	char *copy = strdup(value);

	if (!copy)
		return error_set(error, ENOMEM, "out of memory");
	free(text->values[setting - settings_table]);
	text->values[setting - settings_table] = copy;
	return 0;
}

int settings_text_put_under(struct settings_text *text, const struct settings_text *under,
			    struct error *error)
{
	int result = 0;

	for (size_t i = 0; result == 0 && i < SETTING_COUNT; i++)
		if (!text->values[i] && under->values[i])
			result = settings_text_set(text, &settings_table[i], under->values[i],
						   error);
	return result;
}

const char *settings_text_get(const struct settings_text *text, const char *key)
{
	const struct setting *setting = settings_find(key);

	if (!setting)
		return NULL;
	const char *value = text->values[setting - settings_table];
	return value ? value : setting->initial;
}

bool settings_text_is_on(const struct settings_text *text, const char *key)
{
	const char *value = settings_text_get(text, key);

	return value && (strcmp(value, "on") == 0 || strcmp(value, "1") == 0);
}

static void drop(struct settings_text *text, const struct setting *setting)
{
	free(text->values[setting - settings_table]);
	text->values[setting - settings_table] = NULL;
}

/* One key=value, already without escapes. */
static int read_one(struct settings_text *text, char *pair, struct error *error)
{
	char shown_as[64], *value = strchr(pair, '=');

	if (value)
		*value++ = '\0';
	const struct setting *setting = settings_find(pair);
	/* Left behind by an outer `seep run`, as the last ones; not for users. Its file is not ours. */
	if (strcmp(pair, "root_pid") == 0)
		drop(text, settings_find("output"));
	if (strcmp(pair, "root_pid") == 0 || strcmp(pair, "children_output") == 0 ||
	    strcmp(pair, SEEP_LENDER_SETTING) == 0 || strcmp(pair, "tool") == 0)
		return 0;
	if (!setting || !value)
		return error_set(error, EINVAL,
				 setting ? "%s: '%s' has no value; write %s=VALUE"
					 : "%s: there is no setting '%s'; see 'seep run --help'",
				 SEEP_OPTIONS_VARIABLE, pair, pair);
	snprintf(shown_as, sizeof(shown_as), "%s: %s", SEEP_OPTIONS_VARIABLE, pair);
	int result = setting_check(setting, shown_as, value, error);
	return result < 0 ? result : settings_text_set(text, setting, value, error);
}

int settings_text_read(struct settings_text *text, const char *options, struct error *error)
{
	char *pair = malloc(strlen(options) + 1);
	size_t length = 0;
	int result = 0;

	if (!pair)
		return error_set(error, ENOMEM, "out of memory");
	for (; result == 0; options++) {
		if (!*options || *options == ':') {
			pair[length] = '\0';
			if (length)
				result = read_one(text, pair, error);
			length = 0;
			if (!*options)
				break;
			continue;
		}
		if (*options == '\\' && (options[1] == ':' || options[1] == '\\'))
			options++;
		pair[length++] = *options;
	}
	free(pair);
	return result;
}

void settings_text_put_value(FILE *out, const char *value)
{
	for (; *value; value++) {
		if (*value == ':' || *value == '\\')
			fputc('\\', out);
		fputc(*value, out);
	}
}

char *settings_text_write(const struct settings_text *text)
{
	char *options = NULL;
	size_t bytes;
	FILE *out = open_memstream(&options, &bytes);

	if (!out)
		return NULL;
	for (size_t i = 0; i < SETTING_COUNT; i++) {
		if (!text->values[i])
			continue;
		fprintf(out, "%s%s=", ftell(out) > 0 ? ":" : "", settings_table[i].key);
		settings_text_put_value(out, text->values[i]);
	}
	if (fclose(out) == 0)
		return options;
	free(options);
	return NULL;
}
