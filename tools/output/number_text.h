/* SPDX-License-Identifier: Apache-2.0 */
/*
 * number_text: how numbers are written for people. The only formatter of numbers in text output.
 *
 * Sizes have three significant digits and binary units, counts have thousands separators:
 *
 *     4.21 MiB   +12.3 KiB   48,211   +4.20 MiB/h   3.2 s   1 m 03 s   2 h 05 m
 *
 * The functions return a struct so that a call can stand inside a printf:
 * printf("%s", number_bytes(n).text).
 */
#ifndef SEEP_OUTPUT_NUMBER_TEXT_H
#define SEEP_OUTPUT_NUMBER_TEXT_H

#include <stdint.h>

struct number_text {
	char text[64]; /* ASCII, but for the sign of number_error */
};

struct number_text number_bytes(uint64_t bytes);
struct number_text number_bytes_change(int64_t bytes); /* with sign */
struct number_text number_count(uint64_t count);
struct number_text number_count_change(int64_t count); /* with sign */

/* What a noun behind that count ends with. */
static inline const char *number_plural(uint64_t count)
{
	return count == 1 ? "" : "s";
}

/* Bytes per hour, with sign and unit; "?" for a value that is no number. */
struct number_text number_rate(double bytes_per_hour);
/* "3.91 to 4.49", in the unit that number_rate would choose for `bytes_per_hour`. */
struct number_text number_rate_interval(double bytes_per_hour, double low, double high);

struct number_text number_duration(double seconds);
/* How far off an estimate may be, as a part of it: "±9 %", "±0.3 %"; "" for NAN. */
struct number_text number_error(double part);
/* A probability: "87 %"; never claims certainty, "over 99 %". */
struct number_text number_confidence(double probability);

#endif
