/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chosen_settings: what a command was told, by whom it was told last.
 */
#include "tools/commands/chosen_settings.h"

#include <errno.h>
#include <string.h>

#include "tools/commands/command.h"
#include "tools/model/error.h"

int chosen_settings_make(struct chosen_settings *chosen, struct error *error)
{
	*chosen = (struct chosen_settings){.path = NULL};
	return settings_text_make(&chosen->all, error);
}

void chosen_settings_free(struct chosen_settings *chosen)
{
	settings_file_free(&chosen->file);
	settings_text_free(&chosen->all);
}

int chosen_settings_take(struct chosen_settings *chosen, const struct command *command,
			 const struct command_option *option, const char *value)
{
	const struct setting *setting = settings_find(option->name);
	char shown_as[COMMAND_OPTION_BYTES];
	struct error error;

	if (strcmp(option->name, "settings") == 0) {
		chosen->path = value;
		return 1;
	}
	if (!setting)
		return 0;
	command_option_text(option, 0, shown_as);
	if (!value)
		value = setting_plain_value(setting);
	if (setting_check(setting, shown_as, value, &error) < 0 ||
	    settings_text_set(&chosen->all, setting, value, &error) < 0) {
		command_fail("%s: %s", command->name, error.text);
		return -EINVAL;
	}
	return 1;
}

int chosen_settings_complete(struct chosen_settings *chosen, const char *environment,
			     struct error *error)
{
	struct settings_text under = {0};
	int result = 0;

	if (chosen->path)
		result = settings_file_read(&chosen->file, chosen->path, error);
	if (result == 0 && chosen->path)
		result = settings_text_put_under(&chosen->all, &chosen->file.settings, error);
	if (result < 0 || !environment)
		return result;
	result = settings_text_make(&under, error);
	if (result == 0)
		result = settings_text_read(&under, environment, error);
	if (result == 0)
		result = settings_text_put_under(&chosen->all, &under, error);
	settings_text_free(&under);
	return result;
}

struct thresholds chosen_settings_thresholds(const struct chosen_settings *chosen)
{
	static const struct {
		const char *key;
		enum threshold_kind kind;
	} keys[] = {
		{"max_growth", THRESHOLD_GROWTH},
		{"max_live", THRESHOLD_LIVE},
		{"max_heap_share_of_rss", THRESHOLD_HEAP_SHARE},
		{"max_site_growth", THRESHOLD_SITE_GROWTH},
		{"max_site_live", THRESHOLD_SITE_LIVE},
	};
	struct thresholds thresholds;

	thresholds_clear(&thresholds);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const struct setting *setting = settings_find(keys[i].key);
		const char *value = chosen->all.values[setting - settings_table];
		if (value)
			thresholds.limits[keys[i].kind] = setting_limit(setting, value);
	}
	thresholds.rules = chosen->file.rules;
	thresholds.rule_count = chosen->file.rule_count;
	return thresholds;
}
