/* SPDX-License-Identifier: Apache-2.0 */
/* report_request: what `seep report` was asked for. */
#ifndef SEEP_COMMANDS_REPORT_REQUEST_H
#define SEEP_COMMANDS_REPORT_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/commands/chosen_settings.h"
#include "tools/model/report.h"
#include "tools/model/threshold.h"
#include "tools/symbols/symbols.h"

struct command;
struct error;
struct operand;
struct sink;
struct suppressions;

enum report_format { REPORT_TEXT, REPORT_JSON };

struct report_request {
	const struct command *command;
	size_t format; /* enum report_format */
	const char *output;
	size_t top;
	bool has_top;
	bool has_full_stacks;
	bool flag_minor;
	bool has_no_builtin;
	uint64_t min_bytes;
	struct symbols_options symbols;
	const char *from, *to;
	struct chosen_settings settings;
	struct thresholds thresholds;
	struct suppressions *suppressions;
};

/* What to look at of one file, and which sites to keep; `thresholds` must live as long as the options. Returns
 * 0, or a negative errno value and a sentence. */
int report_request_range(const struct report_request *request, const struct operand *operand,
			 const struct thresholds *thresholds, struct report_options *range,
			 struct error *error);

/* The report of a FILE or PID, behind what is in the sink already. The sink is opened when there is something
 * to write. Returns 0, or a negative errno value and a sentence. */
int report_request_write(const struct report_request *request, const char *text,
			 struct symbols *symbols, struct sink *sink, bool is_one_line,
			 struct error *error);

#endif
