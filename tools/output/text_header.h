/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text_header: the lines about the process that stand before its sites.
 */
#ifndef SEEP_OUTPUT_TEXT_HEADER_H
#define SEEP_OUTPUT_TEXT_HEADER_H

#include <stdint.h>
#include <stdio.h>

struct profile;
struct report;
struct text_style;

/* "server (pid 4711)", then command, time, memory, activity; what was lost and what is damaged only
 * where something is. */
void text_header_write(FILE *stream, const struct text_style *style, const struct report *report);

/* "2026-11-21 01:50:12" in the reader's time zone, "?" for 0. `text` has 32 bytes. */
const char *text_header_clock(uint64_t unix_ns, char *text);

#endif
