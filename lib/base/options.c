/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options: the settings of include/seep/settings.h as this process runs with them.
 *
 * The table says which keys exist and what their defaults are; the defaults go through the same
 * parser as what the user wrote. A setting that cannot be understood must not stop somebody's
 * program: it keeps its default and is complained about once (seep run checks before it starts).
 *
 *   Runs in   the target's start-up
 *   Locks     none
 *   Memory    static
 *   Calls     nothing
 *   Failure   a complaint for the caller to print
 */
#include "lib/base/options.h"

#include <string.h>

#include "lib/base/text.h"
#include "seep/file_lending.h"
#include "seep/settings.h"

#include "lib/base/poison.h"

#define SAMPLE_TEXT_BYTES 32u
#define RATE_TEXT_BYTES 32u

/* What is allocated before the settings are read is recorded too. */
struct options options = {
	.stack_depth = OPTIONS_STACK_DEPTH_MAX,
	.max_growth.bytes_per_hour = OPTIONS_NO_LIMIT,
	.max_site_growth.bytes_per_hour = OPTIONS_NO_LIMIT,
	.max_live_bytes = OPTIONS_NO_LIMIT,
	.max_site_live_bytes = OPTIONS_NO_LIMIT,
	.max_heap_share = OPTIONS_NO_LIMIT,
	.near_limit = OPTIONS_NO_LIMIT,
};

static bool read_scaled(const char *value, const char *const *units, const uint64_t *factors,
			uint64_t plain_factor, uint64_t *result)
{
	uint64_t number, fraction = 0, fraction_scale = 1, factor = plain_factor;

	if (!text_read_number(&value, &number))
		return false;
	if (*value == '.') {
		for (value++; *value >= '0' && *value <= '9'; value++) {
			if (fraction_scale < 1000000) {
				fraction = fraction * 10 + (uint64_t)(*value - '0');
				fraction_scale *= 10;
			}
		}
	}
	if (*value != 0) {
		for (; *units != NULL && !text_equal(value, *units); units++)
			factors++;
		if (*units == NULL)
			return false;
		factor = *factors;
	}
	if (__builtin_mul_overflow(number, factor, result) ||
	    __builtin_add_overflow(*result,
				   factor / fraction_scale * fraction +
					   factor % fraction_scale * fraction / fraction_scale,
				   result))
		return false;
	return true;
}

static bool read_duration(const char *value, uint64_t *ns)
{
	static const char *const units[] = {"ns", "us", "ms", "s", "m", "h", NULL};
	static const uint64_t factors[] = {1,	       1000,	     1000000,
					   1000000000, 60000000000u, 3600000000000u};

	return read_scaled(value, units, factors, 1000000000, ns);
}

static bool read_size(const char *value, uint64_t *bytes)
{
	static const char *const units[] = {"B",   "K", "KB", "KiB", "k", "M",	 "MB",
					    "MiB", "G", "GB", "GiB", "T", "TiB", NULL};
	static const uint64_t factors[] = {
		1,	    1ull << 10, 1ull << 10, 1ull << 10, 1ull << 10, 1ull << 20, 1ull << 20,
		1ull << 20, 1ull << 30, 1ull << 30, 1ull << 30, 1ull << 40, 1ull << 40};

	return read_scaled(value, units, factors, 1, bytes);
}

/* A size that may be off. */
static bool read_limit(const char *value, uint64_t *bytes)
{
	if (text_equal(value, "off")) {
		*bytes = OPTIONS_NO_LIMIT;
		return true;
	}
	return read_size(value, bytes) && *bytes != OPTIONS_NO_LIMIT;
}

