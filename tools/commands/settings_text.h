/* SPDX-License-Identifier: Apache-2.0 */
/*
 * settings_text: the value of SEEP_OPTIONS, checked and put together.
 *
 * The library reads the same text once more in the target (lib/base/options.c), where a mistake
 * can only be complained about; here it is found before the program is started. The two accept
 * the same: tests/unit/tools/test_settings_text.c.
 */
#ifndef SEEP_COMMANDS_SETTINGS_TEXT_H
#define SEEP_COMMANDS_SETTINGS_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct error;

/* One for each line of the table in seep/settings.h, in its order; ends with a null key. */
struct setting {
	const char *key;     /* with underscores */
	const char *values;  /* the column `values` */
	const char *initial; /* the default */
	int type;	     /* private */
};
extern const struct setting settings_table[];
const struct setting *settings_find(const char *key);

/* What its option means without a value, where it may stand so. */
const char *setting_plain_value(const struct setting *setting);

/* Checks a value. -EINVAL and a sentence that calls the setting `shown_as` ("--interval"). */
int setting_check(const struct setting *setting, const char *shown_as, const char *value,
		  struct error *error);

/* What a checked value of a threshold limits: bytes, bytes an hour, or a part; INFINITY for off. */
double setting_limit(const struct setting *setting, const char *value);

/* The settings that were chosen, by index in settings_table; null where the default counts. Values
 * are owned. */
struct settings_text {
	char **values;
};

int settings_text_make(struct settings_text *text, struct error *error);
void settings_text_free(struct settings_text *text);
int settings_text_set(struct settings_text *text, const struct setting *setting, const char *value,
		      struct error *error);
/* Takes from `under` what was not chosen. */
int settings_text_put_under(struct settings_text *text, const struct settings_text *under,
			    struct error *error);
/* The chosen value, or the default. */
const char *settings_text_get(const struct settings_text *text, const char *key);

/* Of a setting that is on or off. */
bool settings_text_is_on(const struct settings_text *text, const char *key);

/* Reads key=value:key=value as found in the environment and checks everything. */
int settings_text_read(struct settings_text *text, const char *options, struct error *error);

/* Writes key=value:key=value, with : and \ escaped; for free(). Null: no memory. */
char *settings_text_write(const struct settings_text *text);
/* One value as it stands there. */
void settings_text_put_value(FILE *out, const char *value);

#endif
