/* SPDX-License-Identifier: Apache-2.0 */
/*
 * utf8: characters out of bytes that nobody vouches for.
 *
 * wcwidth() and mbrtowc() would do, but they follow the process's locale, and the same report must
 * come out the same under LANG=C with a file full of UTF-8. The table of wide characters is the
 * short one: the blocks of Unicode's EastAsianWidth.txt that are W or F as a whole.
 */
#include "tools/output/utf8.h"

#include <stdlib.h>
#include <string.h>

struct character_range {
	uint32_t first, last;
};

static const struct character_range wide_ranges[] = {
	{0x1100, 0x115f},   {0x2e80, 0x303e},	{0x3041, 0x33ff},   {0x3400, 0x4dbf},
	{0x4e00, 0x9fff},   {0xa000, 0xa4cf},	{0xa960, 0xa97f},   {0xac00, 0xd7a3},
	{0xf900, 0xfaff},   {0xfe30, 0xfe6f},	{0xff01, 0xff60},   {0xffe0, 0xffe6},
	{0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd},
};

static const struct character_range zero_ranges[] = {
	{0x0300, 0x036f}, {0x0483, 0x0489}, {0x0591, 0x05bd}, {0x0610, 0x061a},
	{0x064b, 0x065f}, {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff}, {0x200b, 0x200d},
	{0x20d0, 0x20ff}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}, {0xfeff, 0xfeff},
};

/* Direction marks and overrides can make a line read as another one ("Trojan Source"). */
static const struct character_range unsafe_ranges[] = {
	{0x00, 0x1f},	  {0x7f, 0x9f},	    {0x200e, 0x200f},
	{0x2028, 0x202e}, {0x2066, 0x2069}, {0xfff9, 0xfffb},
};

#define RANGE_HAS(ranges, character)                                                               \
	range_has(ranges, sizeof(ranges) / sizeof(*(ranges)), character)

static bool range_has(const struct character_range *ranges, size_t count, uint32_t character)
{
	for (size_t i = 0; i < count; i++)
		if (character >= ranges[i].first && character <= ranges[i].last)
			return true;
	return false;
}

uint32_t utf8_next(const char **text)
{
	const unsigned char *bytes = (const unsigned char *)*text;
	static const uint32_t smallest[] = {0, 0x80, 0x800, 0x10000};
	uint32_t character = bytes[0];
	int following = 0;

	if (character == 0)
		return 0;
	*text += 1;
	if (character < 0x80)
		return character;
	if (character >= 0xc2 && character <= 0xdf) {
		following = 1;
		character &= 0x1f;
	} else if (character >= 0xe0 && character <= 0xef) {
		following = 2;
		character &= 0x0f;
	} else if (character >= 0xf0 && character <= 0xf4) {
		following = 3;
		character &= 0x07;
	} else {
		return UTF8_REPLACEMENT;
	}
	for (int i = 1; i <= following; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return UTF8_REPLACEMENT;
		character = character << 6 | (bytes[i] & 0x3f);
	}
	if (character < smallest[following] || character > 0x10ffff ||
	    (character >= 0xd800 && character <= 0xdfff))
		return UTF8_REPLACEMENT;
	*text += following;
	return character;
}

size_t utf8_put(uint32_t character, char *bytes)
{
	if (character < 0x80) {
		bytes[0] = (char)character;
		return 1;
	}
	if (character < 0x800) {
		bytes[0] = (char)(0xc0 | character >> 6);
		bytes[1] = (char)(0x80 | (character & 0x3f));
		return 2;
	}
	if (character < 0x10000) {
		bytes[0] = (char)(0xe0 | character >> 12);
		bytes[1] = (char)(0x80 | (character >> 6 & 0x3f));
		bytes[2] = (char)(0x80 | (character & 0x3f));
		return 3;
	}
	bytes[0] = (char)(0xf0 | character >> 18);
	bytes[1] = (char)(0x80 | (character >> 12 & 0x3f));
	bytes[2] = (char)(0x80 | (character >> 6 & 0x3f));
	bytes[3] = (char)(0x80 | (character & 0x3f));
	return 4;
}

int utf8_columns(uint32_t character)
{
	if (character < 0x300)
		return 1;
	if (RANGE_HAS(zero_ranges, character))
		return 0;
	return RANGE_HAS(wide_ranges, character) ? 2 : 1;
}

bool utf8_is_unsafe(uint32_t character)
{
	return RANGE_HAS(unsafe_ranges, character);
}

void utf8_write_harmless(FILE *stream, const char *text)
{
	for (uint32_t next; (next = utf8_next(&text));) {
		char bytes[UTF8_MAX_BYTES];
		size_t count = utf8_put(utf8_is_unsafe(next) ? '?' : next, bytes);
		fwrite(bytes, 1, count, stream);
	}
}

char *utf8_valid_copy(const char *text)
{
	/* One bad byte becomes the three bytes of U+FFFD. */
	char *copy = malloc(strlen(text) * 3 + 1);
	size_t bytes = 0;

	if (!copy)
		return NULL;
	for (uint32_t character; (character = utf8_next(&text)) != 0;)
		bytes += utf8_put(character, copy + bytes);
	copy[bytes] = 0;
	return copy;
}
