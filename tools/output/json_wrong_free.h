/* SPDX-License-Identifier: Apache-2.0 */
/* json_wrong_free: memory that was freed by the wrong family, in seep.report/1. A new reference. */
#ifndef SEEP_OUTPUT_JSON_WRONG_FREE_H
#define SEEP_OUTPUT_JSON_WRONG_FREE_H

#include <jansson.h>

struct report;

json_t *json_wrong_frees_array(const struct report *report);

#endif
