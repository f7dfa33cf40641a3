/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_memory: the memory of the process as a whole, in seep.report/1.
 */
#ifndef SEEP_OUTPUT_JSON_MEMORY_H
#define SEEP_OUTPUT_JSON_MEMORY_H

#include <jansson.h>

struct report;

/* A new object; null without memory. */
json_t *json_memory_object(const struct report *report);

#endif
