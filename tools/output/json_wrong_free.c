/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_wrong_free: also those that somebody knows, as sites that are known are there.
 */
#include "tools/output/json_wrong_free.h"

#include "tools/model/allocator_family.h"
#include "tools/model/wrong_free.h"
#include "tools/output/json_site.h"
#include "tools/output/json_suppression.h"
#include "tools/output/json_values.h"

static json_t *wrong_free_object(const struct wrong_free *wrong)
{
	return json_pack(
		"{s:s, s:s, s:s, s:s, s:b, s:o, s:o, s:o, s:o}", "id", wrong->freed.id, "kind",
		"family", "allocated_with", allocator_family_word(wrong->allocator), "freed_with",
		allocator_family_word(wrong->freed.freed_with), "flagged", wrong->freed.suppression == NULL,
		"samples", json_value_count(wrong->samples), "suppressed_by",
		json_suppression_object(wrong->freed.suppression), "allocated_by",
		json_stack(&wrong->allocated), "freed_by", json_stack(&wrong->freed));
}

json_t *json_wrong_frees_array(const struct report *report)
{
	json_t *list = json_array();

	for (size_t i = 0; i < report->wrong_free_count; i++)
		json_array_append_new(list, wrong_free_object(&report->wrong_frees[i]));
	return list;
}
