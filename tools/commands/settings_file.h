/* SPDX-License-Identifier: Apache-2.0 */
/*
 * settings_file: what is always to be set, out of a file.
 *
 *     # for the nightly run
 *     interval = 1s
 *     max-growth = 10MB/h
 *
 *     [site cache_*]
 *     max-site-live = 256M
 *
 * The keys are those of seep/settings.h, with dashes or underscores. One file serves all commands:
 * each takes what it has options for.
 */
#ifndef SEEP_COMMANDS_SETTINGS_FILE_H
#define SEEP_COMMANDS_SETTINGS_FILE_H

#include <stddef.h>

#include "tools/commands/settings_text.h"
#include "tools/model/threshold.h"

struct error;

struct settings_file {
	struct settings_text settings;
	struct threshold_rule *rules; /* one for each section, in the order of the file */
	size_t rule_count;
};

/* Returns 0, or a negative errno value and a sentence that names file and line; then there is
 * nothing to free. */
int settings_file_read(struct settings_file *file, const char *path, struct error *error);
void settings_file_free(struct settings_file *file);

#endif