/* "10MB/h", or off. */
static bool read_rate(const char *value, struct options_rate *rate)
{
	static const struct {
		const char *name;
		uint64_t seconds;
	} units[] = {{"s", 1}, {"min", 60}, {"h", 3600}, {"d", 86400}};
	const uint64_t second_ns = 1000000000;
	char size[RATE_TEXT_BYTES];
	struct text text = TEXT_IN(size);
	const char *slash = value;
	uint64_t bytes;

	*rate = (struct options_rate){.bytes_per_hour = OPTIONS_NO_LIMIT};
	if (text_equal(value, "off"))
		return true;
	while (*slash != 0 && *slash != '/')
		slash++;
	text_add_bytes(&text, value, (size_t)(slash - value));
	if (*slash == 0 || text.is_cut || !read_size(size, &bytes))
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		uint64_t product;

		if (!text_equal(slash + 1, units[i].name))
			continue;
		if (__builtin_mul_overflow(bytes, 3600, &product) ||
		    product > OPTIONS_NO_LIMIT - units[i].seconds)
			return false;
		rate->bytes_per_hour = (product + units[i].seconds - 1) / units[i].seconds;
		rate->per_ns = units[i].seconds * second_ns;
		return true;
	}
	return false;
}

/* "80%", "0.8", or off; in 1/1000. */
static bool read_share(const char *value, uint64_t *share)
{
	static const char *const units[] = {"%", NULL};
	static const uint64_t factors[] = {10};

	if (text_equal(value, "off")) {
		*share = OPTIONS_NO_LIMIT;
		return true;
	}
	return read_scaled(value, units, factors, OPTIONS_SHARE_MAX, share) &&
	       *share <= OPTIONS_SHARE_MAX;
}

static bool read_switch(const char *value, bool *is_on)
{
	*is_on = text_equal(value, "on") || text_equal(value, "1");
	return *is_on || text_equal(value, "off") || text_equal(value, "0");
}

static bool list_begins_with(const char *list, const char *word)
{
	while (*word != 0 && *list == *word) {
		list++;
		word++;
	}
	return *word == 0 && (*list == ',' || *list == 0);
}

static bool list_has(const char *list, const char *word)
{
	while (*list != 0) {
		if (list_begins_with(list, word))
			return true;
		while (*list != 0 && *list++ != ',')
			;
	}
	return false;
}

static bool set_output(const char *value)
{
	struct text text = TEXT_IN(options.output);

	text_add(&text, value);
	return *value != 0 && !text.is_cut;
}

static bool set_children_output(const char *value)
{
	struct text text = TEXT_IN(options.children_output);

	text_add(&text, value);
	return !text.is_cut;
}

static bool set_file_lender(const char *value)
{
	struct text text = TEXT_IN(options.file_lender);

	text_add(&text, value);
	return !text.is_cut && (text.bytes == 0 || text.bytes == sizeof(options.file_lender) - 1);
}

static bool set_tool(const char *value)
{
	struct text text = TEXT_IN(options.tool);

	text_add(&text, value);
	return !text.is_cut;
}

static bool set_interval(const char *value)
{
	uint64_t ns;

	if (text_equal(value, "auto")) {
		options.interval_ns = 0;
		return true;
	}
	if (!read_duration(value, &ns) || ns < 1000000)
		return false;
	options.interval_ns = ns;
	return true;
}

static bool set_scan(const char *value)
{
	uint64_t ns;

	options.scan_interval_ns = 0;
	options.scans_at_exit = !text_equal(value, "off");
	if (text_equal(value, "off") || text_equal(value, "exit"))
		return true;
	if (!read_duration(value, &ns) || ns < OPTIONS_SCAN_INTERVAL_MIN_NS)
		return false;
	options.scan_interval_ns = ns;
	return true;
}

static bool set_growth(const char *value)
{
	if (text_equal(value, "off")) {
		options.growth_bytes = 0;
		return true;
	}
	return read_size(value, &options.growth_bytes);
}

static bool set_near_limit(const char *value)
{
	return read_share(value, &options.near_limit);
}

static bool set_sample(const char *value)
{
	uint64_t bytes = 0;

	/* options_read_sample keeps no more of it. */
	if (text_bytes(value) > SAMPLE_TEXT_BYTES ||
	    (!text_equal(value, "off") &&
	     (!read_size(value, &bytes) || bytes < 1 || bytes > OPTIONS_SAMPLE_MAX)))
		return false;
	options.sample_bytes = bytes;
	return true;
}

