/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_wrong_free: also those that somebody knows, as sites that are known are there.
 */
#include "tools/output/json_wrong_free.h"

#include "tools/model/allocator_family.h"
#include "tools/model/profile.h"
#include "tools/model/wrong_free.h"
#include "tools/output/json_site.h"
#include "tools/output/json_suppression.h"
#include "tools/output/json_values.h"

/* Of the free that has ended the program: why, and where in which live block it points. */
static void add_fatal(json_t *object, const struct fatal_free *fatal)
{
	json_object_set_new(object, "message",
			    fatal ? json_value_text(fatal->message) : json_null());
	json_object_set_new(object, "block",
			    fatal && fatal->raw.allocated_by
				    ? json_pack("{s:o, s:o}", "bytes",
						json_value_count(fatal->raw.block_bytes), "offset",
						json_value_count(fatal->raw.block_offset))
				    : json_null());
}

static json_t *wrong_free_object(const struct wrong_free *wrong)
{
	const char *allocator = wrong->allocator ? allocator_family_word(wrong->allocator) : NULL;
	json_t *object = json_pack(
		"{s:s, s:s, s:o, s:s, s:b, s:o, s:o, s:o, s:o}", "id", wrong->freed.id, "kind",
		wrong->fatal ? "fatal" : "family", "allocated_with", json_value_text(allocator),
		"freed_with", allocator_family_word(wrong->freed.freed_with), "flagged",
		wrong->freed.suppression == NULL, "samples", json_value_count(wrong->samples),
		"suppressed_by", json_suppression_object(wrong->freed.suppression), "allocated_by",
		json_stack(&wrong->allocated), "freed_by", json_stack(&wrong->freed));

	if (object)
		add_fatal(object, wrong->fatal);
	return object;
}

json_t *json_wrong_frees_array(const struct report *report)
{
	json_t *list = json_array();

	for (size_t i = 0; i < report->wrong_free_count; i++)
		json_array_append_new(list, wrong_free_object(&report->wrong_frees[i]));
	return list;
}
