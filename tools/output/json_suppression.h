/* SPDX-License-Identifier: Apache-2.0 */
/* json_suppression: what is known, in seep.report/1 and seep.check/1. */
#ifndef SEEP_OUTPUT_JSON_SUPPRESSION_H
#define SEEP_OUTPUT_JSON_SUPPRESSION_H

#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include "tools/model/suppression.h"

/* By which one a site is not flagged; a new reference, null (the value of JSON) for a null pointer. */
json_t *json_suppression_object(const struct suppression *suppression);

/* An array of all, with what they have met. */
void json_suppression_write_all(FILE *stream, const struct suppressions *suppressions,
				int64_t now_unix_s);

#endif
