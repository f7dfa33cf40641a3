/* SPDX-License-Identifier: Apache-2.0 */
/* json_suppression: the same words as in text, for scripts that keep files of suppressions short. */
#include "tools/output/json_suppression.h"

#include "tools/output/json_values.h"
#include "tools/output/suppression_text.h"

json_t *json_suppression_object(const struct suppression *suppression)
{
	if (!suppression)
		return json_null();
	return json_pack("{s:o, s:o, s:i, s:o}", "name", json_value_text(suppression->name), "file",
			 json_value_text(suppression->path), "line", (int)suppression->line,
			 "reason", json_value_text(suppression->reason));
}

void json_suppression_write_all(FILE *stream, const struct suppressions *suppressions,
				int64_t now_unix_s)
{
	json_t *list = json_array();

	for (size_t i = 0; i < suppressions->count; i++) {
		const struct suppression *suppression = &suppressions->list[i];
		/* Nobody can do without those that are built in and not needed. */
		if (suppression->is_builtin && !suppression->site_count)
			continue;
		json_t *object = json_suppression_object(suppression);
		if (!object)
			continue;
		json_object_set_new(object, "state",
				    json_string(suppression_state(suppression, now_unix_s)));
		json_object_set_new(object, "sites", json_value_count(suppression->site_count));
		json_object_set_new(object, "live_bytes", json_value_count(suppression->bytes));
		json_object_set_new(object, "live_blocks", json_value_count(suppression->blocks));
		json_array_append_new(list, object);
	}
	json_dumpf(list, stream, JSON_COMPACT);
	json_decref(list);
}
