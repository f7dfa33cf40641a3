/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_scan: what can still be reached, of a site and of the process, in seep.report/1.
 */
#ifndef SEEP_OUTPUT_JSON_SCAN_H
#define SEEP_OUTPUT_JSON_SCAN_H

#include <jansson.h>

struct report;
struct report_site;

/* New references; null (the value of JSON) where no scan ran. */
json_t *json_scan_object(const struct report *report);
json_t *json_reachability_object(const struct report_site *site);

#endif
