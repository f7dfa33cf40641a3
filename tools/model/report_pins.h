/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report_pins: the sites that pin free memory, as sites of the report. For tools/model only.
 */
#ifndef SEEP_MODEL_REPORT_PINS_H
#define SEEP_MODEL_REPORT_PINS_H

#include <stdbool.h>

struct arena;
struct report;

/* Fills report->pins where much is pinned; its sites and its process_memory must be there. Returns false
 * without memory. */
bool report_pins_make(struct report *report, struct arena *arena);

#endif
