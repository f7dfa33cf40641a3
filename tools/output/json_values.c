/* SPDX-License-Identifier: Apache-2.0 */
/* json_values: JSON is UTF-8 and jansson's integers are signed; what comes out of a file is neither. */
#include "tools/output/json_values.h"

#include <math.h>
#include <stdlib.h>

#include "tools/output/utf8.h"

json_t *json_value_count(uint64_t count)
{
	return json_integer(count > INT64_MAX ? INT64_MAX : (json_int_t)count);
}

json_t *json_value_number(double number)
{
	return isfinite(number) ? json_real(number) : json_null();
}

json_t *json_value_text(const char *bytes)
{
	if (!bytes)
		return json_null();
	char *valid = utf8_valid_copy(bytes);
	json_t *result = valid ? json_string(valid) : NULL;
	free(valid);
	return result;
}

json_t *json_value_words(const char *const *words, size_t count)
{
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(array, json_value_text(words[i]));
	return array;
}