static bool set_stack_depth(const char *value)
{
	uint64_t depth;

	if (!text_read_number(&value, &depth) || *value != 0 || depth < 1 ||
	    depth > OPTIONS_STACK_DEPTH_MAX)
		return false;
	options.stack_depth = (uint32_t)depth;
	return true;
}

/* Where a word is wrong nobody knows what was meant by the others. */
static bool set_track(const char *value)
{
	static const char *const words[] = {"malloc", "mmap"};
	static const size_t word_count = sizeof(words) / sizeof(words[0]);

	for (const char *rest = value;; rest++) {
		size_t which = 0;

		while (which < word_count && !list_begins_with(rest, words[which]))
			which++;
		if (which == word_count)
			return false;
		rest += text_bytes(words[which]);
		if (*rest == 0)
			break;
	}
	options.tracks_mmap = list_has(value, "mmap");
	return true;
}

static bool set_allocator(const char *value)
{
	struct text text = TEXT_IN(options.allocator);

	if (text_equal(value, "off")) {
		options.allocator[0] = 0;
		return true;
	}
	for (const char *at = value; *at != 0; at++)
		if (!(*at >= 'a' && *at <= 'z') && !(*at >= 'A' && *at <= 'Z') &&
		    !(*at >= '0' && *at <= '9') && *at != '_')
			return false;
	text_add(&text, value);
	return *value != 0 && !text.is_cut;
}

static bool set_children(const char *value)
{
	struct text names = TEXT_IN(options.children_names);

	options.children = text_equal(value, "all")    ? CHILDREN_ALL
			   : text_equal(value, "none") ? CHILDREN_NONE
						       : CHILDREN_NAMED;
	text_add(&names, value);
	return *value != 0 && !names.is_cut;
}

static bool set_snapshots_by(const char *value)
{
	if (text_equal(value, "process"))
		options.snapshots_by = SNAPSHOTS_BY_PROCESS;
	else if (text_equal(value, "thread"))
		options.snapshots_by = SNAPSHOTS_BY_THREAD;
	else if (text_equal(value, "inline"))
		options.snapshots_by = SNAPSHOTS_BY_INLINE;
	else
		return false;
	return true;
}

static bool set_max_file(const char *value)
{
	uint64_t bytes;

	if (!read_size(value, &bytes) || bytes < (1u << 20))
		return false;
	options.max_file_bytes = bytes;
	return true;
}

static bool set_selfcheck(const char *value)
{
	uint64_t number;

	options.selfcheck_one_in = 0;
	if (text_equal(value, "off"))
		return true;
	if (value[0] != '1')
		return false;
	if (value[1] == 0) {
		options.selfcheck_one_in = 1;
		return true;
	}
	if (value[1] != '/')
		return false;
	value += 2;
	if (!text_read_number(&value, &number) || *value != 0 || number < 1 ||
	    number > OPTIONS_ONE_IN_MAX)
		return false;
	options.selfcheck_one_in = (uint32_t)number;
	return true;
}

static bool set_max_growth(const char *value)
{
	return read_rate(value, &options.max_growth);
}

static bool set_max_live(const char *value)
{
	return read_limit(value, &options.max_live_bytes);
}

static bool set_max_heap_share_of_rss(const char *value)
{
	return read_share(value, &options.max_heap_share);
}

static bool set_max_site_growth(const char *value)
{
	return read_rate(value, &options.max_site_growth);
}

static bool set_max_site_live(const char *value)
{
	return read_limit(value, &options.max_site_live_bytes);
}

static bool set_command_line(const char *value)
{
	return read_switch(value, &options.stores_command_line);
}

static bool set_loss_checks(const char *value)
{
	return read_switch(value, &options.has_loss_checks);
}

static bool set_quiet(const char *value)
{
	return read_switch(value, &options.is_quiet);
}

static bool set_root_pid(const char *value)
{
	uint64_t pid;

	if (!text_read_number(&value, &pid) || *value != 0)
		return false;
	options.root_pid = (uint32_t)pid;
	return true;
}

