/* SPDX-License-Identifier: Apache-2.0 */
/*
 * number_text: how numbers are written for people.
 */
#include "tools/output/number_text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *const size_units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
#define SIZE_UNIT_COUNT (sizeof(size_units) / sizeof(*size_units))

/* A unit is left behind at 1000, not at 1024: "1,012 KiB" would have four digits. */
static size_t unit_of(double bytes)
{
	size_t unit = 0;

	/* 999.5 is what %.0f would round to 1000. */
	while (fabs(bytes) >= (unit ? 999.5 : 1024.0) && unit + 1 < SIZE_UNIT_COUNT) {
		bytes /= 1024;
		unit++;
	}
	return unit;
}

static double in_unit(double bytes, size_t unit)
{
	return bytes / pow(1024, (double)unit);
}

/* Digits after the point that leave three significant ones. */
static int decimals_of(double value)
{
	value = fabs(value);
	if (value < 9.995)
		return 2;
	return value < 99.95 ? 1 : 0;
}

static void write_grouped(char *text, size_t size, const char *sign, uint64_t count)
{
	char digits[32];
	int length = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)count);
	size_t used = 0;

	for (; *sign && used + 1 < size; sign++)
		text[used++] = *sign;
	for (int i = 0; i < length && used + 2 < size; i++) {
		if (i > 0 && (length - i) % 3 == 0)
			text[used++] = ',';
		text[used++] = digits[i];
	}
	text[used] = 0;
}

static struct number_text size_text(const char *sign, uint64_t bytes, const char *suffix)
{
	struct number_text result;
	size_t unit = unit_of((double)bytes);

	if (unit == 0) {
		write_grouped(result.text, sizeof(result.text), sign, bytes);
		size_t used = strlen(result.text);
		snprintf(result.text + used, sizeof(result.text) - used, " B%s", suffix);
		return result;
	}
	double value = in_unit((double)bytes, unit);
	/* Below 1 (1000 to 1023 of the smaller unit) the third digit is one place further. */
	snprintf(result.text, sizeof(result.text), "%s%.*f %s%s", sign,
		 value < 0.9995 ? 3 : decimals_of(value), value, size_units[unit], suffix);
	return result;
}

struct number_text number_bytes(uint64_t bytes)
{
	return size_text("", bytes, "");
}

static uint64_t magnitude_of(int64_t value)
{
	return value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
}

static const char *sign_of(int64_t value)
{
	return value < 0 ? "-" : value > 0 ? "+" : "";
}

struct number_text number_bytes_change(int64_t bytes)
{
	return size_text(sign_of(bytes), magnitude_of(bytes), "");
}

struct number_text number_count(uint64_t count)
{
	struct number_text result;

	write_grouped(result.text, sizeof(result.text), "", count);
	return result;
}

struct number_text number_count_change(int64_t count)
{
	struct number_text result;

	write_grouped(result.text, sizeof(result.text), sign_of(count), magnitude_of(count));
	return result;
}

/* Rates beyond this come from two snapshots a moment apart; the digits would mean nothing. */
static double clamped(double value)
{
	return fmax(-9e18, fmin(9e18, value));
}

struct number_text number_rate(double bytes_per_hour)
{
	if (isnan(bytes_per_hour))
		return (struct number_text){"?"};
	int64_t bytes = (int64_t)llround(clamped(bytes_per_hour));
	return size_text(sign_of(bytes), magnitude_of(bytes), "/h");
}

struct number_text number_rate_interval(double bytes_per_hour, double low, double high)
{
	struct number_text result;

	if (isnan(bytes_per_hour) || isnan(low) || isnan(high))
		return (struct number_text){"?"};
	size_t unit = unit_of(bytes_per_hour);
	double values[2] = {in_unit(clamped(low), unit), in_unit(clamped(high), unit)};
	char texts[2][28];
	int decimals = unit ? decimals_of(in_unit(bytes_per_hour, unit)) : 0;

	for (int i = 0; i < 2; i++) {
		if (fabs(values[i]) < 1e6)
			snprintf(texts[i], sizeof(texts[i]), "%.*f", decimals, values[i]);
		else
			snprintf(texts[i], sizeof(texts[i]), "%.2g", values[i]);
	}
	snprintf(result.text, sizeof(result.text), "%s to %s", texts[0], texts[1]);
	return result;
}

struct number_text number_duration(double seconds)
{
	struct number_text result;
	char *text = result.text;
	size_t size = sizeof(result.text);

	if (isnan(seconds) || seconds < 0)
		return (struct number_text){"?"};
	/* Each step begins where rounding would otherwise show "60 s" or "60 m". */
	if (seconds < 0.0000005)
		snprintf(text, size, "0 s");
	else if (seconds < 0.0009995)
		snprintf(text, size, "%.0f us", seconds * 1e6);
	else if (seconds < 0.9995)
		snprintf(text, size, "%.0f ms", seconds * 1e3);
	else if (seconds < 9.95)
		snprintf(text, size, "%.1f s", seconds);
	else if (seconds < 59.5)
		snprintf(text, size, "%.0f s", seconds);
	else if (seconds < 3599.5)
		snprintf(text, size, "%llu m %02llu s", (unsigned long long)(seconds + 0.5) / 60,
			 (unsigned long long)(seconds + 0.5) % 60);
	else if (seconds < 86400 - 30)
		snprintf(text, size, "%llu h %02llu m", (unsigned long long)(seconds + 30) / 3600,
			 (unsigned long long)(seconds + 30) % 3600 / 60);
	else if (seconds < 3.2e11)
		snprintf(text, size, "%llu d %02llu h",
			 (unsigned long long)(seconds + 1800) / 86400,
			 (unsigned long long)(seconds + 1800) % 86400 / 3600);
	else
		snprintf(text, size, "ages");
	return result;
}

struct number_text number_confidence(double probability)
{
	struct number_text result;

	if (isnan(probability))
		return (struct number_text){"?"};
	if (probability > 0.99)
		snprintf(result.text, sizeof(result.text), "over 99 %%");
	else if (probability < 0.01)
		snprintf(result.text, sizeof(result.text), "under 1 %%");
	else
		snprintf(result.text, sizeof(result.text), "%.0f %%", probability * 100);
	return result;
}

struct number_text number_error(double part)
{
	struct number_text number = {""};

	if (!isnan(part))
		snprintf(number.text, sizeof(number.text), part < 0.0095 ? "±%.1f %%" : "±%.0f %%",
			 part * 100);
	return number;
}
