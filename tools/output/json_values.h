/* SPDX-License-Identifier: Apache-2.0 */
/* json_values: single values of JSON out of what the model has. New references. */
#ifndef SEEP_OUTPUT_JSON_VALUES_H
#define SEEP_OUTPUT_JSON_VALUES_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

json_t *json_value_count(uint64_t count);
json_t *json_value_number(double number); /* null where it is not finite */
json_t *
json_value_text(const char *bytes); /* null for a null pointer; what is no UTF-8 is replaced */
json_t *json_value_words(const char *const *words, size_t count);

#endif