static const struct setting {
	const char *key;
	const char *initial;
	bool (*set)(const char *value);
} settings[] = {
#define SETTING_ROW(key, letter, type, values, initial, help) {#key, initial, set_##key},
	SEEP_SETTINGS(SETTING_ROW)
	/* Not for users: seep run tells which process is the first one, where the others go, who begins
	 * files for those that cannot, and where it is itself. */
	{"root_pid", "0", set_root_pid},
	{"children_output", "", set_children_output},
	{SEEP_LENDER_SETTING, "", set_file_lender},
	{"tool", "", set_tool},
};

#define SETTING_COUNT (sizeof(settings) / sizeof(settings[0]))

static void complain(struct text *complaint, const char *what, const char *setting)
{
	if (complaint->bytes > 0)
		return;
	text_add(complaint, "SEEP_OPTIONS: ");
	text_add(complaint, what);
	text_add(complaint, " '");
	text_add(complaint, setting);
	text_add(complaint, "'; see 'seep run --help'");
}

static void set_one(char *setting, struct text *complaint)
{
	char *value = setting;

	if (*setting == 0)
		return;
	while (*value != 0 && *value != '=')
		value++;
	if (*value == '=') {
		*value = 0;
		for (size_t i = 0; i < SETTING_COUNT; i++) {
			if (!text_equal(settings[i].key, setting))
				continue;
			if (!settings[i].set(value + 1)) {
				settings[i].set(settings[i].initial);
				*value = '=';
				complain(complaint, "cannot use", setting);
			}
			return;
		}
		*value = '=';
	}
	complain(complaint, "there is no setting", setting);
}

void options_parse(const char *text, char *complaint, size_t complaint_bytes)
{
	struct text complaints = {.start = complaint, .capacity = complaint_bytes};
	char setting[PATH_MAX + 64];
	size_t bytes = 0;

	complaint[0] = 0;
	for (size_t i = 0; i < SETTING_COUNT; i++)
		settings[i].set(settings[i].initial);
	if (text == NULL)
		return;
	for (;; text++) {
		char c = *text;

		if (c == 0 || c == ':') {
			setting[bytes] = 0;
			set_one(setting, &complaints);
			bytes = 0;
			if (c == 0)
				return;
			continue;
		}
		if (c == '\\' && (text[1] == ':' || text[1] == '\\'))
			c = *++text;
		if (bytes + 1 < sizeof(setting))
			setting[bytes++] = c;
	}
}

uint64_t options_read_sample(const char *text)
{
	static const char key[] = "sample=";
	const size_t key_bytes = sizeof(key) - 1;
	char setting[sizeof(key) + SAMPLE_TEXT_BYTES + 1];

	options.sample_bytes = 0;
	for (bool is_end = text == NULL; !is_end; text++) {
		size_t bytes = 0;

		for (; *text != 0 && *text != ':'; text++) {
			if (*text == '\\' && (text[1] == ':' || text[1] == '\\'))
				text++;
			if (bytes + 1 < sizeof(setting))
				setting[bytes++] = *text;
		}
		setting[bytes] = 0;
		is_end = *text == 0;
		/* As options_parse: the last one counts, and a wrong one means the default. */
		if (bytes > key_bytes && memcmp(setting, key, key_bytes) == 0 &&
		    !set_sample(setting + key_bytes))
			options.sample_bytes = 0;
	}
	return options.sample_bytes;
}

/* Whether the list has the path itself, or a folder above it. */
static bool list_leads_to(const char *list, const char *path)
{
	while (*list != 0) {
		bool is_path = *list == '/';
		const char *rest = path;
		for (; *list != 0 && *list != ',' && *rest == *list; list++)
			rest++;
		bool has_all = *list == 0 || *list == ',';
		if (is_path && has_all && (*rest == 0 || *rest == '/' || rest[-1] == '/'))
			return true;
		while (*list != 0 && *list++ != ',')
			;
	}
	return false;
}

bool options_follow_child(const char *name, const char *path)
{
	switch (options.children) {
	case CHILDREN_ALL:
		return true;
	case CHILDREN_NONE:
		return false;
	case CHILDREN_NAMED:
		/* The kernel cuts the name of a process after 15 bytes. */
		return list_has(options.children_names, name) ||
		       list_has(options.children_names, text_file_name(path)) ||
		       list_leads_to(options.children_names, path);
	}
	return true;
}
